"""What is awaited, as type checkers see it with telebot; at run time it is the core's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiostep_core import asking, choosing, filling, streaming

if TYPE_CHECKING:
    from telebot.types import CallbackQuery, Message

    from aiostep_core.typed import Ask, Streaming, WaitFor

__all__ = ["ask", "choose", "choose_many", "confirm", "fill", "stream", "wait_for"]

wait_for: WaitFor[Message, CallbackQuery, Any] = asking.wait_for
ask: Ask[Message] = asking.ask
stream: Streaming[Message, CallbackQuery, Any] = streaming.stream
choose = choosing.choose
choose_many = choosing.choose_many
confirm = choosing.confirm
fill = filling.fill
