"""Memory under the contract of storages."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from aiostep_core.storages import MemoryRecords
from aiostep_testing.storage_contract import RecordsContract, StorageHarness
from aiostep_testing.storage_contract.machine import records_machine


class MemoryHarness(StorageHarness):
    name: ClassVar[str] = "memory"
    is_shared: ClassVar[bool] = False
    is_durable: ClassVar[bool] = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.now = 0.0

    def open(self) -> MemoryRecords:
        return MemoryRecords(clock=lambda: self.now)

    def pass_time(self, seconds: float) -> bool:
        self.now += seconds
        return True


class TestRecords(RecordsContract):
    harness_class = MemoryHarness


TestModel = records_machine(MemoryHarness).TestCase
