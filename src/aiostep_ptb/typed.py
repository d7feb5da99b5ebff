"""``ask`` and ``wait_for`` as type checkers see them with python-telegram-bot; at run time they are the core's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiostep_core import asking

if TYPE_CHECKING:
    from telegram import Update

    from aiostep_core.typed import Ask, WaitFor

__all__ = ["ask", "wait_for"]

wait_for: WaitFor[Update, Update, Update] = asking.wait_for
ask: Ask[Update] = asking.ask
