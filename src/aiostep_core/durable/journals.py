"""Where journals are: one record for each place where a durable conversation is, or was a while ago.

The log is the lock: whatever is written is written at the revision that was read, so of two processes that go on with
one conversation exactly one can. The fields of a record:

* name, version, format, origin, opened: which conversation it is, for which framework, begun by which update and when
* update, more, epoch, book: what it was begun with; how often it began anew, and the answers it then had
* to, named: with whom, and with which arguments by name, if other code than a handler began it
* found: what the handler was given besides, such as by filters: values, and the names of what is made again
* status: "run" (somebody goes on with it), "park" (it waits), "failed", "done"
* holder, owner, until: who goes on with it, in which process; if it runs, until when others leave it alone
* asked: for what it waits, with what its asker needs; kinds, takes: the updates that may answer
* after, seen: the update that it went on with last, and the last few that it has taken; no update is taken twice
* at: where it waits, if that is not only its own place
* due: when its time limit is up; signals: those that nobody has awaited yet
* begun: the position of the effect that was begun last
* inbox: updates that came to another process while it was running
* result, ended: what it came to
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from ..errors import StorageDamaged
from ..keys import Place
from ..storages.abc import Found, RecordKey
from ..storages.owners import is_gone
from ..storages.records import settle
from ..storages.source import RecordsSource
from ..storages.step_fields import key_at, place_of

__all__ = [
    "DONE",
    "FAILED",
    "FRESH",
    "HINT",
    "KIND",
    "LEASE",
    "PARK",
    "RUN",
    "Journals",
    "Stored",
    "hint_of",
    "key_of",
    "names_of",
    "what_takes",
]

T = TypeVar("T")

KIND: Final = "durable"
HINT: Final = "durable-at"
RUN, PARK, FAILED, DONE = "run", "park", "failed", "done"

#: The fields that a conversation begins without; an older one may have left them.
FRESH: Final = tuple("to more named found book asked begun inbox result ended tried seen signals due at".split())
#: Seconds for which a process that goes on with a conversation is left alone, unless it says that it still does.
LEASE: Final = 30.0
#: Updates that are remembered as taken: more than any worker is behind.
_SEEN: Final = 16
_PAGE: Final = 500


@dataclass(slots=True)
class Stored:
    """A journal as it was read or written."""

    key: RecordKey
    fields: dict[str, str]
    entries: Sequence[str] = ()
    revision: int = 0
    _place: Place | None = None

    def get(self, name: str) -> str:
        """Return a field; nothing is empty."""
        return self.fields.get(name, "")

    @property
    def status(self) -> str:
        return self.get("status")

    @property
    def place(self) -> Place:
        """Where the conversation is."""
        if self._place is None:
            self._place = place_of(self.key)
        return self._place

    @property
    def due(self) -> float | None:
        """When its time limit is up, if it waits with one."""
        return self.number("due")

    @property
    def after(self) -> int | None:
        """The update that it went on with last."""
        found = self.number("after")
        return None if found is None else int(found)

    def number(self, name: str) -> float | None:
        """Return a field that is a number; None if it is none."""
        try:
            found = float(self.get(name) or "nan")
        except ValueError:
            return None
        return found if math.isfinite(found) else None

    def parts(self, name: str, empty: Any) -> Any:
        """Return a field that is JSON, of the same type as *empty*.

        Raises:
            StorageDamaged: it is none.
        """
        try:
            found: Any = json.loads(self.get(name)) if self.get(name) else empty
            if type(found) is not type(empty):
                raise ValueError(f"{found!r} is no {type(empty).__name__}")
        except ValueError as error:
            raise self.damaged(f"the field {name!r}", error) from error
        return found

    def damaged(self, what: str, error: BaseException) -> StorageDamaged:
        """Return the error of somebody who cannot read a part of it."""
        where = f"{what} of the journal of the durable conversation {self.get('name')!r} with {self.place.key}"
        fix = "end_durable() ends it, and whoever it is with can begin again"
        return StorageDamaged(where, f"cannot be read ({type(error).__name__}: {error})"[:300], fix)

    @property
    def bot_id(self) -> int:
        return int(self.key.space)

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.status in (RUN, PARK, FAILED)

    def is_held(self, wall: float) -> bool:
        """Tell whether a process that lives goes on with it now."""
        until = self.number("until") or 0.0
        # A lease that ends later than any can was written before the clock was set back.
        return self.status == RUN and wall < until <= wall + 2 * LEASE and not is_gone(self.get("owner"))

    def has_seen(self, update_id: int | None) -> bool:
        """Tell whether it has taken this update, or began with it."""
        return update_id is not None and str(update_id) in (self.get("origin"), *self.get("seen").split())

    def seen_with(self, update_id: int | None) -> dict[str, str]:
        """Return the fields that say that it has taken this update too."""
        if update_id is None:
            return {}
        number, seen = str(update_id), self.get("seen")
        if seen.count(" ") > _SEEN - 2:
            seen = seen[seen.index(" ") + 1 :]
        return {"after": number, "seen": f"{seen} {number}" if seen else number}


@dataclass(slots=True)
class Journals:
    """The journals in *source*."""

    source: RecordsSource
    is_for_threads: bool = False
    writes: int = field(default=0)

    async def load(self, key: RecordKey) -> Stored | None:
        """Return a journal, or None if there is none."""
        found = await self._reach(self.source.records.journal(key))
        return None if found is None else Stored(key, dict(found.fields), found.entries, found.revision)

    async def reload(self, known: Stored) -> Stored | None:
        """Return a journal as it is now, or None if there is none any more."""
        found = await self.load(known.key)
        if found is not None:
            found._place = known._place
        return found

    async def look(self, keys: Sequence[RecordKey]) -> list[Mapping[str, str]]:
        """Return the fields of several records of one bot."""
        return list(await self._reach(self.source.records.read_many(keys)))

    async def append(
        self,
        stored: Stored,
        entries: Sequence[str],
        fields: Mapping[str, str],
        *,
        keep: int | None = None,
        due: float | None = None,
        ttl: float | None = None,
    ) -> bool:
        """Write at the revision that is known; return whether that was the revision."""
        self.writes += 1
        append = self.source.records.append(
            stored.key, stored.revision, entries, fields=fields, keep=keep, due=due, ttl=ttl
        )
        revision = await (self._reach(append) if self.is_for_threads else append)
        if revision is None:
            return False
        stored.revision = max(stored.revision, revision)
        stored.fields.update(fields)
        return True

    async def hint(self, place: Place, key: RecordKey) -> None:
        """Note that a conversation waits at another *place* than its own; whoever reads that looks whether it does."""
        await self._reach(self.source.records.write(hint_of(place), {"at": key.name}))

    async def forget_hint(self, place: Place) -> None:
        """Note that nobody waits at *place* any more."""
        await self._reach(self.source.records.remove(hint_of(place)))

    async def add(self, key: RecordKey, entry: str) -> int:
        """Append to a journal at whatever revision it is; return that which it has then."""
        return await self._reach(self.source.records.append(key, None, [entry])) or 0

    async def due(self, bot_ids: Collection[int], wall: float, kind: str = KIND) -> list[Stored]:
        """Return the journals that somebody has to look at now; without their entries."""
        found: list[Found] = []
        for bot_id in bot_ids:
            found += await self._reach(self.source.records.due(kind, str(bot_id), wall))
        return [Stored(one.key, dict(one.fields)) for one in found]

    async def next_due(self, bot_ids: Collection[int]) -> float | None:
        """Return when the next journal is due."""
        dues = [await self._reach(self.source.records.next_due(KIND, str(bot_id))) for bot_id in bot_ids]
        return min([due for due in dues if due is not None], default=None)

    async def scan(self, after: RecordKey | None = None, limit: int = _PAGE) -> list[Stored]:
        """Return so many journals, by the order of their keys, without their entries."""
        found = await self._reach(self.source.records.scan(KIND, after=after, limit=limit))
        return [Stored(one.key, dict(one.fields)) for one in found]

    async def _reach(self, operation: Coroutine[Any, Any, T]) -> T:
        if not self.is_for_threads:
            return await operation
        from ..threads import Outside

        run: Callable[[], T] = partial(settle, operation)
        return await Outside(run)


def key_of(place: Place) -> RecordKey:
    """Return the key of the journal for *place*."""
    return key_at(KIND, place)


@functools.lru_cache(maxsize=256)
def names_of(kinds: frozenset[str]) -> str:
    """Return the kinds of update as they are written."""
    return " ".join(sorted(kinds))


@functools.cache
def what_takes(commands: bool, service: bool, firm: bool) -> str:
    """Return what is written of what a wait takes besides answers, and of what does not end it."""
    about = (("commands", commands), ("service", service), ("firm", firm))
    return " ".join(name for name, is_so in about if is_so)


def hint_of(place: Place) -> RecordKey:
    """Return the key of what says which conversation waits at *place*."""
    return key_at(HINT, place)
