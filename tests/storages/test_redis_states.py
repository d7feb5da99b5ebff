"""States and data in Redis: the contract, and one reading of a state for an update."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiogram import Dispatcher
from aiogram.types import Message

from aiostep.asyncio import AsyncRedisStateStorage
from aiostep.utils import IsState
from aiostep_core.storages.redis import RedisRecords
from aiostep_testing.storage_contract import StateStorageContract, StorageHarness
from tests.aiogram.conftest import stage as stage
from tests.aiogram.stage import Stage
from tests.storages.redis_servers import SHARED

pytestmark = pytest.mark.anyio


class RedisStatesHarness(StorageHarness):
    name: ClassVar[str] = "redis"
    version: ClassVar[str] = "6.2"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.prefix = uuid.uuid4().hex
        self.server = SHARED.get(self.version)

    def open(self) -> RedisRecords:
        return RedisRecords.from_url(self.server.url, prefix=self.prefix)


class Redis8StatesHarness(RedisStatesHarness):
    version = "8.2"


class TestRedis6(StateStorageContract):
    harness_class = RedisStatesHarness


class TestRedis8(StateStorageContract):
    harness_class = Redis8StatesHarness


async def test_twenty_handlers_read_a_state_once(stage: Stage) -> None:
    """Counted by the server."""
    server, dp = SHARED.get("8.2"), Dispatcher()
    storage = AsyncRedisStateStorage(host="127.0.0.1", port=server.port, prefix=uuid.uuid4().hex)

    def calls() -> int:
        stats: dict[str, Any] = server.do("INFO", "commandstats")
        return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("hgetall", "evalsha", "eval"))

    for number in range(20):

        async def handle(message: Message, number: int = number) -> None:
            await message.answer(f"in {number}")

        dp.message.register(handle, IsState(f"S{number}", storage))

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        await storage.set_state(alice.id, "S19")
        before = calls()
        alice.send("hi")
        await alice.expect("^in 19$")
        assert calls() == before + 1
    await storage.close()
