"""Tasks at hand: begun at once, and as good as any other from then on."""

from __future__ import annotations

import asyncio
import contextlib
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

from aiostep_core.context import current_turn
from aiostep_ptb.flow import Flow
from aiostep_ptb.workers import Work, Workers
from tests.ptb.stage import soon

pytestmark = pytest.mark.anyio


class Office:
    """Workers, and what has become of the work they were given."""

    def __init__(self) -> None:
        self.workers = Workers(self._finish)

    async def _finish(self, flow: Flow, error: BaseException | None) -> None:
        flow.is_done, flow.failure = True, error
        flow.release()

    def begin(self, work: Work) -> Flow:
        flow = Flow(None)
        flow.is_over = self.workers.begin(flow, work)
        return flow

    async def end(self, flow: Flow) -> None:
        """Wait until the work has ended; raise what it raised."""
        await soon(flow.idle())
        if flow.failure is not None:
            raise flow.failure


async def ready() -> Office:
    """Make workers of which one rests."""
    office = Office()

    async def nothing() -> None: ...

    await office.end(office.begin(nothing()))
    return office


async def test_work_that_awaits_nothing_is_done_at_once() -> None:
    """It runs in a task that is not the caller's, and leaves that for the next one."""
    office, tasks = await ready(), list[Any]()

    async def work() -> None:
        tasks.append(asyncio.current_task())

    flows = [office.begin(work()), office.begin(work())]
    assert [flow.is_over for flow in flows] == [True, True]
    assert tasks[0] is tasks[1] is not asyncio.current_task()
    office.workers.stop()


async def test_work_that_waits_keeps_its_task() -> None:
    """What waits goes on in the task that it began in, with its results and errors, and nobody else gets that."""
    office, tasks, seen = await ready(), list[Any](), list[object]()
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        tasks.append(asyncio.current_task())
        seen.append(await future)
        await asyncio.sleep(0)
        try:
            await broken
        except LookupError as error:
            seen.append(error)
        tasks.append(asyncio.current_task())

    flow = office.begin(work())
    await asyncio.sleep(0)
    other = office.begin(work())
    future.set_result("result")
    broken.set_exception(LookupError("on purpose"))
    first, second = flow.task, other.task
    await office.end(flow)
    await office.end(other)

    assert [str(one) for one in seen] == ["result", "result", "on purpose", "on purpose"]
    assert tasks == [first, second, first, second]
    office.workers.stop()


@pytest.mark.parametrize("first", ["sleep", "future", "error"])
async def test_work_is_cancelled_where_it_waits(first: str) -> None:
    """A cancellation reaches work at its first wait as at any other, and work may carry on."""
    office, seen = await ready(), list[str]()
    loop = asyncio.get_running_loop()

    async def work() -> None:
        try:
            await (asyncio.sleep(0) if first == "sleep" else loop.create_future())
        except asyncio.CancelledError:
            seen.append("cancelled")
            await asyncio.sleep(0)
            seen.append("went on")
            if first == "error":
                raise LookupError("on purpose") from None

    flow = office.begin(work())
    assert flow.task is not None
    flow.task.cancel()
    if first == "error":
        with pytest.raises(LookupError):
            await office.end(flow)
    else:
        await office.end(flow)

    assert seen == ["cancelled", "went on"]
    office.workers.stop()


async def test_work_that_cancels_itself() -> None:
    """``current_task().cancel()`` takes effect at the work's next wait; if there is none, on nobody."""
    office, seen = await ready(), list[str]()

    def cancel() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    async def waits() -> None:
        cancel()
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            seen.append("cancelled")

    async def ends() -> None:
        cancel()
        seen.append("ended")

    await office.end(office.begin(waits()))
    await asyncio.sleep(0)
    assert office.begin(ends()).is_over
    for _ in "123":
        await office.end(office.begin(waits()))

    assert seen == ["cancelled", "ended", *["cancelled"] * 3]
    office.workers.stop()


async def test_work_that_is_cancelled_before_it_begins() -> None:
    """A task that never began releases those who wait for its work."""
    office, seen = Office(), list[str]()

    async def work() -> None:
        seen.append("began")

    flow = office.begin(work())
    assert flow.task is not None
    flow.task.cancel()
    await soon(flow.idle())

    assert flow.is_done
    assert seen == []
    office.workers.stop()


