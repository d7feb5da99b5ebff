"""Any sequence of operations on any records, compared with memory as the model. Needs hypothesis."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from aiostep_core.storages.abc import Found, Journal, RecordKey
from aiostep_core.storages.memory_records import MemoryRecords
from aiostep_core.storages.records import settle

from .harness import Face, StorageHarness
from .names import TRAPS

__all__ = ["records_machine"]

T = TypeVar("T")

KINDS = ("thing", "other")
SPACES = ("", "a", "a:b", "-")
TEXTS = st.one_of(st.sampled_from(["", "a", "b", "1"]), st.sampled_from(TRAPS), st.text(max_size=4))
KEYS = st.builds(RecordKey, st.sampled_from(KINDS), st.sampled_from(SPACES), st.sampled_from(["", "x", "y", "x:y"]))
FIELDS = st.dictionaries(TEXTS, TEXTS, max_size=3)
DUES = st.one_of(st.none(), st.sampled_from([1.0, 2.5, 3.0]), st.floats(0, 4e9).map(lambda due: round(due, 6)))
LIMITS = st.sampled_from([1, 2, 500])
#: Long enough never to end during a test.
TTLS = st.one_of(st.none(), st.floats(1000, 10_000))
REVISIONS = st.one_of(st.none(), st.integers(0, 4))


class _Machine(RuleBasedStateMachine):
    """Does the same to the storage and to memory, and compares the answers."""

    harness_class: type[StorageHarness]
    face: Face = "blocking"

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="aiostep-"))
        self.harness = self.harness_class(self.folder)
        self.model = MemoryRecords(clock=lambda: 0.0)
        self.loop = None if self.face == "blocking" else asyncio.new_event_loop()
        opened = self.harness.open()
        self.records = opened.blocking() if self.loop is None else opened.asynchronous()

    def teardown(self) -> None:
        """Clean up."""
        self.do(self.records.close())
        if self.loop is not None:
            self.loop.close()
        self.harness.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def do(self, operation: Coroutine[Any, Any, T]) -> T:
        """Run an operation of the storage."""
        return settle(operation) if self.loop is None else self.loop.run_until_complete(operation)

    def same(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of both and compare what they answer."""
        expected = settle(getattr(self.model, name)(*args, **kwargs))
        answer = self.do(getattr(self.records, name)(*args, **kwargs))
        assert _plain(answer) == _plain(expected), f"{name} answered {answer!r}; expected {expected!r}"
        return answer

    @rule(key=KEYS, fields=FIELDS, ttl=TTLS, due=DUES)
    def write(self, key: RecordKey, fields: dict[str, str], ttl: float | None, due: float | None) -> None:
        """Put a record in place of another."""
        self.same("write", key, fields, ttl=ttl, due=due)

    @rule(key=KEYS, fields=FIELDS.filter(bool), ttl=TTLS, due=DUES)
    def write_new(self, key: RecordKey, fields: dict[str, str], ttl: float | None, due: float | None) -> None:
        """Put a record where there is none."""
        self.same("write_new", key, fields, ttl=ttl, due=due)

    @rule(key=KEYS, fields=FIELDS, ttl=TTLS)
    def merge(self, key: RecordKey, fields: dict[str, str], ttl: float | None) -> None:
        """Merge."""
        self.same("merge", key, fields, ttl=ttl)

    @rule(key=KEYS, touch=TTLS)
    def read(self, key: RecordKey, touch: float | None) -> None:
        """Read, and begin the time again."""
        self.same("read", key, touch=touch)

    @rule(key=KEYS, where=st.none() | FIELDS)
    def remove(self, key: RecordKey, where: dict[str, str] | None) -> None:
        """Remove."""
        self.same("remove", key, where=where)

    @rule(key=KEYS, where=st.none() | FIELDS)
    def take(self, key: RecordKey, where: dict[str, str] | None) -> None:
        """Take."""
        self.same("take", key, where=where)

    @rule(key=KEYS)
    def remove_as_it_is(self, key: RecordKey) -> None:
        """Remove on the condition that nothing was changed."""
        self.same("remove", key, where=settle(self.model.read(key)))

    @rule(
        key=KEYS,
        revision=REVISIONS,
        entries=st.lists(TEXTS, max_size=3),
        fields=st.none() | FIELDS,
        keep=st.none() | st.integers(0, 4),
        ttl=TTLS,
        due=DUES,
    )
    def append(self, key: RecordKey, revision: int | None, entries: list[str], **more: Any) -> None:
        """Append to a journal at some revision."""
        self.same("append", key, revision, entries, **more)

    @rule(key=KEYS, entries=st.lists(TEXTS, max_size=3))
    def append_as_it_is(self, key: RecordKey, entries: list[str]) -> None:
        """Append to a journal at the revision it has."""
        there = settle(self.model.journal(key))
        self.same("append", key, there.revision if there else 0, entries)

    @rule(key=KEYS)
    def journal(self, key: RecordKey) -> None:
        """Read a journal."""
        self.same("journal", key)

    @rule(space=st.sampled_from(SPACES), names=st.lists(st.sampled_from(["", "x", "y", "x:y", "none"]), max_size=4))
    def read_many(self, space: str, names: list[str]) -> None:
        """Read several records at once."""
        self.same("read_many", [RecordKey("thing", space, name) for name in names])

    @rule(kind=st.sampled_from(KINDS), space=st.none() | st.sampled_from(SPACES), after=st.none() | KEYS, limit=LIMITS)
    def scan(self, kind: str, space: str | None, after: RecordKey | None, limit: int) -> None:
        """List a page of records."""
        self.same("scan", kind, space=space, after=after, limit=limit)

    @rule(kind=st.sampled_from(KINDS), space=st.sampled_from(SPACES), now=st.sampled_from([0.5, 2.5, 3.0, 5e9]))
    def due(self, kind: str, space: str, now: float) -> None:
        """List what is due."""
        expected = settle(self.model.due(kind, space, now))
        answer = self.do(self.records.due(kind, space, now))
        # Of those that are due at one moment anybody may be first.
        assert [one.due for one in answer] == [one.due for one in expected]
        assert sorted(map(_plain, answer), key=repr) == sorted(map(_plain, expected), key=repr)

    @invariant()
    def everything_is_the_same(self) -> None:
        """After every step."""
        for kind in KINDS:
            self.same("scan", kind)
            for space in SPACES:
                self.same("next_due", kind, space)


def records_machine(
    harness_class: type[StorageHarness], *, face: Face = "blocking", name: str = "Model"
) -> type[RuleBasedStateMachine]:
    """Return the state machine of a storage; its ``TestCase`` is what pytest collects."""
    return type(name, (_Machine,), {"harness_class": harness_class, "face": face, "__module__": __name__})


def _plain(answer: Any) -> Any:
    """Return an answer in a form in which all storages' answers are comparable."""
    if isinstance(answer, list):
        return [_plain(one) for one in cast("Any", answer)]
    if isinstance(answer, Found):
        return (answer.key, dict(answer.fields), answer.ttl is not None, answer.due)
    if isinstance(answer, Journal):
        return (dict(answer.fields), list(answer.entries), answer.revision)
    return answer
