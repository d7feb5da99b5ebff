"""When SQLite commits and who waits for it: batches, their failures, other processes, threads, event loops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sqlite3
import threading
import time
from asyncio import Task
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest

from aiostep_core.errors import StorageClosed, StorageUnavailable
from aiostep_core.storages import sqlite_database, sqlite_operations
from aiostep_core.storages.abc import RecordKey
from aiostep_core.storages.records import settle
from aiostep_core.storages.sqlite import SqliteRecords

pytestmark = pytest.mark.anyio

KEY = RecordKey("state", "1", "5")
SECONDS = 30  # more than any of this takes


def key(name: object) -> RecordKey:
    """Make a key."""
    return RecordKey("state", "1", str(name))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is to be."""
    return tmp_path / "bot.db"


@pytest.fixture(params=["full", "process"])
async def records(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[SqliteRecords]:
    """A storage for this event loop, its file open, at both durabilities."""
    found = SqliteRecords(path, durability=request.param, timeout=5)
    await found.write(key("first"), {"x": "1"})
    yield found
    await found.close()


@contextlib.contextmanager
def locked(path: Path) -> Generator[sqlite3.Connection]:
    """Write to the file in a transaction that is still open, as another process would."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    other.execute("update records set fields = '{}'")
    try:
        yield other
    finally:
        if other.in_transaction:
            other.execute("rollback")
        other.close()


def traced(records: SqliteRecords) -> list[str]:
    """Return the statements that are run on the writing connection from now on."""
    statements: list[str] = []
    connections = records._database._connections
    assert connections is not None
    connections.writer.set_trace_callback(statements.append)
    return statements


async def until(is_so: Callable[[], object]) -> None:
    """Let time pass until something is so."""
    with anyio.fail_after(SECONDS):
        while not is_so():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def queueing(records: SqliteRecords, *operations: Coroutine[Any, Any, Any]) -> AsyncGenerator[list[Task[Any]]]:
    """Begin operations while somebody else is committing, so that they are in the queue at the end."""
    with records._database._lock:
        tasks = [asyncio.create_task(operation) for operation in operations]
        await until(lambda: len(records._database._queue) == len(tasks))
        yield tasks


# Batches.


async def test_what_queues_is_committed_together(records: SqliteRecords, path: Path) -> None:
    """The 64 writers who come during one commit share the next one."""
    statements = traced(records)
    async with queueing(records, *(records.write(key(number), {"x": "1"}) for number in range(64))) as writers:
        assert statements == []
    await asyncio.wait_for(asyncio.gather(*writers), SECONDS)

    assert statements.count("commit") == 1
    assert len(await records.scan("state")) == 65


def test_threads_commit_for_each_other(path: Path) -> None:
    """Of threads that wait for one commit, one commits for all, and each gets its own answer."""
    records = SqliteRecords(path, is_blocking=True)
    settle(records.write(KEY, {"x": "1"}))
    statements = traced(records)

    with ThreadPoolExecutor(8) as pool:
        with records._database._lock:
            threads = [pool.submit(lambda n=n: settle(records.merge(KEY, {str(n): "1"}))) for n in range(8)]
            wait_until(lambda: len(records._database._queue) == 8)
        sizes = sorted(len(thread.result(SECONDS)) for thread in threads)

    assert sizes == [2, 3, 4, 5, 6, 7, 8, 9]
    assert statements.count("commit") == 1
    settle(records.close())


def wait_until(is_so: Callable[[], object]) -> None:
    """Let time pass until something is so."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


async def test_one_bad_operation_fails_alone(records: SqliteRecords) -> None:
    """In a batch, an operation that cannot be done undoes what it did and fails; the others are done."""

    def bad(cursor: sqlite3.Cursor, now: float) -> None:
        sqlite_operations.write(cursor, now, sqlite_operations.place(key("bad")), '{"x":"1"}', None, None)
        cursor.execute("select * from nowhere")

    def worse(cursor: sqlite3.Cursor, now: float) -> None:
        raise ZeroDivisionError

    operations: list[Any] = [
        records.write(key("b"), {"x": "1"}),
        records._change(bad),
        records.merge(key("first"), {"y": "2"}),
        records._change(worse),
        records.append(key("c"), 0, ["one"]),
    ]
    async with queueing(records, *operations) as tasks:
        pass
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), SECONDS)

    assert isinstance(results[1], StorageUnavailable)
    assert "no such table: nowhere" in str(results[1])
    assert isinstance(results[3], ZeroDivisionError)
    assert results[2] == {"x": "1", "y": "2"}
    assert results[4] == 1
    assert [found.key.name for found in await records.scan("state")] == ["b", "c", "first"]