async def test_work_that_begins_work() -> None:
    """Work that begins other work before it first waits does not get in its own way."""
    office, tasks = await ready(), list[object]()

    async def inner() -> None:
        tasks.append(asyncio.current_task())

    async def outer() -> None:
        tasks.append(asyncio.current_task())
        await office.end(office.begin(inner()))
        tasks.append(asyncio.current_task())

    await office.end(office.begin(outer()))

    assert tasks[0] is tasks[2] is not tasks[1]
    office.workers.stop()


async def test_a_burst_of_work_that_waits() -> None:
    """As often as work finds nobody at rest, more rest afterwards, up to a bound."""
    office, gate = await ready(), asyncio.Event()

    async def work() -> None:
        await gate.wait()

    flows = list[Flow]()
    for _ in range(3):
        flows += [office.begin(work()) for _ in range(40)]
        await asyncio.sleep(0)
    assert len({flow.task for flow in flows}) == len(flows)
    assert 2 < len(office.workers._spare) <= 16
    gate.set()
    for flow in flows:
        await office.end(flow)
    office.workers.stop()


async def test_time_limits_that_begin_at_once() -> None:
    """A time limit that work enters before it first waits is that of its own task."""
    office, seen = await ready(), list[str]()

    async def work() -> None:
        try:
            await asyncio.wait_for(asyncio.sleep(5), 0.01)
        except asyncio.TimeoutError:
            seen.append("timeout")
        with anyio.move_on_after(0.01):
            await asyncio.sleep(5)
            seen.append("never")
        seen.append("moved on")

    await office.end(office.begin(work()))

    assert seen == ["timeout", "moved on"]
    office.workers.stop()


def test_a_loop_may_end_while_a_worker_rests() -> None:
    """``asyncio.run`` cancels what is left, and closing a loop without that is no reason to complain."""
    asyncio.run(ready())

    loop = asyncio.new_event_loop()
    office = loop.run_until_complete(ready())
    loop.close()
    office.workers.stop()


async def test_a_task_rests_again_when_its_work_has_ended() -> None:
    """One conversation after the other goes through the same few tasks, in a context that has no trace of the last."""
    office, tasks, turns = await ready(), set[str](), list[object]()

    async def work() -> None:
        await asyncio.sleep(0)
        tasks.add(name_of_task())

    async def look() -> None:
        turns.append(current_turn.get())

    for _ in range(10):
        flow = office.begin(work())
        await office.end(flow)
        assert flow.task is None
        looking = office.begin(look())
        assert turns.pop() is looking

    assert len(tasks) <= 2
    assert current_turn.get() is None
    office.workers.stop()


def name_of_task() -> str:
    task = asyncio.current_task()
    assert task is not None
    return task.get_name()


async def test_a_task_that_somebody_holds_rests_no_more() -> None:
    """Who keeps the task of a handler, to cancel it too late perhaps, has nobody else's work in there."""
    office, held, names = await ready(), list[Any](), list[str]()

    async def work() -> None:
        await asyncio.sleep(0)
        if not held:
            held.append(asyncio.current_task())
        names.append(name_of_task())

    await office.end(office.begin(work()))
    for _ in "1234":
        await asyncio.sleep(0)
        await office.end(office.begin(work()))

    assert len(names) == 5
    assert names[0] not in names[1:]
    office.workers.stop()


_color: ContextVar[str] = ContextVar("color", default="none")


@pytest.mark.parametrize("trace", ["a variable", "a cancellation", "a late cancellation"])
async def test_a_task_with_traces_of_its_work_rests_no_more(trace: str) -> None:
    """What a handler has left in its task, nobody else ever sees."""
    office, names, seen = await ready(), list[str](), list[tuple[str, str]]()

    def cancel() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    async def work() -> None:
        names.append(name_of_task())
        if trace == "a variable":
            _color.set("red")
        elif trace == "a cancellation":
            cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        if trace == "a late cancellation":
            cancel()

    async def look() -> None:
        await asyncio.sleep(0)
        seen.append((name_of_task(), _color.get()))

    await office.end(office.begin(work()))
    for _ in "1234":
        await asyncio.sleep(0)
        await office.end(office.begin(look()))

    assert names[0] not in [name for name, _ in seen]
    assert {color for _, color in seen} == {"none"}
    office.workers.stop()
