"""Memory under the contract of storages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.abc import BlockingStateStorage, StateStorage
from aiostep_core.storages.blocking_states import BlockingStates
from aiostep_core.storages.memory_states import MemoryStates
from aiostep_testing.storage_contract import RecordsContract, StateStorageContract, StorageHarness
from aiostep_testing.storage_contract.harness import Face
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


class MemoryStatesHarness(MemoryHarness):
    """What ``MemoryStateStorage`` is."""

    keeps_functions: ClassVar[bool] = True
    has_limit: ClassVar[bool] = False

    def open_states(self, face: Face, **options: Any) -> StateStorage | BlockingStateStorage:
        states = MemoryStates(clock=lambda: self.now, **options)
        return BlockingStates(states) if face == "blocking" else states


class TestRecords(RecordsContract):
    harness_class = MemoryHarness


class TestRecordedStates(StateStorageContract):
    harness_class = MemoryHarness


class TestMemoryStates(StateStorageContract):
    harness_class = MemoryStatesHarness


TestModel = records_machine(MemoryHarness).TestCase
