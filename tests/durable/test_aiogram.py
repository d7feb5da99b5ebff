"""Durable conversations of a real aiogram bot: its calls to Telegram are made once, and its objects come back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.types import Message, User

from aiostep import NotDurable, ask, choose, wait_for
from aiostep_core.durable.flows import durable
from aiostep_core.storages import MemoryRecords
from tests.aiogram.bots import echo
from tests.aiogram.stage import Stage, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run on a loop with a real clock: aiogram is real."""
    return "asyncio"


@pytest.fixture(params=["in process", "http"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Give a stage for either transport."""
    async with AsyncExitStack() as stack:
        stage = Stage(request.param, stack)
        await stage.open()
        yield stage
    assert stage.errors == []
    assert stage.world.violations == []


got: list[Any] = []


@durable("aiogram.order")
async def order(message: Message, bot: Bot, event_from_user: User) -> None:
    name = await ask("Name?", str)
    sent = await message.answer(f"Hello, {name}!")
    failed = ""
    try:
        await bot.send_message(12345, "is anybody there?")
    except TelegramBadRequest as error:
        failed = error.message
    photo = await wait_for()
    got.append((sent, failed, photo, event_from_user))
    size = await choose("Size?", {"S": "Small", "L": "Large"})
    await message.answer(f"{name} takes {size}")


def dispatcher(stage: Stage, records: MemoryRecords, *handlers: Any) -> Dispatcher:
    if stage.engine is not None:
        stage.engine.uninstall()
    dp = stage.dispatcher(install={"storage": records})
    for handler in handlers:
        dp.message.register(handler, Command(handler.__name__))
    echo(dp)
    return dp


class Life:
    """One process of the bot after the other, on the same records."""

    def __init__(self, stage: Stage, *handlers: Any) -> None:
        self._stage = stage
        self._handlers = handlers
        self._records = MemoryRecords()
        self._stack = AsyncExitStack()

    async def begin(self) -> None:
        """Start a process, after ending the one that runs."""
        await self.end()
        dp = dispatcher(self._stage, self._records, *self._handlers)
        await self._stack.enter_async_context(self._stage.run(dp))

    async def end(self) -> None:
        await self._stack.aclose()


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_conversation_goes_on_in_another_process(stage: Stage, restarts: bool) -> None:
    """Every call to Telegram is made once, its results and errors come back, and buttons work."""
    got.clear()
    life, alice = Life(stage, order), stage.world.person("Alice")

    async def again() -> None:
        if restarts:
            await life.begin()

    await life.begin()
    alice.send("/order")
    await alice.expect("^Name")
    await again()
    alice.send("Ann")
    await alice.expect("^Hello, Ann!")
    await until(lambda: len(stage.calls("sendMessage")) == 3)
    await again()
    alice.send("see this")
    await alice.expect("^Size")
    await again()
    alice.click("Large")
    await alice.expect("^Ann takes L$")
    alice.send("bye")
    await alice.expect("^other:bye$")
    await life.end()

    texts = ["Name?", "Hello, Ann!", "is anybody there?", "Size?", "Ann takes L", "other:bye"]
    assert [call["text"] for call in stage.calls("sendMessage")] == texts
    assert len({repr(one) for one in got}) == 1
    sent, failed, answer, user = got[-1]
    assert (sent.text, failed, answer.text) == ("Hello, Ann!", "Bad Request: chat not found", "see this")
    assert isinstance(sent, Message)
    assert isinstance(user, User)
    assert sent.bot is not None
    assert len(got) == (2 if restarts else 1)


@durable("aiogram.stateful")
async def stateful(message: Message, state: FSMContext) -> None: ...


async def test_a_state_is_refused(stage: Stage) -> None:
    """aiogram's FSM cannot be written down; the error says what there is instead."""
    dp, alice = dispatcher(stage, MemoryRecords(), stateful), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/stateful")
        await until(lambda: stage.errors)
    error = stage.errors.pop()
    assert isinstance(error, NotDurable)
    assert "its own variables are kept, so it needs no state" in str(error)
