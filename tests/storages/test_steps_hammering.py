"""Steps under many workers: tasks, and processes that are killed at any moment."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from aiostep_core.steps import Step
from aiostep_core.storages.steps import RecordedSteps
from tests.storages.bots.runner import place as spot
from tests.storages.bots.runner import run
from tests.storages.places import Place, durable, place, redis_ends

pytestmark = pytest.mark.anyio
__all__ = ["durable", "place", "redis_ends"]

ROOT = Path(__file__).resolve().parents[2]
PLACES, STEPS, KILLS = 5, 60, 6


async def test_one_of_many_takes_a_step(place: Place) -> None:
    """Of eight workers that find a step and take it at once exactly one gets it; what it gives back another gets."""
    records = [place.records() for _ in range(4)]
    workers = [RecordedSteps(one) for one in records for _ in range(2)]
    taken = list[int]()

    async def work(worker: RecordedSteps) -> None:
        for found in await worker.find([spot(1)], 0):
            if await worker.take(found):
                taken.append(found.args[0])
                await (worker.confirm(found) if found.failures else give_back(worker, found))

    async def give_back(worker: RecordedSteps, found: Step) -> None:
        found.failures += 1
        assert await worker.give_back(found, 0)

    for number in range(20):
        await workers[0].put(Step(place=spot(1), fn=run, args=(number,)), 0)
        for _ in range(3):
            await asyncio.gather(*map(work, workers))
        assert taken == [number, number]
        taken.clear()
    for one in records:
        await one.close()


class Runner:
    """A process that runs steps."""

    def __init__(self, url: str, log: Path) -> None:
        self._command = [sys.executable, "-m", "tests.storages.bots.runner", url, str(log), str(PLACES)]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(*self._command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        assert self._process.stdout is not None
        assert await asyncio.wait_for(self._process.stdout.readline(), 60) == b"ready\n"

    async def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await asyncio.wait_for(self._process.communicate(), 60)


async def test_processes_that_are_killed(durable: Place, tmp_path: Path) -> None:
    """Every step runs; only what a kill cut off runs again."""
    log, random_ = tmp_path / "log", random.Random(5)
    runners = [Runner(durable.url, log) for _ in range(2)]
    await asyncio.gather(*(one.start() for one in runners))
    records = durable.records()
    steps = RecordedSteps(records)
    kills = 0
    try:
        for number in range(STEPS):
            while number >= PLACES and not await is_free(steps, number):
                await asyncio.sleep(0.002)
            await steps.put(Step(place=spot(number % PLACES), fn=run, args=(number,)), 0)
            if number % (STEPS // KILLS) == 5:
                await asyncio.sleep(random_.random() / 50)
                kills += 1
                victim = runners[kills % 2]
                await victim.kill()
                await victim.start()
        for number in range(PLACES):
            while not await is_free(steps, number):
                await asyncio.sleep(0.01)
    finally:
        await asyncio.gather(*(one.kill() for one in runners))
    await records.close()

    ran = Counter(map(int, log.read_text().split()))
    assert sorted(ran) == list(range(STEPS))
    assert sum(ran.values()) - STEPS <= kills


async def is_free(steps: RecordedSteps, number: int) -> bool:
    """Tell whether the last step at a place has run to its end."""
    return not [one for one in await steps.steps(0) if one.place == spot(number % PLACES)]
