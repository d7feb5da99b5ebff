"""The SQLite file under the contract of storages, at both durabilities, for threads and for event loops."""

from __future__ import annotations

from pathlib import Path

from hypothesis import settings

from aiostep_core.storages.sqlite import SqliteRecords
from aiostep_testing.storage_contract import RecordsContract, StateStorageContract, StorageHarness, records_machine


class FullHarness(StorageHarness):
    """A file whose commits reach the disk; time is moved on."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.now = 1_700_000_000.0

    def open(self) -> SqliteRecords:
        return SqliteRecords(self.folder / "bot.db", clock=lambda: self.now)

    def pass_time(self, seconds: float) -> bool:
        self.now += seconds
        return True


class ProcessHarness(FullHarness):
    """A file whose commits survive the process."""

    def open(self) -> SqliteRecords:
        return SqliteRecords(self.folder / "bot.db", durability="process", clock=lambda: self.now)


class MemoryHarness(FullHarness):
    """A database in memory."""

    is_shared = False
    is_durable = False

    def open(self) -> SqliteRecords:
        return SqliteRecords(":memory:", clock=lambda: self.now)


class TestRecords(RecordsContract):
    harness_class = FullHarness


class TestRecordsOfTheProcess(RecordsContract):
    harness_class = ProcessHarness


class TestRecordsInMemory(RecordsContract):
    harness_class = MemoryHarness


class TestStates(StateStorageContract):
    harness_class = FullHarness


class TestStatesInMemory(StateStorageContract):
    harness_class = MemoryHarness


TestModelForThreads = records_machine(ProcessHarness).TestCase
TestModelForEventLoops = records_machine(ProcessHarness, face="asynchronous").TestCase
TestModelForThreads.settings = TestModelForEventLoops.settings = settings(max_examples=20, stateful_step_count=30)
