"""A router that handles nothing, so that the bot asks Telegram for what its waits need.

aiogram subscribes to those kinds of updates that have handlers, and a bot that only waits for a click has none.
"""

from __future__ import annotations

from typing import Any, Final

from aiogram import Router
from aiogram.dispatcher.event.bases import UNHANDLED

__all__ = ["SUBSCRIBED", "Sentinel"]

#: What waits may always ask for, and what tells that the bot was blocked or removed, so that they must end.
SUBSCRIBED: Final = frozenset({"message", "callback_query", "my_chat_member"})


class Sentinel(Router):
    """Subscribes to *kinds*."""

    def __init__(self, kinds: frozenset[str]) -> None:
        super().__init__(name="aiostep")
        for kind in sorted(kinds):
            self.observers[kind].register(_never)

    async def propagate_event(self, update_type: str, event: Any, **kwargs: Any) -> Any:
        """Handle nothing, and ask no filter about it: every update that nobody handles comes by here."""
        return UNHANDLED


async def _never() -> Any:
    return UNHANDLED
