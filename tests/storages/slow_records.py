"""Records that answer later, as those behind a network do; in memory otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiostep_core.errors import StorageUnavailable
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.abc import Found, Journal, RecordKey

__all__ = ["SlowRecords"]


class SlowRecords(MemoryRecords):
    """Memory behind a line that takes its time, and may break.

    Attributes:
        delay: the seconds before each operation.
        is_broken: whether every operation fails.
        calls: the names of the operations, in order.
    """

    is_blocking = False

    def __init__(self, *args: Any, delay: float = 0.1) -> None:
        super().__init__(*args)
        self.delay = delay
        self.is_broken = False
        self.calls: list[str] = []

    async def _travel(self, name: str) -> None:
        self.calls.append(name)
        await asyncio.sleep(self.delay)
        if self.is_broken:
            raise StorageUnavailable("slow://", "is out of order")

    async def read_many(self, keys: Sequence[RecordKey]) -> list[dict[str, str]]:
        await self._travel("read_many")
        return [await MemoryRecords.read(self, key) for key in keys]

    async def scan(self, kind: str, **options: Any) -> list[Found]:
        await self._travel("scan")
        return await super().scan(kind, **options)

    async def due(self, kind: str, space: str, now: float, *, limit: int = 100) -> list[Found]:
        await self._travel("due")
        return await super().due(kind, space, now, limit=limit)

    async def next_due(self, kind: str, space: str) -> float | None:
        await self._travel("next_due")
        return await super().next_due(kind, space)

    async def journal(self, key: RecordKey) -> Journal | None:
        await self._travel("journal")
        return await super().journal(key)

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
        await self._travel("append")
        return await super().append(key, revision, entries, fields=fields, keep=keep, ttl=ttl, due=due)
