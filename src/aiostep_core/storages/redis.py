"""Records in Redis 6.2 and newer, or Valkey: for bots of several processes, on one machine or many.

Every operation is one round trip and one script (``lua``), so nobody sees half of it; those that come together leave
together. A record is a hash ``{prefix:space}:kind:name``; all keys of a space are on one node of a cluster.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from ..errors import BadArgument, StorageClosed
from .abc import Found, Journal, RecordKey, Records
from .redis_cluster import AsyncClusterLink, BlockingClusterLink
from .redis_commands import Call, Sender
from .redis_layout import REVISION, Layout, due_time, from_pairs, milliseconds, ours, to_bytes, to_pairs, to_text
from .redis_links import AsyncLink, BlockingLink, Link
from .redis_runways import AsyncRunway, BlockingRunway, Runway
from .redis_scan import Scan, found_record
from .redis_servers import Server

__all__ = ["RedisRecords"]

# How often a list of due records is asked for again because it changed while it was asked for.
_TRIES = 8
_AGENDAS = 1024
_LINKS: dict[bool, type[Link]] = {False: AsyncLink, True: BlockingLink}
_CLUSTER_LINKS: dict[bool, type[Link]] = {False: AsyncClusterLink, True: BlockingClusterLink}
# Connections that a process inherited. To close one would take it out of the parent's event loop too.
_inherited = list[Runway]()


class RedisRecords(Records):
    """Kept by a Redis server, and by those of its copies and files that it is configured to have.

    The server must not evict (``maxmemory-policy noeviction``), and should write to disk (``appendonly yes``); a
    warning is logged if it is seen to do otherwise. While it cannot be reached, calls wait for the *grace* and
    then raise ``StorageUnavailable``; an answer that does not come within the *timeout* raises it too. The first call
    after the server is back succeeds. A call whose answer was lost is sent again, and is carried out once.

    A client that is passed in is not used and not closed: connections of our own are made with its settings.

    Args:
        client: of redis-py, for an event loop or blocking, for one server, a Sentinel's service, or a cluster.
        prefix: what all keys begin with; several bots may share it.
        grace: seconds.
        timeout: seconds.

    Raises:
        BadArgument: *client* is no client of redis-py.
    """

    def __init__(self, client: Any, *, prefix: str = "aiostep", grace: float = 2.0, timeout: float = 5.0) -> None:
        self._server = client if isinstance(client, Server) else Server.of(client)
        self._options: dict[str, Any] = {"prefix": prefix, "grace": grace, "timeout": timeout}
        self._layout = Layout(prefix)
        self._scan = Scan(self._layout, self._call)
        self.is_blocking = self._server.is_blocking
        self._expected: dict[tuple[str, str], list[bytes]] = {}
        self._twin: RedisRecords | None = None
        self._is_closed = False
        self._forget_runways()

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        is_blocking: bool = False,
        prefix: str = "aiostep",
        grace: float = 2.0,
        timeout: float = 5.0,
        **options: Any,
    ) -> RedisRecords:
        """Make it from ``redis://``, ``rediss://`` or ``unix://``; *options* are those of ``redis.Redis.from_url``.

        Raises:
            BadArgument: it is not such a URL.
            MissingRequirement: redis-py is not installed.
        """
        server = Server.at(url, is_blocking=is_blocking, **options)
        return cls(server, prefix=prefix, grace=grace, timeout=timeout)

    @classmethod
    def from_options(
        cls,
        *,
        is_blocking: bool = False,
        prefix: str = "aiostep",
        grace: float = 2.0,
        timeout: float = 5.0,
        **options: Any,
    ) -> RedisRecords:
        """Make it from ``host``, ``port``, ``db``, ``password`` and whatever else ``redis.Redis`` takes.

        Raises:
            MissingRequirement: redis-py is not installed.
        """
        server = Server.with_options(is_blocking=is_blocking, **options)
        return cls(server, prefix=prefix, grace=grace, timeout=timeout)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._server.where} prefix={self._options['prefix']!r}>"

    def blocking(self) -> RedisRecords:
        return self if self.is_blocking else self._other()

    def asynchronous(self) -> RedisRecords:
        return self._other() if self.is_blocking else self

    def _other(self) -> RedisRecords:
        if self._twin is None:
            self._twin = RedisRecords(self._server.twin(), **self._options)
            self._twin._twin, self._twin._is_closed = self, self._is_closed
        return self._twin

    async def read(self, key: RecordKey, *, touch: float | None = None) -> dict[str, str]:
        names = self._layout.names(key)
        if touch is None:
            call = Call(key.space, b"read", (names.record,), plain=(b"HGETALL", names.record))
        else:
            call = Call(key.space, b"touch", (names.record, names.log), (milliseconds(touch),))
        (pairs,) = await self._call(call)
        return from_pairs(pairs)

    async def read_many(self, keys: Sequence[RecordKey]) -> list[dict[str, str]]:
        if not keys:
            return []
        spaces = {key.space for key in keys}
        if len(spaces) > 1:
            raise BadArgument("keys", sorted(spaces), "keys of one space")
        names = [self._layout.names(key).record for key in keys]
        return [from_pairs(pairs) for pairs in await self._call(Call(keys[0].space, b"read", names))]

    async def write(
        self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None, due: float | None = None
    ) -> None:
        if fields:
            await self._put(b"write", key, fields, ttl, due)
        else:  # a full server refuses to write
            await self.remove(key)

    async def write_new(
        self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None, due: float | None = None
    ) -> bool:
        return await self._put(b"write_new", key, fields, ttl, due)

    async def _put(
        self, name: bytes, key: RecordKey, fields: Mapping[str, str], ttl: float | None, due: float | None
    ) -> bool:
        arguments = [to_bytes(key.name), milliseconds(ttl), due_time(due), *to_pairs(fields)]
        self._scan.note(key)
        return bool(await self._call(Call(key.space, name, self._layout.names(key), arguments, True)))

    async def merge(self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None) -> dict[str, str]:
        names = self._layout.names(key)
        arguments = [milliseconds(ttl), *to_pairs(fields)]
        self._scan.note(key)
        (pairs,) = await self._call(Call(key.space, b"merge", names[:2], arguments, True))
        return from_pairs(pairs)

    async def remove(self, key: RecordKey, *, where: Mapping[str, str] | None = None) -> bool:
        arguments = [to_bytes(key.name), *to_pairs(where or {})]
        return bool(await self._call(Call(key.space, b"remove", self._layout.names(key), arguments, True)))

    async def take(self, key: RecordKey, *, where: Mapping[str, str] | None = None) -> dict[str, str]:
        arguments = [to_bytes(key.name), *to_pairs(where or {})]
        (pairs,) = await self._call(Call(key.space, b"take", self._layout.names(key), arguments, True))
        return from_pairs(pairs)

    async def scan(
        self, kind: str, *, space: str | None = None, after: RecordKey | None = None, limit: int = 500
    ) -> list[Found]:
        """Return records of a *kind*, ordered by key.

        Redis has no order, so all its keys are looked through; the pages that follow at once come from memory.
        """
        return await self._scan.page(kind, space, after, limit)

    async def due(self, kind: str, space: str, now: float, *, limit: int = 100) -> list[Found]:
        """Return records whose time has come; one round trip if there are none, mostly two if there are."""
        return await self._agenda(kind, space, repr(float(now)).encode(), limit)

    async def next_due(self, kind: str, space: str) -> float | None:
        found = await self._agenda(kind, space, b"inf", 1)
        return found[0].due if found else None

    async def _agenda(self, kind: str, space: str, until: bytes, limit: int) -> list[Found]:
        expected = self._expected.get((kind, space), [])[:limit]
        answers = list[Any]()
        for _ in range(_TRIES):
            keys = [RecordKey(kind, space, to_text(name)) for name in expected]
            names = [self._layout.agenda(kind, space), *(self._layout.names(key).record for key in keys)]
            answers = await self._call(Call(space, b"due", names, (until, b"%d" % limit, *expected)))
            expected = [answer[0] for answer in answers]
            if all(len(answer) > 2 for answer in answers):
                break
        if len(self._expected) > _AGENDAS:
            self._expected.clear()
        self._expected[kind, space] = expected[:1]
        records = (answer for answer in answers if len(answer) > 2)
        return [found_record(RecordKey(kind, space, to_text(name)), *rest) for name, _, *rest in records]

    async def journal(self, key: RecordKey) -> Journal | None:
        pairs, entries = await self._call(Call(key.space, b"journal", self._layout.names(key)[:2]))
        if not pairs:
            return None
        return Journal(from_pairs(pairs), [to_text(entry) for entry in entries], int(ours(pairs, REVISION) or 0))

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
        pairs = to_pairs(fields or {})
        arguments = [
            to_bytes(key.name),
            b"" if revision is None else b"%d" % revision,
            b"" if keep is None else b"%d" % keep,
            milliseconds(ttl),
            due_time(due),
            b"%d" % len(pairs),
            *pairs,
            *map(to_bytes, entries),
        ]
        self._scan.note(key)
        return await self._call(Call(key.space, b"append", self._layout.names(key), arguments, True)) or None

    async def close(self) -> None:
        faces = [self] if self._twin is None else [self, self._twin]
        for face in faces:
            face._is_closed = True
        for face in faces:
            await face._close_runways(may_suspend=not self.is_blocking)

    def _call(self, call: Call) -> Coroutine[Any, Any, Any]:
        if self._is_closed:
            raise StorageClosed(self._server.where)
        return self._runway().call(call)

    def _forget_runways(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._current: Runway | None = None
        self._runways = WeakKeyDictionary[asyncio.AbstractEventLoop, Runway]()

    def _runway(self) -> Runway:
        """Return the runway of this process and event loop."""
        if self._pid != os.getpid():
            _inherited.extend(self._all_runways())
            self._forget_runways()
        if self.is_blocking:
            if self._current is None:
                with self._lock:
                    self._current = self._current or self._new_runway()
            return self._current
        loop = asyncio.get_running_loop()
        if loop is not self._loop or self._current is None:
            with self._lock:
                if loop not in self._runways:
                    self._runways[loop] = self._new_runway()
                self._loop, self._current = loop, self._runways[loop]
        return self._current

    def _new_runway(self) -> Runway:
        server = self._server
        sender = Sender(secrets.token_hex(6), self._layout)
        kind = _CLUSTER_LINKS if server.is_cluster else _LINKS
        link = kind[self.is_blocking](server, grace=self._options["grace"], timeout=self._options["timeout"])
        return (BlockingRunway if self.is_blocking else AsyncRunway)(link, sender, server.where)

    def _all_runways(self) -> list[Runway]:
        return [*self._runways.values(), *([self._current] if self.is_blocking and self._current else [])]

    async def _close_runways(self, *, may_suspend: bool) -> None:
        if self._pid != os.getpid():
            return
        if self.is_blocking:
            if self._current is not None:
                await self._current.close()
        else:
            await self._close_loops(may_suspend)

    async def _close_loops(self, may_suspend: bool) -> None:
        for loop, runway in list(self._runways.items()):
            if may_suspend and loop is asyncio.get_running_loop():
                await runway.close()
            elif loop.is_running():  # another thread's, or closed by who cannot wait
                asyncio.run_coroutine_threadsafe(runway.close(), loop)
