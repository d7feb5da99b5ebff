"""Tasks that are at hand: starting one costs more than all the rest of an update that nobody waits in.

A task of its own is what a handler needs that waits while the framework goes on. Whether it will wait only shows while
it runs, so each update begins in a task: in one that rests here, at once, without a round of the event loop. If its
handlers have ended when that first step returns, which only those can that await nothing, the task rests again. If not,
the task is theirs for good, and another one is made to rest.

How that works is the protocol of asyncio's futures, which a task waits for without asking for their class: it gives
them a callback that makes its next step. Here the callback is called directly, in place of by the loop.
``_enter_task`` and ``_leave_task`` are what asyncio documents for those who make steps themselves.
"""

from __future__ import annotations

import asyncio
import types
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any

__all__ = ["Workers"]

Work = Coroutine[Any, Any, None]


class Worker:
    """A task, and the future that it waits for while it rests.

    Attributes:
        step: makes the task go on; None while it does not rest.
        context: the one that the task runs in.
        work: what it shall do next.
        is_spent: its work had to wait, so it does no other.
    """

    __slots__ = ("_asyncio_future_blocking", "_is_cancelled", "_loop", "context", "is_spent", "step", "task", "work")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._asyncio_future_blocking = False
        self._is_cancelled = False
        self._loop = loop
        self.step: Any = None
        self.context: Any = None
        self.work: Work | None = None
        self.is_spent = False
        self.task: asyncio.Task[None] = loop.create_task(self._live())
        # Whoever closes the loop in the middle of a rest loses nothing.
        self.task._log_destroy_pending = False  # type: ignore[attr-defined]

    async def _live(self) -> None:
        await _rest_and_work(self)

    def stop(self) -> None:
        """Let the task end, if it rests."""
        if not self.is_spent and not self._loop.is_closed():
            self.task.cancel()

    # The protocol of futures. Without get_loop: asyncio then looks for _loop, which is faster.

    def add_done_callback(self, step: Any, *, context: Context) -> None:
        self.step, self.context = step, context

    def result(self) -> None:
        if self._is_cancelled:
            raise asyncio.CancelledError

    def cancel(self, msg: object = None) -> bool:
        """Let the task go on with a cancellation."""
        step, self.step = self.step, None
        if step is not None:
            self._is_cancelled = True
            self._loop.call_soon(step, self, context=self.context)
        return step is not None


@types.coroutine
def _rest_and_work(worker: Worker) -> Generator[Any, Any, None]:
    # One generator for all the rests: one for each would be a tenth of what an update takes.
    while not worker.is_spent:
        worker._asyncio_future_blocking = True
        yield worker
        work, worker.work = worker.work, None
        if work is None:
            return
        yield from work


class Workers:
    """Always one worker that rests, in the context that the framework handles updates in."""

    def __init__(self) -> None:
        self._resting: Worker | None = None

    def start(self, work: Work) -> asyncio.Task[None] | None:
        """Begin *work* in a task of its own; return that, or None if it is done already."""
        worker = self._resting
        # What a handler or a caller has set in its context must be seen by the right ones only.
        if worker is None or worker.step is None or worker.context != copy_context():
            return self._start_elsewhere(work)
        loop, step, worker.step = worker._loop, worker.step, None
        worker.work = work
        outer = asyncio.current_task(loop)
        assert outer is not None
        _leave_task(loop, outer)
        try:
            worker.context.run(step, worker)
        finally:
            _enter_task(loop, outer)
        if worker.step is not None:
            return None
        worker.is_spent = True
        worker.task._log_destroy_pending = True  # type: ignore[attr-defined]
        self._resting = Worker(loop)
        return worker.task

    def _start_elsewhere(self, work: Work) -> asyncio.Task[None]:
        """Begin *work* with the next round of the loop; there will be a worker for the one after."""
        loop, worker = asyncio.get_running_loop(), self._resting
        if worker is None or worker.step is not None:
            self.stop()
            self._resting = Worker(loop)
        return loop.create_task(work)

    def stop(self) -> None:
        """Let nobody rest any more."""
        worker, self._resting = self._resting, None
        if worker is not None:
            worker.stop()
