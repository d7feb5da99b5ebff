"""Ordered pages over a server that has no order."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import groupby
from typing import Any, NamedTuple

from .abc import Found, RecordKey
from .redis_commands import Call
from .redis_layout import DUE, Layout, from_pairs, ours

__all__ = ["Scan"]

# To find the next page all keys of the server are looked through; so more are remembered than one page needs.
_REMEMBERED = 20_000
_REMEMBERED_SECONDS = 10.0
_READ_TOGETHER = 100
_STEP = b"1000"


class _Rest(NamedTuple):
    """What follows the last page: keys in order, and whether these are all there are."""

    kind: str
    space: str | None
    after: RecordKey | None
    keys: list[RecordKey]
    is_all: bool
    at: float


class Scan:
    """Finds records page by page.

    Args:
        call: carries out an operation.
    """

    def __init__(self, layout: Layout, call: Callable[[Call], Awaitable[Any]]) -> None:
        self._layout = layout
        self._call = call
        self._rest: _Rest | None = None

    def forget(self) -> None:
        """Look again for the next page: something was added."""
        self._rest = None

    async def page(self, kind: str, space: str | None, after: RecordKey | None, limit: int) -> list[Found]:
        """Return the next *limit* records; what is gone meanwhile is passed over."""
        found = list[Found]()
        while len(found) < limit:
            rest, self._rest = self._rest, None
            if rest is None or rest[:3] != (kind, space, after) or time.monotonic() > rest.at + _REMEMBERED_SECONDS:
                rest = await self._look(kind, space, after)
            here, left = rest.keys[: limit - len(found)], rest.keys[limit - len(found) :]
            found += await self._read(here)
            if not left and rest.is_all:
                break
            after = here[-1] if here else after
            self._rest = rest._replace(after=after, keys=left)
            if not left:
                self._rest = None
        return found

    async def _look(self, kind: str, space: str | None, after: RecordKey | None) -> _Rest:
        """Go through all keys, and remember the first after *after*."""
        pattern, cursor, is_all = self._layout.pattern(kind, space), b"0", True
        keys = set[RecordKey]()
        while True:
            plain = (b"SCAN", cursor, b"MATCH", pattern, b"COUNT", _STEP)
            cursor, names = await self._call(Call("", b"scan", (), plain=plain, single=True))
            keys.update(self._wanted(names, kind, space, after))
            if len(keys) > 2 * _REMEMBERED:
                keys, is_all = set(sorted(keys)[:_REMEMBERED]), False
            if cursor == b"0":
                ordered = sorted(keys)
                is_all = is_all and len(ordered) <= _REMEMBERED
                return _Rest(kind, space, after, ordered[:_REMEMBERED], is_all, time.monotonic())

    def _wanted(
        self, names: Iterable[bytes], kind: str, space: str | None, after: RecordKey | None
    ) -> Iterable[RecordKey]:
        for name in names:
            key = self._layout.parse(name)
            if key is not None and key.kind == kind and space in (None, key.space) and (after is None or key > after):
                yield key

    async def _read(self, keys: list[RecordKey]) -> list[Found]:
        found = list[Found]()
        for space, group in groupby(keys, key=lambda key: key.space):
            together = list(group)
            for first in range(0, len(together), _READ_TOGETHER):
                some = together[first : first + _READ_TOGETHER]
                names = [self._layout.names(key).record for key in some]
                answers = await self._call(Call(space, b"find", names))
                found += [found_record(key, *answer) for key, answer in zip(some, answers, strict=True) if answer[1]]
        return found


def found_record(key: RecordKey, ttl: int, pairs: list[bytes]) -> Found:
    """Read a record as ``find.lua`` answers it."""
    return Found(key, from_pairs(pairs), None if ttl < 0 else ttl / 1000, ours(pairs, DUE))
