"""Records: what ends by itself, and what is due."""

from __future__ import annotations

from .stage import StorageStage
from .suite import StorageSuite

__all__ = ["Timers"]

SHORT, LONG = 0.05, 600.0


class Timers(StorageSuite):
    """Times to live, and times at which something is due."""

    async def test_a_record_ends(self, stage: StorageStage) -> None:
        """When its time is up it is gone, for every way to look at it."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"}, ttl=SHORT, due=1)
        await stage.pass_time(2 * SHORT)
        assert await records.read(key) == {}
        assert await records.read_many([key]) == [{}]
        assert await records.scan("thing") == []
        assert await records.due("thing", "space", 2) == []
        assert await records.next_due("thing", "space") is None
        assert await records.journal(key) is None
        assert not await records.remove(key)
        assert await records.take(key) == {}

    async def test_a_record_that_ended_leaves_nothing(self, stage: StorageStage) -> None:
        """What is merged or written anew knows nothing of the old fields."""
        records, one, other = stage.open(), stage.key(1), stage.key(2)
        await records.write(one, {"a": "1"}, ttl=SHORT)
        await records.write(other, {"a": "1"}, ttl=SHORT)
        await stage.pass_time(2 * SHORT)
        assert await records.merge(one, {"b": "2"}) == {"b": "2"}
        assert await records.write_new(other, {"c": "3"})
        assert [found.ttl for found in await records.scan("thing")] == [None, None]

    async def test_the_time_left_is_told(self, stage: StorageStage) -> None:
        """A scan says how long a record has left."""
        records = stage.open()
        await records.write(stage.key(1), {"a": "1"}, ttl=LONG)
        await records.write(stage.key(2), {"a": "1"})
        first, second = await records.scan("thing")
        assert first.ttl is not None
        assert LONG - 30 < first.ttl <= LONG + 1
        assert second.ttl is None

    async def test_writing_anew_sets_the_time_anew(self, stage: StorageStage) -> None:
        """Without a time to live nothing is left of the one before."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"}, ttl=SHORT)
        await records.write(key, {"a": "2"})
        await stage.pass_time(2 * SHORT)
        assert await records.read(key) == {"a": "2"}
        assert (await records.scan("thing"))[0].ttl is None

    async def test_merging_keeps_the_time(self, stage: StorageStage) -> None:
        """A merge without a time to live leaves the one there is, with one it begins again."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"}, ttl=LONG)
        await records.merge(key, {"b": "1"})
        assert (await records.scan("thing"))[0].ttl is not None
        await records.merge(key, {"b": "1"}, ttl=10 * LONG)
        assert ((await records.scan("thing"))[0].ttl or 0) > LONG + 1
        await records.merge(key, {"b": "2"}, ttl=SHORT)
        await stage.pass_time(2 * SHORT)
        assert await records.read(key) == {}

    async def test_merging_gives_a_new_record_its_time(self, stage: StorageStage) -> None:
        """A record that a merge makes can have a time to live; so can one without fields to merge."""
        records, key = stage.open(), stage.key()
        await records.merge(key, {"a": "1"}, ttl=SHORT)
        await stage.pass_time(2 * SHORT)
        assert await records.read(key) == {}

    async def test_a_new_record_has_its_time(self, stage: StorageStage) -> None:
        """One that is only written if it is new can have a time to live, and be due."""
        records, key = stage.open(), stage.key()
        assert await records.write_new(key, {"a": "1"}, ttl=SHORT, due=3)
        assert await records.next_due("thing", "space") == 3
        await stage.pass_time(2 * SHORT)
        assert await records.write_new(key, {"a": "2"})

    async def test_reading_can_begin_the_time_again(self, stage: StorageStage) -> None:
        """A touch is the new time to live from now on, be it longer or shorter."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"}, ttl=LONG)
        assert await records.read(key, touch=10 * LONG) == {"a": "1"}
        assert ((await records.scan("thing"))[0].ttl or 0) > LONG + 1
        await records.read(key, touch=SHORT)
        await stage.pass_time(2 * SHORT)
        assert await records.read(key) == {}

    async def test_a_touch_gives_no_time(self, stage: StorageStage) -> None:
        """What has no time to live gets none by being read."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"})
        assert await records.read(key, touch=SHORT) == {"a": "1"}
        assert await records.read(stage.key("none"), touch=SHORT) == {}
        await stage.pass_time(2 * SHORT)
        assert await records.read(key) == {"a": "1"}

    async def test_a_record_ends_among_many(self, stage: StorageStage) -> None:
        """Each has its own time."""
        records = stage.open()
        for number in range(40):
            await records.write(stage.key(number), {"a": "1"}, ttl=SHORT if number % 2 else LONG)
        await stage.pass_time(2 * SHORT)
        found = await records.scan("thing")
        assert {one.key for one in found} == {stage.key(number) for number in range(0, 40, 2)}

    async def test_due_lists_the_most_overdue_first(self, stage: StorageStage) -> None:
        """In the order of their times, only those whose time has come, the moment itself included."""
        records = stage.open()
        for name, due in (("c", 30.5), ("a", 10.25), ("d", 40.0), ("b", 20.0)):
            await records.write(stage.key(name), {"name": name}, due=due)
        await records.write(stage.key("never"), {"a": "1"})
        found = await records.due("thing", "space", 30.5)
        assert [(one.fields["name"], one.due) for one in found] == [("a", 10.25), ("b", 20.0), ("c", 30.5)]
        assert [one.fields["name"] for one in await records.due("thing", "space", 99, limit=2)] == ["a", "b"]
        assert await records.due("thing", "space", 10.0) == []

    async def test_due_does_not_take(self, stage: StorageStage) -> None:
        """Who lists what is due has changed nothing; who removes it owns it."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"}, due=5)
        for _ in range(2):
            assert [one.key for one in await records.due("thing", "space", 6)] == [key]
        assert await records.remove(key)
        assert await records.due("thing", "space", 6) == []

    async def test_the_next_due_time(self, stage: StorageStage) -> None:
        """The soonest of one kind in one space, or None."""
        records = stage.open()
        assert await records.next_due("thing", "space") is None
        await records.write(stage.key("a"), {"a": "1"}, due=20)
        await records.write(stage.key("b"), {"a": "1"}, due=10)
        await records.write(stage.key("c", space="other"), {"a": "1"}, due=1)
        await records.write(stage.key("d", kind="other"), {"a": "1"}, due=2)
        assert await records.next_due("thing", "space") == 10
        await records.remove(stage.key("b"))
        assert await records.next_due("thing", "space") == 20
        await records.remove(stage.key("a"))
        assert await records.next_due("thing", "space") is None

    async def test_a_time_can_be_put_off(self, stage: StorageStage) -> None:
        """A record is due at the time it was last given, and only then."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"}, due=5)
        await records.write(key, {"a": "1"}, due=9)
        assert await records.due("thing", "space", 8) == []
        assert await records.next_due("thing", "space") == 9
        await records.write(key, {"a": "1"}, due=3)
        assert [one.due for one in await records.due("thing", "space", 8)] == [3]

    async def test_times_are_kept_exactly(self, stage: StorageStage) -> None:
        """A due time comes back as it was given, to the microsecond."""
        records, key = stage.open(), stage.key()
        for due in (0.0, 1.5, 1_800_000_000.123456, 4_102_444_800.000001):
            await records.write(key, {"a": "1"}, due=due)
            assert await records.next_due("thing", "space") == due
            assert [one.due for one in await records.due("thing", "space", due)] == [due]
            assert [one.due for one in await records.scan("thing")] == [due]
