"""Many registered steps at once: what is done about all of them neither takes a round trip each nor holds up others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiostep_core import Key, Scope, step
from aiostep_core.errors import StorageUnavailable
from aiostep_core.keys import Place
from aiostep_core.steps import Step
from aiostep_core.storages.steps import AT_ONCE, RecordedSteps
from aiostep_core.storages.values import Values
from tests.storages.slow_records import SlowRecords

pytestmark = pytest.mark.anyio

MANY = 1200
WALL = 1_900_000_000.0


@step("many.run")
async def run(update: Any, number: int) -> None: ...


@step("many.late")
async def late(timed_out: Any, number: int) -> None: ...


class Line(SlowRecords):
    """Counts how many operations are on their way at the same time.

    Attributes:
        most: the highest number so far.
    """

    def __init__(self) -> None:
        super().__init__(delay=0.0)
        self.most = 0
        self._under_way = 0

    async def _travel(self, name: str) -> None:
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            await super()._travel(name)
        finally:
            self._under_way -= 1


class Reading(Values):
    """Counts what is read between two rounds of the event loop.

    Attributes:
        most: the highest number so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.most = self._since = 0

    def decode(self, text: str) -> Any:
        self._since += 1
        self.most = max(self.most, self._since)
        return super().decode(text)

    async def watch(self) -> None:
        """Begin anew in each round."""
        while True:
            self._since = 0
            await asyncio.sleep(0)


def made(number: int, **options: Any) -> Step:
    return Step(place=Place(Scope.USER_IN_CHAT, Key(42, number, number)), fn=run, args=(number,), **options)


class Crowd:
    """Many people, each with a step."""

    def __init__(self) -> None:
        self.line, self.values = Line(), Reading()
        self.wall = WALL
        self.steps = RecordedSteps(self.line, self.values, wall_clock=lambda: self.wall)

    async def come(self, **options: Any) -> None:
        for number in range(MANY):
            await self.steps.put(made(number, **options), 0.0)
        self.line.most = 0
        self.line.calls.clear()


@pytest.fixture
def crowd() -> Crowd:
    """Have nobody, at first."""
    return Crowd()


async def test_all_are_dropped_together(crowd: Crowd) -> None:
    """``clear`` drops all, many at a time, and tells how many."""
    await crowd.come()

    assert await crowd.steps.clear() == MANY
    assert await crowd.steps.steps(0.0) == []
    assert crowd.line.most > 100


async def test_leases_are_prolonged_together(crowd: Crowd) -> None:
    """All steps that run here are held on to in the time of a few, or they would be lost to others meanwhile."""
    await crowd.come()
    found = [one for number in range(MANY) for one in await crowd.steps.find([made(number).place], 0.0)]
    assert all([await crowd.steps.take(one) for one in found])
    crowd.line.most = 0
    crowd.wall += 20
    await crowd.steps.tend([42], 20.0)
    crowd.wall += 20

    assert crowd.line.most > 100
    assert await crowd.steps.find([made(5).place], 40.0) == []  # it is still held
    for one in found:
        await crowd.steps.confirm(one)
    assert await crowd.steps.clear() == 0


async def test_time_outs_are_taken_together(crowd: Crowd) -> None:
    """Those whose time was up while the bot was down are taken a few at a time, together, and each once."""
    await crowd.come(on_timeout=late, expires_at=1.0)
    crowd.wall += 60
    overdue = list[Step]()
    while found := await crowd.steps.tend([42], 60.0):
        overdue += found
        assert len(found) <= AT_ONCE
        for one in found:
            await crowd.steps.confirm(one)

    assert sorted(one.args[0] for one in overdue) == list(range(MANY))
    assert crowd.line.most == AT_ONCE


async def test_looking_at_all_holds_up_nobody(crowd: Crowd) -> None:
    """``pending`` reads a page at a time; between two pages others have their turn."""
    await crowd.come()
    watch = asyncio.ensure_future(crowd.values.watch())
    there = list(await crowd.steps.steps(0.0))
    watch.cancel()

    assert len(there) == MANY
    assert crowd.values.most <= 2 * 500  # args and kwargs of a page


async def test_one_that_fails(crowd: Crowd) -> None:
    """An error is raised when all have been tried, and nothing goes on behind the caller's back."""
    await crowd.come()
    crowd.line.is_broken = True
    tasks = asyncio.all_tasks()
    with pytest.raises(StorageUnavailable):
        await crowd.steps.clear()

    assert asyncio.all_tasks() == tasks


async def test_nothing_stays_for_ever() -> None:
    """On a server every key that steps leave, however they ended, goes away by itself; those that wait stay."""
    pytest.importorskip("redis")
    from tests.storages.redis_servers import OLDEST, SHARED

    server = SHARED.get(OLDEST)
    server.do("FLUSHALL")
    wall = [WALL]
    steps = RecordedSteps(server.url, wall_clock=lambda: wall[0])
    places = [made(number).place for number in range(60)]
    for number in range(60):
        await steps.put(made(number, **({"on_timeout": late, "expires_at": 50.0} if number % 2 else {})), 0.0)
    found = [one for place in places[:30] for one in await steps.find([place], 0.0)]
    for number, one in enumerate(found):
        if number < 10:
            await steps.discard(one)
        else:
            assert await steps.take(one)
            await (steps.confirm(one) if number < 20 else steps.give_back(one, 0.0))
    wall[0] += 60
    while overdue := await steps.tend([42], 60.0):
        for one in overdue:
            await steps.confirm(one)

    waiting = {one.args[0] for one in await steps.steps(60.0)}
    assert waiting == {number for number in range(20, 60) if number % 2 == 0}
    stay = [key for key in server.do("KEYS", "*") if server.do("TTL", key) == -1]
    assert len(stay) == len(waiting)
    await steps.clear()
    assert [key for key in server.do("KEYS", "*") if server.do("TTL", key) == -1] == []
    await steps.close()
