"""Durable conversations seen from outside: where they stand, what they came to, ending them, signals."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiostep_core import ask
from aiostep_core.durable.flows import durable
from aiostep_core.durable.journals import key_of
from aiostep_core.durable.operations import run, signal
from aiostep_core.durable.signals import put_signal
from aiostep_core.durable.standing import end_durable, result, send_signal, where
from aiostep_core.errors import BadArgument, WaitCancelled, WaitTimeout
from aiostep_core.installed import install_adapter
from aiostep_core.keys import Key, Place, Scope
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.steps import RecordedSteps
from tests.core.making import ALICE, BOT
from tests.core.virtual_time import settle
from tests.durable.bot import DurableLineAdapter, Process, World, say

pytestmark = pytest.mark.anyio


@durable("test.payment")
async def payment(update: Any) -> str:
    name = await ask("Name?", str)
    try:
        paid = await signal("paid", timeout=100)
    except WaitTimeout:
        await say("no money")
        return "free"
    finally:
        await say("thanks")
    await say(f"{name} paid {paid}")
    return name


@pytest.mark.parametrize("restart", [False, True])
async def test_a_signal_from_anywhere_goes_to_the_one_who_waits_for_it(world: World, restart: bool) -> None:
    """The conversation goes on with the signal's value, after a restart too."""
    world.boot(pay=payment)
    await world.send("/pay")
    await world.send("Ann")
    assert [one.question for one in await where(ALICE)] == ["paid"]
    if restart:
        await world.restart()
    assert await send_signal("other", 1, to=ALICE)
    assert await send_signal("paid", 5, to=ALICE)
    await settle()

    assert world.said == ["thanks", "Ann paid 5"]
    assert await result(ALICE) == "Ann"
    assert not await send_signal("paid", 6, to=ALICE)


@pytest.mark.parametrize("restart", [False, True])
async def test_a_signal_that_comes_early_is_kept(world: World, restart: bool) -> None:
    """Who sends a signal need not know whether anybody waits for it yet."""
    world.boot(pay=payment)
    await world.send("/pay")
    assert await send_signal("paid", 7, to=ALICE)
    if restart:
        await world.restart()
    await world.send("Ann")

    assert world.said == ["thanks", "Ann paid 7"]


@pytest.mark.parametrize("restart", [False, True])
async def test_a_signal_from_a_process_without_the_bot(world: World, restart: bool) -> None:
    """One that only has the storage, such as a web server, puts it there; the bot's process finds it when it looks."""
    world.boot(pay=payment)
    await world.send("/pay")
    await world.send("Ann")
    web = Process(world)
    web.bot_id = 77
    engine = install_adapter(DurableLineAdapter(web), storage=RecordedSteps(world._records, wall_clock=world.wall))
    outside = engine.runtime.steps.durables
    key = Key(BOT, ALICE, ALICE)
    assert await put_signal(outside, key_of(Place(Scope.USER_IN_CHAT, key)), "paid", "5")
    engine.uninstall()
    if restart:
        await world.restart()
    await world.tend()

    assert world.said == ["thanks", "Ann paid 5"]
    assert await result(ALICE) == "Ann"


async def test_a_signal_that_does_not_come_in_time(world: World) -> None:
    """A signal has a time limit as any wait has, and another signal does not change it."""
    world.boot(pay=payment)
    await world.send("/pay")
    await world.send("Ann")
    await world.restart()
    await asyncio.sleep(50)
    await send_signal("other", to=ALICE)
    await asyncio.sleep(60)
    await world.tend()

    assert world.said == ["no money", "thanks"]
    assert await result(ALICE) == "free"


async def test_where_conversations_stand(world: World) -> None:
    """Whoever asks is told the question that each is at, and what became of it."""
    world.boot(pay=payment)
    assert await where() == []
    with pytest.raises(BadArgument, match="durable conversation was held"):
        await result(ALICE)
    await world.send("/pay")
    (one,) = await where()
    assert (one.name, one.version, one.state, one.question) == ("test.payment", 1, "waiting", "Name?")
    assert one.key == Key(BOT, ALICE, ALICE)
    with pytest.raises(BadArgument, match="test.payment is waiting"):
        await result(ALICE)


