"""Tasks at hand: begun at once, and as good as any other from then on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiostep_ptb.workers import Workers
from tests.ptb.stage import soon

pytestmark = pytest.mark.anyio


async def ready() -> Workers:
    """Make workers of which one rests."""
    workers = Workers()

    async def nothing() -> None: ...

    task = workers.start(nothing())
    assert task is not None
    await task
    return workers


async def test_work_that_awaits_nothing_is_done_at_once() -> None:
    """It runs in a task that is not the caller's, and leaves that for the next one."""
    workers, tasks = await ready(), list[Any]()

    async def work() -> None:
        tasks.append(asyncio.current_task())

    assert workers.start(work()) is workers.start(work()) is None
    assert tasks[0] is tasks[1] is not asyncio.current_task()
    workers.stop()


async def test_work_that_waits_keeps_its_task() -> None:
    """What waits goes on in the task that it began in, with its results and errors, and nobody else gets that."""
    workers, tasks, seen = await ready(), list[Any](), list[object]()
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

    task = workers.start(work())
    await asyncio.sleep(0)
    other = workers.start(work())
    future.set_result("result")
    broken.set_exception(LookupError("on purpose"))
    assert task is not None
    assert other is not None
    await soon(asyncio.gather(task, other))

    assert [str(one) for one in seen] == ["result", "result", "on purpose", "on purpose"]
    assert tasks == [task, other, task, other]
    workers.stop()


@pytest.mark.parametrize("first", ["sleep", "future", "error"])
async def test_work_is_cancelled_where_it_waits(first: str) -> None:
    """A cancellation reaches work at its first wait as at any other, and work may carry on."""
    workers, seen = await ready(), list[str]()
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

    task = workers.start(work())
    assert task is not None
    task.cancel()
    if first == "error":
        with pytest.raises(LookupError):
            await soon(task)
    else:
        await soon(task)

    assert seen == ["cancelled", "went on"]
    workers.stop()


async def test_work_that_cancels_itself() -> None:
    """``current_task().cancel()`` takes effect at the work's next wait; if there is none, on nobody."""
    workers, seen = await ready(), list[str]()

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

    task = workers.start(waits())
    assert task is not None
    await soon(task)
    await asyncio.sleep(0)
    assert workers.start(ends()) is None
    for _ in "123":
        task = workers.start(waits())
        if task is not None:
            await soon(task)

    assert seen == ["cancelled", "ended", *["cancelled"] * 3]
    workers.stop()


async def test_time_limits_that_begin_at_once() -> None:
    """A time limit that work enters before it first waits is that of its own task."""
    workers, seen = await ready(), list[str]()

    async def work() -> None:
        try:
            await asyncio.wait_for(asyncio.sleep(5), 0.01)
        except asyncio.TimeoutError:
            seen.append("timeout")

    task = workers.start(work())
    assert task is not None
    await soon(task)

    assert seen == ["timeout"]
    workers.stop()


def test_a_loop_may_end_while_a_worker_rests() -> None:
    """``asyncio.run`` cancels what is left, and closing a loop without that is no reason to complain."""
    asyncio.run(ready())

    loop = asyncio.new_event_loop()
    workers = loop.run_until_complete(ready())
    loop.close()
    workers.stop()
