"""getUpdates and the webhook settings, which exclude each other."""

from __future__ import annotations

import asyncio

from aiostep_testing.accounts import BotAccount, Webhook
from aiostep_testing.methods.request import Request, method
from aiostep_testing.wire import Json, bad_request, conflict

WEBHOOK_ACTIVE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
OTHER_POLL = "terminated by other getUpdates request; make sure that only one bot instance is running"
SET_WEBHOOK = "terminated by setWebhook request"


@method("getUpdates")
async def get_updates(request: Request) -> list[Json]:
    """Answer with what is queued, waiting for the first update up to the timeout."""
    bot, params = request.bot, request.params
    if bot.webhook:
        raise conflict(WEBHOOK_ACTIVE)
    offset = int(params.get("offset", 0))
    limit = clamp(params.get("limit", 100), 1, 100)
    timeout = clamp(params.get("timeout", 0), 0, 50)
    if "allowed_updates" in params:
        bot.subscribe(params["allowed_updates"])
    limit, timeout = slowed(request, offset, limit, timeout)
    confirm_below(bot, offset)
    if not bot.updates and timeout:
        await wait_for_update(bot, min(timeout, request.world.poll_cap))
    return bot.updates[:limit]


def clamp(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)


def slowed(request: Request, offset: int, limit: int, timeout: int) -> tuple[int, int]:
    """Apply the real server's guards against pollers that ask for the same offset again and again."""
    bot, now = request.bot, request.world.clock.time()
    last_offset, last_time = bot.last_poll
    bot.last_poll = (offset, now)
    if not request.world.strict_polling or offset != last_offset:
        return limit, timeout
    if timeout < 3 and now < last_time + 3:
        timeout = 3
    return (1 if now < last_time + 0.5 else limit), timeout


def confirm_below(bot: BotAccount, offset: int) -> None:
    """Drop what the offset confirms; a negative one keeps the last updates only."""
    if offset < 0:
        del bot.updates[:offset]
    elif offset > 0:
        bot.updates = [update for update in bot.updates if update["update_id"] >= offset]


async def wait_for_update(bot: BotAccount, timeout: float) -> None:
    """Wait until something is queued.

    Raises:
        ApiError: a newer poll or a webhook took over; it is the older poll that is refused.
    """
    bot.refuse_poll(conflict(OTHER_POLL))
    poll: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    bot.poll = poll
    try:
        await asyncio.wait([poll], timeout=timeout)
    finally:
        if bot.poll is poll:
            bot.poll = None
    if poll.done():
        poll.result()


@method("setWebhook")
def set_webhook(request: Request) -> bool:
    params, bot = request.params, request.bot
    if not params["url"].startswith(("http://", "https://")):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if "allowed_updates" in params:
        bot.subscribe(params["allowed_updates"])
    if params.get("drop_pending_updates"):
        bot.updates.clear()
    bot.webhook = Webhook(
        url=params["url"],
        secret_token=params.get("secret_token"),
        max_connections=clamp(params.get("max_connections", 40), 1, 100),
        ip_address=params.get("ip_address"),
    )
    bot.refuse_poll(conflict(SET_WEBHOOK))
    request.world.deliver_pending(bot)
    return True


@method("deleteWebhook")
def delete_webhook(request: Request) -> bool:
    request.bot.webhook = Webhook()
    if request.params.get("drop_pending_updates"):
        request.bot.updates.clear()
    return True


@method("getWebhookInfo")
def get_webhook_info(request: Request) -> Json:
    bot, webhook = request.bot, request.bot.webhook
    info: Json = {
        "url": webhook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(bot.updates),
        "allowed_updates": sorted(bot.allowed) if bot.allowed else None,
    }
    if webhook:
        info |= {
            "max_connections": webhook.max_connections,
            "ip_address": webhook.ip_address or "127.0.0.1",
            "last_error_date": webhook.last_error_date,
            "last_error_message": webhook.last_error_message,
        }
    return {k: v for k, v in info.items() if v is not None}
