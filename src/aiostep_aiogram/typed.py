"""``ask`` and ``wait_for`` as type checkers see them with aiogram; at run time they are the core's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiostep_core import asking

if TYPE_CHECKING:
    from aiogram.types import CallbackQuery, Message

    from aiostep_core.typed import Ask, WaitFor

__all__ = ["ask", "wait_for"]

wait_for: WaitFor[Message, CallbackQuery, Any] = asking.wait_for
ask: Ask[Message] = asking.ask
