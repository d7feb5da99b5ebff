"""Journals that are damaged, storages that fail, clocks that jump: who it is about is told, and the rest goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from aiostep_core import ask
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import continue_as_new, run
from aiostep_core.durable.standing import end_durable, where
from aiostep_core.errors import AiostepError, NotStorable, StorageUnavailable
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.abc import Journal, RecordKey
from tests.core.making import ALICE
from tests.core.virtual_time import settle
from tests.durable.bot import World, say

pytestmark = pytest.mark.anyio

HERS = {"user_id": ALICE, "chat_id": ALICE}
BOBS = {"user_id": 7, "chat_id": 7}


@durable("test.short_form")
async def short_form(update: Any) -> None:
    name = await ask("Name?", str, timeout=1000)
    await run(str, name)
    await say(f"hello {name}")
    city = await ask("City?", str)
    await say(f"{name} of {city}")


GARBAGE = ("", "x", "{", "[1]", '{"$t":"?","v":1}', "nan", "-1")
FIELDS = (
    *("name", "version", "format", "origin", "update", "more", "epoch", "book", "status", "holder", "owner", "until"),
    *("asked", "kinds", "takes", "after", "seen", "at", "due", "signals", "begun", "inbox", "result", "ended"),
)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("state", ["park", "run", "failed"])
async def test_any_field_may_be_damaged(world: World, field: str, state: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever writes gets an error of ours at worst, can be freed by end_durable(), and others are served."""
    for text in GARBAGE:
        caplog.clear()
        world.said.clear()
        world.boot(go=short_form)
        await world.send("/go", **HERS)
        await world.send("Ann", **HERS)
        (stored,) = [one for one in await world.durables.journals.scan() if one.is_open]
        found = await world.durables.journals.load(stored.key)
        assert found is not None
        await world.kill()
        damage = {"status": state, "until": "0", "tried": "", field: text}
        await world.durables.journals.append(found, [], damage, due=world.wall())
        world.boot()
        world.errors.clear()
        await world.tend()
        await world.send("Oslo", **HERS)
        await world.send("/go", **BOBS)
        await world.send("Bob", **BOBS)
        await world.send("Rome", **BOBS)
        assert [one for one in world.errors if not isinstance(one, AiostepError)] == [], text
        logged = [one.exc_info[1] for one in caplog.records if one.levelno >= logging.ERROR and one.exc_info]
        assert [one for one in logged if not isinstance(one, AiostepError)] == [], text
        assert world.said[-2:] == ["hello Bob", "Bob of Rome"], text
        world.errors.clear()
        await where()
        await end_durable(ALICE)
        await settle()
        await world.send("/go", **HERS)
        await world.send("Cy", **HERS)
        await world.send("Bonn", **HERS)
        assert world.errors == [], text
        assert world.said[-2:] == ["hello Cy", "Cy of Bonn"], text


@pytest.mark.parametrize(
    "line", ["", "[", "null", '["wait"]', '["effect","say","v",1]', '["wait","ask: Age?","v","Ann"]']
)
async def test_a_damaged_line_is_named(world: World, line: str) -> None:
    """The error says which conversation it is, where in its journal, and what to do."""
    world.boot(go=short_form)
    await world.send("/go")
    await world.send("Ann")
    (stored,) = await world.durables.journals.scan()
    found = await world.durables.journals.load(stored.key)
    assert found is not None
    await world.durables.journals.append(found, [line, *found.entries[1:]], {}, keep=0)
    await world.restart()
    await world.send("Oslo")

    (error,) = world.errors
    assert isinstance(error, AiostepError)
    assert "test.short_form" in str(error)
    assert "entry 0" in str(error) or "operation 0" in str(error)


class Thing:
    """Nothing that could be stored."""


@durable("test.arguments")
async def arguments(update: Any, *more: Any) -> None:
    if await ask("Again?", str) == "yes":
        continue_as_new(Thing())
    await say("done")


@durable("test.results")
async def results(update: Any) -> None:
    await ask("Go?", str)
    await run(Thing)


