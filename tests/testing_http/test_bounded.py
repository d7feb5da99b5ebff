"""Waiting with a time limit: it gives the result, the timeout, or the cancellation, and never loses one."""

from __future__ import annotations

import asyncio

import pytest

from aiostep_testing.bounded import bounded

pytestmark = pytest.mark.anyio


async def test_a_cancellation_that_comes_with_the_result_is_not_lost() -> None:
    """A task that is cancelled in the very moment its work is done ends as cancelled."""
    happened = asyncio.Event()
    task = asyncio.ensure_future(bounded(happened.wait(), 60))
    for _ in range(3):
        await asyncio.sleep(0)

    happened.set()
    for _ in range(2):
        await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_that_takes_too_long_is_cancelled() -> None:
    """After the limit the caller gets a TimeoutError and the work is cancelled."""
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()

    with pytest.raises(asyncio.TimeoutError):
        await bounded(work(), 0.01)

    await bounded(cancelled.wait(), 5)


async def test_results_and_errors_pass() -> None:
    """What the work returns or raises is what the caller gets."""

    async def fail() -> None:
        raise KeyError("mine")

    assert await bounded(asyncio.sleep(0, "done"), 5) == "done"
    with pytest.raises(KeyError, match="mine"):
        await bounded(fail(), 5)
