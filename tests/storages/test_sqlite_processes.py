"""SQLite and processes: killed while they write, many on one file, doubled by a fork, ended without closing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aiostep_core.errors import StorageUnavailable
from aiostep_core.storages import sqlite_database
from aiostep_core.storages.abc import RecordKey
from aiostep_core.storages.records import settle
from aiostep_core.storages.sqlite import SqliteRecords

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

KEY = RecordKey("state", "1", "5")
JOURNAL = RecordKey("journal", "1", "5")
KILLS = 200
TASKS = 6
SECONDS = 60


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is to be."""
    return tmp_path / "bot.db"


def forked(work: Callable[[int], object]) -> tuple[int, int]:
    """Run *work* in a copy of this process, given a pipe to write to; return its id and the pipe to read from."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that threads do not follow is what is tested
        child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    code = 1
    try:
        os.close(reading)
        work(writing)
        code = 0
    except BaseException as error:
        os.write(writing, f"failed: {error!r}".encode())
        raise
    finally:
        os._exit(code)


def answer_of(child: int, pipe: int) -> str:
    """Return what a child wrote, after its end."""
    with os.fdopen(pipe) as file:
        answer = file.read()
    os.waitpid(child, 0)
    return answer


@contextlib.contextmanager
def opened(path: Path, **options: Any) -> Generator[SqliteRecords]:
    """Open the file for threads."""
    records = SqliteRecords(path, is_blocking=True, timeout=SECONDS, **options)
    try:
        yield records
    finally:
        settle(records.close())


# Death.


def write_for_ever(path: Path, name: str, start: int, durability: Any, pipe: int) -> None:
    """Count in some records and a journal, and tell each number once it is acknowledged."""
    records = SqliteRecords(path, durability=durability, timeout=SECONDS)

    async def count(task: int) -> None:
        number = start
        while True:
            number += 1
            await records.write(RecordKey("state", "1", f"{name}{task}"), {"n": str(number), "text": "x" * 200})
            os.write(pipe, f"{name}{task} {number}\n".encode())
            await records.append(RecordKey("journal", "1", f"{name}{task}"), None, [str(number)], fields={"x": "y"})
            os.write(pipe, f"{name}{task}+ {number}\n".encode())

    async def main() -> None:
        await asyncio.gather(*map(count, range(TASKS)))

    asyncio.run(main())


def acknowledged(pipe: int) -> dict[str, list[int]]:
    """Return the numbers that each writer was told, records' by their names, journals' with a plus."""
    with os.fdopen(pipe) as file:
        lines = file.read().splitlines(keepends=True)
    assert not any("failed" in line for line in lines), lines
    told: dict[str, list[int]] = {}
    for name, number in (line.split() for line in lines if line.endswith("\n")):
        told.setdefault(name, []).append(int(number))
    return told


def killed(path: Path, start: int, durability: Any, chance: random.Random) -> dict[str, list[int]]:
    """Have two processes write to the file, kill both at random moments, and return what they were told."""
    children = [forked(partial(write_for_ever, path, name, start, durability)) for name in ("a", "b")]
    if chance.random() < 0.8:  # the others die while they open the file
        select.select([pipe for _, pipe in children], [], [], SECONDS)
    time.sleep(chance.uniform(0, 0.04))
    for child, _ in children:
        time.sleep(chance.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
    told: dict[str, list[int]] = {}
    for child, pipe in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        told.update(acknowledged(pipe))
    return told


def test_no_acknowledged_write_is_lost_when_processes_are_killed(path: Path) -> None:
    """Of two processes that write to one file and are killed at random moments, 200 times, every acknowledged write
    is there at the next start, at both durabilities; the one that lives longer goes on.
    """
    chance = random.Random(4)
    journals: dict[str, list[int]] = {}
    rounds = start = 0
    for kills in range(0, KILLS, 2):
        told = killed(path, start, "full" if kills % 4 else "process", chance)
        rounds += bool(told)
        start = max([start, *(numbers[-1] for numbers in told.values())])
        for name, numbers in told.items():
            journals.setdefault(name, []).extend(numbers)
        # In the other half of the rounds it is the next two who first find what these have left.
        if kills % 8 < 4:
            with opened(path) as records:
                for name, numbers in told.items():
                    if not name.endswith("+"):
                        assert int(settle(records.read(RecordKey("state", "1", name)))["n"]) >= numbers[-1]

    assert rounds > KILLS // 3, "most of them were killed while they wrote"
    with opened(path) as records:
        for name in (name for name in journals if name.endswith("+")):
            journal = settle(records.journal(RecordKey("journal", "1", name[:-1])))
            assert journal is not None
            numbers = list(map(int, journal.entries))
            assert numbers == sorted(set(numbers))
            assert set(journals[name]) <= set(numbers)
            assert journal.revision == len(numbers)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)


# Many.


def test_processes_append_at_a_revision_once(path: Path) -> None:
    """Of processes that append at one revision exactly one succeeds, so nothing is there twice and nothing missing."""

    def work(pipe: int) -> None:
        with opened(path) as records:
            done = 0
            while done < 40:
                journal = settle(records.journal(JOURNAL))
                revision = journal.revision if journal else 0
                done += settle(records.append(JOURNAL, revision, [f"{os.getpid()} {done}"])) is not None

    for child, pipe in [forked(work) for _ in range(3)]:
        assert answer_of(child, pipe) == ""

    with opened(path) as records:
        journal = settle(records.journal(JOURNAL))
        assert journal is not None
        assert len(set(journal.entries)) == len(journal.entries) == journal.revision == 120


def test_processes_remove_a_record_once(path: Path) -> None:
    """Of processes that remove the same records, one is told so for each."""
    with opened(path, durability="process") as records:
        for number in range(100):
            settle(records.write(RecordKey("state", "1", str(number)), {"x": "1"}))

    def work(pipe: int) -> None:
        with opened(path) as records:
            for number in range(100):
                key = RecordKey("state", "1", str(number))
                won = settle(records.remove(key)) if number % 2 else settle(records.take(key, where={"x": "1"}))
                if won:
                    os.write(pipe, f"{number}\n".encode())

    answers = [answer_of(*running) for running in [forked(work) for _ in range(3)]]

    assert sorted(int(number) for answer in answers for number in answer.split()) == list(range(100))


def test_one_of_many_sets_a_damaged_file_aside(path: Path) -> None:
    """Processes that all open a damaged file with on_damage="recreate" end up in one new file, losing nothing."""
    path.write_bytes(b"\0" * 8192)

    def work(pipe: int) -> None:
        with opened(path, on_damage="recreate") as records:
            for number in range(20):
                settle(records.merge(KEY, {f"{os.getpid()} {number}": "1"}))

    for child, pipe in [forked(work) for _ in range(4)]:
        assert answer_of(child, pipe) == ""

    assert len(list(path.parent.glob("*.damaged-*"))) == 1
    with opened(path) as records:
        assert len(settle(records.read(KEY))) == 80


# Forks.


def held_locks(path: Path, process: int) -> int:
    """Count the locks that a process has on a file."""
    file = f":{path.stat().st_ino} "
    return sum(file in line and f" {process} " in line for line in Path("/proc/locks").read_text().splitlines())


@pytest.mark.parametrize("durability", ["full", "process"])
def test_both_sides_of_a_fork_use_the_file(durability: Any, path: Path) -> None:
    """A storage that is open when its process forks works on in both, each with locks and connections of its own."""
    with opened(path, durability=durability) as records:
        settle(records.merge(KEY, {"before": "1"}))

        def work(pipe: int) -> None:
            assert records._database._connections is None
            assert settle(records.merge(KEY, {"child": "1"})) == {"before": "1", "child": "1"}
            if Path("/proc/locks").exists():
                assert held_locks(path, os.getpid())
            assert len(asyncio.run(records.asynchronous().merge(KEY, {"loop": "1"}))) == 3
            settle(records.close())

        assert answer_of(*forked(work)) == ""
        assert settle(records.read(KEY)) == {"before": "1", "child": "1", "loop": "1"}
        assert len(settle(records.merge(KEY, {"after": "1"}))) == 4


def test_a_fork_in_the_middle_of_everything(path: Path) -> None:
    """While tasks write, this process forks again and again: the children write too, and nothing is lost."""

    async def write(records: SqliteRecords, task: int) -> None:
        for number in range(60):
            await records.merge(KEY, {f"{task}.{number}": "1"})

    async def fork(records: SqliteRecords) -> list[tuple[int, int]]:
        children = []
        for number in range(5):
            blocking = records.blocking()
            children.append(
                forked(lambda pipe, n=number, r=blocking: settle(r.merge(KEY, {f"child {n}": "1"})) and None)
            )
            await asyncio.sleep(0.005)
        return children

    async def main() -> dict[str, str]:
        records = SqliteRecords(path, timeout=SECONDS)
        writing = [asyncio.create_task(write(records, number)) for number in range(5)]
        children = await fork(records)
        await asyncio.wait_for(asyncio.gather(*writing), SECONDS)
        for running in children:
            assert answer_of(*running) == ""
        try:
            return await records.read(KEY)
        finally:
            await records.close()

    assert len(asyncio.run(main())) == 305


def test_a_file_that_could_not_be_closed_for_a_fork_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a commit takes so long that the fork cannot wait, the child gets an error that says so, the parent nothing."""
    monkeypatch.setattr(sqlite_database, "_GRACE", 0.0)
    records = SqliteRecords(path, is_blocking=True, timeout=0.1)
    settle(records.write(KEY, {"x": "1"}))

    def work(pipe: int) -> None:
        with pytest.raises(
            StorageUnavailable, match="was in use when this process was forked.*; open the storage after"
        ):
            settle(records.read(KEY))
        settle(records.close())

    with records._database._lock:
        running = forked(work)
    assert answer_of(*running) == ""

    assert settle(records.merge(KEY, {"y": "1"})) == {"x": "1", "y": "1"}
    settle(records.close())


# Ends.


@pytest.mark.parametrize("face", ["is_blocking=True", "is_blocking=False"])
def test_a_process_that_ends_without_closing_closes(face: str, path: Path) -> None:
    """A script that forgets to close leaves one whole file behind, and says nothing."""
    script = f"""
import asyncio
from aiostep_core.storages.abc import RecordKey
from aiostep_core.storages.sqlite import SqliteRecords
records = SqliteRecords({str(path)!r}, {face})
asyncio.run(records.write(RecordKey("state", "1", "5"), {{"x": "1"}}))
"""
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert [found.name for found in path.parent.iterdir()] == ["bot.db"]
    with opened(path) as records:
        assert settle(records.read(KEY)) == {"x": "1"}
