"""Records: closing, opening again, other threads, other event loops, forks."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest

from aiostep_core.errors import AiostepError, StorageClosed
from aiostep_core.storages.abc import RecordKey, Records
from aiostep_core.storages.records import settle

from .forking import CAN_FORK, in_processes
from .stage import StorageStage
from .suite import StorageSuite

__all__ = ["Surroundings"]


class Surroundings(StorageSuite):
    """What happens around the records."""

    async def test_closed_is_closed(self, stage: StorageStage) -> None:
        """Every method of a closed storage says so."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"})
        await records.close()
        calls = (
            *(functools.partial(records.read, key), functools.partial(records.read_many, [key])),
            *(functools.partial(records.write, key, {"a": "1"}), functools.partial(records.write_new, key, {"a": "1"})),
            *(functools.partial(records.merge, key, {"a": "1"}), functools.partial(records.remove, key)),
            *(functools.partial(records.take, key), functools.partial(records.scan, "thing")),
            *(functools.partial(records.due, "thing", "space", 5), functools.partial(records.next_due, "thing", "x")),
            *(functools.partial(records.journal, key), functools.partial(records.append, key, None, ["a"])),
        )
        for call in calls:
            with pytest.raises(StorageClosed, match="was closed"):
                await call()

    async def test_closing_again_is_harmless(self, stage: StorageStage) -> None:
        """Also when nothing was done before."""
        records = stage.open()
        await records.close()
        await records.close()

    async def test_closing_closes_both_faces(self, stage: StorageStage) -> None:
        """The two faces are one storage."""
        records = stage.open()
        other = records.asynchronous() if stage.is_blocking else records.blocking()
        await records.write(stage.key(), {"a": "1"})
        await records.close()
        with pytest.raises(StorageClosed):
            asyncio.run(_read(other, stage.key())) if stage.is_blocking else settle(other.read(stage.key()))

    async def test_the_faces_see_the_same(self, stage: StorageStage) -> None:
        """What threads wrote the event loop reads."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"})
        if stage.is_blocking:
            assert records.is_blocking
            assert records.blocking() is records
            assert settle(records.asynchronous().blocking().read(key)) == {"a": "1"}
        else:
            assert records.asynchronous() is records
            assert settle(records.blocking().read(key)) == {"a": "1"}
            settle(records.blocking().merge(key, {"b": "2"}))
            assert await records.read(key) == {"a": "1", "b": "2"}

    async def test_what_was_written_stays(self, stage: StorageStage) -> None:
        """A durable storage has everything when it is opened again."""
        if not stage.harness.is_durable:
            return
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"}, ttl=600, due=5)
        await records.append(stage.key("journal"), 0, ["one", "two"], fields={"b": "2"})
        await records.close()
        records = stage.open()
        assert await records.read(key) == {"a": "1"}
        assert await records.next_due("thing", "space") == 5
        assert (await records.scan("thing"))[1].ttl is not None
        journal = await records.journal(stage.key("journal"))
        assert journal is not None
        assert (list(journal.entries), journal.revision) == (["one", "two"], 1)

    async def test_a_representation_without_secrets(self, stage: StorageStage) -> None:
        """What a log shows of a storage is short, and says nothing of what is in it."""
        records = stage.open()
        await records.write(stage.key(), {"secret": "hunter2"})
        assert len(repr(records)) < 300
        assert "hunter2" not in repr(records)

    async def test_any_thread_may_use_it(self, stage: StorageStage) -> None:
        """A storage for threads may be used, and closed, in another thread than it was opened in."""
        if not stage.is_blocking:
            return
        records, key = stage.open(), stage.key()
        results = list[object]()

        def work() -> None:
            settle(records.merge(key, {"a": "1"}))
            results.append(settle(records.read(key)))
            settle(records.close())

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(10)
        assert results == [{"a": "1"}]

    async def test_another_event_loop(self, stage: StorageStage) -> None:
        """It works there too, or says at once that it belongs to another; it never hangs and loses nothing."""
        if not stage.is_blocking:  # this needs two loops of its own
            return
        records, key = stage.open().asynchronous(), stage.key()

        async def use(name: str, records: Records) -> str:
            try:
                await asyncio.wait_for(records.merge(key, {name: "x"}), 10)
            except AiostepError as error:
                return str(error)
            return ""

        assert asyncio.run(use("first", records)) == ""
        said = asyncio.run(use("second", records))
        again = stage.open().asynchronous() if stage.harness.is_shared else records
        fields = asyncio.run(_read_and_close(again, key))
        assert fields.keys() == ({"first"} if said else {"first", "second"})

    async def test_after_a_fork(self, stage: StorageStage) -> None:
        """A process that was forked may use the storage it inherited; nothing of its parent breaks."""
        if not (CAN_FORK and stage.is_blocking):
            return
        records, key = stage.open(), stage.key()
        await records.write(key, {"parent": "1"})

        async def child(number: int) -> None:
            assert await records.read(key) == {"parent": "1"}
            await records.merge(stage.key("child"), {"child": "1"})
            await records.close()

        in_processes(1, child)
        await records.merge(key, {"parent": "2"})
        assert await records.read(key) == {"parent": "2"}
        assert await records.read(stage.key("child")) == ({"child": "1"} if stage.harness.is_shared else {})


async def _read(records: Records, key: RecordKey) -> dict[str, str]:
    return await records.read(key)


async def _read_and_close(records: Records, key: RecordKey) -> dict[str, str]:
    try:
        return await records.read(key)
    finally:
        await records.close()
