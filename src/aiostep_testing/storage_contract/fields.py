"""Records: what is written, merged and removed."""

from __future__ import annotations

from aiostep_core.storages.abc import RecordKey

from .stage import StorageStage
from .suite import StorageSuite

__all__ = ["Fields"]


class Fields(StorageSuite):
    """Reading, writing, merging and removing one record."""

    async def test_what_is_written_is_read(self, stage: StorageStage) -> None:
        """A record has the fields it was written with."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1", "b": "2"})
        assert await records.read(key) == {"a": "1", "b": "2"}

    async def test_a_record_that_is_not_there_has_no_fields(self, stage: StorageStage) -> None:
        """No record is no fields, and no error."""
        assert await stage.open().read(stage.key()) == {}

    async def test_writing_takes_the_place_of_everything(self, stage: StorageStage) -> None:
        """Fields that are not written again are gone."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1", "b": "2"}, due=5)
        await records.write(key, {"b": "3", "c": "4"})
        assert await records.read(key) == {"b": "3", "c": "4"}
        assert (await records.scan("thing"))[0].due is None

    async def test_writing_nothing_removes(self, stage: StorageStage) -> None:
        """A record without fields does not exist."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"}, due=5)
        await records.write(key, {})
        assert await records.read(key) == {}
        assert await records.scan("thing") == []
        assert await records.next_due("thing", "space") is None
        assert not await records.remove(key)

    async def test_empty_names_and_texts_are_fields(self, stage: StorageStage) -> None:
        """A field may have an empty name or an empty text."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"": "", "a": ""})
        assert await records.read(key) == {"": "", "a": ""}

    async def test_what_was_passed_in_may_be_changed(self, stage: StorageStage) -> None:
        """Neither the caller's dictionary nor the one handed out is the record."""
        records, key, fields = stage.open(), stage.key(), {"a": "1"}
        await records.write(key, fields)
        fields["a"] = "2"
        (await records.read(key))["a"] = "3"
        (await records.merge(key, {}))["a"] = "4"
        assert await records.read(key) == {"a": "1"}

    async def test_several_are_read_in_their_order(self, stage: StorageStage) -> None:
        """Reading many gives the fields of each, none for those that are not there, one twice if asked twice."""
        records = stage.open()
        one, two, none = stage.key(1), stage.key(2), stage.key(3)
        await records.write(one, {"a": "1"})
        await records.write(two, {"a": "2"})
        assert await records.read_many([two, none, one, two]) == [{"a": "2"}, {}, {"a": "1"}, {"a": "2"}]
        assert await records.read_many([]) == []

    async def test_a_new_record_is_written_once(self, stage: StorageStage) -> None:
        """Where one is, another is not written."""
        records, key = stage.open(), stage.key()
        assert await records.write_new(key, {"a": "1"})
        assert not await records.write_new(key, {"a": "2"})
        assert not await records.write_new(key, {"a": "1", "b": "1"})
        assert await records.read(key) == {"a": "1"}

    async def test_a_new_record_may_be_written_again(self, stage: StorageStage) -> None:
        """The same fields are the same call, made again because its answer was lost."""
        records, key = stage.open(), stage.key()
        assert await records.write_new(key, {"a": "1"})
        assert await records.write_new(key, {"a": "1"})

    async def test_what_was_removed_can_be_new(self, stage: StorageStage) -> None:
        """A name is free again once its record is gone."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"})
        await records.remove(key)
        assert await records.write_new(key, {"a": "2"})
        assert await records.read(key) == {"a": "2"}

    async def test_merging_keeps_the_other_fields(self, stage: StorageStage) -> None:
        """Merging changes the fields it names, and answers with all."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1", "b": "2"})
        assert await records.merge(key, {"b": "3", "c": "4"}) == {"a": "1", "b": "3", "c": "4"}
        assert await records.read(key) == {"a": "1", "b": "3", "c": "4"}

    async def test_merging_makes_a_record(self, stage: StorageStage) -> None:
        """A record to merge into need not exist; with nothing to merge it does not exist then."""
        records, key = stage.open(), stage.key()
        assert await records.merge(key, {"a": "1"}) == {"a": "1"}
        assert await records.merge(stage.key("other"), {}) == {}
        assert [one.key for one in await records.scan("thing")] == [key]

    async def test_merging_nothing_changes_nothing(self, stage: StorageStage) -> None:
        """A merge of no fields answers with what is there."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"}, due=5)
        assert await records.merge(key, {}) == {"a": "1"}
        assert (await records.scan("thing"))[0].due == 5

    async def test_merging_leaves_the_time_it_is_due(self, stage: StorageStage) -> None:
        """Whoever merges need not know of timers."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"}, due=5)
        await records.merge(key, {"b": "1"})
        assert await records.next_due("thing", "space") == 5

    async def test_removing_is_told_once(self, stage: StorageStage) -> None:
        """True when it was there, False when it was not."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"})
        assert await records.remove(key) is True
        assert await records.remove(key) is False
        assert await records.read(key) == {}

    async def test_removing_where_fields_fit(self, stage: StorageStage) -> None:
        """A record is only removed if the fields that are named have these values."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1", "b": "2"})
        for where in ({"a": "2"}, {"a": "1", "b": "1"}, {"c": ""}, {"c": "1"}, {"a": "1", "c": ""}):
            assert not await records.remove(key, where=where)
        assert await records.remove(key, where={"a": "1"})
        assert await records.read(key) == {}

    async def test_removing_without_conditions(self, stage: StorageStage) -> None:
        """No conditions are met by every record."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1"})
        assert await records.remove(key, where={})

    async def test_taking_gives_what_was_there(self, stage: StorageStage) -> None:
        """Taking removes, and answers with the fields."""
        records, key = stage.open(), stage.key()
        await records.write(key, {"a": "1", "b": "2"})
        assert await records.take(key, where={"a": "2"}) == {}
        assert await records.take(key, where={"a": "1"}) == {"a": "1", "b": "2"}
        assert await records.take(key) == {}
        assert await records.read(key) == {}

    async def test_a_scan_lists_one_kind_by_key(self, stage: StorageStage) -> None:
        """All records of a kind, none of another, in the order of their keys."""
        records = stage.open()
        keys = [stage.key(name, space=space) for space in ("x", "y") for name in ("a", "b", "b:", "c")]
        for key in reversed(keys):
            await records.write(key, {"name": key.name}, due=7)
        await records.write(stage.key("a", kind="other"), {"a": "1"})
        found = await records.scan("thing")
        assert [one.key for one in found] == sorted(keys)
        assert [(dict(one.fields), one.due, one.ttl) for one in found] == [
            ({"name": key.name}, 7, None) for key in sorted(keys)
        ]

    async def test_a_scan_of_one_space(self, stage: StorageStage) -> None:
        """Only what is kept together there."""
        records = stage.open()
        for space in ("x", "xy", "y"):
            await records.write(stage.key("a", space=space), {"a": "1"})
        assert [one.key.space for one in await records.scan("thing", space="x")] == ["x"]
        assert await records.scan("thing", space="z") == []

    async def test_a_scan_goes_on_where_it_ended(self, stage: StorageStage) -> None:
        """Pages follow each other without a gap and without a repetition."""
        records = stage.open()
        keys = sorted(stage.key(f"{number}", space=f"{number % 3}") for number in range(23))
        for key in keys:
            await records.write(key, {"a": "1"})
        seen, after = list[RecordKey](), None
        while page := await records.scan("thing", after=after, limit=5):
            seen += [one.key for one in page]
            after = page[-1].key
            if len(page) < 5:
                break
        assert seen == keys

    async def test_a_scan_starts_after_a_key_that_is_gone(self, stage: StorageStage) -> None:
        """The last one seen may have been removed meanwhile."""
        records = stage.open()
        await records.write(stage.key("c"), {"a": "1"})
        assert [one.key for one in await records.scan("thing", after=stage.key("b"))] == [stage.key("c")]
