"""One update of a person at a time, also over several workers: a lock in a storage of ours."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from aiogram.fsm.storage.base import BaseEventIsolation, StorageKey

from aiostep_core.errors import StorageError
from aiostep_core.storages.abc import RecordKey
from aiostep_core.storages.owners import is_gone, new_owner
from aiostep_core.storages.source import RecordsLike, RecordsSource

from .storage import key_of

__all__ = ["AiostepEventIsolation"]

logger = logging.getLogger("aiostep")

#: Seconds for which a worker has a lock, unless it says that it still has it.
LEASE: Final = 30.0
#: Seconds between two looks at a lock that another worker has: at first, and at most.
_WAITS: Final = (0.005, 0.1)


class AiostepEventIsolation(BaseEventIsolation):
    """Locks in a file, a server or memory, for ``Dispatcher(events_isolation=...)``.

    In one worker those who wait get the lock in the order in which they came. A lock whose worker has died is free at
    once where that can be told, and after half a minute in any case.

    Args:
        storage: a URL, or ``Records`` that you close yourself.
    """

    def __init__(self, storage: RecordsLike) -> None:
        self._source = RecordsSource(storage)
        self._local: dict[RecordKey, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def lock(self, key: StorageKey) -> AsyncGenerator[None, None]:
        """Hold the lock of *key*.

        Raises:
            StorageUnavailable: the storage cannot be reached; the update is not handled.
        """
        record = key_of("aiogram-lock", key)
        lock, users = self._local.get(record, (asyncio.Lock(), 0))
        self._local[record] = (lock, users + 1)
        try:
            async with lock, _Lease(self._source, record):
                yield
        finally:
            lock, users = self._local.pop(record)
            if users > 1:
                self._local[record] = (lock, users - 1)

    async def close(self) -> None:
        """Close what was opened here; it is opened again when it is needed."""
        await self._source.close()


class _Lease:
    """The lock of one key among workers, while it is held."""

    def __init__(self, source: RecordsSource, key: RecordKey) -> None:
        self._source = source
        self._key = key
        self._mine = {"owner": new_owner(), "token": secrets.token_hex(8)}
        self._revision = 0
        self._is_over = False
        self._renewal: asyncio.TimerHandle | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        wait, longest = _WAITS
        try:
            while not await self._take():
                await asyncio.sleep(wait)
                wait = min(2 * wait, longest)
        except asyncio.CancelledError:
            await self._give_back()  # whether it was taken is not known
            raise
        self._renew_later()

    async def __aexit__(self, *_: object) -> None:
        self._is_over = True
        if self._renewal is not None:
            self._renewal.cancel()
        if self._renewing is not None:
            await asyncio.wait([self._renewing])
        await self._give_back()

    async def _give_back(self) -> None:
        try:
            await self._source.records.remove(self._key, where=self._mine)
        except StorageError as error:  # the handler is done, and not to blame; the lease ends by itself
            logger.warning("a lock is given back only when its lease ends: %s", error)

    async def _take(self) -> bool:
        records = self._source.records
        taken = await records.append(self._key, 0, [], fields=self._mine, ttl=LEASE)
        if taken is None and (found := await records.journal(self._key)) is not None:
            if found.fields == self._mine:  # the answer was lost on its way
                taken = found.revision
            elif is_gone(found.fields["owner"]):
                await records.remove(self._key, where=found.fields)
                taken = await records.append(self._key, 0, [], fields=self._mine, ttl=LEASE)
        self._revision = taken or 0
        return taken is not None

    def _renew_later(self) -> None:
        if not self._is_over:
            self._renewal = asyncio.get_running_loop().call_later(LEASE / 3, self._start_renewing)

    def _start_renewing(self) -> None:
        self._renewing = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        try:
            renewed = await self._source.records.append(self._key, self._revision, [], fields=self._mine, ttl=LEASE)
        except StorageError as error:
            logger.warning("a lock could not be prolonged: %s", error)
        else:
            if renewed is None:
                logger.warning("a lock was lost: its handler was held up for longer than %g s", LEASE)
                return
            self._revision = renewed
        self._renew_later()
