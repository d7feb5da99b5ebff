"""Records: which names and texts are possible, namely all."""

from __future__ import annotations

from aiostep_core.storages.abc import RecordKey

from .stage import StorageStage
from .suite import StorageSuite

__all__ = ["Names"]

#: Texts at which storages have been seen to stumble: separators, patterns, quotes, what is no character, and much.
TRAPS = (
    *("", "-", ":", "a:b", "a:", ":a", "\\", "\\:", "a\\:b", "/", "..", "{", "{a}", "}{", "*", "?", "[a-z]", "%", "_"),
    *("'", '"', "' or 1=1 --", "a b", " ", "\t", "\n", "\r\n", "\0", "a\0b", "\x7f", "\x1f", "None", "null", "0", "-1"),
    *("é", "é", "ß", "İ", "שלום", "سلام", "日本", "😀", "\u200b", "\ufeff", "\uffff", "\U0010ffff"),
    *("\ud83d", "\ude00", "\ud83d\ude00", "x" * 1000),
)


class Names(StorageSuite):
    """Texts may be any Python strings."""

    async def test_every_name_is_another(self, stage: StorageStage) -> None:
        """No two names mean one record, whatever is in them."""
        records = stage.open()
        keys = [RecordKey("thing", "space", name) for name in dict.fromkeys(TRAPS)]
        for number, key in enumerate(keys):
            await records.write(key, {"number": f"{number}"})
        assert [await records.read(key) for key in keys] == [{"number": f"{number}"} for number in range(len(keys))]

    async def test_every_space_is_another(self, stage: StorageStage) -> None:
        """The same for spaces; and a space with a name is no longer name."""
        records = stage.open()
        keys = [RecordKey("thing", space, "name") for space in dict.fromkeys(TRAPS)]
        keys += [RecordKey("thing", "a", "b:name"), RecordKey("thing", "a:b", "")]
        for number, key in enumerate(keys):
            await records.write(key, {"number": f"{number}"})
        assert [await records.read(key) for key in keys] == [{"number": f"{number}"} for number in range(len(keys))]

    async def test_every_kind_is_another(self, stage: StorageStage) -> None:
        """Two kinds never meet, also if one is the beginning of the other."""
        records = stage.open()
        kinds = ("a", "ab", "a-b", "b")
        for kind in kinds:
            await records.write(stage.key(kind=kind), {"kind": kind}, due=1)
        for kind in kinds:
            assert await records.read(stage.key(kind=kind)) == {"kind": kind}
            assert [one.fields["kind"] for one in await records.scan(kind)] == [kind]
            assert [one.fields["kind"] for one in await records.due(kind, "space", 2)] == [kind]

    async def test_scans_give_names_back(self, stage: StorageStage) -> None:
        """A key comes out of a scan as it went in."""
        records = stage.open()
        keys = {RecordKey("thing", name, name) for name in TRAPS}
        for key in keys:
            await records.write(key, {"a": "1"})
        found = [one.key for one in await records.scan("thing")]
        assert set(found) == keys
        assert len(found) == len(keys)
        assert found == sorted(found)

    async def test_pages_of_odd_names(self, stage: StorageStage) -> None:
        """Pages also follow each other when the names are odd."""
        records = stage.open()
        keys = sorted({RecordKey("thing", "space", name) for name in TRAPS})
        for key in keys:
            await records.write(key, {"a": "1"})
        seen, after = list[RecordKey](), None
        while page := await records.scan("thing", space="space", after=after, limit=7):
            seen += [one.key for one in page]
            after = seen[-1]
        assert seen == keys

    async def test_due_gives_names_back(self, stage: StorageStage) -> None:
        """The same for what is due, in every space."""
        records = stage.open()
        for name in dict.fromkeys(TRAPS):
            key = RecordKey("thing", name, name)
            await records.write(key, {"a": "1"}, due=5)
            assert [one.key for one in await records.due("thing", name, 6)] == [key]
            assert await records.next_due("thing", name) == 5

    async def test_every_text_comes_back(self, stage: StorageStage) -> None:
        """Names of fields and their texts are kept as they are."""
        records, key = stage.open(), stage.key()
        fields = {text: text for text in TRAPS}
        await records.write(key, fields)
        assert await records.read(key) == fields
        assert await records.merge(key, {"more": "1"}) == {**fields, "more": "1"}
        assert await records.take(key, where=fields) == {**fields, "more": "1"}

    async def test_every_text_is_another_condition(self, stage: StorageStage) -> None:
        """Conditions compare texts exactly."""
        records, key = stage.open(), stage.key()
        for text in TRAPS:
            await records.write(key, {"a": text})
            for other in TRAPS:
                if other != text:
                    assert not await records.remove(key, where={"a": other})
            assert await records.remove(key, where={"a": text})

    async def test_every_text_is_an_entry(self, stage: StorageStage) -> None:
        """The entries of a journal, too."""
        records, key = stage.open(), stage.key()
        await records.append(key, 0, TRAPS, fields={"a": "1"})
        journal = await records.journal(key)
        assert journal is not None
        assert list(journal.entries) == list(TRAPS)

    async def test_a_large_text(self, stage: StorageStage) -> None:
        """Ten megabytes are a lot, but no reason to lose one."""
        records, key = stage.open(), stage.key()
        text = "x" * stage.harness.largest_text
        await records.write(key, {"a": text, "b": "1"})
        assert (await records.read(key))["a"] == text

    async def test_many_fields(self, stage: StorageStage) -> None:
        """A record may have thousands of fields."""
        records, key = stage.open(), stage.key()
        fields = {f"{number}": "x" for number in range(5000)}
        await records.write(key, fields)
        assert await records.merge(key, {"0": "y"}) == {**fields, "0": "y"}

    async def test_many_records(self, stage: StorageStage) -> None:
        """Hundreds can be read at once."""
        records = stage.open()
        keys = [stage.key(number) for number in range(300)]
        for key in keys:
            await records.write(key, {"name": key.name})
        assert await records.read_many(keys) == [{"name": key.name} for key in keys]
        assert len(await records.scan("thing")) == 300
