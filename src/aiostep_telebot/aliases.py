"""The next steps of ``TeleBot`` under their own names, for ``AsyncTeleBot``, which has none.

They are those of aiostep: of one person, not of whoever writes next in the chat.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from aiostep_core.next_steps import register_next_step
from aiostep_core.setting import Setting

__all__ = ["ALIASES"]


async def register_next_step_handler(message: Any, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Run *callback* with the next message of whom *message* is from or, if it is the bot's, for."""
    await register_next_step(message, callback, args, kwargs)


async def register_next_step_handler_by_chat_id(
    chat_id: int, callback: Callable[..., Any], *args: Any, **kwargs: Any
) -> None:
    """Run *callback* with the next message of this person, or in this group."""
    await register_next_step(chat_id, callback, args, kwargs)


async def clear_step_handler(message: Any) -> None:
    """Drop the step that was registered with such a message."""
    await _clear(message)


async def clear_step_handler_by_chat_id(chat_id: int) -> None:
    """Drop the step that was registered with this id."""
    await _clear(chat_id)


async def _clear(target: Any) -> None:
    setting = Setting.find(target, None)
    await setting.runtime.steps.drop(setting.aim)


ALIASES: Final[dict[str, Callable[..., Any]]] = {
    one.__name__: one
    for one in (
        register_next_step_handler,
        register_next_step_handler_by_chat_id,
        clear_step_handler,
        clear_step_handler_by_chat_id,
    )
}
