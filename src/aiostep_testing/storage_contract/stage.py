"""What the tests of storages work with, the same for both faces."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from aiostep_core.storages.abc import BlockingStateStorage, RecordKey, Records, StateStorage
from aiostep_core.storages.records import record_key, settle

from .harness import Face, StorageHarness

__all__ = ["PATIENCE", "StorageStage"]

T = TypeVar("T")

#: The seconds that anything may take.
PATIENCE = 20.0


class StorageStage:
    """One test's storages. For threads nothing here ever suspends, so a test runs as one call."""

    def __init__(self, harness: StorageHarness, face: Face) -> None:
        self.harness = harness
        self.face: Face = face
        self._opened: list[Records | StateStorage] = []

    @property
    def is_blocking(self) -> bool:
        """Whether the face for threads is tested."""
        return self.face == "blocking"

    def run(self, test: Coroutine[Any, Any, T]) -> T:
        """Run a test to its end."""
        return settle(self._closing(test)) if self.is_blocking else asyncio.run(self._bounded(test))

    def open(self) -> Records:
        """Open records."""
        opened = self.harness.open()
        records = opened.blocking() if self.is_blocking else opened.asynchronous()
        self._opened.append(records)
        return records

    def open_states(self, **options: Any) -> Any:
        """Open states whose methods are awaited, also those for threads."""
        opened = self.harness.open_states(self.face, **options)
        states = _Awaited(opened) if isinstance(opened, BlockingStateStorage) else opened
        self._opened.append(states)  # type: ignore[arg-type]
        return states

    def key(self, *parts: str | int | None, kind: str = "thing", space: str | int | None = "space") -> RecordKey:
        """Make a key."""
        return record_key(kind, space, *(parts or ("key",)))

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, and a little more."""
        if self.harness.pass_time(seconds):
            return
        if self.is_blocking:
            time.sleep(seconds + 0.02)  # noqa: ASYNC251 - there is no loop
        else:
            await asyncio.sleep(seconds + 0.02)

    async def until(self, check: Callable[[], Awaitable[T]], what: str) -> T:
        """Ask again and again, until the answer is true."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = await check()
            if answer:
                return answer
            await self.pass_time(0.02)
        raise AssertionError(f"after {PATIENCE:g} s it is still not so that {what}")

    async def together(self, *calls: Callable[[], Coroutine[Any, Any, T]]) -> list[T]:
        """Run *calls* at the same time: in threads or in tasks."""
        if not self.is_blocking:
            return await asyncio.gather(*(call() for call in calls))
        with ThreadPoolExecutor(min(len(calls), 16)) as pool:
            return [one.result(PATIENCE) for one in [pool.submit(_settled, call) for call in calls]]

    async def _bounded(self, test: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wait_for(self._closing(test), 5 * PATIENCE)

    async def _closing(self, test: Coroutine[Any, Any, T]) -> T:
        try:
            return await test
        finally:
            for one in reversed(self._opened):
                await one.close()


def _settled(call: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return settle(call())


class _Awaited:
    """Lets the methods of a storage for threads be awaited."""

    def __init__(self, states: BlockingStateStorage) -> None:
        self._states = states

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._states, name)
        if not callable(method):
            return method

        async def call(*args: Any, **kwargs: Any) -> Any:
            return method(*args, **kwargs)

        return call
