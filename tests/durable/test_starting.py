"""Durable conversations that other code begins than a handler: a job, a startup hook, a handler of somebody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiostep_core import ask
from aiostep_core.durable.flows import durable, flow_named
from aiostep_core.durable.operations import continue_as_new
from aiostep_core.durable.standing import end_durable, result, where
from aiostep_core.durable.starting import _start, start_durable
from aiostep_core.errors import (
    AlreadyWaiting,
    BadArgument,
    NoTarget,
    NotInstalled,
    NotStorable,
    WaitCancelled,
    WaitTimeout,
)
from aiostep_core.installed import install_adapter
from aiostep_core.keys import Key
from aiostep_core.storages.steps import RecordedSteps
from tests.core.making import ALICE, BOB, BOT
from tests.core.virtual_time import settle
from tests.durable.bot import DurableLineAdapter, LineError, Process, World, say

pytestmark = pytest.mark.anyio


@durable("test.remind")
async def remind(what: str, *, times: int = 1) -> str:
    for _ in range(times):
        answer = await ask(f"Have you {what}?", str, timeout=1000)
        await say(f"{what}: {answer}")
    return f"{what}/{times}"


@pytest.mark.parametrize("restarts", [0, 1, 2])
async def test_it_goes_on_like_any_other(world: World, restarts: int) -> None:
    """It asks the person it is for, who has sent nothing, and goes on after restarts with the same arguments."""
    world.boot()
    assert await start_durable(remind, "fed the cat", to=ALICE, times=2)
    await settle()
    if restarts:
        await world.restart()
    await world.send("yes")
    if restarts > 1:
        await world.restart()
    await world.send("no")

    assert world.said == ["fed the cat: yes", "fed the cat: no"]
    assert world.prompts == ["Have you fed the cat?"] * 2
    assert await result(ALICE) == "fed the cat/2"
    assert world.errors == []


async def test_it_is_stored_before_anything_is_done(world: World) -> None:
    """A process that dies right after the call has begun it for the next one."""
    world.boot()
    assert await start_durable("test.remind", "slept", to=Key(BOT, ALICE, ALICE))
    assert world.prompts == []
    await world.restart()
    assert world.prompts == ["Have you slept?"]
    await world.send("well")

    assert world.said == ["slept: well"]


async def test_its_time_limit_is_looked_after(world: World) -> None:
    """Nobody has sent anything yet when its time is up, in another process at that."""
    world.boot()
    await start_durable(remind, "slept", to=ALICE)
    await settle()
    await world.restart()
    await asyncio.sleep(1001)
    await world.tend()

    assert [one.ended for one in await where(ALICE)] == ["WaitTimeout"]
    with pytest.raises(WaitCancelled, match="WaitTimeout"):
        await result(ALICE)


@durable("test.boss")
async def boss(update: Any) -> None:
    name = await ask("Who?", str)
    await say(f"begun: {await start_durable(remind, name, to=BOB)}")
    await say(f"done: {await ask('Done?', str)}")


async def test_a_conversation_begins_another(world: World) -> None:
    """It does so once, however often it is replayed, and goes on beside the other."""
    world.boot(boss=boss)
    await world.send("/boss")
    await world.send("washed")
    await world.restart()
    await world.send("fine", user_id=BOB, chat_id=BOB)
    await world.send("yes")

    assert world.said == ["begun: True", "washed: fine", "done: yes"]
    assert world.prompts.count("Have you washed?") == 1


async def test_a_crash_between_the_beginning_and_the_word_of_it(world: World) -> None:
    """The one that was begun stays, as it is the one that would be begun: nobody is asked twice."""
    world.boot(boss=boss)
    await world.send("/boss")
    key = f"start {(await world.durables.journals.scan())[0].get('id')}/0/1"
    flow = flow_named("test.remind")
    assert flow is not None
    await _start(flow, ("washed",), {}, BOB, key)
    await settle()
    await world.send("washed")

    assert world.said == ["begun: True"]
    assert world.prompts.count("Have you washed?") == 1


@durable("test.itself")
async def itself(update: Any) -> None:
    await ask("Again?", str)
    await start_durable(remind, "hung", to=ALICE)


async def test_a_conversation_does_not_replace_itself(world: World) -> None:
    """It would wait for its own end; the error says what does that."""
    world.boot(itself=itself)
    await world.send("/itself")
    await world.send("yes")

    (error,) = world.errors
    assert isinstance(error, BadArgument)
    assert "continue_as_new()" in str(error)


@durable("test.polite", on_conflict="reject")
async def polite(what: str) -> None:
    await ask(f"{what}?", str)


@durable("test.patient", on_conflict="resume")
async def patient(what: str) -> None:
    await ask(f"{what}?", str)


@pytest.mark.parametrize("restart", [False, True])
async def test_the_policy_for_beginning_twice(world: World, restart: bool) -> None:
    """It is that of the conversation that begins: it replaces what is there, or is refused, or is not begun."""
    world.boot()
    await start_durable(remind, "slept", to=ALICE)
    await settle()
    if restart:
        await world.restart()
    with pytest.raises(AlreadyWaiting):
        await start_durable(polite, "One", to=ALICE)
    assert not await start_durable(patient, "Two", to=ALICE)
    assert await start_durable(remind, "eaten", to=ALICE)
    await settle()
    await world.send("yes")

    assert world.said == ["eaten: yes"]
    assert world.errors == []


async def test_who_replaces_a_plain_question(world: World) -> None:
    """The question that was asked last is the one that an answer is for, as everywhere."""
    ended: list[BaseException] = []

    async def plain(update: Any) -> None:
        try:
            await ask("Plain?", str)
        except Exception as error:
            ended.append(error)
            raise

    world.boot(plain=plain)
    await world.send("/plain")
    await start_durable(remind, "slept", to=ALICE)
    await settle()
    await world.send("yes")

    assert world.said == ["slept: yes"]
    assert [getattr(error, "reason", None) for error in ended] == ["replaced"]


@durable("test.handler")
async def handler(update: Any) -> None:
    await say(f"update: {update}")


async def test_what_cannot_begin_without_an_update(world: World) -> None:
    """The function's parameters say so, at the call: nothing is begun."""
    world.boot()
    with pytest.raises(BadArgument, match=r"missing a required argument: 'update'.*default None"):
        await start_durable(handler, to=ALICE)
    with pytest.raises(BadArgument, match="got an unexpected keyword argument 'who'"):
        await start_durable(remind, "slept", who=1, to=ALICE)
    with pytest.raises(NotStorable, match="the arguments"):
        await start_durable(remind, object(), to=ALICE)
    with pytest.raises(BadArgument, match=r"@durable\(\.\.\.\)"):
        await start_durable(say, "slept", to=ALICE)
    with pytest.raises(BadArgument, match="nobody.knows"):
        await start_durable("nobody.knows", to=ALICE)
    with pytest.raises(NoTarget, match="pass a target"):
        await start_durable(remind, "slept")
    assert await where() == []
    assert await start_durable(handler, None, to=ALICE)
    await settle()
    assert world.said == ["update: None"]