async def test_a_bad_operation_alone(records: SqliteRecords) -> None:
    """One that is bad and alone leaves nothing behind, and the next one is done."""

    def bad(cursor: sqlite3.Cursor, now: float) -> None:
        sqlite_operations.write(cursor, now, sqlite_operations.place(key("bad")), '{"x":"1"}', None, None)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await records._change(bad)
    await records.write(key("good"), {"x": "1"})

    assert [found.key.name for found in await records.scan("state")] == ["first", "good"]


# A disk that is full.


async def test_a_full_disk_fails_the_whole_batch(records: SqliteRecords) -> None:
    """Where there is no space for a batch none of it is done, each of its operations says so, and nothing is lost."""
    connections = records._database._connections
    assert connections is not None
    (pages,) = connections.writer.execute("pragma page_count").fetchone()
    connections.writer.execute(f"pragma max_page_count = {pages + 2}")
    operations = [records.write(key(number), {"x": "1" * 2000}) for number in range(20)]
    async with queueing(records, records.merge(key("first"), {"y": "2"}), *operations) as tasks:
        pass
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), SECONDS)

    for result in results:
        assert isinstance(result, StorageUnavailable)
        assert "has no space left; free some; what was acknowledged before is kept" in str(result)
    assert len({id(result) for result in results}) == 21
    assert [found[:2] for found in await records.scan("state")] == [(key("first"), {"x": "1"})]

    connections.writer.execute(f"pragma max_page_count = {pages + 100}")
    await records.write(key("later"), {"x": "1" * 2000})
    assert len(await records.scan("state")) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no limit for files here")
@pytest.mark.parametrize("durability", ["full", "process"])
def test_a_file_that_may_not_grow(durability: Any, path: Path) -> None:
    """When the system refuses a write, everything acknowledged before is there, also for the next process."""
    acknowledged = in_child(lambda: write_until_refused(path, durability))
    records = SqliteRecords(path, is_blocking=True)
    kept = {found.key.name for found in settle(records.scan("state", limit=100_000))}
    settle(records.close())

    assert acknowledged.endswith("StorageUnavailable")
    names = set(acknowledged.split()[:-1])
    assert len(names) > 10
    assert kept == names


def write_until_refused(path: Path, durability: Any) -> str:
    """Write records until one is refused, read them all, and say which were acknowledged."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    records = SqliteRecords(path, is_blocking=True, durability=durability)
    names: list[str] = []
    for number in range(10_000):
        try:
            settle(records.write(key(number), {"x": "1" * 3000}))
        except StorageUnavailable as error:
            assert all(settle(records.read(key(name))) for name in names)
            return " ".join([*names, type(error).__name__])
        names.append(str(number))
    return "never"


def in_child(work: Callable[[], str]) -> str:
    """Do something in a child process and return what it returned."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, work().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        found = answer.read()
    os.waitpid(child, 0)
    return found


# Who waits for whom.


async def test_reading_never_waits_for_writing(records: SqliteRecords, path: Path) -> None:
    """While another process writes, and while our own writer waits for it, reading is done on the spot."""
    with locked(path):
        writing = asyncio.create_task(records.write(KEY, {"x": "2"}))
        await until(records._database._lock.locked)
        reading = records.read(key("first"))
        with pytest.raises(StopIteration) as stop:
            reading.send(None)
        assert not writing.done()
    await asyncio.wait_for(writing, SECONDS)

    assert stop.value.value == {"x": "1"}


async def test_the_event_loop_goes_on_while_the_file_is_locked(records: SqliteRecords, path: Path) -> None:
    """A writer that waits for another process keeps no other task from running."""
    with locked(path):
        writing = asyncio.create_task(records.write(KEY, {"x": "2"}))
        for _ in range(10):
            started = time.monotonic()
            await asyncio.sleep(0.01)
            assert time.monotonic() - started < 2
        assert not writing.done()
    await asyncio.wait_for(writing, SECONDS)


