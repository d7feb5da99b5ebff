"""What filters have read of states while one update is looked at: every further filter finds it here."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

__all__ = ["Seen", "forget_seen", "seen_of"]


class Seen:
    """Whose states are meant, and those that were read, by storage.

    It is changed in place: a handler may run in a task of its own.
    """

    __slots__ = ("chat", "event", "states", "user")

    def __init__(self, event: object, user: Any, chat: Any) -> None:
        self.event = event
        self.user = user
        self.chat = chat
        self.states = dict[int, Any]()


_seen: ContextVar[Seen | None] = ContextVar("aiostep_seen_states", default=None)


def seen_of(event: object, place_of: Callable[[Any], tuple[Any, Any]]) -> Seen:
    """Return what was read while *event* is looked at.

    Args:
        place_of: tells the ids of the person and of the chat; it is asked once.
    """
    seen = _seen.get()
    if seen is None or seen.event is not event:
        seen = Seen(event, *place_of(event))
        _seen.set(seen)
    return seen


def forget_seen() -> None:
    """Forget what was read: a state has been changed here, and the next filter shall see that."""
    seen = _seen.get()
    if seen is not None:
        seen.states.clear()
