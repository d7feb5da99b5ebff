"""Records: many who do something at the same time, in tasks, threads and processes."""

from __future__ import annotations

import functools

from aiostep_core.storages.abc import RecordKey, Records

from .forking import CAN_FORK, in_processes
from .stage import StorageStage
from .suite import StorageSuite

__all__ = ["Together"]

MANY = 24


class Together(StorageSuite):
    """Every operation is atomic."""

    async def test_no_merge_is_lost(self, stage: StorageStage) -> None:
        """Many merge into one record, through two storages; all fields are there then."""
        one, other, key = stage.open(), stage.open(), stage.key()
        other = other if stage.harness.is_shared else one

        async def merge(number: int) -> None:
            for turn in range(10):
                await (other if number % 2 else one).merge(key, {f"{number}-{turn}": "x"})

        await stage.together(*(functools.partial(merge, number) for number in range(MANY)))
        assert len(await one.read(key)) == MANY * 10

    async def test_one_removes(self, stage: StorageStage) -> None:
        """Of many who remove a record exactly one is told so."""
        records = stage.open()
        for turn in range(5):
            await records.write(stage.key(turn), {"a": "1"})
            told = await stage.together(*[functools.partial(records.remove, stage.key(turn))] * MANY)
            assert sorted(told) == [False] * (MANY - 1) + [True]

    async def test_one_takes(self, stage: StorageStage) -> None:
        """Of many who take a record exactly one gets it."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"})
        got = await stage.together(*[functools.partial(records.take, key)] * MANY)
        assert [fields for fields in got if fields] == [{"a": "1"}]

    async def test_one_is_new(self, stage: StorageStage) -> None:
        """Of many who write a new record exactly one succeeds, and that one is there."""
        records, key = stage.open(), stage.key()

        async def write(number: int) -> bool:
            return await records.write_new(key, {"by": str(number)})

        told = await stage.together(*(functools.partial(write, number) for number in range(MANY)))
        assert sum(told) == 1
        assert await records.read(key) == {"by": str(told.index(True))}

    async def test_one_appends(self, stage: StorageStage) -> None:
        """Of many who append at one revision exactly one succeeds."""
        records, key = stage.open(), stage.key()

        async def append(number: int) -> int | None:
            return await records.append(key, 0, [str(number)], fields={"a": "1"})

        told = await stage.together(*(functools.partial(append, number) for number in range(MANY)))
        assert [one for one in told if one is not None] == [1]
        journal = await records.journal(key)
        assert journal is not None
        assert list(journal.entries) == [str(told.index(1))]

    async def test_no_entry_is_lost(self, stage: StorageStage) -> None:
        """Many append, each tries again when another was first; all entries are there, each once."""
        records, key = stage.open(), stage.key()

        async def append(number: int) -> None:
            for turn in range(4):
                while True:
                    there = await records.journal(key)
                    if await records.append(key, there.revision if there else 0, [f"{number}-{turn}"]) is not None:
                        break

        await stage.together(*(functools.partial(append, number) for number in range(6)))
        journal = await records.journal(key)
        assert journal is not None
        assert sorted(journal.entries) == sorted(f"{number}-{turn}" for number in range(6) for turn in range(4))

    async def test_nobody_sees_half(self, stage: StorageStage) -> None:
        """Who reads while others write sees all fields of one of them."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "0", "b": "0"})

        async def write(number: int) -> list[dict[str, str]]:
            for turn in range(10):
                await records.write(key, {"a": f"{number}-{turn}", "b": f"{number}-{turn}"})
            return []

        async def read() -> list[dict[str, str]]:
            return [await records.read(key) for _ in range(20)]

        seen = await stage.together(*(functools.partial(write, number) for number in range(4)), read, read)
        assert all(fields["a"] == fields["b"] for part in seen for fields in part)

    async def test_two_storages_of_one_place(self, stage: StorageStage) -> None:
        """What one wrote, another reads at once."""
        one, other, key = stage.open(), stage.open(), stage.key()
        await one.write(key, {"a": "1"}, due=5)
        if not stage.harness.is_shared:
            assert await other.read(key) == {}
            return
        assert await other.read(key) == {"a": "1"}
        await other.merge(key, {"b": "2"})
        assert await one.read(key) == {"a": "1", "b": "2"}
        assert await one.remove(key)
        assert not await other.remove(key)
        assert await other.next_due("thing", "space") is None

    async def test_processes_lose_nothing(self, stage: StorageStage) -> None:
        """Several processes merge and append at once; everything is there then."""
        if not (stage.harness.is_shared and CAN_FORK and stage.is_blocking):
            return
        await stage.open().write(stage.key("first"), {"a": "1"})  # the place is there
        in_processes(4, lambda number: hammer(stage.harness.open().blocking(), stage.key(), number))
        records = stage.open()
        assert len(await records.read(stage.key())) == 4 * 25
        journal = await records.journal(RecordKey("journal", "space", "key"))
        assert journal is not None
        assert len(set(journal.entries)) == len(journal.entries) == 4 * 25


async def hammer(records: Records, key: RecordKey, number: int) -> None:
    """Do what one process of several does."""
    for turn in range(25):
        await records.merge(key, {f"{number}-{turn}": "x"})
        await records.append(RecordKey("journal", key.space, key.name), None, [f"{number}-{turn}"])
    await records.close()
