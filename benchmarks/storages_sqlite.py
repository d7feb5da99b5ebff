"""What does the SQLite file cost, beside bare statements, and beside what keeps states in a file elsewhere?

Times are of the clock, not of the processor: to wait for the disk is what this is about. The disk is the one of the
temporary directory. The peers write their whole file each time, so their rows have few rounds.

    AIOSTEP_ORIGINAL=<folder with aiostep 0.3.7>  python benchmarks/storages_sqlite.py [--quick] [--others 10000]
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _measure import Goal, Options, main, table
from _peers import original

from aiostep_core.storages import sqlite_operations
from aiostep_core.storages.blocking_states import BlockingStates
from aiostep_core.storages.records import record_key, settle
from aiostep_core.storages.sqlite import SqliteRecords
from aiostep_core.storages.states import RecordedStates

WRITERS = 64
#: No value is written twice: SQLite leaves out a page that would stay the same.
VALUES = map(str, itertools.count(10**9))


@dataclass(frozen=True)
class Row:
    """One row: does so many operations, one batch of so many a round."""

    name: str
    work: Callable[[int], Awaitable[object]]
    batch: int = 100
    rounds: int | None = None


async def measured(rows: Sequence[Row], choice: Options, *, is_fair: bool = False) -> dict[str, float]:
    """Return the microseconds of one operation of each row: the lowest tenth of batches taken in turns.

    With *is_fair* the disk has nothing left to write before each: else who waits for it would wait for what others,
    who do not wait, have left.
    """
    samples: dict[str, list[float]] = {row.name: [] for row in rows}
    for number in range(choice.rounds + 1):
        for row in random.sample(rows, len(rows)):
            if number > (row.rounds or choice.rounds):
                continue
            if is_fair and hasattr(os, "sync"):
                os.sync()
            started = time.perf_counter()
            await row.work(row.batch)
            # The first one of all warms up.
            if number:
                samples[row.name].append((time.perf_counter() - started) / row.batch * 1e6)
    return {name: sorted(values)[len(values) // 10] for name, values in samples.items()}


class Bare:
    """The same tables and statements, prepared, without anything around them."""

    def __init__(self, path: Path, durability: str, users: int) -> None:
        settle(filled(SqliteRecords(path, durability="process", is_blocking=True), users))
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute(f"pragma synchronous = {'full' if durability == 'full' else 'normal'}")
        self.cursor = connection.cursor()
        self.names = list(map(str, range(users)))

    async def write(self, count: int) -> None:
        for _ in range(count):
            fields = f'{{"state":"{next(VALUES)}"}}'
            row = ("state", "1", random.choice(self.names), fields, None, None)
            self.cursor.execute(sqlite_operations._WRITE, row)

    async def read(self, count: int) -> None:
        for _ in range(count):
            row = ("state", "1", random.choice(self.names))
            self.cursor.execute(sqlite_operations._READ, row).fetchone()


class Ours:
    """The storage, with one face or the other."""

    def __init__(self, records: SqliteRecords, users: int) -> None:
        self.records = records
        self.keys = [record_key("state", 1, user) for user in range(users)]

    async def write(self, count: int) -> None:
        for _ in range(count):
            await self.records.write(random.choice(self.keys), {"state": next(VALUES)})

    async def write_together(self, count: int) -> None:
        """Have 64 writers do it together."""

        async def some() -> None:
            await self.write(count // WRITERS)

        await asyncio.gather(*(some() for _ in range(WRITERS)))

    async def read(self, count: int) -> None:
        for _ in range(count):
            await self.records.read(random.choice(self.keys))


async def filled(records: SqliteRecords, users: int) -> None:
    for number in range(users):
        await records.write(record_key("state", 1, number), {"state": next(VALUES)})
    await records.close()


async def faces(folder: Path, durability: Any, users: int) -> tuple[Bare, Ours, Ours]:
    bare = Bare(folder / f"bare-{durability}.db", durability, users)
    path = folder / f"ours-{durability}.db"
    await filled(SqliteRecords(path, durability="process"), users)
    records = SqliteRecords(path, durability=durability)
    return bare, Ours(records, users), Ours(records.blocking(), users)


async def statements(folder: Path, choice: Options) -> None:
    bare, ours, blocking = await faces(folder, "process", choice.others)
    floor = "bare prepared statement"
    rows = [Row(floor, bare.write), Row("asynchronous", ours.write), Row("for threads", blocking.write)]
    title = f'write, durability="process", {choice.others:,} records'
    goals = [Goal(row.name, floor, 1.5) for row in rows[1:]]
    table(title, await measured(rows, choice), goals, choice)
    rows = [Row(floor, bare.read), Row("asynchronous", ours.read), Row("for threads", blocking.read)]
    goals = [Goal(row.name, floor) for row in rows[1:]]
    table(f"read, {choice.others:,} records", await measured(rows, choice), goals, choice)
    await ours.records.close()


async def commits(folder: Path, choice: Options) -> None:
    bare, ours, blocking = await faces(folder, "full", choice.others)
    floor, single = "bare prepared statement, one after the other", "asynchronous, one writer"
    rows = [
        Row(floor, bare.write, 20),
        Row("for threads, one writer", blocking.write, 20),
        Row(single, ours.write, 20),
        Row(f"asynchronous, {WRITERS} writers", ours.write_together, 4 * WRITERS),
    ]
    goals = [Goal(rows[-1].name, single, 0.2), Goal(rows[-1].name, floor, 0.2)]
    table(f'write, durability="full", {choice.others:,} records', await measured(rows, choice), goals, choice)
    await ours.records.close()


async def peers(folder: Path, choice: Options) -> None:
    ours = {'aiostep, durability="full"': "full", 'aiostep, durability="process"': "process"}
    storages = {name: await ours_filled(folder, durability, choice.others) for name, durability in ours.items()}
    writing = [Row(name, simple(writer(storage), choice.others), 20) for name, storage in storages.items()]
    reading = [Row(name, simple(storage.get_data, choice.others), 20) for name, storage in storages.items()]
    if (original := original_filled(folder, choice.others)) is not None:
        writing.append(Row("the original", simple(writer(original), choice.others), 2, 5))
        reading.append(Row("the original", simple(original.get_data, choice.others), 2, 5))
    for name, work in (
        ("telebot, StatePickleStorage", telebot_set(folder, choice.others)),
        ("python-telegram-bot, PicklePersistence", await ptb_set(folder, choice.others)),
    ):
        if work is not None:
            writing.append(Row(name, work, 2, 5))
    for title, rows in (("set data", writing), ("get data", reading)):
        goals = [Goal(name, row.name, 0.01 if "original" in row.name else None) for name in ours for row in rows[2:]]
        table(f"{title} in a file, {choice.others:,} users", await measured(rows, choice, is_fair=True), goals, choice)
    for storage in storages.values():
        storage.close()


async def ours_filled(folder: Path, durability: Any, users: int) -> BlockingStates:
    path = folder / f"states-{durability}.db"
    quick = RecordedStates(SqliteRecords(path, durability="process"), owns_records=True)
    for user in range(users):
        await quick.set_state(user, "name")
        await quick.set_data(user, data())
    await quick.close()
    records = SqliteRecords(path, durability=durability, is_blocking=True)
    return BlockingStates(RecordedStates(records, owns_records=True))


def data() -> dict[str, Any]:
    return {"name": "Ann", "order": next(VALUES), "age": 31, "tags": ["a", "b"], "city": "Ghent", "agreed": True}


def writer(storage: Any) -> Callable[[int], object]:
    return lambda user: storage.set_data(user, data())


def simple(change: Callable[[int], object], users: int) -> Callable[[int], Awaitable[None]]:
    async def work(count: int) -> None:
        for _ in range(count):
            change(random.randrange(users))

    return work


def original_filled(folder: Path, users: int) -> Any:
    module = original()
    if module is None:
        print("no aiostep 0.3.7: see AIOSTEP_ORIGINAL", file=sys.stderr)
        return None
    storage = module.FileStateStorage(folder / "original.json")
    with storage.cache.session() as session:
        for user in range(users):
            session[f"state:{user}"] = {"current_state": "name", "chat_id": user, "callback": None}
            session[f"data:{user}"] = {"data": data()}
    return storage


def telebot_set(folder: Path, users: int) -> Callable[[int], Awaitable[None]] | None:
    try:
        storages = importlib.import_module("telebot.storage")
    except ImportError:
        return None
    storage = storages.StatePickleStorage(str(folder / "telebot" / "states.pkl"))
    storage._write_to_file({f"telebot:{user}:{user}": {"state": "name", "data": data()} for user in range(users)})
    return simple(lambda user: storage.set_data(user, user, "order", next(VALUES)), users)


async def ptb_set(folder: Path, users: int) -> Callable[[int], Awaitable[None]] | None:
    try:
        telegram = importlib.import_module("telegram.ext")
    except ImportError:
        return None
    # Written when something changes: the default is to lose what the last minute brought.
    storage = telegram.PicklePersistence(folder / "ptb.pickle", on_flush=False)
    storage.user_data = {user: {"state": "name", "data": data()} for user in range(users)}

    async def work(count: int) -> None:
        for _ in range(count):
            await storage.update_user_data(random.randrange(users), {"state": "name", "data": data()})

    return work


async def run(choice: Options) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for part in (statements, commits, peers):
            await part(Path(folder), choice)


if __name__ == "__main__":
    main(run, __doc__)
