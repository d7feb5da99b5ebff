"""Questions that are out at once, for bots without an event loop: none of them needs a thread while it waits.

All of this happens under the runtime's lock, as the coroutines do. A task that is let go of may have a call under way
without the lock; what that comes to is of no interest to anybody any more.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Collection, Coroutine
from types import TracebackType
from typing import Any

from ..errors import NotAwaitable
from ..threads import Detached, Outside, Sleeper, ThreadRuntime
from .journal import Machine
from .values import Finished, Operation

__all__ = ["ThreadLock", "ThreadTask", "ThreadTasks", "step_outside"]


async def step_outside(machine: Machine) -> Operation | Finished:
    """Let a conversation's code run, without the lock.

    Raises:
        NotAwaitable: it awaits a call of its bot, as it would on a bot with an event loop.
        Exception: what else it raised.
    """
    try:
        stop: Operation | Finished = await Outside(machine.step)
    except TypeError as error:
        if (where := _where_awaited(error)) is None:
            raise
        raise NotAwaitable(str(error), where) from error
    return stop


def _where_awaited(error: TypeError) -> str | None:
    """Return the file and the line that await what is not to be awaited; None: that is not what is wrong."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    # "... can't be used in 'await' expression", and from Python 3.14 "... can't be awaited"
    if trace is None or "await" not in str(error) or not trace.tb_frame.f_code.co_flags & inspect.CO_COROUTINE:
        return None
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


class ThreadLock:
    """What ``asyncio.Lock`` is to tasks: whoever wants it sleeps, without a thread, until it is free."""

    def __init__(self) -> None:
        self._is_held = False
        self._queue = deque[Sleeper]()

    async def __aenter__(self) -> None:
        while self._is_held:
            self._queue.append(Sleeper())
            await self._queue[-1]
        self._is_held = True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_held = False
        if self._queue:
            self._queue.popleft().set_result(None)


class ThreadTask:
    """A coroutine that runs in the threads beside the handlers."""

    def __init__(self, tasks: ThreadTasks, runtime: ThreadRuntime, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._tasks = tasks
        self._runtime = runtime
        self._coroutine = coroutine
        self._is_over = self._is_cancelled = False
        self._error: BaseException | None = None
        self._value: Any = None
        self.go = Detached(runtime, self._run(), runtime.aside, self._finish).go

    async def _run(self) -> None:
        if not self._is_cancelled:
            self._value = await self._coroutine

    def _finish(self, error: BaseException | None) -> None:
        with self._runtime.lock:
            self._is_over, self._error = True, error
            if not self._is_cancelled:
                self._tasks.wake()

    def done(self) -> bool:
        """Tell whether it is over."""
        return self._is_over

    def result(self) -> Any:
        """Return what it came to."""
        if self._error is not None:
            raise self._error
        return self._value

    def cancel(self) -> None:
        """Let go of it, and of the wait that it has open."""
        self._is_cancelled = True
        self._coroutine.close()


class ThreadTasks:
    """Tasks of a bot without an event loop."""

    def __init__(self, runtime: ThreadRuntime) -> None:
        self.lock = ThreadLock()
        self._runtime = runtime
        self._sleeper: Sleeper | None = None
        self._new = deque[ThreadTask]()

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> ThreadTask:
        """Run *coroutine* from now on; not before those that were started earlier wait."""
        task = ThreadTask(self, self._runtime, coroutine)
        self._new.append(task)
        if len(self._new) == 1:
            self._runtime.aside(self._start_all)
        return task

    def _start_all(self) -> None:
        """Ask in order: of two waits for the same, an answer is the older one's."""
        task: ThreadTask | None = self._new[0]
        while task is not None:
            task.go()
            with self._runtime.lock:
                self._new.popleft()
                task = self._new[0] if self._new else None

    async def first(self, tasks: Collection[Any]) -> None:
        """Wait until one of *tasks* is over."""
        while not any(task.done() for task in tasks):
            self._sleeper = Sleeper()
            await self._sleeper

    def wake(self) -> None:
        """Have whoever waits look again."""
        sleeper, self._sleeper = self._sleeper, None
        if sleeper is not None:
            sleeper.set_result(None)
