"""A group is lost while its conversations are on a real storage, and in no process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from aiostep_core.durable.standing import where
from tests.core.making import ALICE, BOB, GROUP
from tests.durable import test_losing
from tests.durable.bot import World
from tests.storages.places import Place, place, redis_ends

pytestmark = pytest.mark.anyio
__all__ = ["place", "redis_ends"]

PATIENCE = 20.0


@pytest.fixture
def anyio_backend() -> str:
    """Run on a loop with a real clock: storages have threads and sockets."""
    return "asyncio"


async def until(is_so: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    end = time.monotonic() + PATIENCE
    while not await is_so():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


async def states() -> list[str]:
    return sorted(one.state for one in await where())


async def test_a_group_is_lost(place: Place) -> None:
    """On each storage, what is stored of the group ends, each with its farewell, and nothing else does."""
    world = World(place.records())
    try:
        world.boot(talk=test_losing.talk)
        for user_id in (ALICE, BOB):
            await test_losing.in_group(world, "/talk", user_id)
        await test_losing.in_group(world, "/talk", ALICE, GROUP - 1)

        async def asked() -> bool:
            return await states() == ["waiting"] * 3

        async def ended() -> bool:
            return await states() == ["done", "done", "waiting"]

        await until(asked)
        await world.kill()
        world.boot()
        await test_losing.lose(world, chat_id=GROUP)
        await until(ended)
        said = [f"{GROUP}/{ALICE}: left", f"{GROUP}/{BOB}: left", "finally", "finally"]
        assert sorted(world.said) == sorted(said)
        assert world.errors == []
    finally:
        await world.close()
