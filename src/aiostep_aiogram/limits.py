"""Waits that could never end, and are refused at once: the answer would not be asked for, or not be let in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from aiogram import Dispatcher

from aiostep_core.errors import NotSubscribed, WouldDeadlock
from aiostep_core.facts import KINDS

__all__ = ["check_concurrency", "check_subscription", "feeding_coroutine"]

logger = logging.getLogger("aiostep")

#: What runs a handler that aiogram waits for, and why that lets no answer in.
_BLOCKED: Final[Mapping[str, str]] = {
    "Dispatcher._polling": "polling with handle_as_tasks=False takes one update at a time",
    "Dispatcher._process_with_semaphore": "a handler that waits keeps one of the tasks_concurrency_limit slots",
    "Dispatcher._feed_webhook_update": "Telegram sends a chat's next update only after this request is answered",
}
#: What runs a handler that nobody waits for.
_FREE: Final = frozenset({"Dispatcher._process_update", "BaseRequestHandler._background_feed_update"})
_FIX: Final = "pass detach=True to install(), or let the handlers run in the background"

#: Telegram sends these only to administrators; whether the bot is one, only the author knows.
_FOR_ADMINISTRATORS: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


def feeding_coroutine() -> str:
    """Name the coroutine whose task brings an update."""
    task = asyncio.current_task()
    return getattr(task.get_coro(), "__qualname__", "") if task is not None else ""


def check_concurrency(fed_by: str | None) -> None:
    """Refuse to wait where aiogram waits for the handler.

    Args:
        fed_by: what brought the bot's first update. The running task tells it of this very update, unless it is one
            that the handler has started.

    Raises:
        WouldDeadlock: it does.
    """
    running = feeding_coroutine()
    because = _BLOCKED.get(running) or (_BLOCKED.get(fed_by or "") if running not in _FREE else None)
    if because is not None:
        raise WouldDeadlock(because, _FIX)


def check_subscription(dispatcher: Dispatcher, kinds: frozenset[str]) -> None:
    """Refuse to wait for what the bot does not ask Telegram for.

    Raises:
        NotSubscribed: nothing in the dispatcher is about *kinds*.
    """
    subscribed = frozenset(dispatcher.resolve_used_update_types())
    missing = kinds - subscribed
    for family in KINDS.values():
        if family & kinds & subscribed:
            missing -= family  # "message" means whichever way a message comes
    if missing:
        raise NotSubscribed(missing, f"pass updates={sorted(missing)} to install(), or register a handler for them")
    for kind in kinds & _FOR_ADMINISTRATORS:
        logger.warning("waiting for %s: Telegram sends it only if the bot is an administrator of the chat", kind)
