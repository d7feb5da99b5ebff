"""Commands as the server reads them, made of calls: one alone, or a batch of one space. Nothing here is sent.

The calls of different spaces are never in one command, so that each command is for one node of a cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .redis_layout import Layout
from .redis_scripts import Script, batch_script, lone_script

__all__ = ["Call", "Command", "OperationFailed", "Sender"]

# Longer than anybody goes on sending a command again.
_NOTE_MS = b"120000"
_NOTES = 1024
# What stands before a part; to format it takes longer than all else.
_HEADS = [b"$%d" % size for size in range(1024)]


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


class Command:
    """What is sent for calls.

    Args:
        script: what to call; None: *arguments* are the command itself.
    """

    __slots__ = ("arguments", "keys", "script")

    def __init__(self, script: Script | None, keys: Sequence[bytes], arguments: Sequence[bytes]) -> None:
        self.script = script
        self.keys = keys
        self.arguments = arguments

    def packed(self) -> bytes:
        """Return it as the server reads it. Several may follow one another."""
        if self.script is None:
            return b"*%d\r\n" % len(self.arguments) + _packed(self.arguments)
        return b"*%d\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n%b" % (self._count(), self.script.sha, self._rest())

    def packed_whole(self) -> bytes:
        """Return it with its script, for a server that does not know that."""
        assert self.script is not None
        return b"*%d\r\n%b%b" % (self._count(), _packed((b"EVAL", self.script.source)), self._rest())

    def _count(self) -> int:
        return 3 + len(self.keys) + len(self.arguments)

    def _rest(self) -> bytes:
        return _packed((b"%d" % len(self.keys), *self.keys, *self.arguments))


class OperationFailed(Exception):
    """The server could not carry out one operation of a batch."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text.decode("utf-8", "replace"))


class Sender:
    """Makes commands, and numbers them so that one that arrives twice is carried out once.

    Args:
        name: what no other sender is called.
    """

    def __init__(self, name: str, layout: Layout) -> None:
        self._name = name
        self._layout = layout
        self._number = 0
        self._notes: dict[str, bytes] = {}

    def lone(self, call: Call) -> Command:
        """Return what to send for one call; ``call_answer`` reads what it is answered."""
        if call.plain is not None:
            return Command(None, (), call.plain)
        script = lone_script(call.name, call.once)
        if not call.once:
            return Command(script, call.keys, call.arguments)
        return Command(script, (*call.keys, self._note(call.space)), (*call.arguments, self._next_number(), _NOTE_MS))

    @staticmethod
    def lone_answer(call: Call, reply: Any) -> Any:
        """Read the answer of a call that went alone."""
        return reply if call.plain is None or call.single else [reply]

    def batch(self, calls: Sequence[Call]) -> Command:
        """Return what to send for several calls of one space."""
        keys = [self._note(calls[0].space)]
        arguments = [self._next_number() if any(call.once for call in calls) else b"", _NOTE_MS]
        for call in calls:
            keys += call.keys
            arguments += (call.name, b"%d" % len(call.keys), b"%d" % len(call.arguments), *call.arguments)
        return Command(batch_script(), keys, arguments)

    @staticmethod
    def batch_answers(reply: Sequence[Any]) -> list[Any]:
        """Read the answer of each call of a batch; an ``OperationFailed`` if there is none."""
        return [one[0] if len(one) == 1 else OperationFailed(one[1]) for one in reply]

    def _next_number(self) -> bytes:
        self._number += 1
        return b"%016d" % self._number  # compared as texts

    def _note(self, space: str) -> bytes:
        note = self._notes.get(space)
        if note is None:
            if len(self._notes) >= _NOTES:
                self._notes.clear()
            note = self._notes[space] = self._layout.note(self._name, space)
        return note


def _packed(parts: Sequence[bytes]) -> bytes:
    pieces = list[bytes]()
    for part in parts:
        size = len(part)
        pieces.append(_HEADS[size] if size < len(_HEADS) else b"$%d" % size)
        pieces.append(part)
    pieces.append(b"")
    return b"\r\n".join(pieces)
