"""What is the same for records everywhere: their names, and running an operation that never suspends."""

from __future__ import annotations

import re
from collections.abc import Coroutine
from typing import Any, TypeVar

from ..errors import BadArgument
from .abc import RecordKey

__all__ = ["record_key", "record_name", "settle", "split_name"]

T = TypeVar("T")

_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}")
_ESCAPES = {"\\": "\\\\", ":": "\\:", "-": "\\-"}
_SPECIAL = re.compile(r"[\\:]|\A-\Z")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MARKS = re.compile(r"\\.|:", re.DOTALL)


def record_name(*parts: str | int | None) -> str:
    r"""Join *parts* so that no two lists of them are alike: a colon inside becomes ``\:``, None is ``-``."""
    return ":".join(_written(part) for part in parts)


def split_name(name: str) -> list[str | None]:
    """Return the parts that ``record_name`` joined, numbers as texts."""
    parts, start = list[str](), 0
    for mark in _MARKS.finditer(name):
        if mark[0] == ":":
            parts.append(name[start : mark.start()])
            start = mark.end()
    parts.append(name[start:])
    return [None if part == "-" else _ESCAPED.sub(r"\1", part) for part in parts]


def record_key(kind: str, space: str | int | None, *parts: str | int | None) -> RecordKey:
    """Make a ``RecordKey`` of these *parts*.

    Raises:
        BadArgument: *kind* is no identifier.
    """
    if not _KIND.fullmatch(kind):
        raise BadArgument("kind", kind, "lower-case letters, digits and hyphens, at most 32")
    return RecordKey(kind, _written(space), record_name(*parts))


def settle(operation: Coroutine[Any, Any, T]) -> T:
    """Run an operation of a blocking face to its end, without an event loop.

    Raises:
        RuntimeError: it tried to suspend, so it is not one of a blocking face.
    """
    try:
        operation.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    operation.close()
    raise RuntimeError("a blocking storage tried to suspend; open the storage for threads, not for an event loop")


def _written(part: str | int | None) -> str:
    if part is None:
        return "-"
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], part) if isinstance(part, str) else str(part)
