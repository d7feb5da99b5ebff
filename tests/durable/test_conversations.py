"""A durable conversation goes on in the next process as if nothing had happened."""

from __future__ import annotations

from typing import Any

import pytest

from aiostep_core import ask
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import run
from aiostep_core.errors import WaitCancelled
from tests.core.making import BOB
from tests.core.virtual_time import settle
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


async def calling(update: Any) -> None:
    """Call a durable conversation as a function, in a handler that is none."""
    try:
        calls.append(await order(update))
    except WaitCancelled as ended:
        calls.append(ended.reason)
        raise


async def test_who_called_it_does_not_outlive_the_process(world: World) -> None:
    """A handler that awaits a durable conversation ends with the process; it goes on, and no result is made up."""
    world.boot(calling=calling)
    await world.send("/calling")
    await world.engine.runtime.aclose()
    await settle()
    assert calls == ["shutdown"]

    await world.restart()
    await world.send("Ann")
    await world.send("3")
    assert world.said == ["Ann wants 3, number 2"]
    assert world.errors == []


async def test_who_called_it_does_not_hold_it_in_memory(world: World) -> None:
    """It may be taken out of memory as any other; its caller ends then."""
    world.boot(calling=calling)
    world.durables.max_live = 1
    await world.send("/calling")
    await world.send("/calling", chat_id=BOB, user_id=BOB)
    assert calls == ["elsewhere"]
    await world.send("Ann")
    await world.send("3")
    assert world.said == ["Ann wants 3, number 2"]
    assert calls[:2] == ["elsewhere", "Ann"]


@pytest.mark.parametrize("leaves", ["shutdown", "eviction"])
async def test_nobody_says_goodbye_to_who_stays(world: World, leaves: str) -> None:
    """``on_exit`` is told once, when the conversation is over, and not when it is taken out of memory."""
    told: list[str] = []
    world.boot(order=order)
    world.engine.on_exit(lambda end: told.append(end.reason))
    await world.send("/order")
    if leaves == "shutdown":
        await world.engine.runtime.aclose()
        await settle()
        await world.restart()
        world.engine.on_exit(lambda end: told.append(end.reason))
    else:
        world.durables.max_live = 1
        await world.send("/order", chat_id=BOB, user_id=BOB)
    assert told == []

    await world.send("Ann")
    await world.send("3")
    assert told == ["finished"]
