"""Ordered pages over a server that has no order."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import Any

from .abc import Found, RecordKey
from .redis_commands import Call
from .redis_layout import DUE, Layout, from_pairs, ours

__all__ = ["Scan"]

# To find the next page all keys of the server are looked through; so more are remembered than one page needs.
_REMEMBERED = 20_000
_REMEMBERED_SECONDS = 10.0
_READ_TOGETHER = 100
_STEP = b"1000"


class _Rest:
    """What follows the last page: keys in order, and whether these are all there are."""

    __slots__ = ("_began", "after", "is_all", "keys", "kind", "space")

    def __init__(self, kind: str, space: str | None, after: RecordKey | None) -> None:
        self.kind = kind
        self.space = space
        self.after = after
        self.keys: list[RecordKey] = []
        self.is_all = True
        self._began = time.monotonic()

    @property
    def is_known(self) -> bool:
        """Tell whether it is new enough: others write, too."""
        return time.monotonic() < self._began + _REMEMBERED_SECONDS

    def wants(self, key: RecordKey) -> bool:
        """Tell whether a record belongs here."""
        if key.kind != self.kind or self.space not in (None, key.space):
            return False
        return self.after is None or key > self.after

    def follows(self, kind: str, space: str | None, after: RecordKey | None) -> bool:
        """Tell whether this is what is asked for."""
        return self.is_known and (kind, space, after) == (self.kind, self.space, self.after)

    def add(self, key: RecordKey) -> None:
        """Take in a record that was written meanwhile."""
        if self.wants(key) and (self.is_all or (self.keys and key <= self.keys[-1])):
            at = bisect_left(self.keys, key)
            if self.keys[at : at + 1] != [key]:
                self.keys.insert(at, key)

    def take(self, count: int) -> list[RecordKey]:
        """Take out the next ones."""
        here, self.keys = self.keys[:count], self.keys[count:]
        self.after = here[-1] if here else self.after
        return here


class Scan:
    """Finds records page by page.

    Args:
        call: carries out an operation.
    """

    def __init__(self, layout: Layout, call: Callable[[Call], Awaitable[Any]]) -> None:
        self._layout = layout
        self._call = call
        self._rest: _Rest | None = None

    def note(self, key: RecordKey) -> None:
        """Note that a record is written here: it must not be missing from the pages that follow."""
        rest = self._rest
        if rest is None:
            return
        if rest.is_known:
            rest.add(key)
        else:  # nobody asked for more
            self._rest = None

    async def page(self, kind: str, space: str | None, after: RecordKey | None, limit: int) -> list[Found]:
        """Return the next *limit* records; what is gone meanwhile is passed over."""
        found = list[Found]()
        while len(found) < limit:
            rest = self._rest
            if rest is None or not rest.follows(kind, space, after):
                rest = await self._look(kind, space, after)
            here = rest.take(limit - len(found))
            after, is_over = rest.after, not rest.keys
            if is_over and self._rest is rest:
                self._rest = None
            found += await self._read(here)
            if is_over and rest.is_all:
                break
        return found

    async def _look(self, kind: str, space: str | None, after: RecordKey | None) -> _Rest:
        """Go through all keys, and remember the first after *after*."""
        rest = self._rest = _Rest(kind, space, after)  # at once, for what is written meanwhile
        pattern, cursor, keys = self._layout.pattern(kind, space), b"0", set[RecordKey]()
        is_all = True
        while True:
            plain = (b"SCAN", cursor, b"MATCH", pattern, b"COUNT", _STEP)
            cursor, names = await self._call(Call("", b"scan", (), plain=plain, single=True))
            keys.update(key for key in map(self._layout.parse, names) if key is not None and rest.wants(key))
            if len(keys) > 2 * _REMEMBERED:
                keys, is_all = set(sorted(keys)[:_REMEMBERED]), False
            if cursor == b"0":
                break
        ordered = sorted(keys.union(rest.keys))
        rest.keys, rest.is_all = ordered[:_REMEMBERED], is_all and len(ordered) <= _REMEMBERED
        return rest

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
