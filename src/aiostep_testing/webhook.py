"""Deliver updates to webhooks as the real server does: in ordered queues, one update in flight per queue.

The queue of a message is its chat, the queue of a callback query is its user; up to `max_connections` queues
run side by side. An answer other than 2xx brings the same update again after a doubling delay, and nothing of
that queue passes meanwhile. That order is what makes a handler that waits *inside* its webhook request wait
for ever; a test against an emulator without it would prove nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from aiostep_testing.bounded import bounded
from aiostep_testing.forms import parse_body
from aiostep_testing.http import HttpMessage, MessageParser, ProtocolError, encode_message
from aiostep_testing.wire import Dropped, Json

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from aiostep_testing.accounts import BotAccount
    from aiostep_testing.world import World

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"
MESSAGES: Final = frozenset(
    {
        *("message", "edited_message", "channel_post", "edited_channel_post"),
        *("business_message", "edited_business_message", "deleted_business_messages"),
    }
)


def queue_of(update: Json) -> tuple[str, int]:
    """Return the queue of an update: of its chat for all messages, else one per kind and user (or chat).

    So a press of a button gets past a chat that is stalled by an unanswered message, on the real server too.
    """
    kind = next(key for key in update if key != "update_id")
    event: Json = update[kind]
    if kind in MESSAGES:
        return "message", int(event["chat"]["id"])
    who: Json = event.get("from") or event.get("user") or event.get("chat") or {}
    return kind, int(who.get("id", 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to deliver an update: the status of the answer, or the reason why there is none."""

    bot_id: int
    update_id: int
    status: int | None
    error: str = ""

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class WebhookSender:
    """Carry the updates of all bots that have a webhook; an async context manager.

    Args:
        timeout: seconds after which an unanswered request has failed.
        first_delay: seconds before the first retry; it doubles up to *max_delay*.
    """

    def __init__(
        self, world: World, *, timeout: float = 60.0, first_delay: float = 1.0, max_delay: float = 60.0
    ) -> None:
        self.world = world
        self.timeout = timeout
        self.first_delay = first_delay
        self.max_delay = max_delay
        self.attempts: list[Attempt] = []
        self._queues: dict[tuple[str, str, int], deque[Json]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots: dict[tuple[str, int], asyncio.Semaphore] = {}

    async def __aenter__(self) -> Self:
        self._forget = self.world.add_delivery(self.add)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def running(self) -> list[asyncio.Task[None]]:
        """List the tasks of the queues that are not empty."""
        return list(self._tasks)

    def add(self, bot: BotAccount, update: Json) -> None:
        """Put the update into its queue, if the bot has a webhook."""
        if not bot.webhook:
            return
        key = (bot.token, *queue_of(update))
        queue = self._queues.get(key)
        if queue is not None:
            queue.append(update)
            return
        self._queues[key] = deque([update])
        task = asyncio.ensure_future(self._drain(bot, key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, bot: BotAccount, key: tuple[str, str, int]) -> None:
        queue = self._queues[key]
        try:
            while queue and bot.webhook:
                await self._deliver(bot, queue[0])
                queue.popleft()
        finally:
            del self._queues[key]

    async def _deliver(self, bot: BotAccount, update: Json) -> None:
        delays = retry_delays(self.first_delay, self.max_delay)
        # Between two attempts the bot may delete its webhook or drop what is pending. An update may also be queued
        # here more often than it is pending, for setting a webhook hands over all that is.
        while bot.webhook and any(pending is update for pending in bot.updates):
            answer = await self._attempt(bot, update)
            if answer:
                self.world.confirm(bot, update["update_id"])
                await self._execute(bot, answer)
                return
            await asyncio.sleep(next(delays))

    async def _attempt(self, bot: BotAccount, update: Json) -> HttpMessage | None:
        """Post the update once and return the answer if it is a 2xx."""
        status, error, answer = None, "", None
        try:
            async with self._slot(bot):
                answer = await bounded(self._post(bot, update), self.timeout)
            status = answer.status()
        # First, because from Python 3.11 on it is an OSError too, one without words.
        except asyncio.TimeoutError:
            error = f"no answer within {self.timeout:g} s"
        except (OSError, ProtocolError, ValueError) as exc:
            error = str(exc) or type(exc).__name__
        attempt = Attempt(bot_id=bot.id, update_id=update["update_id"], status=status, error=error)
        self.attempts.append(attempt)
        if attempt.delivered:
            return answer
        bot.webhook.last_error_date = int(self.world.clock.time())
        bot.webhook.last_error_message = error or f"Wrong response from the webhook: {status}"
        return None

    def _slot(self, bot: BotAccount) -> asyncio.Semaphore:
        most = bot.webhook.max_connections
        return self._slots.setdefault((bot.token, most), asyncio.Semaphore(most))

    async def _post(self, bot: BotAccount, update: Json) -> HttpMessage:
        url = urlsplit(bot.webhook.url)
        reader, writer = await _connect(url, bot.webhook.ip_address or url.hostname)
        try:
            writer.write(_request(url, bot.webhook.secret_token, update))
            parser = MessageParser(responses=True)
            while not isinstance(message := parser.next_message(), HttpMessage):
                data = await reader.read(65536)
                parser.feed(data) if data else parser.feed_eof()
                if not data and parser.idle:
                    raise ConnectionResetError("the connection was closed before an answer")
            return message
        finally:
            writer.close()

    async def _execute(self, bot: BotAccount, answer: HttpMessage) -> None:
        """Make the API call that the bot put into its answer; its result is nobody's, as with Telegram."""
        with contextlib.suppress(ProtocolError, Dropped):
            params, files = parse_body(answer.content_type, answer.body)
            method = params.pop("method", None)
            if isinstance(method, str):
                await self.world.call(bot.token, method, params, files)


def retry_delays(first: float, most: float) -> Iterator[float]:
    """Yield the seconds between the attempts to deliver one update."""
    delay = first
    while True:
        yield delay
        delay = min(most, delay * 2)


def _request(url: SplitResult, secret: str | None, update: Json) -> bytes:
    headers = {"Host": url.netloc, "Content-Type": "application/json", "Connection": "close"}
    if secret:
        headers[SECRET_HEADER] = secret
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return encode_message(f"POST {target} HTTP/1.1", headers, json.dumps(update).encode())


async def _connect(url: SplitResult, host: str | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection to a webhook on this machine.

    Raises:
        ValueError: the URL leads elsewhere; scripted people must not write to a real server.
    """
    if host not in LOOPBACK or url.scheme not in ("http", "https"):
        raise ValueError(
            f"the emulator delivers only to this machine: http://127.0.0.1:<port>/..., not {url.geturl()!r}"
        )
    tls: Any = None
    if url.scheme == "https":
        # A test's certificate is signed by nobody; the bytes do not leave the machine.
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return await asyncio.open_connection(host, url.port or (443 if tls else 80), ssl=tls)
