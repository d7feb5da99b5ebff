"""Stored conversations that nobody can go on with: a group is lost, or a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aiostep_core import ask
from aiostep_core.durable import chats
from aiostep_core.durable.flows import durable
from aiostep_core.durable.standing import where
from aiostep_core.durable.starting import start_durable
from aiostep_core.errors import WaitCancelled
from aiostep_core.installed import install_adapter
from aiostep_core.keys import Key, Scope
from aiostep_core.reports import Exit
from aiostep_core.storages.memory_records import MemoryRecords
from aiostep_core.storages.steps import RecordedSteps
from tests.core.making import ALICE, BOB, BOT, GROUP
from tests.durable.bot import DurableLineAdapter, Process, World, say

pytestmark = pytest.mark.anyio

OTHER_GROUP = GROUP - 1


@durable("losing.private")
async def talk(update: Any) -> None:
    try:
        await ask("Name?", str)
    except WaitCancelled as error:
        await say(f"{update.chat_id}/{update.user_id}: {error.reason}")
        raise
    finally:
        await say("finally")


@durable("losing.everybody", scope=Scope.CHAT)
async def everybody(update: Any) -> None:
    await ask("Who?", str)


@durable("losing.anywhere", scope=Scope.GLOBAL_USER)
async def anywhere(update: Any) -> None:
    await ask("Where?", str)


@durable("losing.wondering")
async def wondering() -> None:
    await ask("What?", str)


async def lose(world: World, gone: str = "left", **details: Any) -> None:
    await world.send(None, **{"kind": "my_chat_member", "gone": gone, "user_id": 99} | details)


async def in_group(world: World, text: str, user_id: int, chat_id: int = GROUP, **details: Any) -> None:
    await world.send(text, chat_id=chat_id, chat_type="supergroup", user_id=user_id, **details)


def note_exits(world: World) -> list[str]:
    """Have it noted why conversations end."""
    exits: list[str] = []

    def note(exit: Exit) -> None:
        exits.append(f"{exit.key}: {exit.reason}")

    world.engine.on_exit(note)
    return exits


async def open_keys() -> set[tuple[str, Any]]:
    return {(one.name, one.key) for one in await where() if one.state != "done"}


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("gone", ["left", "migrated"])
async def test_a_group_is_lost(world: World, restart: bool, gone: str) -> None:
    """All its conversations end at once, with the reason, once, also those that are not in memory; no others do."""
    world.boot(talk=talk, everybody=everybody)
    for user_id in (ALICE, BOB):
        await in_group(world, "/talk", user_id)
        await in_group(world, "/talk", user_id, thread_id=5)
    await in_group(world, "/everybody", ALICE)
    await in_group(world, "/talk", ALICE, OTHER_GROUP)
    await world.send("/talk")
    assert len(await open_keys()) == 7
    if restart:
        await world.restart()
    exits = note_exits(world)
    await lose(world, gone, chat_id=GROUP)

    assert await open_keys() == {
        ("losing.private", Key(BOT, OTHER_GROUP, ALICE)),
        ("losing.private", Key(BOT, ALICE, ALICE)),
    }
    said = [f"{GROUP}/{user}: {gone}" for user in (ALICE, BOB) * 2]
    assert sorted(world.said) == sorted(["finally"] * 4 + said)
    assert sorted(one.rpartition(": ")[2] for one in exits) == [gone] * 5
    await world.restart()
    await lose(world, gone, chat_id=GROUP)
    assert len(world.said) == 8
    assert world.errors == []


async def test_one_that_other_code_began(world: World) -> None:
    """Also a process without the bot notes where it is."""
    world.boot()
    await start_durable(wondering, to=Key(BOT, GROUP, ALICE))
    await world.kill()
    web = Process(world)
    web.bot_id = 77
    engine = install_adapter(DurableLineAdapter(web), storage=RecordedSteps(world._records, wall_clock=world.wall))
    await start_durable(wondering, to=Key(BOT, GROUP, BOB))
    engine.uninstall()
    world.boot()
    assert len(await open_keys()) == 2
    await lose(world, chat_id=GROUP)
    assert await open_keys() == set()


async def test_who_leaves_a_group_is_not_gone(world: World) -> None:
    """What they are asked elsewhere goes on; who blocks the bot is gone everywhere."""
    world.boot(talk=talk, anywhere=anywhere)
    await in_group(world, "/talk", ALICE)
    await world.send("/anywhere")
    await world.restart()
    await lose(world, chat_id=GROUP, leaver_id=ALICE)
    assert await open_keys() == {("losing.anywhere", Key(BOT, None, ALICE))}
    await lose(world, "blocked", chat_id=ALICE, leaver_id=ALICE)
    assert await open_keys() == set()


async def test_a_few_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a large group end one batch after the other, though the process dies in between."""
    monkeypatch.setattr(chats, "_BATCH", 3)
    world.boot(talk=talk)
    for user_id in range(100, 110):
        await in_group(world, "/talk", user_id)
    await world.restart()
    await lose(world, chat_id=GROUP)
    assert len(await open_keys()) == 7
    await asyncio.sleep(1.1)
    assert len(await open_keys()) == 4
    await world.kill()
    await asyncio.sleep(60)
    world.boot()
    await world.tend()
    await world.engine.runtime.steps.storage.tend((BOT,), 0.0)
    await asyncio.sleep(5)
    assert await open_keys() == set()
    assert world.said.count("finally") == 10