async def test_a_process_without_the_bot_begins_one(world: World) -> None:
    """A web server, say, writes it down; the bot's process finds it when it looks."""
    web = Process(world)
    web.bot_id = 77
    engine = install_adapter(DurableLineAdapter(web), storage=RecordedSteps(world._records, wall_clock=world.wall))
    assert await start_durable(remind, "paid", to=Key(BOT, ALICE, ALICE))
    await settle()
    assert web.prompts == []
    engine.uninstall()
    world.boot()
    await world.tend()
    await world.send("yes")

    assert world.said == ["paid: yes"]


async def test_the_bot_is_found_by_its_id(world: World) -> None:
    """Where several bots run in one process, a key says whose conversation it is."""
    world.boot()
    other = Process(world)
    other.bot_id = 77
    engine = install_adapter(DurableLineAdapter(other))
    try:
        with pytest.raises(NotInstalled):
            await start_durable(remind, "slept", to=ALICE)
        assert await start_durable(remind, "slept", to=Key(77, ALICE, ALICE))
        assert await start_durable(remind, "eaten", to=Key(BOT, ALICE, ALICE))
        await settle()
        world.engine.uninstall()
        with pytest.raises(NoTarget, match="no bot with the id 5"):
            await start_durable(remind, "slept", to=Key(5, ALICE, ALICE))
    finally:
        engine.uninstall()

    assert (other.prompts, world.prompts) == (["Have you slept?"], ["Have you eaten?"])


@durable("test.start_failing")
async def failing(what: str) -> None:
    await say(what)
    await ask("Go on?", str)
    raise ZeroDivisionError(what)


async def test_its_errors_reach_the_error_handlers(world: World) -> None:
    """What it raises before or after its first question is told of once."""
    world.boot()
    world.unsayable.add("nothing")
    await start_durable(failing, "nothing", to=ALICE)
    await settle()
    assert [type(error) for error in world.errors] == [LineError]
    world.errors.clear()
    await end_durable(ALICE)
    await start_durable(failing, "something", to=ALICE)
    await settle()
    await world.send("yes")
    assert [type(error) for error in world.errors] == [ZeroDivisionError]
    assert [one.state for one in await where(ALICE)] == ["failed"]


@durable("test.count")
async def count(number: int, most: int = 3) -> int:
    await ask(f"{number}?", str)
    if number < most:
        continue_as_new(number + 1)
    return number


async def test_it_begins_anew(world: World) -> None:
    """``continue_as_new`` calls the function with other arguments, and still without an update."""
    world.boot()
    await start_durable(count, 1, to=ALICE)
    await settle()
    for _ in range(3):
        await world.restart()
        await world.send("on")

    assert await result(ALICE) == 3
    assert world.prompts == ["1?", "2?", "3?"]


@durable("test.asking")
async def asking(update: Any) -> None:
    name = await ask("Name?", str)
    await say(f"{update.text} {name}")


async def test_a_handler_begins_another_afterwards(world: World) -> None:
    """It begins with its update, and with nothing that was left there by one that has failed, in any process."""
    world.boot(asking=asking)
    await start_durable(failing, "something", to=ALICE)
    await settle()
    await world.send("yes")
    assert [type(error) for error in world.errors] == [ZeroDivisionError]
    await world.send("/asking")
    await world.restart()
    await world.send("Ann")

    assert world.said == ["something", "/asking Ann"]
    assert world.errors == []


@durable("test.impatient")
async def impatient(update: Any) -> None:
    try:
        await ask("Name?", str, timeout=10)
    except WaitTimeout:
        raise ZeroDivisionError from None


async def test_an_error_that_no_update_leads_to(world: World) -> None:
    """What is raised when the time is up after a restart reaches the error handlers too, once in each process."""
    world.boot(impatient=impatient)
    await world.send("/impatient")
    await world.restart()
    await asyncio.sleep(11)
    await world.tend()
    await settle()
    assert [type(error) for error in world.errors] == [ZeroDivisionError]
    await asyncio.sleep(100)
    await world.tend()
    assert len(world.errors) == 1
    await world.send("/impatient")
    assert world.prompts == ["Name?", "Name?"]
