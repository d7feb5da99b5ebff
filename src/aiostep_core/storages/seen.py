"""What filters have read of states while one update is looked at: every further filter finds it here."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

__all__ = ["forget_seen", "seen_of"]


class _Seen:
    """The states that were read for one update. It is changed in place: a handler may run in a task of its own."""

    __slots__ = ("event", "states")

    def __init__(self, event: object) -> None:
        self.event = event
        self.states = dict[tuple[int, Any, Any], Any]()


_seen: ContextVar[_Seen | None] = ContextVar("aiostep_seen_states", default=None)


def seen_of(event: object) -> dict[tuple[int, Any, Any], Any]:
    """Return the states that were read while *event* is looked at, by storage, user and chat."""
    seen = _seen.get()
    if seen is None or seen.event is not event:
        seen = _Seen(event)
        _seen.set(seen)
    return seen.states


def forget_seen() -> None:
    """Forget what was read: a state has been changed here, and the next filter shall see that."""
    seen = _seen.get()
    if seen is not None:
        seen.states.clear()
