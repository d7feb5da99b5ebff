"""Which clicks their handlers have answered themselves: a second answer is an error to Telegram."""

from __future__ import annotations

import contextlib
import weakref
from typing import Any

from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramAPIError
from aiogram.methods import AnswerCallbackQuery, TelegramMethod

from aiostep_core.clicks import ClickWatch

__all__ = ["SessionWatch", "answer"]


class SessionWatch(ClickWatch):
    """A request middleware of the sessions of those bots whose clicks were ever an answer."""

    def __init__(self) -> None:
        super().__init__()
        self._sessions: weakref.WeakSet[BaseSession] = weakref.WeakSet()

    def attach(self, bot: Bot) -> None:
        """Look at what *bot* sends from now on."""
        if bot.session not in self._sessions:
            self._sessions.add(bot.session)
            bot.session.middleware(self)

    def stop(self) -> None:
        """Leave all sessions."""
        for session in list(self._sessions):
            with contextlib.suppress(ValueError):
                session.middleware.unregister(self)
        self._sessions.clear()

    async def __call__(self, make_request: Any, bot: Bot, method: TelegramMethod[Any]) -> Any:
        """Look at a request on its way out."""
        if isinstance(method, AnswerCallbackQuery):
            self.note(method.callback_query_id)
        return await make_request(bot, method)


async def answer(bot: Bot, query_id: str, text: str | None = None, *, alert: bool = False) -> None:
    """Answer a click; one that is too old to be answered does no harm."""
    with contextlib.suppress(TelegramAPIError):
        await bot.answer_callback_query(query_id, text=text, show_alert=alert or None)