async def test_a_group_that_is_there_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What begins when the bot is back is not ended with what was there before."""
    monkeypatch.setattr(chats, "_BATCH", 1)
    world.boot(talk=talk)
    for user_id in (ALICE, BOB):
        await in_group(world, "/talk", user_id)
    await world.restart()
    await lose(world, chat_id=GROUP)
    await asyncio.sleep(0.1)
    await in_group(world, "/talk", BOB)
    await in_group(world, "/talk", 12)
    await world.restart()
    for _ in range(4):
        await asyncio.sleep(10)
        await world.engine.runtime.steps.storage.tend((BOT,), 0.0)
    assert {key.user_id for _, key in await open_keys()} == {BOB, 12}
    assert await world._records.due(chats.GONE, str(BOT), 2e9) == []
    await world.restart()
    await lose(world, chat_id=GROUP)
    await asyncio.sleep(10)
    assert await open_keys() == set()


async def test_one_that_begins_while_the_list_is_tidied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in the list before it is in the storage, and stays there."""
    monkeypatch.setattr(chats, "_MANY", 4)
    world.boot(talk=talk)
    for user_id in range(100, 104):
        await in_group(world, "/talk", user_id)
    await world.restart()
    await lose(world, chat_id=GROUP)
    assert await open_keys() == set()


class Counting(MemoryRecords):
    """Counts what is looked through."""

    scans = 0

    async def scan(self, *args: Any, **kwargs: Any) -> Any:
        Counting.scans += 1
        return await super().scan(*args, **kwargs)


@pytest.fixture
async def counted() -> AsyncIterator[World]:
    world = World(Counting())
    yield world
    await world.close()


async def test_nobody_looks_through_everything(counted: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group's loss takes no scan, and what is written of a group does not grow with what is over there."""
    monkeypatch.setattr(chats, "_MANY", 8)
    monkeypatch.setattr(chats, "_BATCH", 4)
    world = counted
    world.boot(talk=talk)
    for user_id in range(100, 140):
        await in_group(world, "/talk", user_id)
        await in_group(world, "Ann", user_id)
    await in_group(world, "/talk", ALICE)
    journal = await world._records.journal(chats._index_of(BOT, GROUP))
    assert journal is not None
    assert len(journal.entries) <= 4 + 8 + 1
    await world.restart()
    await lose(world, chat_id=GROUP)
    await asyncio.sleep(10)
    assert Counting.scans == 0
    assert await open_keys() == set()
