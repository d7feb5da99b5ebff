"""Registered steps on any ``Records``: they survive the process, and of many workers exactly one runs each.

There is one record per place. It is never removed, only changed at the revision that was read. What it says:

* no id: there is no step, or none any more. Such a record goes away by itself after a while; had it gone at once, a
  worker that read the step before could take the next one in its stead.
* an id and no owner: the step waits for its message.
* an id, an owner and ``until``: the owner runs the step, and puts ``until`` off for as long as it lives. A step whose
  owner is dead, or whose ``until`` is past, waits again: it was cut off, which counts as a failure.

Times are those of the wall clock, as no other survives a restart; ``find`` translates them to the engine's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from ..keys import Place, Scope
from ..steps import ATTEMPTS, Step
from .abc import Found, RecordKey, Records, StepStorage
from .owners import is_gone, new_owner
from .records import settle
from .source import RecordsLike, RecordsSource
from .step_fields import KIND, Missing, StepFields, is_known, key_of, place_of
from .values import VALUES, Codec

__all__ = ["AT_ONCE", "LEASE", "RecordedSteps"]

T = TypeVar("T")
logger = logging.getLogger("aiostep")

#: Seconds for which a process holds a step that it runs, unless it says that it still does.
LEASE: Final = 30.0
#: Seconds for which it is known that there was a step: longer than any worker thinks about what it has read.
_TRACE: Final = 300.0
#: Seconds until a time-out is looked at again that cannot be called here.
_LATER: Final = 60.0
_PAGE: Final = 500
#: Of each bot, how many time-outs run at a time, as after a long time in which it did not run.
AT_ONCE: Final = 10
#: How many origins are remembered, of steps that were registered here.
_ORIGINS: Final = 10_000
_TRIES: Final = 3
_SCOPES: Final = frozenset(Scope)
_NOTHING: Final = {"id": "", "args": "", "kwargs": ""}


@dataclass(slots=True)
class _Stored:
    """A record as it was read, and its revision once that is known."""

    key: RecordKey
    fields: Mapping[str, str]
    revision: int = -1

    @property
    def id(self) -> str:
        return self.fields["id"]

    @property
    def expires_at(self) -> float | None:
        return float(self.fields["expires"]) if self.fields["expires"] else None

    @property
    def failures(self) -> int:
        """How often it has raised or, if it is read while it has an owner, was cut off."""
        return int(self.fields["failures"]) + bool(self.fields["owner"])

    def is_running(self, wall: float) -> bool:
        """Tell whether somebody runs it now."""
        owner = self.fields["owner"]
        return bool(owner) and float(self.fields["until"]) > wall and not is_gone(owner)


class RecordedSteps(StepStorage):
    """Steps in *records*, under the names that ``@step`` gave them.

    Args:
        records: opened already, and then not closed here; or their URL, or what opens them when they are needed.
        values: how arguments are written down.
        wall_clock: the time in seconds since the epoch.
    """

    is_durable = True

    def __init__(
        self,
        records: RecordsLike,
        values: Codec = VALUES,
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = RecordsSource(records)
        self._values = values
        self._wall_clock = wall_clock
        self._is_for_threads = False
        self._fields = StepFields(values)
        self._running: dict[str, _Stored] = {}
        self._origins: dict[str, Any] = {}

    @property
    def suspends(self) -> bool:  # type: ignore[override]
        return not self._is_for_threads and not self.records.is_blocking

    @property
    def scopes(self) -> Collection[Scope]:
        return _SCOPES  # other workers register steps too

    @property
    def records(self) -> Records:
        """Where the steps are."""
        return self._source.records

    def blocking(self) -> RecordedSteps:
        other = RecordedSteps(self._source.given, self._values, wall_clock=self._wall_clock)
        other._source, other._is_for_threads = RecordsSource(self._source.given, blocking=True), True
        return other

    async def close(self) -> None:
        await self._reach(self._source.close())

    # Registering and finding.

    async def put(self, step: Step, now: float) -> Step | None:
        stored = _Stored(key_of(step.place), self._fields.write(step, self._wall_clock(), now))
        await self._append(stored, None, stored.fields)
        step.stored = stored
        self._remember(stored.id, step.origin)
        return None

    async def find(self, places: Sequence[Place], now: float) -> list[Step]:
        if not places:
            return []
        keys = self.keys_of(places)
        return self.among(keys, await self._reach(self.records.read_many(keys)), now)

    def keys_of(self, places: Sequence[Place]) -> list[RecordKey]:
        """Return under what the steps at *places* are, for who reads other records along with them."""
        return [key_of(place) for place in places]

    def among(self, keys: Sequence[RecordKey], records: Sequence[Mapping[str, str]], now: float) -> list[Step]:
        """Return the steps of what was read under *keys*."""
        wall = self._wall_clock()
        there = [_Stored(key, fields) for key, fields in zip(keys, records, strict=True) if fields.get("id")]
        found = [self._read(stored, now) for stored in there if not stored.is_running(wall)]
        return [step for step in found if step is not None and is_known(step) and _is_in_time(step, now)]

    async def steps(self, now: float) -> Iterable[Step]:
        found = list[Step]()
        async for page in self._pages():  # reading a hundred thousand at once would hold up everybody else
            read = [self._read(stored, now) for stored in page]
            found += [step for step in read if step is not None and _is_in_time(step, now)]
        return found

    async def clear(self) -> int:
        there = list[_Stored]()
        async for page in self._pages():
            there += page
        return sum(await self._together([partial(self._clear, stored) for stored in there]))

    # Running.

    async def take(self, step: Step) -> bool:
        if step.failures >= ATTEMPTS:
            logger.warning("step %s was cut off or raised %d times and is dropped", step.name, step.failures)
            await self.discard(step)
            return False
        return await self._take(step)

    async def confirm(self, step: Step) -> None:
        stored = self._running.pop(step.stored.id, None)
        if stored is not None:
            self._origins.pop(stored.id, None)
            await self._clear(stored)

    async def discard(self, step: Step) -> bool:
        self._origins.pop(step.stored.id, None)
        return await self._clear(step.stored)

    async def give_back(self, step: Step, now: float) -> bool:
        stored = self._running.pop(step.stored.id, None)
        if stored is None or not _is_in_time(step, now):
            return False
        return await self._change(stored, {"owner": "", "until": "", "failures": str(step.failures)})

    # Time.

    async def tend(self, bot_ids: Collection[int], now: float) -> list[Step]:
        wall = self._wall_clock()
        longer, running = {"until": repr(wall + LEASE)}, list(self._running.values())
        await self._together([partial(self._append, one, one.revision, longer) for one in running])
        found = list[Found]()
        for bot_id in bot_ids:
            found += await self._reach(self.records.due(KIND, str(bot_id), wall, limit=AT_ONCE))
        due = [_Stored(one.key, one.fields) for one in found]
        overdue = await self._together([partial(self._look_at, one, now, wall) for one in due])
        return [step for step in overdue if step is not None]

    async def next_tending(self, bot_ids: Collection[int], now: float) -> float | None:
        dues = [await self._reach(self.records.next_due(KIND, str(bot_id))) for bot_id in bot_ids]
        wall, latest = self._wall_clock(), LEASE / 3  # others may have registered a step, or died
        return now + min([latest, *(max(0.0, due - wall) for due in dues if due is not None)])

    async def _look_at(self, stored: _Stored, now: float, wall: float) -> Step | None:
        """Take a step whose time is up; put one back whose owner is dead."""
        if stored.is_running(wall):
            return None
        step = self._read(stored, now)
        if step is None or isinstance(step.on_timeout, Missing):
            await self._change(stored, {}, due=wall + _LATER)
        elif not _is_in_time(step, now):
            return step if await self._take(step) else None
        else:
            await self._change(stored, {"owner": "", "until": "", "failures": str(step.failures)})
        return None

    # Inside.

    def _read(self, stored: _Stored, now: float) -> Step | None:
        step = self._fields.read(stored.fields, place_of(stored.key), self._wall_clock(), now)
        if step is not None:
            step.stored, step.failures, step.origin = stored, stored.failures, self._origins.get(stored.id)
        return step

    async def _take(self, step: Step) -> bool:
        stored: _Stored = step.stored
        if not await self._refresh(stored):
            return False
        step.failures = stored.failures  # others may have tried since it was found
        until = repr(self._wall_clock() + LEASE)
        changed = {"owner": new_owner(), "until": until, "failures": str(step.failures)}
        if not await self._append(stored, stored.revision, changed):
            return False
        self._running[stored.id] = stored
        return True

    async def _clear(self, stored: _Stored) -> bool:
        """Leave a trace of the step only."""
        return await self._change(stored, _NOTHING)

    async def _change(self, stored: _Stored, changed: Mapping[str, str], *, due: float | None = None) -> bool:
        """Write *changed* if the step is still there with the same owner, who may put ``until`` off meanwhile."""
        for _ in range(_TRIES):
            if stored.revision >= 0 and await self._append(stored, stored.revision, changed, due=due):
                return True
            if not await self._refresh(stored):
                return False
        return False

    async def _refresh(self, stored: _Stored) -> bool:
        """Read the record anew; False if it is of another step by now, or of another owner."""
        journal = await self._reach(self.records.journal(stored.key))
        known = stored.fields
        if journal is None or any(journal.fields.get(name) != known[name] for name in ("id", "owner")):
            return False
        stored.fields, stored.revision = journal.fields, journal.revision
        return True

    async def _append(
        self, stored: _Stored, revision: int | None, changed: Mapping[str, str], *, due: float | None = None
    ) -> bool:
        """Write *changed* at *revision*, with when the record is due or ends then; note its new revision."""
        fields = {**stored.fields, **changed}
        expires_at, ttl = stored.expires_at, None
        if not fields["id"]:
            ttl = _TRACE
        elif fields["on_timeout"]:
            due = due or (float(fields["until"]) if fields["owner"] else expires_at)
        elif expires_at is not None:
            ttl = max(0.001, expires_at - self._wall_clock())
        append = self.records.append(stored.key, revision, [], fields=changed, ttl=ttl, due=due)
        written = await self._reach(append)
        if written is None:
            return False
        stored.fields, stored.revision = fields, written
        return True

    async def _pages(self) -> AsyncIterator[list[_Stored]]:
        """Go through all that wait or run."""
        page = await self._reach(self.records.scan(KIND, limit=_PAGE))
        while page:
            yield [_Stored(one.key, one.fields) for one in page if one.fields.get("id")]
            is_last = len(page) < _PAGE
            page = [] if is_last else await self._reach(self.records.scan(KIND, after=page[-1].key, limit=_PAGE))

    async def _together(self, calls: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T]:
        """Make many calls, at once where they are awaited: a storage carries those out in few round trips.

        Raises:
            StorageError: one of them; the others have been made all the same.
        """
        results = list[T | BaseException]()
        for first in range(0, len(calls), _PAGE):
            some = calls[first : first + _PAGE]
            if self._is_for_threads:
                results += [await call() for call in some]
            else:
                results += await asyncio.gather(*(call() for call in some), return_exceptions=True)
        return [_checked(result) for result in results]

    def _remember(self, step_id: str, origin: Any) -> None:
        if origin is not None:
            self._origins[step_id] = origin
            if len(self._origins) > _ORIGINS:
                del self._origins[next(iter(self._origins))]

    async def _reach(self, operation: Coroutine[Any, Any, T]) -> T:
        if not self._is_for_threads:
            return await operation
        from ..threads import Outside

        return await Outside(partial(settle, operation))


def _checked(result: T | BaseException) -> T:
    if isinstance(result, BaseException):
        raise result
    return result


def _is_in_time(step: Step, now: float) -> bool:
    return step.expires_at is None or now < step.expires_at