@pytest.mark.parametrize("durability", ["full", "process"])
@pytest.mark.parametrize("is_blocking", [True, False])
async def test_waiting_for_another_process_ends(durability: Any, is_blocking: bool, path: Path) -> None:
    """After the timeout a writer gets an error that names the fix; once the file is free it works again."""
    records = SqliteRecords(path, durability=durability, is_blocking=is_blocking, timeout=0.2)
    await records.write(KEY, {"x": "1"})
    with locked(path):
        started = time.monotonic()
        with pytest.raises(StorageUnavailable, match=r"is locked by another process for more than 0\.2 s; end the"):
            await records.merge(KEY, {"x": "2"})
        assert 0.1 < time.monotonic() - started < SECONDS

    assert await records.merge(KEY, {"y": "2"}) == {"x": "1", "y": "2"}
    await records.close()


async def test_a_locked_file_is_opened_in_bounded_time(path: Path) -> None:
    """Opening waits for others no longer than the timeout, for each face."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin exclusive")
    for is_blocking in (True, False):
        records = SqliteRecords(path, is_blocking=is_blocking, timeout=0.2)
        with pytest.raises(StorageUnavailable, match="is locked by another process"):
            await asyncio.wait_for(records.read(KEY), SECONDS)
        await records.close()
    other.close()


async def test_opening_does_not_keep_the_event_loop_waiting(path: Path) -> None:
    """The first operation of a storage for an event loop suspends while the file is opened elsewhere."""
    records = SqliteRecords(path)
    reading = asyncio.create_task(records.read(KEY))
    await asyncio.sleep(0)

    assert not reading.done()
    assert await asyncio.wait_for(reading, SECONDS) == {}
    await records.close()


# Threads, tasks and event loops.


async def test_threads_and_tasks_lose_nothing(records: SqliteRecords) -> None:
    """Both faces of one file at once, from threads and tasks, over two storages: every change is there."""
    other = SqliteRecords(Path(records._database.file.path), is_blocking=True, timeout=SECONDS)
    faces = [records.blocking(), other]

    def work(face: SqliteRecords, number: int) -> None:
        for turn in range(20):
            settle(face.merge(KEY, {f"{number}.{turn}": "1"}))
            assert settle(face.append(key("log"), None, [f"{number}.{turn}"]))

    async def task(number: int) -> None:
        for turn in range(20):
            assert f"{number}.{turn}" in await records.merge(KEY, {f"{number}.{turn}": "1"})
            assert await records.append(key("log"), None, [f"{number}.{turn}"])

    with ThreadPoolExecutor(6) as pool:
        loop = asyncio.get_running_loop()
        threads = [loop.run_in_executor(pool, work, faces[number % 2], number) for number in range(6)]
        await asyncio.wait_for(asyncio.gather(*threads, *map(task, range(6, 20))), 60)

    expected = {f"{number}.{turn}" for number in range(20) for turn in range(20)}
    journal = await records.journal(key("log"))
    assert set(await records.read(KEY)) == expected
    assert journal is not None
    assert sorted(journal.entries) == sorted(expected)
    assert journal.revision == len(expected)
    settle(other.close())


async def test_exactly_one_of_many_removes(records: SqliteRecords) -> None:
    """Of threads and tasks that remove or take one record, one succeeds."""
    blocking = records.blocking()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            await records.write(KEY, {"x": "1"})
            threads = [loop.run_in_executor(pool, lambda: settle(blocking.remove(KEY))) for _ in range(4)]
            tasks = [records.remove(KEY, where={"x": "1"}), records.take(KEY), records.remove(KEY)]
            won = await asyncio.wait_for(asyncio.gather(*threads, *tasks), SECONDS)
            assert sum(map(bool, won)) == 1


def test_any_event_loop_may_use_it(path: Path) -> None:
    """One event loop after the other, and two at once in two threads, work with one storage."""
    records = SqliteRecords(path)

    async def use(name: str) -> dict[str, str]:
        await asyncio.gather(*(records.merge(KEY, {f"{name}{number}": "1"}) for number in range(20)))
        return await records.read(KEY)

    assert len(asyncio.run(use("a"))) == 20
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(lambda n=name: asyncio.run(use(n))) for name in "bc"]:
            future.result(SECONDS)
    assert len(asyncio.run(use("d"))) == 80
    asyncio.run(records.close())


async def test_a_cancelled_writer_hurts_nobody(records: SqliteRecords) -> None:
    """Who stops waiting for a commit leaves the others of its batch alone."""
    async with queueing(records, *(records.write(key(number), {"x": "1"}) for number in range(10))) as writers:
        writers[3].cancel()
        await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.wait(writers), SECONDS)

    assert writers[3].cancelled()
    assert [writer.exception() for writer in writers if not writer.cancelled()] == [None] * 9
    assert await records.read(key(9)) == {"x": "1"}


def test_a_loop_that_was_closed_hurts_nobody(path: Path) -> None:
    """An event loop that ends while its write is on its way does not keep the storage from working."""
    records = SqliteRecords(path)

    async def start() -> None:
        await records.read(KEY)
        records._database._lock.acquire()
        writing = asyncio.create_task(records.write(KEY, {"x": "1"}))
        await until(lambda: records._database._queue)
        writing.cancel()

    asyncio.run(start())
    records._database._lock.release()

    async def look() -> dict[str, str]:
        await records.merge(KEY, {"y": "1"})
        return await records.read(KEY)

    assert asyncio.run(look()) == {"x": "1", "y": "1"}
    asyncio.run(records.close())


async def test_closing_finishes_what_was_begun(records: SqliteRecords, path: Path) -> None:
    """What was called before closing is committed; what is called after raises."""
    async with queueing(records, *(records.write(key(number), {"x": "1"}) for number in range(10))) as writers:
        closing = asyncio.create_task(records.close())
        await asyncio.sleep(0)
        with pytest.raises(StorageClosed):
            await records.write(KEY, {"x": "1"})
    await asyncio.wait_for(asyncio.gather(*writers, closing), SECONDS)
    with pytest.raises(StorageClosed):
        await records.blocking().read(KEY)

    again = SqliteRecords(path)
    assert len(await again.scan("state")) == 11
    await again.close()


@pytest.mark.parametrize("is_blocking", [True, False])
def test_a_storage_that_nobody_has_is_closed(is_blocking: bool, path: Path) -> None:
    """When the last face of a storage is gone its file is closed, and its thread ends."""
    threads = threading.active_count()

    async def use(records: SqliteRecords) -> SqliteRecords:
        for number in range(100):
            await records.write(key(number), {"x": "1"})
        return records.asynchronous() if is_blocking else records.blocking()

    other = asyncio.run(use(SqliteRecords(path, is_blocking=is_blocking)))
    gc.collect()
    assert path.with_name("bot.db-wal").exists()
    del other
    gc.collect()
    wait_until(lambda: not path.with_name("bot.db-wal").exists() and threading.active_count() <= threads)

    assert [found.name for found in path.parent.iterdir()] == ["bot.db"]


# What expires, and the log.


@pytest.mark.parametrize("durability", ["full", "process"])
async def test_expired_records_go_as_others_are_written(durability: Any, path: Path) -> None:
    """Rows of expired records and the entries of expired journals are deleted by later writes, in small bites."""
    now = [1000.0]
    records = SqliteRecords(path, durability=durability, clock=lambda: now[0])
    await asyncio.gather(*(records.write(key(number), {"x": "1"}, ttl=5) for number in range(1000)))
    await records.append(key("log"), 0, ["one", "two"], ttl=5)
    now[0] += 10
    for number in range(200):
        await records.write(KEY, {"x": str(number)})
    other = sqlite3.connect(path)
    await until(lambda: other.execute("select count(*) from records").fetchone() == (1,))

    assert other.execute("select count(*) from entries").fetchone() == (0,)
    other.close()
    await records.close()


@pytest.mark.parametrize("is_blocking", [True, False])
async def test_expired_records_go_as_others_are_read(is_blocking: bool, path: Path) -> None:
    """Where nobody writes, reading now and then has expired records removed, none of which it waits for."""
    now = [1000.0]
    records = SqliteRecords(path, is_blocking=is_blocking, durability="process", clock=lambda: now[0])
    for number in range(300):
        await records.write(key(number), {"x": "1"}, ttl=50)
    now[0] += 100
    other = sqlite3.connect(path)
    await records.read(KEY)
    await until(lambda: other.execute("select count(*) from records").fetchone() == (0,))
    other.close()
    await records.close()


async def test_the_log_does_not_grow_for_ever(path: Path) -> None:
    """Where commits are made on the spot, somebody else moves the log into the file, so that it is used anew."""
    records = SqliteRecords(path, durability="process")
    for number in range(6000):
        await records.write(key(number % 100), {"x": str(number) * 20})
        if not number % 100:
            await asyncio.sleep(0)
    log = path.with_name("bot.db-wal").stat().st_size
    await records.close()

    assert log < 12_000_000, "6,000 commits write 25 MB or more"


async def test_the_log_does_not_grow_large(path: Path) -> None:
    """A few large records are moved into the file as well, before their log takes much more than they do."""
    records = SqliteRecords(path, durability="process")
    for number in range(200):
        await records.write(key(number % 4), {"x": str(number) * 200_000})
    log = path.with_name("bot.db-wal").stat().st_size
    await records.close()

    assert log < 40_000_000, "200 commits write 100 MB"


async def test_what_syncs_the_disk_is_not_done_on_the_event_loop(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where commits are made on the spot, the first of each log is not: SQLite puts a new log's head on the disk."""
    monkeypatch.setattr(sqlite_database, "_CHECKPOINT_EVERY", 3)
    records = SqliteRecords(path, durability="process")
    was_done_here = []
    for number in range(8):
        writing = records.write(KEY, {"x": str(number)})
        task = asyncio.ensure_future(writing)
        await asyncio.sleep(0)
        was_done_here.append(task.done())
        await asyncio.wait_for(task, SECONDS)
        await until(lambda: not records._database._wake.is_set() and not records._database._lock.locked())

    assert was_done_here == [False, True, True, False, True, True, False, True]
    await records.close()


