"""Writing what handlers have changed, as soon as they have ended or wait.

The framework writes at intervals, so a process that is killed takes along what was changed since. ``StepPersistence``
writes only what differs, so the framework can be asked to write after every update.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias

from telegram.ext import Application

from aiostep_core.context import current_turn

from .persistence import StepPersistence

if TYPE_CHECKING:
    from .adapter import PTBAdapter

__all__ = ["Writing", "wants_writing", "writing_after"]

AnyApplication = Application[Any, Any, Any, Any, Any, Any]
Handle: TypeAlias = Callable[[Any, object], Coroutine[Any, Any, None]]


def wants_writing(application: AnyApplication) -> bool:
    """Tell whether the persistence of *application* is one that wants to write at once."""
    return isinstance(application.persistence, StepPersistence) and application.persistence.write_through


def writing_after(process_update: Handle, adapter: PTBAdapter) -> Handle:
    """Return *process_update*, but the framework only gets the next update when everything is written."""

    async def process_and_write(application: Any, update: object) -> None:
        await process_update(application, update)
        if adapter.writing is not None:
            await adapter.writing.now()

    return process_and_write


class Writing:
    """One write at a time; those who come in the middle of it share the next one. For one event loop.

    Args:
        application: whose; it is not kept alive.
    """

    def __init__(self, application: AnyApplication) -> None:
        self._target = weakref.ref(application)
        self._lock = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None
        self._last: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Have written, in a moment, what has changed up to then."""
        if self._next is None:
            self._next = self._last = asyncio.get_running_loop().create_task(self._write_in_turn())

    async def now(self) -> None:
        """Return when everything is written that has changed up to now."""
        self.soon()
        assert self._next is not None
        await asyncio.shield(self._next)

    async def done(self) -> None:
        """Return when nothing is under way."""
        while self._last is not None and not self._last.done():
            await asyncio.wait([self._last])

    async def _write_in_turn(self) -> None:
        current_turn.set(None)  # error handlers are told of what fails, and are not part of a conversation
        async with self._lock:
            self._next = None
            application = self._target()
            if application is not None and isinstance(application.persistence, StepPersistence):
                with application.persistence.at_once():
                    await application.update_persistence()
