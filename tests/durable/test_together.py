"""Several questions at once: all of them, or the first that is answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiostep_core import Scope, ask, wait_for
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import signal
from aiostep_core.durable.standing import send_signal, where
from aiostep_core.durable.together import first, gather
from aiostep_core.errors import BadArgument, TooManyAttempts, WaitCancelled
from aiostep_core.keys import Key
from tests.core.making import ALICE, BOB, BOT, GROUP
from tests.core.virtual_time import settle
from tests.durable.bot import World, say

pytestmark = pytest.mark.anyio


async def vote_of(user: int) -> str:
    answer = await ask(f"{user}, yes or no?", str, to=Key(BOT, GROUP, user), timeout=100, default="nothing")
    await say(f"{user} said {answer}")
    return str(answer)


@durable("test.vote")
async def vote(update: Any) -> None:
    votes = await gather(*[vote_of(user) for user in (1, 2, 3)])
    await say(",".join(votes))


HERE = {"chat_id": GROUP, "chat_type": "supergroup"}


@pytest.mark.parametrize("restarts", [set(), {1}, {2}, {1, 2, 3}])
async def test_several_people_are_asked_at_once(world: World, restarts: set[int]) -> None:
    """They answer in any order, each is asked once, and the results are in the order of the questions."""
    world.boot(vote=vote)
    await world.send("/vote", user_id=ALICE, **HERE)
    for number, (user, text) in enumerate([(2, "b"), (3, "c"), (1, "a")], start=1):
        if number in restarts:
            await world.restart()
        await world.send(text, user_id=user, **HERE)

    assert world.errors == []
    assert world.prompts == [f"{user}, yes or no?" for user in (1, 2, 3)]
    assert world.said == ["2 said b", "3 said c", "1 said a", "a,b,c"]


@pytest.mark.parametrize("restart", [False, True])
async def test_each_of_several_has_its_time_limit(world: World, restart: bool) -> None:
    """Who does not answer in time has not; the others have."""
    world.boot(vote=vote)
    await world.send("/vote", user_id=ALICE, **HERE)
    await world.send("b", user_id=2, **HERE)
    if restart:
        await world.restart()
    await asyncio.sleep(120)
    await world.tend()

    assert world.said[0] == "2 said b"
    assert sorted(world.said[1:3]) == ["1 said nothing", "3 said nothing"]
    assert world.said[3:] == ["nothing,b,nothing"]


async def paying() -> str:
    try:
        return str(await signal("paid"))
    except WaitCancelled:
        await say("not paid")
        raise


@durable("test.race")
async def race(update: Any) -> None:
    number, got = await first(wait_for(filter=lambda one: one.text == "stop"), paying())
    await say(f"{number}: {got if number else got.text}")
    await say(f"then {await ask('What now?', str)}")


@pytest.mark.parametrize("restart", [False, True])
async def test_the_first_of_several_ends_the_others(world: World, restart: bool) -> None:
    """The others take leave, and get no answer any more."""
    world.boot(race=race)
    await world.send("/race")
    assert [one.state for one in await where(ALICE)] == ["waiting"]
    if restart:
        await world.restart()
    await world.send("hm")
    await world.send("stop")
    await world.send("stop")

    assert world.errors == []
    assert world.said == ["not paid", "0: stop", "then stop"]
    assert len(world.engine.waits) == 0


@pytest.mark.parametrize("restart", [False, True])
async def test_a_signal_can_be_the_first(world: World, restart: bool) -> None:
    """A signal and a person are waited for at once."""
    world.boot(race=race)
    await world.send("/race")
    if restart:
        await world.restart()
    await send_signal("paid", 5, to=ALICE)
    await settle()
    await world.send("on")

    assert world.said == ["1: 5", "then on"]


@durable("test.failing")
async def failing(update: Any) -> None:
    try:
        await gather(ask("One?", int, attempts=1), vote_of(BOB))
    except TooManyAttempts as error:
        await say(type(error).__name__)


async def test_an_error_of_one_ends_the_others(world: World) -> None:
    """What one raises first, the whole raises."""
    world.boot(fail=failing)
    await world.send("/fail", user_id=ALICE, **HERE)
    await world.restart()
    await world.send("none", user_id=ALICE, **HERE)

    assert world.errors == []
    assert world.said == ["TooManyAttempts"]
    assert len(world.engine.waits) == 0


async def test_outside_of_a_conversation_there_is_nothing_to_gather() -> None:
    """It says where it belongs."""
    part = asyncio.sleep(0)
    with pytest.raises(BadArgument, match="a handler with @durable"):
        await gather(part)
    part.close()


@durable("test.alike")
async def alike(update: Any) -> None:
    number, got = await first(ask("One?", int, scope=Scope.CHAT), ask("Two?", str, to=Key(BOT, GROUP, BOB)))
    await say(f"{number}: {got}")
    await say(f"then {await ask('Then?', str, scope=Scope.CHAT)}")


@pytest.mark.parametrize("restart", [False, True])
async def test_the_next_question_is_not_the_last_ones(world: World, restart: bool) -> None:
    """An answer to what is asked after it does not go to a question that was given up."""
    world.boot(alike=alike)
    await world.send("/alike", user_id=ALICE, **HERE)
    if restart:
        await world.restart()
    await world.send("b", user_id=BOB, **HERE)
    await world.send("c", user_id=ALICE, **HERE)

    assert world.errors == []
    assert world.said == ["1: b", "then c"]
    assert len(world.engine.waits) == 0
