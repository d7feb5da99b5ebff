"""Records in a SQLite file: durable, embedded, shared by the processes of one machine."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from ..errors import BadArgument
from . import sqlite_operations as operations
from .abc import Found, Journal, RecordKey, Records
from .original_file import Adopt, adopt_original, put_into
from .sqlite_database import Database, Later
from .sqlite_file import IN_MEMORY, DatabaseFile
from .sqlite_jobs import Operation
from .sqlite_operations import Place, place
from .sqlite_texts import text_of

__all__ = ["SqliteRecords"]

T = TypeVar("T")


class SqliteRecords(Records):
    """Kept in a SQLite file, in tables of its own; several processes may have it open.

    The file is opened when it is first needed, on either side of a fork and in any event loop. Reading never waits
    for writing. Beside the file are its log and an index of that (``-wal``, ``-shm``): they belong to it. The disk
    must be a local one: network file systems lack the locks that several processes need.

    After a crash the file is checked when it is opened. One that is damaged is never emptied, and what is no file of
    ours never touched. A file that the original's ``FileStateStorage`` wrote is read once: a database with the same
    content takes its place, and it is kept beside that.

    Args:
        path: the file, which is made if there is none, or ``":memory:"``.
        durability: what an operation that has returned survives. "full": whatever happens to the machine; "process":
            the death of the process, but of the machine only what is older than some seconds.
        on_damage: "raise" ``StorageDamaged``, or "recreate": give the file another name, log an error, begin a new one.
        timeout: the seconds that other processes are waited for.
        adopt: puts the states and data of such a file into the new records; by default as ``RecordedStates`` does.
        clock: the time by which records expire, in seconds since the epoch.

    Raises:
        BadArgument: an argument makes no sense.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        durability: Literal["full", "process"] = "full",
        is_blocking: bool = False,
        on_damage: Literal["raise", "recreate"] = "raise",
        timeout: float = 5.0,
        adopt: Adopt = put_into,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if durability not in ("full", "process"):
            raise BadArgument("durability", durability, '"full" or "process"')
        if on_damage not in ("raise", "recreate"):
            raise BadArgument("on_damage", on_damage, '"raise" or "recreate"')
        if not 0 < timeout < _A_DAY:
            raise BadArgument("timeout", timeout, "seconds, greater than zero and less than a day")
        file = DatabaseFile(
            path=_checked_path(path),
            is_synced=durability == "full",
            recreates=on_damage == "recreate",
            timeout=timeout,
            adopt=lambda found: adopt_original(found, partial(_made, clock=clock), adopt, timeout, clock),
        )
        self._use(_Shared(Database(file, clock)), is_blocking=is_blocking)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._database.file.path!r}{' for threads' * self.is_blocking}>"

    def blocking(self) -> SqliteRecords:
        return self if self.is_blocking else self._other_face()

    def asynchronous(self) -> SqliteRecords:
        return self._other_face() if self.is_blocking else self

    async def read(self, key: RecordKey, *, touch: float | None = None) -> dict[str, str]:
        at = place(key)
        fields, expires_at = await self._read(lambda cursor, now: operations.read(cursor, now, at))
        if touch is None or expires_at is None:
            return fields
        return await self._change(lambda cursor, now: operations.touch(cursor, now, at, touch))

    async def read_many(self, keys: Sequence[RecordKey]) -> list[dict[str, str]]:
        places = [place(key) for key in keys]
        return await self._read(lambda cursor, now: operations.read_many(cursor, now, places))

    async def write(
        self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None, due: float | None = None
    ) -> None:
        at = place(key)
        if fields:
            text = text_of(fields)
            await self._change(lambda cursor, now: operations.write(cursor, now, at, text, ttl, due), is_single=True)
        else:
            await self._change(lambda cursor, now: operations.remove(cursor, now, at), is_single=True)

    async def write_new(
        self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None, due: float | None = None
    ) -> bool:
        at, copy = place(key), dict(fields)
        return await self._change(lambda cursor, now: operations.write_new(cursor, now, at, copy, ttl, due))

    async def merge(self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None) -> dict[str, str]:
        at, copy = place(key), dict(fields)
        return await self._change(lambda cursor, now: operations.merge(cursor, now, at, copy, ttl))

    async def remove(self, key: RecordKey, *, where: Mapping[str, str] | None = None) -> bool:
        at = place(key)
        if where:
            return await self._take(at, where) is not None
        return await self._change(lambda cursor, now: operations.remove(cursor, now, at), is_single=True)

    async def take(self, key: RecordKey, *, where: Mapping[str, str] | None = None) -> dict[str, str]:
        return await self._take(place(key), where or {}) or {}

    async def scan(
        self, kind: str, *, space: str | None = None, after: RecordKey | None = None, limit: int = 500
    ) -> list[Found]:
        if after is not None and after.kind > kind:
            return []
        bound = (after.space, after.name) if after is not None and after.kind == kind else None
        return await self._read(lambda cursor, now: operations.scan(cursor, now, kind, space, bound, limit))

    async def due(self, kind: str, space: str, now: float, *, limit: int = 100) -> list[Found]:
        until = now
        return await self._read(lambda cursor, now: operations.due(cursor, now, kind, space, until, limit))

    async def next_due(self, kind: str, space: str) -> float | None:
        return await self._read(lambda cursor, now: operations.next_due(cursor, now, kind, space))

    async def journal(self, key: RecordKey) -> Journal | None:
        at = place(key)
        return await self._read(lambda cursor, now: operations.journal(cursor, now, at))

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
        at = place(key)
        given = operations.Append(revision, tuple(entries), dict(fields or {}), keep, ttl, due)
        return await self._change(lambda cursor, now: operations.append(cursor, now, at, given))

    async def close(self) -> None:
        if self.is_blocking:
            self._database.close()
        else:
            await self._database.close_soon()

    def _use(self, shared: _Shared, *, is_blocking: bool) -> None:
        self.is_blocking = is_blocking
        self._shared = shared
        self._database = shared.database

    def _other_face(self) -> SqliteRecords:
        face = object.__new__(type(self))
        face._use(self._shared, is_blocking=not self.is_blocking)
        return face

    async def _take(self, at: Place, where: Mapping[str, str]) -> dict[str, str] | None:
        copy = dict(where)
        return await self._change(lambda cursor, now: operations.take(cursor, now, at, copy))

    async def _read(self, operation: Operation[T]) -> T:
        result = self._database.read(operation)
        return await self._change(operation, is_single=True) if isinstance(result, Later) else result

    async def _change(self, operation: Operation[T], *, is_single: bool = False) -> T:
        if self.is_blocking:
            return self._database.change(operation, is_single=is_single)
        return await self._database.change_soon(operation, is_single=is_single)


class _Shared:
    """What both faces hold, so that the file is closed when neither is there any more."""

    def __init__(self, database: Database) -> None:
        self.database = database
        weakref.finalize(self, database.abandon).atexit = False


_A_DAY = 86400.0


def _made(path: Path, clock: Callable[[], float]) -> SqliteRecords:
    # One commit need not be on the disk, as closing puts everything there.
    return SqliteRecords(path, durability="process", is_blocking=True, clock=clock)


def _checked_path(path: str | os.PathLike[str]) -> str:
    found = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    if not isinstance(found, str) or not found or "\0" in found:
        raise BadArgument("path", path, f'the path of a file, such as "bot.db", or {IN_MEMORY!r}')
    # What is meant now must be meant later too, wherever the process has gone meanwhile.
    return found if found == IN_MEMORY else str(Path(found).absolute())
