"""Which clicks their handlers have answered themselves: a second answer is an error to Telegram."""

from __future__ import annotations

from typing import Any

__all__ = ["ClickWatch"]


class ClickWatch:
    """Notices the answers that go through a bot's ``answer_callback_query``."""

    def __init__(self) -> None:
        self._open: set[str] = set()

    def watch(self, query_id: str) -> None:
        """Begin to look whether the click is answered."""
        self._open.add(query_id)

    def note(self, query_id: Any) -> None:
        """Note that the click is answered."""
        self._open.discard(str(query_id))

    def take(self, query_id: str) -> bool:
        """Tell whether a watched click is still to be answered, and stop watching it."""
        is_open = query_id in self._open
        self._open.discard(query_id)
        return is_open
