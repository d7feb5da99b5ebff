"""Files that the original's FileStateStorage wrote: taken over once, kept, or refused; never overwritten."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiostep_core.errors import NotStorable, StorageDamaged, StorageUnavailable
from aiostep_core.storages.abc import Records, StateContext
from aiostep_core.storages.blocking_states import BlockingStates
from aiostep_core.storages.original_file import read_original
from aiostep_core.storages.records import settle
from aiostep_core.storages.sqlite import SqliteRecords
from aiostep_core.storages.state_storages import FileStateStorage
from aiostep_core.storages.states import RecordedStates
from aiostep_core.storages.values import Values
from tests.storages.test_sqlite_processes import answer_of, forked

FILES = sorted((Path(__file__).parent / "original_files").glob("*.json"))
FULL = [file for file in FILES if "empty" not in file.name]
# The files' times end ten years after they were made; what was to stay for a moment was over by then.
SOON = 1_800_000_000.0
ANN = {"name": "Ann", "age": 8, "price": 1.5, "tags": ["a", None, True], "deep": {"x": {"y": []}}, "city": "Ghent"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a bot has its file."""
    return tmp_path / "states.json"


def opened(path: Path, **options: Any) -> SqliteRecords:
    return SqliteRecords(path, is_blocking=True, clock=lambda: SOON, **options)


def states_in(path: Path) -> BlockingStates:
    return BlockingStates(RecordedStates(opened(path), owns_records=True))


def kept(path: Path) -> list[bytes]:
    """Return the content of the files kept beside *path*."""
    return [found.read_bytes() for found in path.parent.glob(f"{path.name}.original-*")]


def test_the_files_are_there() -> None:
    """There are files of two releases, of both interfaces, pretty ones and empty ones."""
    assert len(FILES) >= 5
    assert {"0.3.4", "0.3.7"} <= {file.name[:5] for file in FILES}


