"""The clock of these tests: hours pass at once, and a hang is an error."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.core.virtual_time import Deadlock, VirtualLoop


def run(main: object) -> VirtualLoop:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(main)  # type: ignore[arg-type]
    finally:
        loop.close()
    return loop


def test_an_hour_takes_no_time() -> None:
    """Timers fire in order and at their time, without anybody waiting for them."""
    fired: list[tuple[str, float]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for name, delay in (("b", 7200), ("a", 3600)):
            loop.call_later(delay, lambda name=name: fired.append((name, loop.time())))
        await asyncio.sleep(86400)

    began = time.perf_counter()
    loop = run(main())
    assert fired == [("a", 4600), ("b", 8200)]
    assert loop.now == 87400
    assert time.perf_counter() - began < 10


def test_what_can_never_happen_is_an_error() -> None:
    """A wait without a timer, when nothing else is going on, fails instead of hanging."""
    pending: list[asyncio.Task[None]] = []

    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    loop = VirtualLoop()
    task = loop.create_task(wait())
    with pytest.raises(Deadlock):
        loop.run_until_complete(task)
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, *pending, return_exceptions=True))
    loop.close()


def test_the_loop_knows_what_is_left() -> None:
    """Timers and futures count until they have fired, are cancelled or done."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        base = len(loop.futures)
        timer, future = loop.call_later(5, print), loop.create_future()
        assert ([timer], base + 1) == (loop.timers, len(loop.futures))
        timer.cancel()
        future.set_result(None)
        assert ([], base) == (loop.timers, len(loop.futures))

    run(main())
