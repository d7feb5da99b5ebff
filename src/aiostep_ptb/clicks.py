"""Which clicks their handlers have answered themselves: a second answer is an error to Telegram."""

from __future__ import annotations

import contextlib
from typing import Any

from telegram import Bot
from telegram.error import TelegramError

from aiostep_core.clicks import ClickWatch

__all__ = ["BotWatch", "answer"]


class BotWatch(ClickWatch):
    """Looks at the answers that a bot gives, once a click was ever an answer to a wait.

    The bot's class is swapped for a subclass that overrides one public method: there is no other way to see what a
    bot sends, short of replacing the connection that its author has chosen.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bot: Bot | None = None
        self._original: type[Bot] | None = None

    def attach(self, bot: Bot) -> None:
        """Look at what *bot* sends from now on."""
        if self._bot is None:
            self._bot, self._original = bot, type(bot)
            bot.__class__ = _watched(type(bot), self)

    def stop(self) -> None:
        """Give the bot its own class back."""
        if self._bot is not None and self._original is not None:
            self._bot.__class__ = self._original
            self._bot = None


def _watched(original: type[Bot], watch: ClickWatch) -> type[Bot]:
    class Watched(original):  # type: ignore[valid-type,misc]
        __slots__ = ()

        async def answer_callback_query(self, callback_query_id: str, *args: Any, **options: Any) -> bool:
            watch.note(callback_query_id)
            answered: bool = await super().answer_callback_query(callback_query_id, *args, **options)
            return answered

    Watched.__name__, Watched.__qualname__, Watched.__module__ = (
        original.__name__,
        original.__qualname__,
        original.__module__,
    )
    return Watched


async def answer(bot: Bot, query_id: str, text: str | None = None, *, alert: bool = False) -> None:
    """Answer a click; one that is too old to be answered does no harm."""
    with contextlib.suppress(TelegramError):
        await bot.answer_callback_query(query_id, text=text, show_alert=alert or None)
