"""A transcript with restarts anywhere equals the one without."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aiostep_core import ask, choose, wait_for
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import back, checkpoint, continue_as_new, random, rewind, run, sub
from aiostep_core.errors import TooManyAttempts, WaitCancelled, WaitTimeout
from tests.core.virtual_time import VirtualLoop
from tests.durable.bot import LineError, World, say

TEXTS = ("Ann", "33", "0", "old", "back", "again", "L", "Small", "yes", "/cancel", "/form", "/other")


async def details(name: str) -> int:
    age = await ask("Age?", int, attempts=2)
    await say(f"{name} is {age}")
    return age


@durable("test.equivalence")
async def form(update: Any, rounds: int = 0) -> list[Any]:
    start = checkpoint()
    try:
        name = await ask("Name?", str, timeout=40)
    except WaitTimeout:
        await say("nobody")
        name = "nobody"
    if name == "again" and rounds < 3:
        continue_as_new(rounds + 1)
    lucky = await random()
    try:
        age = await sub(details, name)
    except TooManyAttempts:
        age = -1
    try:
        size = await choose("Size?", {"S": "Small", "L": "Large"}, timeout=60, default="none")
    except WaitCancelled as error:
        await say(f"bye: {error.reason}")
        raise
    try:
        await say("unsayable")
    except LineError:
        await run(str, name, name="note")
    answer = await ask("Sure?", str)
    if answer == "back":
        back()
    if answer == "again":
        rewind(start)
    got = await wait_for(timeout=30, default=None, filter=lambda one: one.text != "0")
    await say(f"{name} {age} {size} {answer} {rounds} {got and got.text} {0 <= lucky < 1}")
    return [name, age, size]


async def transcript(actions: list[Any], restarts: set[int]) -> list[Any]:
    """Play, and say what was asked and said, and what came of it."""
    world = World()
    world.unsayable = {"unsayable"}
    world.boot(form=form)
    await world.send("/form")
    for number, action in enumerate(actions):
        if number in restarts:
            await world.restart()
        if isinstance(action, str):
            await world.send(action)
        else:
            await asyncio.sleep(action)
    if restarts:
        await world.restart()
    await asyncio.sleep(31)
    await world.tend()
    found = [(one.status, one.get("ended"), one.get("result")) for one in await world.durables.journals.scan()]
    every = [error for process in [*world.dead, world.process] for error in process.errors]
    errors = [repr(error) for error in every if not isinstance(error, asyncio.CancelledError)]
    result = [world.prompts, world.said, found, errors]
    await world.close()
    return result


def play(actions: list[Any], restarts: set[int]) -> list[Any]:
    """Play on a loop of its own."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(transcript(actions, restarts))
    finally:
        loop.close()


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(TEXTS) | st.sampled_from([7, 14, 35, 63]), max_size=12),
    st.sets(st.integers(0, 11), min_size=1),
)
def test_restarts_make_no_difference(actions: list[Any], restarts: set[int]) -> None:
    """Whatever people do, and whenever the process dies between two updates, all that is asked and said is the same."""
    assert play(actions, restarts) == play(actions, set())