@pytest.mark.parametrize("durability", ["full", "process"])
def test_an_interrupted_thread_leaves_nobody_waiting(durability: Any, path: Path) -> None:
    """If the thread that commits for others is interrupted it stops; they get an error, and nothing is written."""
    records = SqliteRecords(path, is_blocking=True, durability=durability)
    settle(records.write(KEY, {"x": "1"}))

    def interrupted(cursor: sqlite3.Cursor, now: float) -> None:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool:
        with records._database._lock:
            first = pool.submit(lambda: settle(records.merge(KEY, {"y": "1"})))
            wait_until(lambda: len(records._database._queue) == 1)
            second = pool.submit(lambda: settle(records._change(interrupted)))
            wait_until(lambda: len(records._database._queue) == 2)
        results = [thread.exception(SECONDS) for thread in (first, second)]

    assert KeyboardInterrupt in map(type, results)
    assert any(isinstance(one, StorageUnavailable) and "was interrupted" in str(one) for one in results)
    assert settle(records.read(KEY)) == {"x": "1"}
    assert settle(records.merge(KEY, {"z": "1"})) == {"x": "1", "z": "1"}
    settle(records.close())


async def test_each_who_waits_for_a_file_that_cannot_be_opened_gets_an_own_error(tmp_path: Path) -> None:
    """Errors of one cause are alike and not the same: a traceback grows wherever an error is raised."""
    records = SqliteRecords(tmp_path)
    await asyncio.gather(*(records.read(KEY) for _ in range(3)), return_exceptions=True)
    async with queueing(records, *(records.merge(KEY, {"x": "1"}) for _ in range(5))) as tasks:
        pass
    errors = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), SECONDS)

    assert {(type(error), str(error)) for error in errors} == {(StorageUnavailable, str(errors[0]))}
    assert len({id(error) for error in errors}) == 5
    await records.close()


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("process", 1)])
def test_what_sqlite_is_told(durability: Any, synchronous: int, path: Path) -> None:
    """The durability is SQLite's own, and whoever reads cannot write, nor wait."""
    records = SqliteRecords(path, is_blocking=True, durability=durability)
    settle(records.write(KEY, {"x": "1"}))
    connections = records._database._connections
    assert connections is not None
    assert connections.reader is not None

    assert connections.writer.execute("pragma synchronous").fetchone() == (synchronous,)
    assert connections.writer.execute("pragma journal_mode").fetchone() == ("wal",)
    assert connections.reader.execute("pragma busy_timeout").fetchone() == (0,)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connections.reader.execute("delete from records")
    settle(records.close())


def test_no_statement_needs_a_new_sqlite() -> None:
    """SQLite before 3.35, which has no RETURNING, will do."""
    source = Path(sqlite_operations.__file__).read_text().lower()

    assert "returning" not in source.replace("``returning``", "")
