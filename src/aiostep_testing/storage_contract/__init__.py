"""The contract of storages: what every place to keep things must do alike, for threads and for an event loop.

The whole test file of a storage::

    from aiostep_testing.storage_contract import RecordsContract, StateStorageContract, StorageHarness

    class MyHarness(StorageHarness):
        def open(self) -> Records:
            return MyRecords(self.folder / "place")

    class TestMyRecords(RecordsContract):
        harness_class = MyHarness

    class TestMyStates(StateStorageContract):
        harness_class = MyHarness

    TestMyModel = records_machine(MyHarness).TestCase  # needs hypothesis

Whoever implements only ``StateStorage`` overrides ``open_states`` and takes the second class. pytest is all that is
needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import asserting as asserting
from .all import RecordsContract as RecordsContract
from .all import StateStorageContract as StateStorageContract
from .harness import FACES as FACES
from .harness import StorageHarness as StorageHarness
from .stage import StorageStage as StorageStage

__all__ = [
    "FACES",
    "RecordsContract",
    "StateStorageContract",
    "StorageHarness",
    "StorageStage",
    "records_machine",
]


if TYPE_CHECKING:
    from .machine import records_machine as records_machine
else:

    def __getattr__(name: str) -> object:
        """Import the machine only for those who have hypothesis."""
        if name == "records_machine":
            from .machine import records_machine

            return records_machine
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
