"""An event isolation that lets go while a handler waits.

aiogram holds the lock of a person's state for as long as the handler runs. A handler that waits for the same person
would keep every other handler from them until it has its answer: no /help, no button of another message.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar

from aiogram.fsm.storage.base import BaseEventIsolation, StorageKey

__all__ = ["Hold", "SuspendableIsolation", "holds_of_this_task"]


class Hold:
    """One lock that a task has, and can give back for a while."""

    def __init__(self, isolation: BaseEventIsolation, key: StorageKey) -> None:
        self._isolation = isolation
        self._key = key
        self._lock: AbstractAsyncContextManager[None] | None = None
        self.task = asyncio.current_task()

    @property
    def is_held(self) -> bool:
        """Whether the lock is ours at this moment."""
        return self._lock is not None

    async def acquire(self) -> None:
        """Take the lock."""
        lock = self._isolation.lock(self._key)
        await lock.__aenter__()
        self._lock = lock

    async def release(self) -> None:
        """Give the lock back. Again is harmless."""
        lock, self._lock = self._lock, None
        if lock is not None:
            await lock.__aexit__(None, None, None)


# A stack, because isolations nest: aiogram's own around the one of a dialog library.
_holds: ContextVar[tuple[Hold, ...]] = ContextVar("aiostep_aiogram_holds", default=())


def holds_of_this_task() -> tuple[Hold, ...]:
    """Return the locks that the running task may let go of; another task's are not its business."""
    holds = _holds.get()
    if not holds:
        return ()
    task = asyncio.current_task()
    return tuple(hold for hold in holds if hold.is_held and hold.task is task)


class SuspendableIsolation(BaseEventIsolation):
    """Wraps another isolation; ``install`` puts it around the dispatcher's.

    Use it yourself for locks of other libraries:
    ``setup_dialogs(dp, events_isolation=SuspendableIsolation(SimpleEventIsolation()))``.
    """

    def __init__(self, inner: BaseEventIsolation) -> None:
        self.inner = inner

    @asynccontextmanager
    async def lock(self, key: StorageKey) -> AsyncGenerator[None, None]:
        """Hold the lock of *key*, except while the handler inside waits."""
        hold = Hold(self.inner, key)
        await hold.acquire()
        token = _holds.set((*_holds.get(), hold))
        try:
            yield
        finally:
            _holds.reset(token)
            await hold.release()

    async def close(self) -> None:
        """Close the wrapped isolation."""
        await self.inner.close()
