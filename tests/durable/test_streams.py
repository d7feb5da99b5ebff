"""Streams and conversation blocks inside of a durable conversation: nothing is lost between two turns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiostep_core import Scope, ask, conversation, stream
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import run
from aiostep_core.durable.together import first
from aiostep_core.errors import WaitTimeout
from tests.core.making import ALICE, BOB, GROUP
from tests.core.virtual_time import settle
from tests.durable.bot import World, say

pytestmark = pytest.mark.anyio

HERE = {"chat_id": GROUP, "chat_type": "supergroup"}
others: list[str | None] = []


async def other(update: Any) -> None:
    others.append(update.text)


@pytest.fixture(autouse=True)
def forget() -> None:
    others.clear()
    busy.clear()


busy: list[float] = []


async def work() -> None:
    await asyncio.sleep(busy.pop() if busy else 0)


@durable("test.guesses", verify=True)
async def guesses(update: Any) -> None:
    await say("go")
    async with stream(scope=Scope.CHAT, timeout=100, limit=4) as updates:
        async for one in updates:
            await run(work)
            await say(f"{one.user_id}: {one.text}")
    await say(f"and {await ask('Sure?', str)}")


@pytest.mark.parametrize("restarts", [set(), {0}, {1, 2}, {0, 1, 2, 3}])
async def test_a_stream_goes_on_after_a_restart(world: World, restarts: set[int]) -> None:
    """Everybody in the chat is heard, each once, and the count goes on; then it is about its person again."""
    world.boot(go=guesses, **{"*": other})
    await world.send("/go", user_id=ALICE, **HERE)
    for number, (user, text) in enumerate([(BOB, "a"), (ALICE, "b"), (BOB, "c"), (ALICE, "d")]):
        if number in restarts:
            await world.restart()
        await world.send(text, user_id=user, **HERE)
    await world.send("hm", user_id=BOB, **HERE)
    await world.send("yes", user_id=ALICE, **HERE)

    assert world.errors == []
    assert world.said == ["go", f"{BOB}: a", f"{ALICE}: b", f"{BOB}: c", f"{ALICE}: d", "and yes"]
    assert others == ["hm"]
    assert len(world.engine.waits) == 0


@pytest.mark.parametrize("restart", [False, True])
async def test_what_comes_while_the_loop_is_busy_waits_for_its_turn(world: World, restart: bool) -> None:
    """Updates of anybody that come in the middle of a turn are taken by the next ones, in their order."""
    world.boot(go=guesses, **{"*": other})
    await world.send("/go", user_id=ALICE, **HERE)
    if restart:
        await world.restart()
    busy[:] = [5]
    for user, text in [(BOB, "a"), (ALICE, "b"), (BOB, "c"), (7, "d")]:
        await world.send(text, user_id=user, **HERE)
    assert world.said == ["go"]
    await asyncio.sleep(10)
    await settle()

    assert world.said == ["go", f"{BOB}: a", f"{ALICE}: b", f"{BOB}: c", "7: d"]
    assert others == []


@pytest.mark.parametrize("restart", [False, True])
async def test_the_time_of_a_stream_goes_on_while_nobody_runs_it(world: World, restart: bool) -> None:
    """The time limit is that of the whole loop, counted from its beginning, whoever goes on with it."""
    world.boot(go=guesses)
    await world.send("/go", user_id=ALICE, **HERE)
    await asyncio.sleep(60)
    await world.send("a", user_id=BOB, **HERE)
    if restart:
        await world.restart()
    await asyncio.sleep(30)
    await world.tend()
    assert world.prompts == []
    await asyncio.sleep(20)
    await world.tend()

    assert world.prompts == ["Sure?"]
    assert world.said == ["go", f"{BOB}: a"]


@durable("test.block", verify=True, strict=True)
async def block(update: Any) -> None:
    try:
        async with conversation(timeout=100):
            await say(f"one {await ask('One?', str)}")
            await say(f"two {await ask('Two?', str, timeout=1000)}")
            await say(f"three {await ask('Three?', str)}")
    except WaitTimeout:
        await say("too late")


@pytest.mark.parametrize("restart", [False, True])
async def test_a_block_has_one_time_limit(world: World, restart: bool) -> None:
    """Its waits share it, also over a restart, and those that would have more time have what is left."""
    world.boot(go=block)
    await world.send("/go")
    await asyncio.sleep(50)
    await world.send("a")
    await asyncio.sleep(20)
    if restart:
        await world.restart()
    await asyncio.sleep(31)
    await world.tend()

    assert world.errors == []
    assert world.said == ["one a", "too late"]


async def listening() -> str:
    async with stream(filter=lambda one: one.text.startswith("!")) as updates:
        async for one in updates:
            await say(one.text)
            if one.text == "!stop":
                return "stopped"
    return "over"


async def asking() -> str:
    return str(await ask("Name?", str, scope=Scope.CHAT, filter=lambda one: one.text.startswith("I am")))


@durable("test.both", verify=True)
async def both(update: Any) -> None:
    number, got = await first(listening(), asking())
    await say(f"{number}: {got}")


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("last", ["!stop", "I am Ann"])
async def test_a_stream_is_one_of_several_parts(world: World, restart: bool, last: str) -> None:
    """The block that one part is in is not around the others, and ends with it."""
    world.boot(go=both, **{"*": other})
    await world.send("/go", user_id=ALICE, **HERE)
    for text in ("!a", "hm", last):
        if restart:
            await world.restart()
        await world.send(text, user_id=ALICE, **HERE)
    await world.send("!b", user_id=ALICE, **HERE)

    assert world.errors == []
    assert world.said == ["!a", *(["!stop", "0: stopped"] if last == "!stop" else ["1: I am Ann"])]
    assert others == ["hm", "!b"]
    assert len(world.engine.waits) == 0


@pytest.mark.parametrize("ends", ["killed", "stopped"])
async def test_what_comes_in_a_turn_that_is_cut_is_not_lost(world: World, ends: str) -> None:
    """Who goes on with the turn has it, in its order, whether the process was stopped or killed meanwhile."""
    world.boot(go=guesses, **{"*": other})
    await world.send("/go", user_id=ALICE, **HERE)
    busy[:] = [5]
    for user, text in [(BOB, "a"), (ALICE, "b"), (BOB, "c")]:
        await world.send(text, user_id=user, **HERE)
    if ends == "stopped":
        stopping = asyncio.ensure_future(world.engine.runtime.aclose())
        await asyncio.sleep(6)
        await stopping
    await world.restart()
    assert world.said == (["go"] if ends == "killed" else ["go", f"{BOB}: a", f"{ALICE}: b", f"{BOB}: c"])
    await asyncio.sleep(31 if ends == "killed" else 0)  # until it is sure that nobody goes on with it
    await world.tend()
    await world.send("d", user_id=7, **HERE)

    assert world.errors == []
    assert world.said == ["go", f"{BOB}: a", f"{ALICE}: b", f"{BOB}: c", "7: d"]
    assert others == []


@durable("test.picky")
async def picky(update: Any) -> None:
    await say("go")
    await ask("One?", filter=lambda one: one.text == "one")
    await run(work)
    await ask("Two?", filter=lambda one: one.text == "two")
    await ask("Three?", filter=lambda one: one.text == "three")
    await say("done")


@pytest.mark.parametrize("ends", ["killed", "stopped", "evicted"])
async def test_what_is_unread_stays_with_the_conversation(world: World, ends: str) -> None:
    """What was kept for a later question is its answer, although the conversation was out of memory in between."""
    world.boot(go=picky, **{"*": other})
    await world.send("/go")
    busy[:] = [5]
    await world.send("one")
    await world.send("three")
    await world.send("hm")
    await asyncio.sleep(6)
    assert world.prompts == ["One?", "Two?"]
    if ends == "evicted":
        (live,) = world.durables.live.values()
        live.leave()
        await settle()
    elif ends == "stopped":
        await world.engine.runtime.aclose()
        await world.restart()
    else:
        await world.restart()
    await world.send("two")

    assert world.errors == []
    assert world.said == ["go", "done"]
    assert others == ["hm"]
