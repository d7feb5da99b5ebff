"""Questions that are out at once, each as a task of the event loop; ``thread_tasks`` has those of bots without one."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

__all__ = ["LoopTasks", "Task", "Tasks", "promise", "tasks_of"]


class Task(Protocol):
    """A coroutine that runs beside whoever started it."""

    def done(self) -> bool:
        """Tell whether it is over."""
        ...

    def result(self) -> Any:
        """Return what it came to."""
        ...

    def cancel(self) -> object:
        """Let go of it; nobody awaits its end."""
        ...


class Tasks(Protocol):
    """Starts tasks and waits for them.

    Attributes:
        lock: held by one of them at a time.
    """

    @property
    def lock(self) -> AbstractAsyncContextManager[Any]: ...

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> Task:
        """Run *coroutine* from now on."""
        ...

    async def first(self, tasks: Collection[Task]) -> None:
        """Wait until one of *tasks* is over."""
        ...


class LoopTasks:
    """Tasks of the running event loop."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run *coroutine* from now on."""
        return asyncio.get_running_loop().create_task(coroutine)

    async def first(self, tasks: Collection[Any]) -> None:
        """Wait until one of *tasks* is over."""
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


def tasks_of(runtime: Any) -> Tasks:
    """Return what runs tasks for a runtime without an event loop."""
    from .thread_tasks import ThreadTasks

    return ThreadTasks(runtime)


def promise(is_for_threads: bool) -> Any:
    """Return what is awaited until ``set_result`` is called, on a loop or without one."""
    if not is_for_threads:
        return asyncio.get_running_loop().create_future()
    from ..threads import Sleeper

    return Sleeper()
