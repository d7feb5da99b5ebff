"""What does it cost to keep a state and data in memory, and to look for a state in twenty filters?

    AIOSTEP_REDIS=redis://localhost:6379/9 python benchmarks/storages.py [--quick]

also counts how often those filters ask a server; it leaves a key there.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import _peers
from _measure import Goal, Options, Subject, clock, main, measure, table

from aiostep import open_storage
from aiostep.asyncio import AsyncMemoryStateStorage
from aiostep.storage import MemoryStateStorage
from aiostep.utils import IsState

DATA = {"name": "Ann", "age": 31, "tags": ["a", "b"], "address": {"city": "Rome", "zip": "00118"}, "agreed": True}
USERS = 1000


async def run(choice: Options) -> None:
    await memory(choice)
    await filters(choice)


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


async def filters(choice: Options) -> None:
    """An update of somebody in the last of twenty states."""
    original, storage = _peers.original(), MemoryStateStorage()
    for user in range(USERS):
        storage.set_state(user, "S19")

    def is_state(number: int) -> Any:
        return IsState(f"S{number}", storage)

    def plain(number: int) -> Any:
        async def check(message: Any) -> bool:
            return number == 19

        return check

    rows = [Subject("filters that look at nothing", dispatching(plain)), Subject("aiostep", dispatching(is_state))]
    if original is not None:
        theirs = original.MemoryStateStorage()
        for user in range(USERS):
            theirs.set_state(user, "S19")
        kind = original.IsState
        rows.append(Subject("original", dispatching(lambda number: kind(f"S{number}", theirs))))
    figures = await measure(rows, choice)
    goals = [Goal("aiostep", "filters that look at nothing"), Goal("aiostep", "original")]
    table("an update goes by 20 handlers with IsState, in memory", figures, goals, choice)
    url = os.environ.get("AIOSTEP_REDIS")
    if url is not None and not choice.markdown:
        print(f"\nthe same on Redis: {await reads_on_redis(url)} reading (target 1)")


def dispatching(make: Callable[[int], Any]) -> Any:
    """Make the batch of a dispatcher with twenty handlers."""
    from aiogram import Bot, Dispatcher

    dispatcher, bot = Dispatcher(), Bot("42:TEST")
    for number in range(20):
        dispatcher.message.register(_handle, make(number))

    async def batch(size: int) -> int:
        updates = [_update(number) for number in range(size)]
        started = clock()
        for update in updates:
            await dispatcher.feed_update(bot, update)
        return clock() - started

    return batch


async def _handle(message: Any) -> None: ...


def _update(number: int) -> Any:
    from aiogram.types import Chat, Message, Update, User

    person, chat = User(id=number, is_bot=False, first_name="Ann"), Chat(id=number, type="private")
    date = datetime(2030, 1, 31, tzinfo=timezone.utc)
    return Update(update_id=number, message=Message(message_id=1, date=date, chat=chat, from_user=person))


async def reads_on_redis(url: str) -> int:
    """Count how often twenty filters read the state for one update."""
    async with open_storage(url, prefix="bench") as storage:
        records: Any = storage.records
        reads, read = 0, records.read

        async def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal reads
            reads += 1
            return await read(*args, **kwargs)

        records.read = counted
        await storage.set_state(0, "S19")
        await dispatching(lambda number: IsState(f"S{number}", storage))(1)
    return reads


if __name__ == "__main__":
    main(run, __doc__)
