"""Durable conversations of both real bots of telebot: their calls are made once, and their objects come back."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from telebot import TeleBot
from telebot.apihelper import ApiTelegramException
from telebot.async_telebot import AsyncTeleBot
from telebot.asyncio_helper import ApiTelegramException as AsyncApiTelegramException
from telebot.types import Message

from aiostep import ask, choose, wait_for
from aiostep_core.durable.flows import durable
from aiostep_core.storages import MemoryRecords
from aiostep_testing.contract.durable import order as contract_order
from aiostep_testing.contract.stage import Stage as Contract
from aiostep_testing.harnesses.ptb import PtbHarness
from aiostep_testing.harnesses.telebot import AsyncTelebotHarness, ThreadedTelebotHarness
from tests.telebot import stage as looped
from tests.telebot import threads as threaded

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run on a loop with a real clock: telebot is real."""
    return "asyncio"


got: list[Any] = []


@durable("telebot.order")
async def order(message: Message, bot: AsyncTeleBot) -> None:
    name = await ask("Name?", str)
    sent = await bot.send_message(message.chat.id, f"Hello, {name}!")
    failed = ""
    try:
        await bot.send_message(12345, "is anybody there?")
    except AsyncApiTelegramException as error:
        failed = error.description
    answer = await wait_for()
    click = await ask_for_a_click(name)
    got.append((sent.text, sent.message_id, failed, answer.text, click))
    await bot.send_message(message.chat.id, f"{name} takes {click}")


@durable("telebot.plain")
async def plain(message: Message, bot: TeleBot) -> None:
    name = await ask("Name?", str)
    sent = bot.send_message(message.chat.id, f"Hello, {name}!")
    failed = ""
    try:
        bot.send_message(12345, "is anybody there?")
    except ApiTelegramException as error:
        failed = error.description
    answer = await wait_for()
    click = await ask_for_a_click(name)
    got.append((sent.text, sent.message_id, failed, answer.text, click))
    bot.send_message(message.chat.id, f"{name} takes {click}")


async def ask_for_a_click(name: str) -> Any:
    return await choose(f"{name}, what size?", {"S": "Small", "L": "Large"})


@pytest.fixture(params=["async", "sync"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """Give a stage for either kind of bot."""
    got.clear()
    async with AsyncExitStack() as stack:
        stage: Any
        if request.param == "async":
            stage = looped.Stage("http", stack)
        else:
            stage = threaded.Stage(stack, threaded.blocking, threaded=True)
        await stage.open()
        yield stage
    assert stage.errors == []
    assert stage.world.violations == []


class Life:
    """One process of the bot after the other, on the same records."""

    def __init__(self, stage: Any) -> None:
        self._stage = stage
        self._records = MemoryRecords()
        self._stack = AsyncExitStack()

    async def begin(self) -> None:
        """Start a process, after ending the one that runs."""
        await self.end()
        is_async = isinstance(self._stage, looped.Stage)
        bot = self._stage.bot(install={"storage": self._records})
        bot.register_message_handler(order if is_async else plain, commands=["order"], pass_bot=True)
        if not is_async:
            threaded.echo(bot)
        await self._stack.enter_async_context(self._stage.run(bot))

    async def end(self) -> None:
        await self._stack.aclose()
        if getattr(self._stage, "engine", None) is not None:
            self._stage.engine.uninstall()


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_conversation_goes_on_in_another_process(stage: Any, restarts: bool) -> None:
    """Every call to Telegram is made once, plain ones too; its results and errors come back, and buttons work."""
    life, alice = Life(stage), stage.world.person("Alice")

    async def again() -> None:
        if restarts:
            await life.begin()

    await life.begin()
    alice.send("/order")
    await alice.expect("^Name")
    await again()
    alice.send("Ann")
    await alice.expect("^Hello, Ann!")
    await looped.until(lambda: len(_texts(stage)) == 3)
    await again()
    alice.send("see this")
    await alice.expect("^Ann, what size")
    await again()
    alice.click("Large")
    await alice.expect("^Ann takes L$")
    await life.end()

    assert _texts(stage) == ["Name?", "Hello, Ann!", "is anybody there?", "Ann, what size?", "Ann takes L"]
    ((text, _, failed, answer, click),) = got
    assert (text, failed, answer, click) == ("Hello, Ann!", "Bad Request: chat not found", "see this", "L")


def _texts(stage: Any) -> list[str]:
    return [call.params["text"] for call in stage.world.calls if call.method == "sendMessage"]


@pytest.mark.parametrize("later", [PtbHarness, ThreadedTelebotHarness])
def test_a_journal_of_another_framework_is_left_alone(later: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It is said what it is and what to do, and the bot goes on; both bots of one framework share theirs."""

    async def play(stage: Contract) -> None:
        await stage.start_durable(contract_order)
        await stage.tell(stage.alice, "/order", "name?")
        await stage.stop()
        stage.harness.__class__ = later
        await stage.restart()
        if later is PtbHarness:
            await stage.tell(stage.alice, "hm", "other:hm")
        else:
            await stage.tell(stage.alice, "/cancel")
            await stage.passes(stage.alice)

    caplog.set_level(logging.WARNING, "aiostep")
    stage = Contract(AsyncTelebotHarness, "http")
    stage.play(play(stage))
    said = [one.getMessage() for one in caplog.records if "telebot/1" in one.getMessage()]
    assert [("'contract.order'" in one, "ptb/1" in one, "kept" in one) for one in said] == (
        [(True, True, True)] if later is PtbHarness else []
    )
