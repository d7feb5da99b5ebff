"""Tasks that are at hand: making one costs more than all the rest of an update that nobody waits in.

A task of its own is what a handler needs that waits while the framework goes on. Whether it will wait only shows while
it runs. So each update begins at once, in the name and the context of a task that rests here. If its handlers have
ended when they let go for the first time, which only those can that await nothing, the task has not even noticed and
rests on. If not, it goes on with them from there, theirs until they end, and another one rests in its place. One that
comes back from handlers that have left no trace in it rests again.

How that works: a task makes its next step when whatever it waits for calls it back, and it waits for anything that
keeps to the protocol of futures. Here the callback is called directly, in place of by the loop.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from threading import get_ident
from typing import Any, Final

from aiostep_core.context import current_turn

from .current import swap_current
from .flow import Flow

__all__ = ["Workers"]

Work = Coroutine[Any, Any, None]
#: Ends a flow whose work has ended, with what that raised.
Finish = Callable[[Flow, "BaseException | None"], Work]

#: How many tasks rest at most: as many conversations may begin in one round of the loop without waiting for the next.
_SPARE: Final = 16
_DONE: Final = object()


class Worker:
    """A task, and the future that it waits for while it rests.

    Attributes:
        step: makes the task go on; None while it does not rest.
        context: the one that the task runs in.
        token: undoes in it that the flow is the current turn.
        thread: the one that the loop runs in.
        flow: whose work it shall go on with.
        work: what it shall go on with.
        awaits: what that waits for.
    """

    __slots__ = (
        "_asyncio_future_blocking", "_cancelled", "_crew", "_loop",
        "awaits", "context", "flow", "step", "task", "thread", "token", "work",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, crew: Workers) -> None:
        self._asyncio_future_blocking = True
        self._cancelled: tuple[object, ...] | None = None
        self._loop = loop
        self._crew = crew
        self.step: Any = None
        self.context: Any = None
        self.token: Any = None
        self.thread = get_ident()
        self.flow: Flow | None = None
        self.work: Work | None = None
        self.awaits: Any = None
        self.task: asyncio.Task[None] = loop.create_task(self._rest_and_work())

    def go_on(self, flow: Flow, work: Work, awaits: object) -> None:
        """Go on with *work*, which has begun in our name and waits for *awaits*."""
        self.flow, self.work, self.awaits = flow, work, awaits
        flow.task = task = self.task
        task._log_destroy_pending = True  # type: ignore[attr-defined]
        step, self.step = self.step, None
        if step is None:  # the work has cancelled its task, which goes on in the next round
            return
        outer = swap_current(self._loop, None)
        try:
            self.context.run(step, self)
        finally:
            swap_current(self._loop, outer)

    # The protocol of futures. Without get_loop: asyncio then looks for _loop, which is faster.

    def add_done_callback(self, step: Any, *, context: Context) -> None:
        self.step, self.context = step, context

    def result(self) -> None:
        if self._cancelled is not None:
            raise asyncio.CancelledError(*self._cancelled)

    def cancel(self, msg: object = None) -> bool:
        """Let the task go on with a cancellation; by *msg* anyio knows its own."""
        step, self.step = self.step, None
        if step is not None:
            self._cancelled = () if msg is None else (msg,)
            self._loop.call_soon(step, self, context=self.context)
        return step is not None

    # The task.

    async def _rest_and_work(self) -> None:
        untouched, is_wanted, holders = copy_context(), True, _count_holders(self.task)
        while is_wanted:
            # Whoever closes the loop in the middle of a rest loses nothing.
            self.task._log_destroy_pending = False  # type: ignore[attr-defined]
            error: BaseException | None = None
            try:
                await _rest(self)
            except BaseException as raised:  # noqa: BLE001 - the work's business, if there is any
                error = raised
            if self.flow is None:
                if error is not None:
                    raise error
                return
            await self._work(self.flow, error)
            is_wanted = self._is_as_new(untouched, holders) and self._crew.take_back(self)

    async def _work(self, flow: Flow, error: BaseException | None) -> None:
        """Go on with the work of *flow*, which *error* is raised in, until it has ended."""
        work, awaits = self.work, self.awaits
        self.flow = self.work = self.awaits = None
        assert work is not None
        try:
            await _go_on(work, awaits, error)
        except BaseException as raised:  # noqa: BLE001 - see Flows
            error = raised
        else:
            error = None
        await self._crew.finish(flow, error)
        flow.task = None
        current_turn.reset(self.token)
        self.token = None

    def _is_as_new(self, untouched: Context, holders: int) -> bool:
        """Tell whether the work has left nothing behind that later work could see, and nobody holds its task.

        Who keeps ``asyncio.current_task()``, perhaps to cancel it later, means that work and no later one.
        """
        if _count_holders(self.task) > holders:
            return False
        cancelling = getattr(self.task, "cancelling", None)  # since Python 3.11
        is_cancelled = self._cancelled is not None or (cancelling is not None and cancelling() > 0)
        return not is_cancelled and copy_context() == untouched


def _no_count(task: object) -> int:
    return 0


# How many hold on to a task, as far as the interpreter counts. It is called in steps of that task only: in each of them
# the same few do that have it make the step.
_count_holders: Final[Callable[[object], int]] = getattr(sys, "getrefcount", _no_count)


def _first_step(worker: Worker, flow: Flow, work: Work) -> object:
    """Run *work* until it first waits; return what for, or ``_DONE``."""
    token = current_turn.set(flow)
    try:
        awaits = next(work.__await__(), _DONE)  # send() would raise StopIteration, which takes twice as long
    except BaseException:
        current_turn.reset(token)
        raise
    if awaits is _DONE:
        current_turn.reset(token)
    else:
        worker.token = token
    return awaits


@types.coroutine
def _rest(worker: Worker) -> Generator[Any, Any, None]:
    worker._asyncio_future_blocking = True
    yield worker


@types.coroutine
def _go_on(work: Work, awaits: Any, error: BaseException | None) -> Generator[Any, Any, None]:
    """Go on with *work*, which waits for *awaits*, as if it had been ours from the start."""
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


def _note_end(flow: Flow, work: Work, task: asyncio.Task[None]) -> None:
    """Release those who wait for a task that was cancelled before it began."""
    if not flow.is_done:
        work.close()
        flow.is_over = flow.is_done = True
        flow.release()


class Workers:
    """Those that rest, in the context that the framework handles updates in.

    Args:
        finish: called, and awaited in the flow's task, when work has ended that did not do so at once.
    """

    def __init__(self, finish: Finish) -> None:
        self.finish: Finish = finish
        self._resting: Worker | None = None
        self._spare: deque[Worker] = deque()
        self._enough = 1

    def begin(self, flow: Flow, work: Work) -> bool:
        """Begin *work*; return whether *flow* has ended already. If not, wait until it is idle."""
        worker = self._resting
        # What a handler or a caller has set in its context must be seen by the right ones only.
        if worker is None or worker.step is None or worker.thread != get_ident() or worker.context != copy_context():
            self._begin_elsewhere(flow, work)
            return False
        # To ask for the running loop takes the operating system, until Python 3.12; this tells as well.
        outer = swap_current(worker._loop, worker.task)
        if outer is None:
            swap_current(worker._loop, None)
            self._begin_elsewhere(flow, work)
            return False
        self._resting = None  # what the work dispatches itself must begin elsewhere
        try:
            awaits = worker.context.run(_first_step, worker, flow, work)
        except BaseException as error:  # noqa: BLE001 - see Flows
            awaits, flow.failure = _DONE, error
        finally:
            swap_current(worker._loop, outer)
            self._resting = worker
        if awaits is not _DONE:
            flow.pause()
            worker.go_on(flow, work, awaits)
            self._next(worker._loop)
            return False
        # Clicks are answers: who has some has conversations.
        if flow.conversations is None and not (flow.step or flow.children or flow.failure):
            flow.is_over = flow.is_done = True
            return True
        if not flow.is_done:
            self.begin(flow, self.finish(flow, flow.failure))
        return False

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have another one in the place of one that has work."""
        spare = self._spare
        if len(spare) < self._enough:
            spare.append(Worker(loop, self))
        self._resting = spare.popleft()

    def take_back(self, worker: Worker) -> bool:
        """Let *worker* rest again; False if there is no need of it any more."""
        resting, spare = self._resting, self._spare
        if resting is None or resting._loop is not worker._loop or len(spare) >= _SPARE:
            return False
        spare.append(worker)
        return True

    def _begin_elsewhere(self, flow: Flow, work: Work) -> None:
        """Begin *work* with the next round of the loop; there will be more workers for the one after."""
        flow.pause()
        loop, worker = asyncio.get_running_loop(), self._resting
        is_visitor = worker is not None and worker._loop is not loop and worker._loop.is_running()
        if is_visitor or current_turn.get() is not None:
            pass  # another thread, or a handler's context: what begins there is the exception
        elif worker is None or worker.step is not None or worker.task.done() or worker._loop is not loop:
            self.stop()
            self._resting = Worker(loop, self)
        else:
            more = min(len(self._spare) + 1, _SPARE - len(self._spare))
            self._spare.extend(Worker(loop, self) for _ in range(more))
            self._enough = len(self._spare)
        flow.task = loop.create_task(self._run(flow, work))
        flow.task.add_done_callback(functools.partial(_note_end, flow, work))

    async def _run(self, flow: Flow, work: Work) -> None:
        current_turn.set(flow)
        error: BaseException | None = None
        try:
            await work
        except BaseException as raised:  # noqa: BLE001 - see Flows
            error = raised
        await self.finish(flow, error)

    def stop(self) -> None:
        """Let nobody rest any more."""
        workers = [*self._spare, *([self._resting] if self._resting is not None else [])]
        self._spare.clear()
        self._resting = None
        for worker in workers:
            if not worker._loop.is_closed():
                worker.task.cancel()
