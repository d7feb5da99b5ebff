"""Tasks that are at hand: making one costs more than all the rest of an update that nobody waits in.

A task of its own is what a handler needs that waits while the framework goes on. Whether it will wait only shows while
it runs. So each update begins at once, in the name and the context of a task that rests here. If its handlers have
ended when they let go for the first time, which only those can that await nothing, the task has not even noticed and
rests on. If not, it goes on with them from there, theirs for good, and another one is made to rest.

How that works: a task makes its next step when whatever it waits for calls it back, and it waits for anything that
keeps to the protocol of futures. Here the callback is called directly, in place of by the loop. ``_enter_task`` and
``_leave_task`` are what asyncio documents for those who make steps of tasks themselves.
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
        work: what it shall go on with.
        awaits: what that waits for.
    """

    __slots__ = ("_asyncio_future_blocking", "_is_cancelled", "_loop", "awaits", "context", "step", "task", "work")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._asyncio_future_blocking = True
        self._is_cancelled = False
        self._loop = loop
        self.step: Any = None
        self.context: Any = None
        self.work: Work | None = None
        self.awaits: Any = None
        self.task: asyncio.Task[None] = loop.create_task(_rest_and_work(self))
        # Whoever closes the loop in the middle of a rest loses nothing.
        self.task._log_destroy_pending = False  # type: ignore[attr-defined]

    def begin(self, work: Work) -> bool:
        """Run *work* until it is done, or waits for something for the first time; return whether it is done."""
        loop, task = self._loop, self.task
        outer = asyncio.current_task(loop)
        assert outer is not None
        _leave_task(loop, outer)
        _enter_task(loop, task)
        try:
            self.awaits = self.context.run(work.send, None)
        except StopIteration:
            return True
        finally:
            _leave_task(loop, task)
            _enter_task(loop, outer)
        self.work = work
        task._log_destroy_pending = True  # type: ignore[attr-defined]
        step, self.step = self.step, None
        if step is not None:  # else the work has cancelled its task, which goes on in the next round
            _leave_task(loop, outer)
            try:
                self.context.run(step, self)
            finally:
                _enter_task(loop, outer)
        return False

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


async def _rest_and_work(worker: Worker) -> None:
    await _rest(worker)


@types.coroutine
def _rest(worker: Worker) -> Generator[Any, Any, None]:
    """Wait until *worker* has work that is under way, and be as if it had been ours from the start."""
    error: BaseException | None = None
    try:
        yield worker
    except BaseException as raised:  # noqa: BLE001 - the work's business, if there is any
        error = raised
    work, awaits = worker.work, worker.awaits
    if work is None:
        if error is not None:
            raise error
        return
    while True:
        try:
            if error is not None:
                awaits, error = work.throw(error), None
        except StopIteration:
            return
        try:
            yield awaits
        except BaseException as raised:  # noqa: BLE001 - to be raised where the work waits
            error = raised
        else:
            break
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
        if worker.begin(work):
            return None
        self._resting = Worker(worker._loop)
        return worker.task

    def _start_elsewhere(self, work: Work) -> asyncio.Task[None]:
        """Begin *work* with the next round of the loop; there will be a worker for the one after."""
        loop, worker = asyncio.get_running_loop(), self._resting
        if worker is None or worker.step is not None or worker.task.done():
            self.stop()
            self._resting = Worker(loop)
        return loop.create_task(work)

    def stop(self) -> None:
        """Let nobody rest any more."""
        worker, self._resting = self._resting, None
        if worker is not None and not worker._loop.is_closed():
            worker.task.cancel()
