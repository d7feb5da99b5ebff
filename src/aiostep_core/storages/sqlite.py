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
from .sqlite_operations import place
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
        fields, expires_at = await self._read(partial(operations.read, at=at))
        if touch is None or expires_at is None:
            return fields
        return await self._change(partial(operations.touch, at=at, ttl=touch))

    async def read_many(self, keys: Sequence[RecordKey]) -> list[dict[str, str]]:
        return await self._read(partial(operations.read_many, places=[place(key) for key in keys]))

    async def write(
        self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None, due: float | None = None
    ) -> None:
        at = place(key)
        if fields:
            operation = partial(operations.write, at=at, text=text_of(fields), ttl=ttl, due=due)
            await self._change(operation, is_single=True)
        else:
            await self._change(partial(operations.remove, at=at), is_single=True)

    async def write_new(
        self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None, due: float | None = None
    ) -> bool:
        return await self._change(partial(operations.write_new, at=place(key), fields=dict(fields), ttl=ttl, due=due))

    async def merge(self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None) -> dict[str, str]:
        return await self._change(partial(operations.merge, at=place(key), fields=dict(fields), ttl=ttl))

    async def remove(self, key: RecordKey, *, where: Mapping[str, str] | None = None) -> bool:
        if where:
            return await self._change(partial(operations.take, at=place(key), where=dict(where))) is not None
        return await self._change(partial(operations.remove, at=place(key)), is_single=True)

    async def take(self, key: RecordKey, *, where: Mapping[str, str] | None = None) -> dict[str, str]:
        return await self._change(partial(operations.take, at=place(key), where=dict(where or {}))) or {}

    async def scan(
        self, kind: str, *, space: str | None = None, after: RecordKey | None = None, limit: int = 500
    ) -> list[Found]:
        if after is not None and after.kind > kind:
            return []
        bound = (after.space, after.name) if after is not None and after.kind == kind else None
        return await self._read(partial(operations.scan, kind=kind, space=space, after=bound, limit=limit))

    async def due(self, kind: str, space: str, now: float, *, limit: int = 100) -> list[Found]:
        return await self._read(partial(operations.due, kind=kind, space=space, until=now, limit=limit))

    async def next_due(self, kind: str, space: str) -> float | None:
        return await self._read(partial(operations.next_due, kind=kind, space=space))

    async def journal(self, key: RecordKey) -> Journal | None:
        return await self._read(partial(operations.journal, at=place(key)))

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
        return await self._change(
            partial(
                operations.append,
                at=place(key),
                revision=revision,
                entries=tuple(entries),
                fields=dict(fields or {}),
                keep=keep,
                ttl=ttl,
                due=due,
            )
        )

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
