"""What is awaited, as type checkers see it with python-telegram-bot; at run time it is the core's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiostep_core import asking, choosing, filling, streaming

if TYPE_CHECKING:
    from telegram import Update

    from aiostep_core.typed import Ask, Streaming, WaitFor

__all__ = ["ask", "choose", "choose_many", "confirm", "fill", "stream", "wait_for"]

wait_for: WaitFor[Update, Update, Update] = asking.wait_for
ask: Ask[Update] = asking.ask
stream: Streaming[Update, Update, Update] = streaming.stream
choose = choosing.choose
choose_many = choosing.choose_many
confirm = choosing.confirm
fill = filling.fill
