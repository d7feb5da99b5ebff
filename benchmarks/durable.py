"""What a durable conversation costs: an answer in and the next question out, beside the same question in an ordinary
handler; by storage, by durability, by length; beginning again in another process; and what it costs everybody else.

Times on SQLite and Redis are of the clock, not of the processor: to wait for the disk and the server is what they are
about. A Redis server is found or started as in storages_redis.py.

    python benchmarks/durable.py [--quick]
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis.asyncio
from _measure import Goal, Options, Subject, clock, main, measure, table
from _talk import Talk, durable, questions
from storages_redis import server

from aiostep_core.context import current_turn
from aiostep_core.durable.run import Run
from aiostep_core.storages import MemoryRecords, sqlite_operations
from aiostep_core.storages.abc import Records
from aiostep_core.storages.redis import RedisRecords
from aiostep_core.storages.sqlite import SqliteRecords
from aiostep_core.storages.steps import RecordedSteps

if TYPE_CHECKING:
    from aiogram.types import Message, Update

#: What a long conversation has behind it. Longer than any that is not begun anew.
LONG = 5_000
#: How many commits or round trips a turn needs: before the handler goes on, when it waits; and before it asks.
WRITES = {"turn": 2, "step": 2, "intent": 3}
OPEN = 200
GROUP = -1001

#: What is written of a turn, in the least Lua.
_APPEND = (
    "redis.call('HSET', KEYS[1], 'revision', ARGV[1], 'asked', ARGV[2]) return redis.call('RPUSH', KEYS[2], ARGV[3])"
)
_ENTRY = '["wait","ask: More?","v","yes",1000]'
_ASKED = '["ask: More?",{"at":1700000000.0,"sent":[1000,1000,false],"taken":0}]'


def stored(name: str, records: Records | None = None, **options: Any) -> Talk:
    """Return a talk whose conversation is durable, in *records*."""
    return Talk(durable(name, **options), RecordedSteps(records or MemoryRecords()))


async def in_memory(choice: Options) -> Talk:
    """Compare with an ordinary handler."""
    plain, memory, talk = Talk(questions), Talk(durable("memory")), stored("stored")
    names = ("an ordinary handler", "durable, in memory", "durable, records in memory")
    subjects = [Subject(name, one.short) for name, one in zip(names, (plain, memory, talk), strict=True)]
    goals = [Goal(name, names[0], 2.0) for name in names[1:]]
    table("an answer in, the next question out", await measure(subjects, choice), goals, choice)
    return talk


async def by_length(few: Talk, choice: Options) -> None:
    """Compare long conversations with short ones."""
    length = LONG if choice.rounds > 50 else 500
    long = await stored("long").begin(length)
    figures = await measure([Subject("after 100", few.short), Subject(f"after {length:,}", long.batch)], choice)
    table("answers so far", figures, [Goal(f"after {length:,}", "after 100", 1.3)], choice)


async def on(
    where: str, records: Records, bare: Callable[[int], Callable[[int], Awaitable[int]]], choice: Options
) -> None:
    """Compare each durability with as many bare writes as it needs."""
    plain = Talk(questions)
    name = re.sub("[^a-z]+", ".", where.lower())
    talks = {how: stored(f"{name}.{how}", records, durability=how) for how in WRITES}
    rows = [Subject(f'durability="{how}"', talk.elapsed) for how, talk in talks.items()]
    rows += [Subject(f"{count} bare writes", bare(count)) for count in sorted(set(WRITES.values()))]
    rows.append(Subject("an ordinary handler", plain.elapsed))
    # Few at a time: who is interrupted waits, and long batches always are.
    figures = await measure(rows, replace(choice, size=2))
    goals = list[Goal]()
    for how, count in WRITES.items():
        # Nobody waits for a disk or a server less than so often, and the framework's own part comes on top of that.
        floor = f"{count} bare writes and a handler"
        figures[floor] = figures[f"{count} bare writes"] + figures["an ordinary handler"]
        goals += [Goal(f'durability="{how}"', f"{count} bare writes"), Goal(f'durability="{how}"', floor, 2.0)]
    table(where, figures, goals, choice)
    for talk in talks.values():
        await talk.leave()
    await records.close()


def bare_sqlite(path: Path, *, is_synced: bool) -> Callable[[int], Callable[[int], Awaitable[int]]]:
    """Return what writes turns as bare statements, each in a transaction of its own."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"pragma synchronous = {'full' if is_synced else 'normal'}")
    cursor, place = connection.cursor(), ("durable", "1", "bare")
    cursor.execute(sqlite_operations._START_JOURNAL, (*place, "{}", None, None))

    def write() -> None:
        cursor.execute("begin immediate")
        record, *_ = cursor.execute(sqlite_operations._READ_ALL, place).fetchone()
        cursor.execute(sqlite_operations._ADVANCE_JOURNAL, (_ASKED + str(time.time()), None, time.time(), record))
        number = cursor.execute(sqlite_operations._LENGTH, (record,)).fetchone()[0]
        cursor.execute(sqlite_operations._ADD, (record, number, _ENTRY))
        cursor.execute("commit")

    def writes(count: int) -> Callable[[int], Awaitable[int]]:
        async def batch(size: int) -> int:
            began = time.perf_counter_ns()
            for _ in range(size * count):
                write()
            return time.perf_counter_ns() - began

        return batch

    return writes


