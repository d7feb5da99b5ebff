"""Records: lists that only grow, changed only by those who know how long they are."""

from __future__ import annotations

from .stage import StorageStage
from .suite import StorageSuite

__all__ = ["Journals"]

SHORT, LONG = 0.05, 600.0


class Journals(StorageSuite):
    """The compare-and-append on which durable conversations rest."""

    async def test_a_journal_begins_at_zero(self, stage: StorageStage) -> None:
        """What does not exist is at revision 0, and is None to read."""
        records, key = stage.open(), stage.key()
        assert await records.journal(key) is None
        assert await records.append(key, 0, ["one"], fields={"a": "1"}) == 1
        journal = await records.journal(key)
        assert journal is not None
        assert (dict(journal.fields), list(journal.entries), journal.revision) == ({"a": "1"}, ["one"], 1)

    async def test_entries_come_in_their_order(self, stage: StorageStage) -> None:
        """One after the other, also several at once."""
        records, key = stage.open(), stage.key()
        revision = await records.append(key, 0, ["0", "1"], fields={"a": "1"})
        for number in range(2, 30):
            revision = await records.append(key, revision, [str(number)])
            assert revision is not None
        journal = await records.journal(key)
        assert journal is not None
        assert list(journal.entries) == [str(number) for number in range(30)]
        assert journal.revision == revision

    async def test_another_revision_is_refused(self, stage: StorageStage) -> None:
        """Who does not know the newest revision appends nothing."""
        records, key = stage.open(), stage.key()
        revision = await records.append(key, 0, ["a"], fields={"a": "1"})
        assert revision is not None
        for wrong in (0, revision + 1, -1):
            assert await records.append(key, wrong, ["b"], fields={"a": "2"}, ttl=SHORT, due=5) is None
        journal = await records.journal(key)
        assert journal is not None
        assert (dict(journal.fields), list(journal.entries), journal.revision) == ({"a": "1"}, ["a"], revision)
        assert await records.next_due("thing", "space") is None

    async def test_revisions_only_grow(self, stage: StorageStage) -> None:
        """Every change counts, also one without entries."""
        records, key = stage.open(), stage.key()
        revisions = [await records.append(key, None, [], fields={"n": str(number)}) for number in range(5)]
        assert None not in revisions
        assert revisions == sorted(set(revisions))  # type: ignore[type-var]

    async def test_any_revision_will_do(self, stage: StorageStage) -> None:
        """None appends at whatever revision it is, also to a new journal."""
        records, key = stage.open(), stage.key()
        assert await records.append(key, None, ["a"], fields={"a": "1"}) == 1
        assert await records.append(key, None, ["b"]) == 2
        journal = await records.journal(key)
        assert journal is not None
        assert list(journal.entries) == ["a", "b"]

    async def test_fields_are_merged(self, stage: StorageStage) -> None:
        """Appending changes the fields it names."""
        records, key = stage.open(), stage.key()
        await records.append(key, 0, ["a"], fields={"a": "1", "b": "1"})
        await records.append(key, 1, ["b"], fields={"b": "2"})
        journal = await records.journal(key)
        assert journal is not None
        assert dict(journal.fields) == {"a": "1", "b": "2"}
        assert await records.read(key) == {"a": "1", "b": "2"}

    async def test_a_journal_without_fields(self, stage: StorageStage) -> None:
        """Entries alone make a journal."""
        records, key = stage.open(), stage.key()
        assert await records.append(key, 0, ["a"]) == 1
        journal = await records.journal(key)
        assert journal is not None
        assert (dict(journal.fields), list(journal.entries)) == ({}, ["a"])
        assert await records.append(key, 1, ["b"]) == 2

    async def test_old_entries_can_be_dropped(self, stage: StorageStage) -> None:
        """All but the first so many, before the new ones are appended."""
        records, key = stage.open(), stage.key()
        await records.append(key, 0, ["a", "b", "c"], fields={"a": "1"})
        assert await records.append(key, 1, ["d"], keep=1) == 2
        journal = await records.journal(key)
        assert journal is not None
        assert list(journal.entries) == ["a", "d"]
        assert await records.append(key, 2, ["e"], keep=0) == 3
        journal = await records.journal(key)
        assert journal is not None
        assert list(journal.entries) == ["e"]
        assert await records.append(key, 3, [], keep=5) == 4
        journal = await records.journal(key)
        assert journal is not None
        assert list(journal.entries) == ["e"]

    async def test_removing_removes_the_entries(self, stage: StorageStage) -> None:
        """A journal that begins again has nothing of the old one."""
        records, key = stage.open(), stage.key()
        await records.append(key, 0, ["a", "b"], fields={"a": "1"})
        assert await records.remove(key)
        assert await records.journal(key) is None
        revision = await records.append(key, None, ["c"], fields={"a": "2"})
        journal = await records.journal(key)
        assert journal is not None
        assert (list(journal.entries), journal.revision) == (["c"], revision)

    async def test_writing_ends_a_journal(self, stage: StorageStage) -> None:
        """A record put in its place has no entries."""
        records, key = stage.open(), stage.key()
        await records.append(key, 0, ["a"], fields={"a": "1"})
        await records.write(key, {"b": "1"})
        journal = await records.journal(key)
        assert journal is not None
        assert (dict(journal.fields), list(journal.entries)) == ({"b": "1"}, [])

    async def test_the_times_of_a_journal(self, stage: StorageStage) -> None:
        """What is appended with takes the place of the time to live and of the due time that it had."""
        records, key = stage.open(), stage.key()
        await records.append(key, 0, ["a"], fields={"a": "1"}, ttl=SHORT, due=5)
        assert await records.next_due("thing", "space") == 5
        await records.append(key, 1, ["b"])
        assert await records.next_due("thing", "space") is None
        await stage.pass_time(2 * SHORT)
        assert await records.journal(key) is not None
        await records.append(key, 2, ["c"], ttl=SHORT, due=7)
        assert [one.due for one in await records.due("thing", "space", 8)] == [7]
        await stage.pass_time(2 * SHORT)
        assert await records.journal(key) is None
        assert await records.append(key, 0, ["d"], fields={"a": "1"}) is not None

    async def test_a_scan_finds_journals(self, stage: StorageStage) -> None:
        """They are records, too."""
        records, key = stage.open(), stage.key()
        await records.append(key, 0, ["a"], fields={"a": "1"}, ttl=LONG, due=5)
        (found,) = await records.scan("thing")
        assert (found.key, dict(found.fields), found.due) == (key, {"a": "1"}, 5)
        assert found.ttl is not None
