"""Several workers on real storages, each with a connection of its own: every update to all, and counted once."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter

import pytest

from tests.core.making import facts
from tests.durable import test_workers
from tests.durable.test_workers import Workers
from tests.storages.places import Place, place, redis_ends

pytestmark = pytest.mark.anyio
__all__ = ["place", "redis_ends"]

PEOPLE = range(1, 13)
PATIENCE = 30.0


@pytest.fixture
def anyio_backend() -> str:
    """Run on a loop with a real clock: storages have threads and sockets."""
    return "asyncio"


async def until(workers: Workers, is_so: str, user: int) -> None:
    """Wait until something was asked or said."""
    end = time.monotonic() + PATIENCE
    while not any(text.startswith(is_so) for text in [*workers.prompts, *workers.world.said]):
        assert time.monotonic() < end, f"{user} waits for {is_so!r}: {workers.errors}"
        await asyncio.sleep(0.002)


async def converse(workers: Workers, user: int) -> None:
    """Let one person answer all questions, each answer being delivered to all workers at once."""
    for text, answer in [("/go", f"{user}: question 0?"), *_steps(user)]:
        update = facts(text, chat_id=user, user_id=user)
        for process in random.sample(workers.processes, len(workers.processes)):
            process.feed(update)
        await until(workers, answer, user)


def _steps(user: int) -> list[tuple[str, str]]:
    answers = [f"{user}: question {number}?" for number in (1, 2, 3)]
    return [(f"{user}.{number}", answer) for number, answer in enumerate([*answers, f"{user}.0,"])]


async def test_every_update_to_all_workers_counts_once(place: Place) -> None:
    """On each storage, each answer is taken once, each effect happens once, and nothing reaches another handler."""
    for seen in (test_workers.saved, test_workers.others, test_workers.slow):
        seen.clear()
    workers = Workers([place.records() for _ in range(3)])
    try:
        await asyncio.gather(*[converse(workers, user) for user in PEOPLE])
        # Nothing more comes of it.
        tasks = {task for process in workers.processes for task in process.tasks}
        await asyncio.wait(tasks, timeout=PATIENCE)
        assert all(task.done() for task in tasks)
    finally:
        workers.close()

    assert workers.errors == []
    assert Counter(test_workers.saved) == Counter(f"{user}.{number}" for user in PEOPLE for number in range(4))
    assert Counter(workers.prompts) == Counter(f"{user}: question {n}?" for user in PEOPLE for n in range(4))
    assert len(workers.world.said) == len(PEOPLE)
    assert test_workers.others == []
