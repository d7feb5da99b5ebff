"""What a durable conversation does in a bot without an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from aiostep_core import Key, ask
from aiostep_core.durable.flows import durable
from aiostep_core.durable.together import first, gather
from aiostep_testing.contract.stage import Stage
from aiostep_testing.harnesses.telebot import GeneratorTelebotHarness, ThreadedTelebotHarness

stages: list[Stage] = []


@pytest.fixture(params=[ThreadedTelebotHarness, GeneratorTelebotHarness])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Give a stage with a bot that has workers, and with one that has none."""
    stage = Stage(request.param, "in process")
    stages[:] = [stage]
    yield stage
    stages.clear()


def say(message: Any, text: str) -> None:
    harness: Any = stages[-1].harness
    harness.bot.send_message(message.chat.id, text)


async def parked(stage: Stage) -> None:
    """Wait until the conversation has written down that it waits for both."""
    storage: Any = stage.harness.storage
    for _ in range(1000):
        if any(one.fields["asked"].count("yes or no") == 2 for one in await storage.scan("durable")):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it waits for nobody")


async def vote_of(message: Any, user_id: int, name: str) -> str:
    answer = await ask(f"{name}, yes or no?", str, to=Key(42, message.chat.id, user_id))
    say(message, f"{name} said {answer}")
    return str(answer)


@durable("threads.vote")
async def vote(message: Any) -> None:
    stage = stages[-1]
    parts = [vote_of(message, one.id, one.user["first_name"]) for one in (stage.alice, stage.bob)]
    say(message, ",".join(await gather(*parts)))


@pytest.mark.parametrize("restarts", [set(), {1}, {2}, {1, 2}])
def test_several_people_are_asked_at_once(stage: Stage, restarts: set[int]) -> None:
    """They answer in any order, each is asked once, and no thread waits for them."""

    async def play() -> None:
        await stage.start_durable(vote)
        stage.alice.send("/vote", to=stage.group)
        asked = [(await stage.said(stage.alice, in_=stage.group))["text"] for _ in range(2)]
        assert sorted(asked) == ["Alice, yes or no?", "Bob, yes or no?"]
        await parked(stage)
        if 1 in restarts:
            await stage.restart()
        await stage.tell(stage.bob, "no", "Bob said no", in_=stage.group)
        if 2 in restarts:
            await stage.restart()
        await stage.tell(stage.alice, "yes", "Alice said yes", "yes,no", in_=stage.group)
        await stage.passes(stage.alice, in_=stage.group)

    stage.play(play())


@durable("threads.race")
async def race(message: Any) -> None:
    stage = stages[-1]
    number, answer = await first(
        *[vote_of(message, one.id, one.user["first_name"]) for one in (stage.alice, stage.bob)]
    )
    say(message, f"{number}: {answer}")
    say(message, f"then {await ask('Then?', str)}")


@pytest.mark.parametrize("restart", [False, True])
def test_the_first_of_several_ends_the_others(stage: Stage, restart: bool) -> None:
    """Who was too late is not waited for any more."""

    async def play() -> None:
        await stage.start_durable(race)
        stage.alice.send("/race", to=stage.group)
        for _ in range(2):
            await stage.said(stage.alice, in_=stage.group)
        await parked(stage)
        if restart:
            await stage.restart()
        await stage.tell(stage.bob, "no", "Bob said no", "1: no", "Then?", in_=stage.group)
        await stage.tell(stage.alice, "done", "then done", in_=stage.group)
        await stage.passes(stage.bob, in_=stage.group)

    stage.play(play())
