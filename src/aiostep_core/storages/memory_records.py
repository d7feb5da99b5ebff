"""Records in this process's memory: the shortest storage there can be, and the model that the others are held to."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import StorageClosed
from .abc import Found, Journal, RecordKey, Records

__all__ = ["MemoryRecords"]


@dataclass(slots=True, eq=False)
class _Record:
    fields: dict[str, str]
    expires_at: float | None = None
    due: float | None = None
    entries: list[str] = field(default_factory=list[str])
    revision: int = 0


class _Agenda:
    """Keys by a time. One that is put off stays where it is until its turn comes: most are, again and again.

    Args:
        time_of: tells at which time what is under a key is now; None: at none.
    """

    def __init__(self, time_of: Callable[[RecordKey], float | None]) -> None:
        self._time_of = time_of
        self._places: dict[RecordKey, float] = {}
        self._heap: list[tuple[float, RecordKey]] = []
        self._limit = 64

    def __bool__(self) -> bool:
        return bool(self._heap)

    def add(self, at: float, key: RecordKey) -> None:
        place = self._places.get(key)
        if place is not None and place <= at:
            return
        self._places[key] = at
        heapq.heappush(self._heap, (at, key))
        if len(self._heap) > self._limit:
            times = {key: self._time_of(key) for key in self._places}
            self._places = {key: at for key, at in times.items() if at is not None}
            self._heap = [(at, key) for key, at in self._places.items()]
            heapq.heapify(self._heap)
            self._limit = 2 * len(self._heap) + 64

    def first(self) -> float | None:
        """Return the soonest time."""
        while self._heap:
            place, key = self._heap[0]
            if self._places.get(key) == place:
                at = self._time_of(key)
                if at == place:
                    return at
                del self._places[key]
                if at is not None:
                    self._places[key] = at
                    heapq.heapreplace(self._heap, (at, key))
                    continue
            heapq.heappop(self._heap)
        return None

    def pop_until(self, now: float, limit: int | None = None) -> list[RecordKey]:
        """Remove and return those whose time has come, at most *limit*."""
        found = list[RecordKey]()
        while (limit is None or len(found) < limit) and (first := self.first()) is not None and first <= now:
            _, key = heapq.heappop(self._heap)
            del self._places[key]
            found.append(key)
        return found


class MemoryRecords(Records):
    """Gone with the process. Both faces are one: nothing here suspends, and a lock keeps threads apart.

    Args:
        clock: the seconds by which records expire.
    """

    is_blocking = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._records: dict[RecordKey, _Record] | None = {}
        self._expiry = _Agenda(self._expires_at)
        self._dues: dict[tuple[str, str], _Agenda] = {}

    def blocking(self) -> MemoryRecords:
        return self

    def asynchronous(self) -> MemoryRecords:
        return self

    async def read(self, key: RecordKey, *, touch: float | None = None) -> dict[str, str]:
        with self._lock:
            record = self._live().get(key)
            if record is None:
                return {}
            if touch is not None and record.expires_at is not None:
                self._expire_in(key, record, touch)
            return dict(record.fields)

    async def read_many(self, keys: Sequence[RecordKey]) -> list[dict[str, str]]:
        with self._lock:
            return [await self.read(key) for key in keys]

    async def write(
        self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None, due: float | None = None
    ) -> None:
        with self._lock:
            self._put(key, _Record(dict(fields)), ttl, due)

    async def write_new(
        self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None, due: float | None = None
    ) -> bool:
        with self._lock:
            there = self._live().get(key)
            if there is None:
                self._put(key, _Record(dict(fields)), ttl, due)
            return there is None or there.fields == dict(fields)

    async def merge(self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None) -> dict[str, str]:
        with self._lock:
            record = self._live().get(key)
            if record is None:
                record = self._put(key, _Record(dict(fields)), ttl, None)
            else:
                record.fields.update(fields)
                if ttl is not None:
                    self._expire_in(key, record, ttl)
            return dict(record.fields)

    async def remove(self, key: RecordKey, *, where: Mapping[str, str] | None = None) -> bool:
        with self._lock:
            record = self._live().get(key)
            if record is None or any(record.fields.get(name) != value for name, value in (where or {}).items()):
                return False
            del self._live()[key]
            return True

    async def take(self, key: RecordKey, *, where: Mapping[str, str] | None = None) -> dict[str, str]:
        with self._lock:
            record = self._live().get(key)
            return record.fields if record is not None and await self.remove(key, where=where) else {}

    async def scan(
        self, kind: str, *, space: str | None = None, after: RecordKey | None = None, limit: int = 500
    ) -> list[Found]:
        with self._lock:
            keys = sorted(
                key
                for key in self._live()
                if key.kind == kind and space in (None, key.space) and (after is None or key > after)
            )
            return [self._found(key, self._live()[key]) for key in keys[:limit]]

    async def due(self, kind: str, space: str, now: float, *, limit: int = 100) -> list[Found]:
        with self._lock:
            records, agenda = self._live(), self._agenda(kind, space)
            found = [(key, records[key]) for key in agenda.pop_until(now, limit)]
            for key, record in found:
                assert record.due is not None
                agenda.add(record.due, key)
            return [self._found(key, record) for key, record in found]

    async def next_due(self, kind: str, space: str) -> float | None:
        with self._lock:
            self._live()
            first = self._agenda(kind, space).first()
            if first is None:
                del self._dues[kind, space]
            return first

    async def journal(self, key: RecordKey) -> Journal | None:
        with self._lock:
            record = self._live().get(key)
            return None if record is None else Journal(dict(record.fields), list(record.entries), record.revision)

    async def append(
        self,
        key: RecordKey,
        revision: int | None,
        entries: Sequence[str],
        *,
        fields: Mapping[str, str] | None = None,
        keep: int | None = None,
        ttl: float | None = None,
        due: float | None = None,
    ) -> int | None:
        with self._lock:
            old = self._live().get(key)
            at = old.revision if old is not None else 0
            if revision is not None and revision != at:
                return None
            known, kept = (old.fields, old.entries) if old is not None else ({}, list[str]())
            if keep is not None:
                del kept[keep:]
            kept.extend(entries)  # not a new list: a journal may be long
            known.update(fields or {})
            self._put(key, _Record(known, None, None, kept, at + 1), ttl, due)
            return at + 1

    async def close(self) -> None:
        with self._lock:
            self._records = None
            self._dues.clear()

    # All of the following is called with the lock held.

    def _live(self) -> dict[RecordKey, _Record]:
        """Return the records whose time is not up."""
        if self._records is None:
            raise StorageClosed("memory://")
        if self._expiry:
            for key in self._expiry.pop_until(self._clock()):
                del self._records[key]
        return self._records

    def _put(self, key: RecordKey, record: _Record, ttl: float | None, due: float | None) -> _Record:
        if not record.fields and not record.revision:
            self._live().pop(key, None)
            return record
        self._live()[key] = record
        if ttl is not None:
            self._expire_in(key, record, ttl)
        if due is not None:
            record.due = due
            self._agenda(key.kind, key.space).add(due, key)
        return record

    def _expire_in(self, key: RecordKey, record: _Record, ttl: float) -> None:
        record.expires_at = self._clock() + ttl
        self._expiry.add(record.expires_at, key)

    def _agenda(self, kind: str, space: str) -> _Agenda:
        if (kind, space) not in self._dues:
            self._dues[kind, space] = _Agenda(self._due_at)
        return self._dues[kind, space]

    def _due_at(self, key: RecordKey) -> float | None:
        record = (self._records or {}).get(key)
        return None if record is None else record.due

    def _expires_at(self, key: RecordKey) -> float | None:
        record = (self._records or {}).get(key)
        return None if record is None else record.expires_at

    def _found(self, key: RecordKey, record: _Record) -> Found:
        ttl = None if record.expires_at is None else record.expires_at - self._clock()
        return Found(key, dict(record.fields), ttl, record.due)
