"""Which conversations are in memory, and how those that are not are found."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiostep_core import ask, wait_for
from aiostep_core.durable.flows import durable
from aiostep_core.keys import Key, Scope
from tests.core.making import ALICE, BOB, BOT, GROUP
from tests.core.virtual_time import settle
from tests.durable.bot import World, again, say
from tests.storages.slow_records import SlowRecords

pytestmark = pytest.mark.anyio

others: list[str | None] = []


async def other(update: Any) -> None:
    others.append(update.text)


@pytest.fixture(autouse=True)
def forget() -> None:
    others.clear()


@durable("test.memory")
async def two(update: Any) -> None:
    first = await ask("One?", str)
    second = await ask("Two?", str, timeout=500)
    await say(f"{update.user_id}: {first} {second}")


async def test_only_so_many_stay_in_memory(world: World) -> None:
    """What has waited for longest goes, and comes back with its next answer; nothing of it is left in memory."""
    world.boot(go=two)
    world.durables.max_live = 3
    for user in range(1, 9):
        await world.send("/go", user_id=user, chat_id=user)
    assert len(world.durables.live) == 3
    assert len(world.engine.waits) == 3
    for text in ("a", "b"):
        for user in range(1, 9):
            await world.send(text, user_id=user, chat_id=user)

    assert sorted(world.said) == [f"{user}: a b" for user in range(1, 9)]
    assert len(world.prompts) == 16
    assert world.errors == []
    assert not world.durables.live
    assert len(world.engine.waits) == 0


async def test_an_evicted_one_has_its_time_limit(world: World) -> None:
    """A time limit fires for a conversation that is not in memory, in the same process, and without being asked."""
    world.boot(go=two)
    world.durables.max_live = 1
    for user in (1, 2):
        await world.send("/go", user_id=user, chat_id=user)
        await world.send("a", user_id=user, chat_id=user)
    assert len(world.durables.live) == 1
    await asyncio.sleep(520)
    await settle()

    assert [type(error).__name__ for error in world.errors] == []
    assert not world.durables.live
    assert {one.get("ended") for one in await world.durables.journals.scan()} == {"WaitTimeout"}


@durable("test.judge")
async def judge(update: Any) -> None:
    verdict = await ask("Guilty?", str, to=Key(BOT, GROUP, BOB))
    anybody = await wait_for(scope=Scope.CHAT)
    await say(f"{verdict}, {anybody.user_id} heard")


@pytest.mark.parametrize("restart", [False, True])
async def test_somebody_else_can_answer(world: World, restart: bool) -> None:
    """A conversation waits where it was told to, also after a restart, and nobody else is kept from anything."""
    world.boot(judge=judge)
    world.handlers["*"] = other
    here = {"chat_id": GROUP, "chat_type": "supergroup"}

    async def boot() -> None:
        if restart:
            await world.restart()
        world.process.on("*")(other)

    await world.send("/judge", user_id=ALICE, **here)
    await boot()
    await world.send("hm", user_id=ALICE, **here)
    await world.send("yes", user_id=BOB, **here)
    await boot()
    await world.send("oh", user_id=77, **here)
    await world.send("well", user_id=78, **here)

    assert world.said == ["yes, 77 heard"]
    assert others == ["hm", "well"]
    assert world.errors == []


async def test_what_was_taken_is_not_taken_again(world: World) -> None:
    """An update that comes once more after a restart reaches nobody: neither the next question nor a handler."""
    world.boot(go=two)
    begin = await world.send("/go")
    answer = await world.send("a")
    for update in (answer, begin):
        await world.restart()
        world.process.on("*")(other)
        world.process.feed(again(update))
        await settle()
        world.process.feed(again(answer))
        await settle()
    await world.send("b")
    await world.restart()
    world.process.on("*")(other)
    world.process.feed(again(answer))
    await settle()

    assert world.said == ["10: a b"]
    assert world.prompts == ["One?", "Two?"]
    assert others == []


async def test_chatter_of_others_costs_no_replay(world: World) -> None:
    """In a group with many conversations a message of somebody else brings none of them back."""
    world.boot(go=two)
    here = {"chat_id": GROUP, "chat_type": "supergroup"}
    for user in range(1, 51):
        await world.send("/go", user_id=user, **here)
    await world.restart()
    for _ in range(20):
        await world.send("hello", user_id=999, **here)

    assert not world.durables.live


async def test_a_stranger_costs_one_look_at_the_storage() -> None:
    """Steps and conversations are looked for at once, whoever waits in the group, in memory or not."""
    records = SlowRecords(delay=0)
    world = World(records)
    world.boot(go=two, **{"*": other})
    world.durables.max_live = 5
    for user in range(1, 11):
        await world.send("/go", user_id=user, chat_id=GROUP, chat_type="supergroup")
    records.calls.clear()
    for text in ("hm", "so"):
        await world.send(text, user_id=99, chat_id=GROUP, chat_type="supergroup")
    calls = records.calls.copy()
    await world.close()

    assert others == ["hm", "so"]
    assert calls == ["read_many"] * 2
