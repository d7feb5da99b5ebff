"""Steps of a synchronous bot in a storage: with threads, under load, and while the storage is down."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest
from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep import sync
from aiostep_core.errors import NotDurable, StorageUnavailable
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.abc import RecordKey
from aiostep_core.storages.steps import RecordedSteps
from tests.storages.places import Place, place, redis_ends
from tests.telebot.stage import until
from tests.telebot.threads import Stage, blocking

pytestmark = pytest.mark.anyio
__all__ = ["place", "redis_ends"]

GOT: list[Any] = []
BOT: list[TeleBot] = []


class Held(MemoryRecords):
    """Memory that answers when it may, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.asked = threading.Event()
        self.is_broken = False

    async def read_many(self, keys: Sequence[RecordKey]) -> list[dict[str, str]]:
        self.asked.set()
        assert self.goes_on.wait(10)
        if self.is_broken:
            raise StorageUnavailable("held://", "is out of order")
        return await super().read_many(keys)


@aiostep.step("telebot.sync.name")
def got_name(message: Message, plan: str) -> None:
    GOT.append((message.text, plan))
    BOT[0].reply_to(message, f"step {message.text}")


@aiostep.step("telebot.sync.late")
def too_late(timed_out: aiostep.TimedOut, plan: str, bot: TeleBot) -> None:
    GOT.append(("late", plan))
    if plan == "broken":
        raise ZeroDivisionError
    bot.send_message(timed_out.key.chat_id, "too late")  # type: ignore[arg-type]


@pytest.fixture(params=[True, False], ids=["threads", "no threads"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Give a stage for a TeleBot, with threads and without."""
    GOT.clear()
    async with AsyncExitStack() as stack:
        stage = Stage(stack, blocking, threaded=request.param)
        await stage.open()
        yield stage
    assert stage.errors == []


def shop(stage: Stage, storage: Any) -> Any:
    """Make a bot that registers steps."""
    bot: Any = stage.bot(install={"storage": storage})
    BOT[:] = [bot]

    @bot.message_handler(commands=["start"])
    def start(message: Message) -> None:
        sync.next_step(got_name, plan="free")
        bot.reply_to(message, "Your name?")

    @bot.message_handler(commands=["soon"])
    def soon(message: Message) -> None:
        assert message.text is not None
        plan = message.text.partition(" ")[2]
        sync.next_step(got_name, timeout=0.2, on_timeout=too_late, plan=plan)

    @bot.message_handler(func=lambda message: True)
    def other(message: Message) -> None:
        bot.reply_to(message, f"other {message.text}")

    return bot


async def test_steps_in_each_place(stage: Stage, place: Place) -> None:
    """A step is registered, runs once, and is gone; a new bot finds what the one before had registered."""
    alice = stage.world.person("Alice")
    async with stage.run(shop(stage, place.url or place.records())):
        alice.send("/start")
        await alice.expect("Your name")
        alice.send("Ann")
        await alice.expect("step Ann")
        alice.send("Ann")
        await alice.expect("other Ann")
        alice.send("/start")
        await alice.expect("Your name")
    stage.engine.uninstall()
    async with stage.run(shop(stage, place.url or place.records())):
        alice.send("Eve")
        await alice.expect("step Eve")

    assert GOT == [("Ann", "free"), ("Eve", "free")]


async def test_nobody_else_waits_for_the_storage(stage: Stage) -> None:
    """While the storage thinks about one message, handlers may wait, ask and look; the lock is free."""
    records = Held()
    bot = shop(stage, RecordedSteps(records))
    alice = stage.world.person("Alice")
    async with stage.run(bot):
        records.goes_on.clear()
        alice.send("x")
        assert await asyncio.to_thread(records.asked.wait, 5)
        assert await asyncio.wait_for(asyncio.to_thread(sync.pending), 5) == []
        assert await asyncio.wait_for(asyncio.to_thread(sync.cancel, user=5), 5) == 0
        records.goes_on.set()
        await alice.expect("other x")


async def test_the_storage_is_down(stage: Stage) -> None:
    """The exception handler gets StorageUnavailable; afterwards all is as before."""
    records = Held()
    alice = stage.world.person("Alice")
    async with stage.run(shop(stage, RecordedSteps(records))):
        alice.send("/start")
        await alice.expect("Your name")
        records.is_broken = True
        alice.send("x")
        await until(lambda: stage.errors)
        records.is_broken = False
        alice.send("Ann")
        await alice.expect("step Ann")

    assert [type(stage.errors.pop())] == [StorageUnavailable]


async def test_time_outs(stage: Stage, place: Place) -> None:
    """on_timeout is a plain function, called beside the handlers; what it raises reaches the exception handler."""
    alice = stage.world.person("Alice")
    async with stage.run(shop(stage, place.url or place.records())):
        alice.send("/soon gold")
        await alice.expect("too late")
        alice.send("/soon broken")
        await until(lambda: stage.errors)

    assert [type(stage.errors.pop())] == [ZeroDivisionError]
    assert GOT == [("late", "gold"), ("late", "broken")]


async def test_a_function_without_a_name(stage: Stage) -> None:
    """It is refused in the handler that registers it."""
    bot = shop(stage, RecordedSteps(MemoryRecords()))

    @bot.message_handler(commands=["bad"])  # type: ignore[untyped-decorator]
    def bad(message: Message) -> None:
        sync.next_step(lambda message: None)

    bot.message_handlers.insert(0, bot.message_handlers.pop())
    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/bad")
        await until(lambda: stage.errors)

    assert [type(stage.errors.pop())] == [NotDurable]
