"""What it costs to keep a state and data: in memory, in a file, in Redis; here and elsewhere.

Memory is counted in CPU time; what waits for a disk or a server is counted by the clock on the wall.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _peers
from _measure import Goal, Options, Subject, clock, main, measure, table
from _storages import files, redis_servers

from aiostep.asyncio import AsyncMemoryStateStorage
from aiostep.storage import MemoryStateStorage

DATA = {"name": "Ann", "age": 31, "tags": ["a", "b"], "address": {"city": "Rome", "zip": "00118"}, "agreed": True}
USERS = 1000


async def run(choice: Options) -> None:
    await memory(choice)
    with tempfile.TemporaryDirectory() as folder:
        await files(Path(folder), choice)
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


if __name__ == "__main__":
    main(run, __doc__)
