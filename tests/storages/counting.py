"""Storages that count how often a state is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiostep.asyncio import AsyncFileStateStorage, AsyncMemoryStateStorage
from aiostep.storage import FileStateStorage, MemoryStateStorage
from aiostep_core.storages.blocking_states import BlockingStates

KINDS = ("memory", "asynchronous memory", "file", "asynchronous file")


class CountingMemory(MemoryStateStorage):
    reads = 0

    def get_state(self, *args: Any, **kwargs: Any) -> Any:
        self.reads += 1
        return super().get_state(*args, **kwargs)


class CountingFile(FileStateStorage):
    reads = 0

    def get_state(self, *args: Any, **kwargs: Any) -> Any:
        self.reads += 1
        return super().get_state(*args, **kwargs)


class CountingAsyncMemory(AsyncMemoryStateStorage):
    reads = 0

    async def get_state(self, *args: Any, **kwargs: Any) -> Any:
        self.reads += 1
        return await super().get_state(*args, **kwargs)


class CountingAsyncFile(AsyncFileStateStorage):
    reads = 0

    async def get_state(self, *args: Any, **kwargs: Any) -> Any:
        self.reads += 1
        return await super().get_state(*args, **kwargs)

    def blocking(self) -> BlockingStates:
        """Return the other face, whose reads count as well."""
        return CountingFace(self, super().blocking())


class CountingFace(BlockingStates):
    def __init__(self, owner: CountingAsyncFile, face: BlockingStates) -> None:
        super().__init__(face._states)
        self._owner = owner

    def get_state(self, *args: Any, **kwargs: Any) -> Any:
        self._owner.reads += 1
        return super().get_state(*args, **kwargs)


def counting(kind: str, folder: Path) -> Any:
    """Make a storage."""
    match kind:
        case "memory":
            return CountingMemory()
        case "asynchronous memory":
            return CountingAsyncMemory()
        case "file":
            return CountingFile(folder / "states.json", durability="process")
        case _:
            return CountingAsyncFile(folder / "states.json", durability="process")


async def done(answer: Any) -> Any:
    """Await an answer, if it has to be."""
    return await answer if hasattr(answer, "__await__") else answer
