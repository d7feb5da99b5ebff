"""What could never work: refused at once where that is certain, warned of where only the author can know."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

import telegram
from telegram.ext import Application

from aiostep_core.errors import PluginError, WouldDeadlock

__all__ = ["OPT_IN", "check_framework", "check_loop", "check_place", "warn_of"]

logger: Final = logging.getLogger("aiostep")

#: What Telegram sends only if ``allowed_updates`` names it. The framework does not tell what its author has passed.
OPT_IN: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


def check_framework() -> None:
    """Refuse a version without what ``Flows`` calls; the plugin does so too, but not everybody comes through it.

    Raises:
        PluginError: it is too old.
    """
    if not hasattr(Application, "mark_data_for_update_persistence"):
        version = telegram.__version__
        problem = f"needs python-telegram-bot>=20.3, but {version} is installed; pip install 'aiostep[ptb]'"
        raise PluginError("ptb", problem)


def check_loop(home: asyncio.AbstractEventLoop | None) -> None:
    """Refuse to wait in another loop than *home*, where the application runs: the answer arrives there.

    Raises:
        WouldDeadlock: an update processor runs the handler in another event loop.
    """
    if home is not None and home.is_running():
        raise WouldDeadlock(
            "this handler runs in another event loop than the application, whose answers cannot reach it",
            "have the update processor await the coroutine that it is given, in its own thread",
        )


def check_place(post_init: Any) -> None:
    """Refuse to wait where the bot is not started before the wait has ended.

    Raises:
        WouldDeadlock: this is ``post_init``.
    """
    task = asyncio.current_task() if post_init is not None else None
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