@pytest.mark.parametrize("restart", [False, True])
async def test_ending_a_conversation_from_outside(world: World, restart: bool) -> None:
    """Its wait raises, it runs to its end, and whoever ended it can rely on that."""
    world.boot(pay=payment)
    await world.send("/pay")
    await world.send("Ann")
    if restart:
        await world.restart()
    assert await end_durable(ALICE, reason="closed")

    assert world.said == ["thanks"]
    with pytest.raises(WaitCancelled, match="closed"):
        await result(ALICE)
    assert not await end_durable(ALICE)


@durable("test.rude")
async def rude(update: Any) -> None:
    await ask("Name?")
    raise ZeroDivisionError


gates: list[asyncio.Event] = []


@durable("test.late")
async def late(update: Any) -> None:
    await run(gates[-1].wait)
    raise ZeroDivisionError


class LateRecords(MemoryRecords):
    """Say what was due when they were asked, but only once they may."""

    is_blocking = False

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []
        self.may_answer = asyncio.Event()

    async def due(self, kind: str, *args: Any, **options: Any) -> list[Any]:
        found = await super().due(kind, *args, **options)
        self.found += found
        await self.may_answer.wait()
        return found


async def test_what_has_failed_since_it_was_seen_going_on_is_not_tried_again() -> None:
    """What a storage says of a turn may be old when it arrives; its error is told of once."""
    gates.append(asyncio.Event())
    records = LateRecords()
    world = World(records)
    world.boot(late=late)
    await world.send("/late")
    assert [one.fields["status"] for one in records.found] == ["run"]

    gates[-1].set()
    await settle()
    records.may_answer.set()
    await settle()
    assert [type(one) for one in world.errors] == [ZeroDivisionError]
    await world.close()


async def test_who_is_gone_is_not_tried_again(world: World) -> None:
    """A conversation that failed, as when a message to somebody who blocks the bot does, ends when they are gone."""
    world.boot(rude=rude)
    await world.send("/rude")
    await world.send("Ann")
    assert [one.state for one in await where(ALICE)] == ["failed"]
    assert isinstance(world.errors.pop(), ZeroDivisionError)

    await world.send(None, kind="my_chat_member", gone="blocked", leaver_id=ALICE)
    assert [(one.state, one.ended) for one in await where(ALICE)] == [("done", "WaitCancelled blocked")]
    await world.restart()
    assert world.errors == []


@pytest.fixture
async def crowd(world: World) -> World:
    """Give a world in which twelve people are asked for their names."""
    world.boot(pay=payment)
    for user_id in range(ALICE, ALICE + 12):
        await world.send("/pay", user_id=user_id, chat_id=user_id)
    return world


async def test_a_page_after_the_other(crowd: World) -> None:
    """A list has so many as are wanted, and says how to go on."""
    pages = [await where(limit=5)]
    while pages[-1].more is not None:
        pages.append(await where(limit=5, after=pages[-1].more))
    assert [len(page) for page in pages] == [5, 5, 2]
    every = [one.key for page in pages for one in page]
    assert len(set(every)) == 12
    assert every == [one.key for one in await where()]
    assert (await where(limit=12)).more is None
    assert (await where(ALICE, limit=5)).more is None


async def test_going_through_all(crowd: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop reads a page when it comes to it, and never more than that is in memory."""
    records, limits = crowd._records, list[int]()
    scan = records.scan

    async def counted(*args: Any, limit: int, **kwargs: Any) -> Any:
        limits.append(limit)
        return await scan(*args, limit=limit, **kwargs)

    monkeypatch.setattr(records, "scan", counted)
    seen = []
    async for one in where(limit=4):
        seen.append(one.key)
        assert len(limits) == (len(seen) - 1) // 4 + 1
    assert len(set(seen)) == 12
    assert limits == [5, 5, 5]
    assert [one.key async for one in where(ALICE)] == [Key(BOT, ALICE, ALICE)]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": True}, {"after": "page 2"}, {"after": 2}])
def test_pages_that_make_no_sense(wrong: dict[str, Any]) -> None:
    """They are refused before anything is read."""
    made: list[Any] = []
    with pytest.raises(BadArgument, match="is .*; expected"):
        made.append(where(**wrong))
    assert made == []
