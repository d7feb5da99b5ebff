"""The next steps of ``TeleBot`` under their own names, for ``AsyncTeleBot``, which has none.

They are those of aiostep: of one person, not of whoever writes next in the chat; and all keywords go to the callback.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from telebot import types

from aiostep_core.keys import MessageScope, Scope
from aiostep_core.next_steps import register_next_step
from aiostep_core.setting import Setting

__all__ = ["ALIASES", "StepsMixin"]

Callback = Callable[..., Any]


class StepsMixin:
    """Gives a class of bots the methods that ``install`` gives every ``AsyncTeleBot``, so that type checkers know them.

    ::

        class Bot(StepsMixin, AsyncTeleBot): ...
    """

    async def register_next_step_handler(
        self, message: types.Message, callback: Callback, *args: Any, **kwargs: Any
    ) -> None:
        """Run *callback* with the next message of whom *message* is from or, if it is the bot's, for."""
        await register_next_step(message, callback, args, kwargs)

    async def register_next_step_handler_by_chat_id(
        self, chat_id: int, callback: Callback, *args: Any, **kwargs: Any
    ) -> None:
        """Run *callback* with the next message of this person, or in this group."""
        await register_next_step(chat_id, callback, args, kwargs)

    async def clear_step_handler(self, message: types.Message) -> None:
        """Drop the step that was registered with such a message."""
        await _clear(message)

    async def clear_step_handler_by_chat_id(self, chat_id: int) -> None:
        """Drop the step that was registered with this id."""
        await _clear(chat_id)

    async def register_for_reply(self, message: types.Message, callback: Callback, *args: Any, **kwargs: Any) -> None:
        """Run *callback* with the first reply to *message*, whoever writes it."""
        await register_next_step(None, callback, args, kwargs, scope=Scope.REPLY(message))

    async def register_for_reply_by_message_id(
        self, message_id: int, callback: Callback, *args: Any, **kwargs: Any
    ) -> None:
        """Run *callback* with the first reply to a message of the chat that is being handled."""
        await register_next_step(None, callback, args, kwargs, scope=Scope.REPLY(message_id))

    async def clear_reply_handlers(self, message: types.Message) -> None:
        """Drop what was registered for replies to *message*."""
        await _clear(None, Scope.REPLY(message))

    async def clear_reply_handlers_by_message_id(self, message_id: int) -> None:
        """Drop what was registered for replies to a message of the chat that is being handled."""
        await _clear(None, Scope.REPLY(message_id))


async def _clear(target: Any, scope: MessageScope | None = None) -> None:
    setting = Setting.find(target, scope)
    await setting.runtime.steps.drop(setting.aim)


#: The names that a bot gets, with what they are called on it.
ALIASES: Final = {name: method for name, method in vars(StepsMixin).items() if not name.startswith("_")}
