"""What it costs to keep a state and data in memory and in Redis, here and elsewhere; files have storages_sqlite.py.

Memory is counted in CPU time, what waits for a server by the clock on the wall.

    AIOSTEP_REDIS=redis://localhost:6379/9 python benchmarks/storages.py [--quick]      keys are left there
"""

from __future__ import annotations

import copy
import itertools
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import _peers
from _measure import Goal, Options, Subject, clock, main, measure, table

from aiostep import open_storage, sync
from aiostep.asyncio import AsyncMemoryStateStorage
from aiostep.storage import MemoryStateStorage
from aiostep.utils import IsState

DATA = {"name": "Ann", "age": 31, "tags": ["a", "b"], "address": {"city": "Rome", "zip": "00118"}, "agreed": True}
FLAT = {"name": "Ann", "age": 31, "city": "Rome"}
USERS = 1000
wall = time.perf_counter_ns


async def run(choice: Options) -> None:
    await memory(choice)
    await redis_servers(choice)


async def memory(choice: Options) -> None:
    """Set a state, set data, read both."""
    original = _peers.original()
    subjects = [
        Subject("a dict, with copies", blocking(_Dict(copy.deepcopy))),
        Subject("aiostep, for threads", blocking(MemoryStateStorage())),
        Subject("aiostep, for threads, ex", blocking(MemoryStateStorage(ex=60))),
        Subject("aiostep, for an event loop", awaiting(AsyncMemoryStateStorage())),
        Subject("aiogram", aiogram()),
        Subject("telebot", telebot()),
    ]
    if original is not None:
        subjects.append(Subject("original", blocking(original.MemoryStateStorage())))
    figures = await measure(subjects, choice)
    goals = [Goal(name, "a dict, with copies", 2.0) for name in figures if name.startswith("aiostep")]
    goals += [Goal("aiostep, for threads", name) for name in ("original", "telebot")]
    goals += [Goal("aiostep, for an event loop", "aiogram")]
    table("memory: set and read a state and data", figures, goals, choice)


class _Dict:
    """The least that it can be: nothing is looked at, nothing expires, and threads break it."""

    def __init__(self, copied: Callable[[Any], Any]) -> None:
        self._kept: dict[tuple[str, int], Any] = {}
        self._copied = copied

    def set_state(self, user: int, state: str) -> None:
        self._kept["state", user] = state

    def get_state(self, user: int) -> Any:
        return self._kept.get(("state", user))

    def set_data(self, user: int, data: dict[str, Any]) -> None:
        self._kept["data", user] = self._copied(data)

    def get_data(self, user: int) -> Any:
        return self._copied(self._kept.get(("data", user)))


def blocking(storage: Any, timer: Callable[[], int] = clock) -> Any:
    """Make the batch of a storage for threads."""

    async def batch(size: int) -> int:
        started = timer()
        for number in range(size):
            user = number % USERS
            storage.set_state(user, "NAME")
            storage.set_data(user, DATA)
            storage.get_state(user)
            storage.get_data(user)
        return timer() - started

    return batch


def awaiting(storage: Any, timer: Callable[[], int] = clock) -> Any:
    """Make the batch of a storage for an event loop."""

    async def batch(size: int) -> int:
        started = timer()
        for number in range(size):
            user = number % USERS
            await storage.set_state(user, "NAME")
            await storage.set_data(user, DATA)
            await storage.get_state(user)
            await storage.get_data(user)
        return timer() - started

    return batch


def aiogram() -> Any:
    """Make the batch of aiogram's own."""
    from aiogram.fsm.storage.base import StorageKey
    from aiogram.fsm.storage.memory import MemoryStorage

    storage = MemoryStorage()

    async def batch(size: int) -> int:
        started = clock()
        for number in range(size):
            key = StorageKey(bot_id=42, chat_id=number % USERS, user_id=number % USERS)
            await storage.set_state(key, "NAME")
            await storage.set_data(key, DATA)
            await storage.get_state(key)
            await storage.get_data(key)
        return clock() - started

    return batch


def telebot() -> Any:
    """Make the batch of pyTelegramBotAPI's own."""
    from telebot.storage import StateMemoryStorage

    storage = StateMemoryStorage()

    async def batch(size: int) -> int:
        started = clock()
        for number in range(size):
            user = number % USERS
            storage.set_state(user, user, "NAME")
            for key, value in DATA.items():
                storage.set_data(user, user, key, value)
            storage.get_state(user, user)
            storage.get_data(user, user)
        return clock() - started

    return batch


async def redis_servers(choice: Options) -> None:
    """Set data and read them, against the bare commands."""
    url = os.environ.get("AIOSTEP_REDIS")
    if url is None:
        if not choice.markdown:
            print("\nno AIOSTEP_REDIS: no table of Redis")
        return
    import redis
    import redis.asyncio

    numbers = itertools.count()
    client, aclient = redis.Redis.from_url(url), redis.asyncio.Redis.from_url(url)
    storage, prefix = sync.open_storage(url, prefix="bench"), "bench:bare"
    async with open_storage(url, prefix="bench") as astorage:
        rows = [
            Subject("bare HSET", each(lambda: client.hset(f"{prefix}:{next(numbers) % USERS}", mapping=FLAT))),
            Subject("set_data", each(lambda: storage.set_data(next(numbers) % USERS, FLAT))),
            Subject("bare HGETALL", each(lambda: client.hgetall(f"{prefix}:{next(numbers) % USERS}"))),
            Subject("get_data", each(lambda: storage.get_data(next(numbers) % USERS))),
            Subject(
                "await bare HSET", awaited(lambda: aclient.hset(f"{prefix}:{next(numbers) % USERS}", mapping=FLAT))
            ),
            Subject("await set_data", awaited(lambda: astorage.set_data(next(numbers) % USERS, FLAT))),
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
        print(f"\nIsState in 20 handlers, Redis: read {reads} x for an update (target 1)")
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
        await theirs.set_data(StorageKey(bot_id=42, chat_id=user, user_id=user), FLAT)

    rows = [Subject("await aiogram's set_data", awaited(write))]
    original = _peers.original()
    if original is not None:
        import redis

        storage = original.RedisStateStorage(redis.Redis.from_url(url))
        rows.append(Subject("original's set_data", each(lambda: storage.set_data(next(numbers) % USERS, FLAT))))
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


if __name__ == "__main__":
    main(run, __doc__)
