"""The time limits of all waits, on a clock that jumps."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from aiostep_core.deadlines import Deadline, Deadlines
from aiostep_core.waits import Conversation, Wait
from tests.core.making import place
from tests.core.virtual_time import VirtualLoop

pytestmark = pytest.mark.anyio


class Alarms:
    """Deadlines, and when each of them was due."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.deadlines = Deadlines(self.expire)
        self.rung: list[tuple[float, Wait]] = []
        self.begun = self.loop.time()

    def expire(self, wait: Wait) -> None:
        self.rung.append((round(self.loop.time() - self.begun, 3), wait))

    def add(self, timeout: float) -> tuple[Wait, Deadline]:
        wait = Wait(Conversation(place()))
        return wait, self.deadlines.add(wait, timeout)

    @property
    def timers(self) -> int:
        assert isinstance(self.loop, VirtualLoop)
        return len(self.loop.timers)


async def test_waits_end_in_time_whatever_their_order() -> None:
    """Each wait ends at its own time, also one that was added later and ends sooner, and with one timer for all."""
    alarms = Alarms()
    waits = {timeout: alarms.add(timeout)[0] for timeout in (3600.0, 5.0, 0.0, 90.0, 5.0001)}
    assert alarms.timers <= 1

    await asyncio.sleep(4000)

    assert alarms.rung == [(round(timeout, 3), waits[timeout]) for timeout in sorted(waits)]
    assert alarms.timers == 0


async def test_a_cancelled_deadline_lets_go_of_its_wait() -> None:
    """Nothing happens at its time, its wait is free at once, and a minute later there is no timer either."""
    alarms = Alarms()
    _, deadline = alarms.add(3600)
    deadline.cancel()
    deadline.cancel()
    assert deadline.wait is None

    await asyncio.sleep(61)

    assert alarms.timers == 0
    assert alarms.rung == []


async def test_places_that_are_given_up_do_not_pile_up() -> None:
    """A thousand waits that were answered leave no thousand places, and those that are not answered end in time."""
    alarms = Alarms()
    kept, _ = alarms.add(30)
    for _ in range(1000):
        alarms.add(3600)[1].cancel()
    assert len(alarms.deadlines._heap) < 200

    await asyncio.sleep(4000)

    assert alarms.rung == [(30, kept)]


async def test_one_that_fails_does_not_keep_the_others_waiting() -> None:
    """What ends a wait may raise; the waits behind it end in time all the same."""
    ended: list[float] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: None)

    def expire(wait: Wait) -> None:
        ended.append(loop.time())
        if len(ended) == 1:
            raise LookupError("on purpose")

    deadlines = Deadlines(expire)
    for timeout in (5, 5, 7):
        deadlines.add(Wait(Conversation(place())), timeout)
    await asyncio.sleep(100)

    assert len(ended) == 3


async def test_a_timer_keeps_nobody_alive() -> None:
    """A runtime that nobody holds goes, although its timer would ring later."""
    alarms = Alarms()
    alarms.add(3600)[1].cancel()
    reference = weakref.ref(alarms)
    del alarms
    gc.collect()

    assert reference() is None
    await asyncio.sleep(61)
