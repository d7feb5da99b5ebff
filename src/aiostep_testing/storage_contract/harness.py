"""What the contract must know of a storage: how it is opened, and little more."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from aiostep_core.storages.abc import BlockingStateStorage, Records, StateStorage
from aiostep_core.storages.blocking_states import BlockingStates
from aiostep_core.storages.states import RecordedStates

__all__ = ["FACES", "Face", "StorageHarness"]

Face = Literal["blocking", "asynchronous"]
FACES: Final[tuple[Face, ...]] = ("blocking", "asynchronous")


class StorageHarness:
    """One place to keep things, empty at first. Each test makes a new one.

    Attributes:
        name: what is tested.
        faces: those that there are.
        is_shared: whether what is opened twice is one storage, as for two workers.
        is_durable: whether everything is still there when all are closed and one is opened again.
        keeps_functions: whether callbacks are kept as they are, rather than by name.
        has_limit: whether a value of ten megabytes is refused by default.
        largest_text: the bytes of the largest text that is tried in a record.
    """

    name: ClassVar[str] = "storage"
    faces: ClassVar[tuple[Face, ...]] = FACES
    is_shared: ClassVar[bool] = True
    is_durable: ClassVar[bool] = True
    keeps_functions: ClassVar[bool] = False
    has_limit: ClassVar[bool] = True
    largest_text: ClassVar[int] = 10_000_000

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> Records:
        """Return records at this place, with whatever face. Again: the same place, as another worker would."""
        raise NotImplementedError("a harness of records needs the method open")

    def open_states(self, face: Face, **options: Any) -> StateStorage | BlockingStateStorage:
        """Return states at this place.

        Args:
            options: some of ``ex``, ``sliding`` and ``per_chat``, as ``RecordedStates`` has them.
        """
        records = self.open()
        if face == "blocking":
            return BlockingStates(RecordedStates(records.blocking(), owns_records=True, **options))
        return RecordedStates(records.asynchronous(), owns_records=True, **options)

    def pass_time(self, seconds: float) -> bool:
        """Let time pass for the storage, if it has a clock of its own; else return False, and time is really spent."""
        return False

    def close(self) -> None:
        """Clean up after everything that was opened is closed."""
