"""Redis under the contract of storages: each version of the server, both faces."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import ClassVar

from hypothesis import settings

from aiostep_core.storages.redis import RedisRecords
from aiostep_testing.storage_contract import RecordsContract, StorageHarness
from aiostep_testing.storage_contract.machine import records_machine
from tests.storages.redis_servers import SHARED


class RedisHarness(StorageHarness):
    name: ClassVar[str] = "redis"
    version: ClassVar[str] = "6.2"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.prefix = uuid.uuid4().hex
        self.server = SHARED.get(self.version)

    def open(self) -> RedisRecords:
        return RedisRecords.from_url(self.server.url, prefix=self.prefix)


class Redis8Harness(RedisHarness):
    version = "8.2"


class ValkeyHarness(RedisHarness):
    version = "valkey"


class TestRedis6(RecordsContract):
    harness_class = RedisHarness


class TestRedis8(RecordsContract):
    harness_class = Redis8Harness


class TestValkey(RecordsContract):
    harness_class = ValkeyHarness


# The model is compared step by step, with scans of everything: a few dozen runs are enough of that every time.
FEW = settings(max_examples=15)

TestModel = records_machine(RedisHarness, name="BlockingModel").TestCase
TestAsynchronousModel = records_machine(Redis8Harness, face="asynchronous", name="AsynchronousModel").TestCase
TestModel.settings = TestAsynchronousModel.settings = FEW