async def test_what_cannot_be_stored_is_said_with_the_place(world: World) -> None:
    """Results and arguments: which conversation, which operation, which value, and what to do instead."""
    world.boot(arguments=arguments, results=results)
    await world.send("/arguments")
    await world.send("yes")
    await world.send("/results", **BOBS)
    await world.send("yes", **BOBS)

    first, second = world.errors
    for error, name, position in ((first, "test.arguments", 1), (second, "test.results", 1)):
        assert isinstance(error, NotStorable)
        assert f"in the durable conversation {name!r}, at operation {position}: " in str(error)
        assert "Thing cannot be stored; " in str(error)
    assert sorted(one.state for one in await where()) == ["failed", "failed"]


class FailingRecords(MemoryRecords):
    """Records of which one operation fails.

    Attributes:
        left: how many operations succeed before that.
    """

    def __init__(self) -> None:
        super().__init__()
        self.left = -1

    def _count(self) -> None:
        self.left -= 1
        if self.left == -1:
            raise StorageUnavailable("failing://", "is out of order")

    async def append(self, *args: Any, **options: Any) -> int | None:
        self._count()
        return await super().append(*args, **options)

    async def journal(self, key: RecordKey) -> Journal | None:
        self._count()
        return await super().journal(key)

    async def read_many(self, keys: Sequence[RecordKey]) -> list[dict[str, str]]:
        self._count()
        return await super().read_many(keys)

    async def write(self, key: RecordKey, fields: Mapping[str, str], **options: Any) -> None:
        self._count()
        await super().write(key, fields, **options)


@pytest.mark.parametrize("calls", range(30))
async def test_a_storage_may_fail_at_any_call(calls: int) -> None:
    """Who writes is told, and need only write again: the conversation goes on where it was, and ends as it should."""
    records = FailingRecords()
    world = World(records)
    world.boot(go=short_form)
    records.left = calls
    wanted = {"/go": "Name?", "Ann": "City?", "Oslo": "Ann of Oslo"}
    for text, answer in wanted.items():
        for _ in range(2):
            if answer not in [*world.prompts, *world.said] and "Ann of Ann" not in world.said:
                await world.send(text)
    failures = [type(one) for one in world.errors]
    await world.close()

    assert failures in ([], [StorageUnavailable])
    # What was written again may be taken for what was to come next, as anything that comes in a turn.
    assert world.said[-1] in ("Ann of Oslo", "Ann of Ann")
    assert set(world.prompts) == {"Name?", "City?"}


@pytest.mark.parametrize("days", [-2, 2])
async def test_a_clock_may_jump(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that was cut is gone on with although its lease ends in another year, and an answer is taken as ever."""
    world = World()
    shift = [0.0]
    monkeypatch.setattr(World, "wall", lambda self: 1e9 + asyncio.get_running_loop().time() + shift[0])
    world.boot(go=short_form)
    await world.send("/go")
    (stored,) = await world.durables.journals.scan()
    found = await world.durables.journals.load(stored.key)
    assert found is not None
    await world.kill()
    await world.durables.journals.append(found, [], {"status": "run", "until": repr(world.wall() + 30)}, due=0.0)
    shift[0] = days * 86400.0
    world.boot()
    await world.send("Ann")
    await asyncio.sleep(1)
    await world.tend()
    await world.send("Oslo")
    await world.close()

    assert world.errors == []
    assert world.said in (["hello Ann", "Ann of Oslo"], ["hello Oslo"])


class FullRecords(MemoryRecords):
    """Records on a disk that is full at times: what is there can be read."""

    is_full = False

    async def append(self, *args: Any, **options: Any) -> int | None:
        if self.is_full:
            raise StorageUnavailable("disk", "has no space left")
        return await super().append(*args, **options)


async def test_a_full_disk_is_told_of() -> None:
    """What cannot be written down is an error of the handler; others are served, and it goes on when there is room."""
    records = FullRecords()
    world = World(records)
    world.boot(go=short_form, hi=greeting)
    await world.send("/go")
    records.is_full = True
    await world.send("Ann")
    await world.send("/go", **BOBS)
    await world.send("/hi", **BOBS)
    assert [str(one) for one in world.errors] == ["disk has no space left"] * 2
    assert world.said == ["hi"]
    world.errors.clear()
    records.is_full = False
    for text in ("Ann", "Oslo"):
        await world.send(text)
    await world.close()

    assert world.errors == []
    assert world.said == ["hi", "hello Ann", "Ann of Oslo"]


async def greeting(update: Any) -> None:
    await say("hi")