@pytest.mark.parametrize("file", FULL, ids=lambda file: file.stem)
def test_everything_is_taken_over(file: Path, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """States with chats and callbacks, data and times are found as before; the file is kept, and it is said once."""
    shutil.copy(file, path)
    states = states_in(path)

    assert states.get_state(1) == StateContext("name", None, 1)
    assert states.get_state(2) == StateContext("CONFIRM", "confirm", -100123)
    assert states.get_state(3) == StateContext("for years", None, 3)
    assert states.get_state("five") == StateContext("имя: 名前 🙂", None, "@channel")
    assert states.get_data(1) == ANN
    assert states.get_data(2) == {"ключ": "значение 🙂"}
    assert states.get_data("five") == {"$t": "date", "v": "nothing special"}
    assert [states.get_state(4), states.get_state(6), states.get_data(4), states.get_data(6)] == [None] * 4
    states.close()

    assert kept(path) == [file.read_bytes()]
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert "was written by aiostep 0.3: a database with its 7 states and data is there now" in record.getMessage()
    assert ".original-" in record.getMessage()


@pytest.mark.parametrize("file", FULL, ids=lambda file: file.stem)
def test_times_go_on(file: Path, path: Path) -> None:
    """What was to go at some time goes at that time."""
    shutil.copy(file, path)
    records = opened(path)
    times = [found.ttl for kind in ("state", "data") for found in settle(records.scan(kind)) if found.ttl is not None]
    settle(records.close())

    noted = sorted(entry.expires_at - SOON for entry in read_original(file.read_text("utf-8")) if entry.expires_at)
    assert sorted(times) == pytest.approx([left for left in noted if left > 0])
    assert len(times) == 2


@pytest.mark.parametrize("options", [{}, {"space": 42}, {"per_chat": True}, {"values": Values(limit=5000)}], ids=str)
def test_the_storages_of_the_same_name_find_it(options: dict[str, Any], path: Path) -> None:
    """However FileStateStorage is opened, it finds what the original's kept, and the next one does so too."""
    shutil.copy(FULL[-1], path)

    for _ in range(2):
        storage = FileStateStorage(path, **options)
        assert storage.get_state(2, chat_id=-100123) == StateContext("CONFIRM", "confirm", -100123)
        assert storage.get_data(1) == ANN
        storage.close()


def test_it_is_taken_over_once(path: Path) -> None:
    """The next start finds a database: what was changed meanwhile stays, and nothing more is put aside."""
    shutil.copy(FULL[0], path)
    states = states_in(path)
    states.set_state(1, "changed")
    states.close()
    states = states_in(path)

    assert states.get_state(1) == StateContext("changed", None, 1)
    assert len(list(path.parent.iterdir())) == 2 + len(list(path.parent.glob("states.json-*")))
    states.close()
    assert len(kept(path)) == 1


def test_an_empty_one(path: Path) -> None:
    """A file of the original without a state becomes an empty database."""
    path.write_text("{}")
    states = states_in(path)

    assert states.get_state(1) is None
    states.set_state(1, "name")
    states.close()
    assert kept(path) == [b"{}"]


NOT_OURS = {
    "cut in the middle": '{"state:1":{"current_state":"na',
    "another program's": '{"users": [1, 2, 3]}',
    "a list": '[{"state:1": {}}]',
    "of another shape": '{"state:1": {"current_state": "name"}}',
    "a state that is no text": '{"state:1": {"current_state": 5, "chat_id": 1, "callback": null}}',
    "more than a state": '{"state:1": {"current_state": "a", "chat_id": 1, "callback": null, "more": 1}}',
    "a chat that is none": '{"state:1": {"current_state": "a", "chat_id": [1], "callback": null}}',
    "data that are none": '{"data:1": [1]}',
    "a time that is none": '{"state:1": {"current_state": "a", "chat_id": 1, "callback": null, "expire": "soon"}}',
    "too deep": '{"data:1": {"data": ' + '{"a":' * 100_000,
}


@pytest.mark.parametrize("on_damage", ["raise", "recreate"])
@pytest.mark.parametrize("text", NOT_OURS.values(), ids=NOT_OURS.keys())
def test_other_json_is_refused(text: str, on_damage: Any, path: Path) -> None:
    """What the original cannot have written, or not to its end, is refused as it is, with what to do."""
    path.write_text(text)

    with pytest.raises(StorageDamaged, match=r"states\.json is .*; (it was not touched; )?give another path"):
        settle(opened(path, on_damage=on_damage).read_many([]))

    assert {found.name: found.read_text() for found in path.parent.iterdir()} == {path.name: text}


def test_a_value_that_is_too_large_is_refused_whole(path: Path) -> None:
    """If one value cannot be kept nothing is taken over, and the file stays."""
    content = json.dumps({"data:1": {"data": {"text": "x" * 5_000_000}}, "data:2": {"data": {"a": 1}}})
    path.write_text(content)

    with pytest.raises(NotStorable, match="text"):
        settle(opened(path).read_many([]))

    assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert path.read_text() == content


def test_an_adoption_that_is_interrupted_is_done_anew(path: Path) -> None:
    """Whatever fails while it is taken over, the original's file is still there, and the next attempt succeeds."""
    shutil.copy(FULL[0], path)

    def fail(records: Records, *_: object) -> None:
        raise OSError("the disk is full")

    with pytest.raises(StorageUnavailable, match="written by aiostep 0.3 and cannot be replaced .*: the disk is full"):
        settle(opened(path, adopt=fail).read_many([]))
    assert [found.name for found in path.parent.iterdir()] == [path.name]

    states = states_in(path)
    assert states.get_data(1) == ANN
    states.close()


def test_a_file_system_without_second_names(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file cannot have two names a copy is kept."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    shutil.copy(FULL[0], path)
    states = states_in(path)

    assert states.get_data(1) == ANN
    states.close()
    assert kept(path) == [FULL[0].read_bytes()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_processes_that_start_together_take_it_over_once(path: Path) -> None:
    """Of several workers that find the original's file one takes it over; no write of any of them is lost."""
    shutil.copy(FULL[0], path)

    def work(number: int) -> Callable[[int], object]:
        def run(pipe: int) -> None:
            states = states_in(path)
            states.update_data(1, {f"worker {number}": number})
            states.close()

        return run

    for running in [forked(work(number)) for number in range(4)]:
        assert answer_of(*running) == ""

    states = states_in(path)
    assert states.get_data(1) == {**ANN, **{f"worker {number}": number for number in range(4)}}
    states.close()
    assert len(kept(path)) == 1


def test_a_number_that_is_no_time_stays_among_the_data() -> None:
    """Data that the bot itself called "expire" are data, unless they are a time of now."""
    [entry] = read_original('{"data:1": {"expire": 30.0, "a": 1}}')
    [timed] = read_original('{"data:1": {"expire": 1795297887.5, "a": 1}}')

    assert entry == (1, {"expire": 30.0, "a": 1}, None)
    assert timed == (1, {"a": 1}, 1795297887.5)
