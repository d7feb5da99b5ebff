"""What goes to Redis, and in which company: calls that pile up leave together. Nothing here waits or sends.

A batch is one command that carries out the calls of one space in order. The calls of different spaces are never in
one batch, so that every command is for one node of a cluster.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from .redis_layout import Layout
from .redis_scripts import command, script

__all__ = ["Batch", "Call", "Command", "Pile", "Sender"]

T = TypeVar("T")

# A batch is carried out while everybody else waits.
MOST_CALLS = 256
MOST_BYTES = 1 << 20
MOST_SPACES = 64
# Longer than anybody goes on sending a batch again.
NOTE_MS = b"120000"


class Call(NamedTuple):
    """One operation.

    Attributes:
        name: that of its file in ``lua``.
        once: whether it must not be carried out twice.
        plain: a command that answers the same, for when it goes alone.
        single: whether it only goes as that command.
    """

    space: str
    name: bytes
    keys: Sequence[bytes]
    arguments: Sequence[bytes] = ()
    once: bool = False
    plain: Sequence[bytes] | None = None
    single: bool = False

    @property
    def size(self) -> int:
        """Return how many bytes it takes, more or less."""
        return sum(map(len, self.keys)) + sum(map(len, self.arguments))


class Command(NamedTuple):
    """What is sent for a batch.

    Attributes:
        fallback: what to send if the server does not know the script.
    """

    arguments: tuple[bytes, ...]
    fallback: tuple[bytes, ...] | None = None

    def packed(self) -> bytes:
        """Return it as the server reads it."""
        return command(self.arguments)


class Batch(Generic[T]):
    """Calls of one space that leave together, each with the ticket of who made it."""

    def __init__(self, calls: list[tuple[Call, T]]) -> None:
        self.calls = calls
        self.is_plain = False

    def answers(self, reply: Any) -> list[Any]:
        """Return what each call is answered: an exception if the server could not carry it out."""
        if self.is_plain:
            return [[reply] if self.calls[0][0].name == b"read" else reply]
        return [one[0] if len(one) == 1 else OperationFailed(one[1]) for one in reply]


class OperationFailed(Exception):
    """The server could not carry out one operation of a batch."""

    def __init__(self, text: bytes | str) -> None:
        super().__init__(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)


class Pile(Generic[T]):
    """Calls that wait for their turn, by space."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[tuple[Call, T]]] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, call: Call, ticket: T) -> None:
        """Put a call behind the others of its space."""
        waiting = self._calls.get(call.space)
        if waiting is None:
            waiting = self._calls[call.space] = deque()
        waiting.append((call, ticket))

    def take(self) -> list[Batch[T]]:
        """Return what leaves next: a batch for each space."""
        batches = list[Batch[T]]()
        for space in list(self._calls)[:MOST_SPACES]:
            waiting = self._calls.pop(space)
            batches.append(Batch(self._first(waiting)))
            if waiting:  # behind the other spaces, for the next time
                self._calls[space] = waiting
        return batches

    @staticmethod
    def _first(waiting: deque[tuple[Call, T]]) -> list[tuple[Call, T]]:
        first = [waiting.popleft()]
        size = first[0][0].size
        while waiting and len(first) < MOST_CALLS and not first[0][0].single and not waiting[0][0].single:
            size += waiting[0][0].size
            if size > MOST_BYTES:
                break
            first.append(waiting.popleft())
        return first


class Sender:
    """Numbers batches, so that one that arrives twice is carried out once.

    Args:
        name: what no other sender is called.
        is_plain_allowed: whether a lonely call may go as the command that answers the same. A client for clusters
            may send that to a replica.
    """

    def __init__(self, name: str, layout: Layout, *, is_plain_allowed: bool = True) -> None:
        self._name = name
        self._is_plain_allowed = is_plain_allowed
        self._layout = layout
        self._number = 0

    def command(self, batch: Batch[Any]) -> Command:
        """Return what to send for a batch. To send it again, send the same."""
        first = batch.calls[0][0]
        if first.plain is not None and (first.single or (self._is_plain_allowed and len(batch.calls) == 1)):
            batch.is_plain = True
            return Command(tuple(first.plain))
        number = b""
        if any(call.once for call, _ in batch.calls):
            self._number += 1
            number = b"%d" % self._number
        keys = [self._layout.note(self._name, first.space)]
        arguments = [number, NOTE_MS]
        for call, _ in batch.calls:
            keys += call.keys
            arguments += (call.name, b"%d" % len(call.keys), b"%d" % len(call.arguments), *call.arguments)
        rest = (b"%d" % len(keys), *keys, *arguments)
        source, sha = script()
        return Command((b"EVALSHA", sha, *rest), (b"EVAL", source, *rest))
