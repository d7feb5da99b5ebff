"""Waits that could never end: refused at once where that is certain, warned of where only the author can know."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from aiostep_core.context import Turn
from aiostep_core.errors import WouldDeadlock

__all__ = ["OPT_IN", "check_place", "warn_of"]

logger: Final = logging.getLogger("aiostep")

#: What Telegram sends only if ``allowed_updates`` names it. The framework does not tell what its author has passed.
OPT_IN: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


def check_place(turn: Turn | None, post_init: Any) -> None:
    """Refuse to wait where the bot is not started before the wait has ended.

    Raises:
        WouldDeadlock: this is ``post_init``.
    """
    task = asyncio.current_task() if turn is None and post_init is not None else None
    coroutine: Any = task.get_coro() if task is not None else None
    code = getattr(getattr(post_init, "__func__", post_init), "__code__", None)
    if code is not None and getattr(coroutine, "cr_code", None) is code:
        raise WouldDeadlock(
            "updates are only asked for when post_init is done",
            "run what waits in a task: asyncio.create_task(...)",
        )


def warn_of(kinds: frozenset[str]) -> None:
    """Say what the bot has to ask Telegram for."""
    for kind in sorted(kinds & OPT_IN):
        logger.warning(
            "waiting for %s: Telegram sends it only if allowed_updates of run_polling() or run_webhook() names it "
            "(Update.ALL_TYPES does), and, in a group, if the bot is an administrator",
            kind,
        )
