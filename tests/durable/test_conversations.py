"""A durable conversation goes on in the next process as if nothing had happened."""

from __future__ import annotations

from typing import Any

import pytest

from aiostep_core import ask
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import run
from tests.durable.bot import World, say

pytestmark = pytest.mark.anyio

calls: list[Any] = []


def note(value: Any) -> int:
    calls.append(value)
    return len(calls)


@durable("test.order")
async def order(update: Any) -> tuple[str, int]:
    name = await ask("Name?", str)
    number = await run(note, name)
    count = await ask("How many?", int)
    await say(f"{name} wants {count}, number {number}")
    return name, count


@pytest.fixture(autouse=True)
def forget() -> None:
    calls.clear()


async def test_without_a_restart_it_is_an_ordinary_handler(world: World) -> None:
    """What is asked, done and said is what the code says, once."""
    world.boot(order=order)
    await world.send("/order")
    await world.send("Ann")
    await world.send("3")

    assert world.prompts == ["Name?", "How many?"]
    assert world.said == ["Ann wants 3, number 1"]
    assert calls == ["Ann"]
    assert world.errors == []


@pytest.mark.parametrize("restarts", [{1}, {2}, {1, 2}, {0, 1, 2}])
async def test_it_goes_on_after_a_restart(world: World, restarts: set[int]) -> None:
    """Nothing is asked, done or said again, whenever the process died."""
    world.boot(order=order)
    for number, text in enumerate(["/order", "Ann", "3"]):
        if number in restarts:
            await world.restart()
        await world.send(text)

    assert world.prompts == ["Name?", "How many?"]
    assert world.said == ["Ann wants 3, number 1"]
    assert calls == ["Ann"]
    assert world.errors == []