def bare_redis(client: Any, sha: str) -> Callable[[int], Callable[[int], Awaitable[int]]]:
    """Return what writes turns with the least script that does."""

    def writes(count: int) -> Callable[[int], Awaitable[int]]:
        async def batch(size: int) -> int:
            began = time.perf_counter_ns()
            for number in range(size * count):
                await client.evalsha(sha, 2, "bare", "bare-log", number, _ASKED, _ENTRY)
            return time.perf_counter_ns() - began

        return batch

    return writes


async def on_sqlite(durability: Any, choice: Options) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bot.db"
        made = SqliteRecords(path.with_name("bare.db"), is_blocking=True)
        await made.next_due("durable", "1")  # the file is made when it is first needed
        await made.close()
        bare = bare_sqlite(path.with_name("bare.db"), is_synced=durability == "full")
        await on(f'SQLite, durability="{durability}"', SqliteRecords(path, durability=durability), bare, choice)


async def on_redis(choice: Options) -> None:
    with server() as url:
        client: Any = redis.asyncio.Redis.from_url(url)
        await on("Redis", RedisRecords.from_url(url), bare_redis(client, await client.script_load(_APPEND)), choice)
        await client.aclose()


async def cold_start(choice: Options) -> None:
    """Replay six answers: alone, and with everything that comes with it."""
    talk = stored("cold")
    await talk.begin(6)

    async def replay(size: int) -> int:
        await talk.begin(6)
        run: Run = next(reversed(talk.durables.live.values()))
        there = await talk.durables.journals.load(run.stored.key)
        assert there is not None
        token = current_turn.set(run.turn)
        began = clock()
        for _ in range(size):
            machine = run._machine_of(there)
            machine.step()
            machine.kill()
        spent = clock() - began
        current_turn.reset(token)
        return spent

    async def hot(size: int) -> int:
        return await one_by_one(size, is_cold=False)

    async def cold(size: int) -> int:
        return await one_by_one(size, is_cold=True)

    async def one_by_one(size: int, *, is_cold: bool) -> int:
        updates: list[Update] = []
        for _ in range(size):
            await talk.begin(6)
            updates += talk.answers(1)
        if is_cold:
            await evict(talk)
        talk.answers(size)
        began = clock()
        for update in updates:
            await talk.feed(update)
        return clock() - began

    rows = [Subject("the replay", replay), Subject("the next answer, hot", hot), Subject("the next answer, cold", cold)]
    figures = await measure(rows, replace(choice, rounds=min(choice.rounds, 30), size=20))
    figures["cold instead of hot"] = figures["the next answer, cold"] - figures["the next answer, hot"]
    figures["half a millisecond"] = 500.0
    goals = [Goal(name, "half a millisecond", 1.0) for name in ("the replay", "cold instead of hot")]
    table("going on with six answers, in another process", figures, goals, choice)


async def evict(talk: Talk) -> None:
    """Take all conversations out of memory."""
    for run in list(talk.durables.live.values()):
        run.leave()
    await asyncio.gather(*talk.tasks)


async def chatter(choice: Options) -> None:
    """Measure messages in a group, of somebody who is asked nothing."""
    talks = {name: await crowded(name) for name in ("nobody", f"{OPEN} others", f"{OPEN} others, evicted")}
    await evict(talks[f"{OPEN} others, evicted"])
    rows = [Subject(f"asked: {name}", talk.miss) for name, talk in talks.items()]
    figures = await measure(rows, choice)
    goals = [Goal(row.name, rows[0].name, 1.3) for row in rows[1:]]
    table("somebody else's message in the group", figures, goals, choice)


async def crowded(name: str) -> Talk:
    begin = durable(re.sub("[^a-z0-9]+", ".", f"group.{name}"))

    async def handle(message: Message) -> None:
        if message.text == "begin":
            await begin(message)

    talk = Talk(handle, RecordedSteps(MemoryRecords()), GROUP)
    for _ in range(OPEN if name != "nobody" else 1):
        await talk.begin(2)
    if name == "nobody":
        await evict(talk)
    return talk


async def run(choice: Options) -> None:
    """Measure and print, table by table."""
    await by_length(await in_memory(choice), choice)
    await on_sqlite("full", choice)
    await on_sqlite("process", choice)
    await on_redis(choice)
    await cold_start(choice)
    await chatter(choice)


if __name__ == "__main__":
    main(run, __doc__)
