"""The tables of storages that wait for something: a disk, a server."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import _peers
from _measure import Goal, Options, Subject, measure, table

from aiostep import open_storage, sync
from aiostep.storage import FileStateStorage
from aiostep.utils import IsState

__all__ = ["files", "redis_servers"]

USERS = 10_000
WRITERS = 64
DATA = {"name": "Ann", "age": 31, "city": "Rome"}
wall = time.perf_counter_ns


async def files(folder: Path, choice: Options) -> None:
    """Compare files."""
    await single_writes(folder, choice)
    await many_writers(folder, choice)
    await against_original(folder, choice)


async def single_writes(folder: Path, choice: Options) -> None:
    """One write after the other, not synced: what is above SQLite itself."""
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("pragma journal_mode=wal")
    bare.execute("pragma synchronous=normal")
    bare.execute("create table kept (name text primary key, fields text) without rowid")
    numbers = iter(range(10**9))

    def write_bare() -> None:
        number = next(numbers)
        bare.execute("begin immediate")
        bare.execute("insert or replace into kept values (?, ?)", (f"state:{number % USERS}", f"S{number}"))
        bare.execute("commit")

    storage = FileStateStorage(folder / "ours.db", durability="process")
    figures = await measure(
        [
            Subject("bare prepared statements", each(write_bare)),
            Subject("aiostep", each(lambda: storage.set_state((n := next(numbers)) % USERS, f"S{n}"))),
        ],
        choice,
    )
    table(
        "SQLite, synchronous=NORMAL: set a state", figures, [Goal("aiostep", "bare prepared statements", 1.5)], choice
    )
    storage.close()
    bare.close()


async def many_writers(folder: Path, choice: Options) -> None:
    """Writers that come together are committed together."""
    numbers = iter(range(10**9))
    async with open_storage(f"sqlite:///{folder / 'full.db'}") as storage:

        async def write() -> None:
            number = next(numbers)
            await storage.set_state(number % USERS, f"S{number}")

        async def one_by_one(size: int) -> int:
            started = wall()
            for _ in range(size):
                await write()
            return wall() - started

        async def together(size: int) -> int:
            turns = max(1, size // WRITERS)
            started = wall()
            for _ in range(turns):
                await asyncio.gather(*(write() for _ in range(WRITERS)))
            return (wall() - started) * size // (turns * WRITERS)

        alone, crowd = "one writer", f"{WRITERS} writers at once"
        rows = [Subject(alone, one_by_one), Subject(crowd, together)]
        figures = await measure(rows, replace(choice, rounds=max(5, choice.rounds // 10), size=WRITERS * 4))
        table("SQLite, synchronous=FULL: set a state", figures, [Goal(crowd, alone, 0.2)], choice)


async def against_original(folder: Path, choice: Options) -> None:
    """Ten thousand users have a state; one more sets theirs."""
    original, numbers = _peers.original(), iter(range(10**9))
    storage = FileStateStorage(folder / "crowd.db")
    for user in range(USERS):
        storage.set_state(user, "NAME")
    rows = [Subject("aiostep", each(lambda: storage.set_state((n := next(numbers)) % USERS, f"S{n}")))]
    rows += pickles(folder, numbers)
    if original is not None:
        theirs: Any = original.FileStateStorage(str(folder / "original.json"))
        with theirs.cache.session() as session:  # one by one it would take the whole day
            for user in range(USERS):
                session[f"state:{user}"] = {"current_state": "NAME", "callback": None, "chat_id": user}
        rows.append(Subject("original", each(lambda: theirs.set_state((n := next(numbers)) % USERS, f"S{n}"))))
    figures = await measure(rows, replace(choice, rounds=max(3, choice.rounds // 60), size=3))
    goals = [Goal("aiostep", name, at_most) for name, at_most in (("original", 0.01), ("telebot", None))]
    table(f"a file with {USERS:,} users: set a state", figures, goals, choice)
    storage.close()


def pickles(folder: Path, numbers: Any) -> list[Subject]:
    """Make the rows of those who write everything each time."""
    from telebot.storage import StatePickleStorage

    pickled = StatePickleStorage(str(folder / "telebot.pkl"))
    content = {pickled._get_key(user, user, "telebot", ":"): {"state": "NAME", "data": {}} for user in range(USERS)}
    pickled._write_to_file(content)  # one by one it would take the whole day

    def write() -> None:
        number = next(numbers)
        pickled.set_state(number % USERS, number % USERS, f"S{number}")

    return [Subject("telebot", each(write))]


async def redis_servers(choice: Options) -> None:
    """Compare what goes to the server at AIOSTEP_REDIS, such as redis://localhost:6379/9; it is not emptied."""
    url = os.environ.get("AIOSTEP_REDIS")
    if url is None:
        if not choice.markdown:
            print("\nno AIOSTEP_REDIS: no table of Redis")
        return
    import redis
    import redis.asyncio

    numbers = iter(range(10**9))
    client, aclient = redis.Redis.from_url(url), redis.asyncio.Redis.from_url(url)
    storage, prefix = sync.open_storage(url, prefix="bench"), "bench:bare"
    async with open_storage(url, prefix="bench") as astorage:
        rows = [
            Subject("bare HSET", each(lambda: client.hset(f"{prefix}:{next(numbers) % USERS}", mapping=DATA))),
            Subject("set_data", each(lambda: storage.set_data(next(numbers) % USERS, DATA))),
            Subject("bare HGETALL", each(lambda: client.hgetall(f"{prefix}:{next(numbers) % USERS}"))),
            Subject("get_data", each(lambda: storage.get_data(next(numbers) % USERS))),
            Subject(
                "await bare HSET", awaited(lambda: aclient.hset(f"{prefix}:{next(numbers) % USERS}", mapping=DATA))
            ),
            Subject("await set_data", awaited(lambda: astorage.set_data(next(numbers) % USERS, DATA))),
            Subject("await bare HGETALL", awaited(lambda: aclient.hgetall(f"{prefix}:{next(numbers) % USERS}"))),
            Subject("await get_data", awaited(lambda: astorage.get_data(next(numbers) % USERS))),
        ]
        rows += redis_peers(url, numbers)
        figures = await measure(rows, choice)
        goals = [
            Goal(f"{way}{ours}", f"{way}bare {bare}", 1.15)
            for way in ("", "await ")
            for ours, bare in (("set_data", "HSET"), ("get_data", "HGETALL"))
        ]
        table("Redis", figures, goals, choice)
        reads = await reads_of_is_state(astorage)
        print(f"\nIsState in 20 handlers, Redis: {reads} reading of an update (target 1)")
    storage.close()
    client.close()
    await aclient.aclose()


