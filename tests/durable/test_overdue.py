"""After a long time in which no process ran, not everything that is overdue happens at once."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from aiostep_core import ask
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import run
from aiostep_core.durable.tending import AT_ONCE
from aiostep_core.errors import WaitTimeout
from aiostep_core.storages.owners import new_owner
from tests.core.virtual_time import settle
from tests.durable.bot import World, say

pytestmark = pytest.mark.anyio

MANY = 3 * AT_ONCE + 5


@durable("test.overdue")
async def patient(update: Any) -> None:
    try:
        await ask("Name?", str, timeout=1000 - update.user_id)
    except WaitTimeout:
        await say(f"{update.user_id} is too late")


class _Work:
    """What takes long, until the process dies."""

    hangs = True

    @classmethod
    async def do(cls) -> None:
        if cls.hangs:
            await asyncio.get_running_loop().create_future()


@durable("test.overdue.cut")
async def cut(update: Any) -> None:
    await run(_Work.do, name="work")
    await say(f"{update.user_id} is done")


async def crowded(world: World) -> World:
    world.boot(go=patient)
    for user in range(1, MANY + 1):
        await world.send("/go", user_id=user, chat_id=user)
    await world.kill()
    return world


async def test_few_go_on_at_a_time_in_the_order_of_their_times(world: World) -> None:
    """At each look so many conversations go on at most, those first whose time was up first; none is left behind."""
    await crowded(world)
    await asyncio.sleep(3600)
    world.boot()
    await settle()  # the first look is by itself
    told = [len(world.said)]
    while len(world.said) < MANY:
        await world.tend()
        told.append(len(world.said))

    assert told == [AT_ONCE, 2 * AT_ONCE, 3 * AT_ONCE, MANY]
    assert world.said == [f"{user} is too late" for user in range(MANY, 0, -1)]
    assert world.errors == []


async def test_the_rest_follows_by_itself_a_second_later(world: World) -> None:
    """Nobody has to write anything for the next ones to go on, and they do so a second later."""
    await crowded(world)
    await asyncio.sleep(3600)
    world.boot()
    began, loop = asyncio.get_running_loop().time(), asyncio.get_running_loop()
    world.engine.runtime.steps.begin()
    told = list[int]()
    for _ in range(5):
        await asyncio.sleep(0.9)
        await settle()
        told.append(len(world.said))

    assert told[0] == AT_ONCE
    assert told[-1] == MANY
    assert all(later - sooner <= AT_ONCE for sooner, later in itertools.pairwise(told))
    assert loop.time() - began < 6


async def test_another_bot_does_not_wait_for_the_first(world: World) -> None:
    """Each bot has its own share: that one has thousands overdue is nothing to the others."""
    await crowded(world)
    await asyncio.sleep(3600)
    world.boot()
    assert not await world.durables._wake_due(world.process.bot_id, world.wall())
    assert await world.durables._wake_due(world.process.bot_id + 1, world.wall())


async def test_those_whose_process_died_are_all_found_at_the_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turns that the crash has cut go on at once, though no lease has ended yet, however many those are."""
    world.boot(go=cut)
    world.durables.owner = lambda: f"{new_owner()}, before"  # a process with this number that is dead
    for user in range(1, MANY + 1):
        await world.send("/go", user_id=user, chat_id=user)
    await world.kill()
    monkeypatch.setattr(_Work, "hangs", False)
    world.boot()
    began = asyncio.get_running_loop().time()
    for _ in range(4):
        await world.tend()
    assert await world.durables.next_tending((world.process.bot_id,)) is None

    assert sorted(world.said) == sorted(f"{user} is done" for user in range(1, MANY + 1))
    assert asyncio.get_running_loop().time() - began < 1
