"""SQLite held to the model, memory, through whatever sequence of operations Hypothesis thinks of."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from aiostep_core.storages.abc import Found, RecordKey, Records
from aiostep_core.storages.memory_records import MemoryRecords
from aiostep_core.storages.records import settle
from aiostep_core.storages.sqlite import SqliteRecords
from aiostep_core.storages.sqlite_texts import fields_of, readable, storable_text, text_of

# Every character there is, surrogates too.
TEXTS = st.text(st.characters(), max_size=5)
NAMES = st.sampled_from(["", "a", "b", "b\0", "\ud7ff", "\ud800", "\udfff\udc00", "\ue000", "\U0001f600"])
KEYS = st.builds(RecordKey, st.sampled_from(["state", "step"]), st.sampled_from(["1", "\ud83d"]), NAMES)
FIELDS = st.dictionaries(st.sampled_from(["x", "y", "\udead"]), TEXTS, max_size=2)
TIMES = st.none() | st.sampled_from([1.0, 2.0, 60.0])
DUES = st.none() | st.integers(0, 20).map(float)
REVISIONS = st.none() | st.integers(0, 3)


class Model(RuleBasedStateMachine):
    """Does everything to both; what they answer must be the same."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.folder = tempfile.TemporaryDirectory()
        self.model = MemoryRecords(lambda: self.now)
        self.records: Records = self.opened()

    def opened(self) -> SqliteRecords:
        path = Path(self.folder.name) / "bot.db"
        return SqliteRecords(path, durability="process", is_blocking=True, clock=lambda: self.now)

    def teardown(self) -> None:
        settle(self.records.close())
        self.folder.cleanup()

    def both(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Do an operation to both and compare."""
        expected = settle(getattr(self.model, name)(*args, **kwargs))
        found = settle(getattr(self.records, name)(*args, **kwargs))
        assert found == expected
        return found

    @rule(key=KEYS, touch=TIMES)
    def read(self, key: RecordKey, touch: float | None) -> None:
        self.both("read", key, touch=touch)

    @rule(keys=st.lists(KEYS, max_size=3))
    def read_many(self, keys: list[RecordKey]) -> None:
        self.both("read_many", keys)

    @rule(key=KEYS, fields=FIELDS, ttl=TIMES, due=DUES)
    def write(self, key: RecordKey, fields: dict[str, str], ttl: float | None, due: float | None) -> None:
        self.both("write", key, fields, ttl=ttl, due=due)

    @rule(key=KEYS, fields=FIELDS, ttl=TIMES, due=DUES)
    def write_new(self, key: RecordKey, fields: dict[str, str], ttl: float | None, due: float | None) -> None:
        self.both("write_new", key, fields, ttl=ttl, due=due)

    @rule(key=KEYS, fields=FIELDS, ttl=TIMES)
    def merge(self, key: RecordKey, fields: dict[str, str], ttl: float | None) -> None:
        self.both("merge", key, fields, ttl=ttl)

    @rule(key=KEYS, where=st.none() | FIELDS)
    def remove(self, key: RecordKey, where: dict[str, str] | None) -> None:
        self.both("remove", key, where=where)

    @rule(key=KEYS, where=st.none() | FIELDS)
    def take(self, key: RecordKey, where: dict[str, str] | None) -> None:
        self.both("take", key, where=where)

    @rule(key=KEYS)
    def remove_what_is_there(self, key: RecordKey) -> None:
        self.both("remove", key, where=settle(self.model.read(key)))

    @rule(
        key=KEYS,
        revision=REVISIONS,
        entries=st.lists(TEXTS, max_size=3),
        fields=st.none() | FIELDS,
        keep=st.none() | st.integers(0, 3),
        ttl=TIMES,
        due=DUES,
    )
    def append(self, key: RecordKey, revision: int | None, **more: Any) -> None:
        self.both("append", key, revision, more.pop("entries"), **more)

    @rule(key=KEYS)
    def journal(self, key: RecordKey) -> None:
        self.both("journal", key)

    @rule(now=st.integers(0, 20).map(float), limit=st.integers(1, 3))
    def due(self, now: float, limit: int) -> None:
        expected: list[Found] = settle(self.model.due("state", "1", now, limit=100))
        found: list[Found] = settle(self.records.due("state", "1", now, limit=limit))

        # Which of those due at one time come first is open.
        assert [one.due for one in found] == [one.due for one in expected][:limit]
        assert all(one in expected for one in found)
        self.both("next_due", "state", "1")

    @rule(space=st.none() | st.sampled_from(["1", "\ud83d"]), after=st.none() | KEYS, limit=st.integers(1, 4))
    def scan(self, space: str | None, after: RecordKey | None, limit: int) -> None:
        self.both("scan", "state", space=space, after=after, limit=limit)

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def reopen(self) -> None:
        settle(self.records.close())
        self.records = self.opened()

    @initialize(reads_first=st.booleans())
    def start(self, reads_first: bool) -> None:
        if reads_first:
            self.both("scan", "state")

    @invariant()
    def holds_the_same(self) -> None:
        for kind in ("state", "step"):
            self.both("scan", kind)


Model.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestModel = Model.TestCase
TestModel.__doc__ = "SQLite answers as memory does."


@given(st.lists(TEXTS | NAMES, max_size=8))
def test_any_text_is_kept_and_sorts_as_before(texts: list[str]) -> None:
    """Whatever text comes back the same, and the stored ones have the same order, byte by byte."""
    stored = [storable_text(text) for text in texts]

    assert [readable(text) for text in stored] == texts
    assert sorted(texts, key=lambda text: storable_text(text).encode()) == sorted(texts)


@given(FIELDS | st.dictionaries(TEXTS, TEXTS))
def test_any_fields_are_kept(fields: dict[str, str]) -> None:
    """Fields come back the same from a text that SQLite can keep."""
    text = text_of(fields)

    assert text.encode()
    assert fields_of(text) == fields


@pytest.fixture(params=["file", "memory"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteRecords]:
    """A storage that keeps five records of two spaces."""
    path = tmp_path / "bot.db" if request.param == "file" else ":memory:"
    found = SqliteRecords(path, is_blocking=True)
    for space, name in [("1", "a"), ("1", "b"), ("2", "a"), ("2", "b"), ("3", "")]:
        settle(found.write(RecordKey("state", space, name), {"x": space + name}))
    yield found
    settle(found.close())


def test_scanning_goes_on_after_the_last_found(records: SqliteRecords) -> None:
    """Page after page gives every record once, in order."""
    found: list[Found] = []
    while page := settle(records.scan("state", after=found[-1].key if found else None, limit=2)):
        found += page

    assert [one.key[1:] for one in found] == [("1", "a"), ("1", "b"), ("2", "a"), ("2", "b"), ("3", "")]


def test_scanning_a_space_after_a_key_of_another_one(records: SqliteRecords) -> None:
    """A key before the space leaves all of it, a key behind it nothing."""
    before, behind = RecordKey("state", "1", "b"), RecordKey("state", "3", "")

    assert [one.key.name for one in settle(records.scan("state", space="2", after=before))] == ["a", "b"]
    assert settle(records.scan("state", space="2", after=behind)) == []
    assert settle(records.scan("state", after=RecordKey("step", "", ""))) == []
    assert len(settle(records.scan("state", after=RecordKey("a", "9", "")))) == 5
