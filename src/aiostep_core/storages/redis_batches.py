"""Who goes together: calls that pile up leave in batches. Nothing here waits or sends."""

from __future__ import annotations

from collections import deque
from typing import Any, Generic, TypeVar

from .redis_commands import Call, Command, Sender

__all__ = ["Batch", "Pile"]

T = TypeVar("T")

# A batch is carried out while everybody else waits.
MOST_CALLS = 128
MOST_BYTES = 1 << 20
MOST_SPACES = 64


class Batch(Generic[T]):
    """Calls of one space that leave together."""

    def __init__(self, waiting: list[tuple[Call, T]]) -> None:
        self.calls = [call for call, _ in waiting]
        self.tickets = [ticket for _, ticket in waiting]

    def command(self, sender: Sender) -> Command:
        """Return what to send."""
        return sender.lone(self.calls[0]) if len(self.calls) == 1 else sender.batch(self.calls)

    def answers(self, sender: Sender, reply: Any) -> list[Any]:
        """Return what each call is answered."""
        if len(self.calls) == 1:
            return [sender.lone_answer(self.calls[0], reply)]
        return sender.batch_answers(reply)


class Pile(Generic[T]):
    """Calls that wait for their turn, by space."""

    def __init__(self) -> None:
        self._spaces: dict[str, deque[tuple[Call, T]]] = {}

    def __bool__(self) -> bool:
        return bool(self._spaces)

    def add(self, call: Call, ticket: T) -> None:
        """Put a call behind the others of its space."""
        waiting = self._spaces.get(call.space)
        if waiting is None:
            waiting = self._spaces[call.space] = deque()
        waiting.append((call, ticket))

    def take(self) -> list[Batch[T]]:
        """Return what leaves next: a batch for each space."""
        batches = list[Batch[T]]()
        for space in list(self._spaces)[:MOST_SPACES]:
            waiting = self._spaces.pop(space)
            batches.append(Batch(_first(waiting)))
            if waiting:  # behind the other spaces, for the next time
                self._spaces[space] = waiting
        return batches

    def take_all(self) -> list[Batch[T]]:
        """Return all that is left."""
        batches = list[Batch[T]]()
        while self._spaces:
            batches += self.take()
        return batches


def _first(waiting: deque[tuple[Call, T]]) -> list[tuple[Call, T]]:
    first = [waiting.popleft()]
    size = first[0][0].size
    while waiting and len(first) < MOST_CALLS and not first[0][0].single and not waiting[0][0].single:
        size += waiting[0][0].size
        if size > MOST_BYTES:
            break
        first.append(waiting.popleft())
    return first