def redis_peers(url: str, numbers: Any) -> list[Subject]:
    """Make the rows of other libraries."""
    from aiogram.fsm.storage.base import StorageKey
    from aiogram.fsm.storage.redis import RedisStorage

    theirs = RedisStorage.from_url(url)

    async def write() -> None:
        user = next(numbers) % USERS
        await theirs.set_data(StorageKey(bot_id=42, chat_id=user, user_id=user), DATA)

    rows = [Subject("await aiogram's set_data", awaited(write))]
    original = _peers.original()
    if original is not None:
        import redis

        storage = original.RedisStateStorage(redis.Redis.from_url(url))
        rows.append(Subject("original's set_data", each(lambda: storage.set_data(next(numbers) % USERS, DATA))))
    return rows


async def reads_of_is_state(storage: Any) -> int:
    """Count how often twenty filters read the state for one update."""
    from datetime import datetime, timezone

    from aiogram import Bot, Dispatcher
    from aiogram.types import Chat, Message, Update, User

    reads, read = 0, storage.records.read

    async def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(*args, **kwargs)

    storage.records.read = counted
    dispatcher = Dispatcher()

    async def handle(message: Message) -> None: ...

    for number in range(20):
        dispatcher.message.register(handle, IsState(f"S{number}", storage))
    await storage.set_state(1, "S19")
    person = User(id=1, is_bot=False, first_name="Ann")
    message = Message(message_id=1, date=datetime.now(timezone.utc), chat=Chat(id=1, type="private"), from_user=person)
    await dispatcher.feed_update(Bot("42:TEST"), Update(update_id=1, message=message))
    return reads


def each(operation: Callable[[], Any]) -> Callable[[int], Awaitable[int]]:
    """Make the batch of an operation."""

    async def batch(size: int) -> int:
        started = wall()
        for _ in range(size):
            operation()
        return wall() - started

    return batch


def awaited(operation: Callable[[], Awaitable[Any]]) -> Callable[[int], Awaitable[int]]:
    """Make the batch of an operation that is awaited."""

    async def batch(size: int) -> int:
        started = wall()
        for _ in range(size):
            await operation()
        return wall() - started

    return batch
