"""Steps in a storage that is slow, or down, with each framework: order, losses, and where its errors go."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

import aiostep
from aiostep_core.errors import StorageUnavailable
from aiostep_core.storages.steps import RecordedSteps
from tests.storages.slow_records import SlowRecords

pytestmark = pytest.mark.anyio

Answer = Callable[[str], Awaitable[Any]]


class Bot:
    """A bot of some framework whose steps are in slow records.

    Attributes:
        log: what ran, in order: the steps as "step TEXT", handlers as "TEXT".
        errors: what reached the framework's error handlers.
    """

    def __init__(self, framework: str, stage: Any) -> None:
        self.framework = framework
        self.stage = stage
        self.records = SlowRecords(delay=0.02)
        self.install = {"storage": RecordedSteps(self.records)}
        self.log: list[str] = []
        self.errors: list[BaseException] = []
        self.again: list[str] = []
        self.is_mute = False
        self.alice = stage.world.person("Alice")
        BOTS[framework] = self

    async def step(self, text: str, answer: Answer) -> None:
        """Be the step."""
        self.log.append(f"step {text}")
        if text in self.again:
            await aiostep.next_step(STEPS[self.framework])
        if text == "ask":
            await asyncio.sleep(0.1)
            self.log.append(f"asked {text_of(await aiostep.wait_for())}")
        await answer(f"step {text}")

    async def handler(self, text: str, answer: Answer) -> None:
        """Be the only handler."""
        self.log.append(text)
        if text == "/start":
            await aiostep.next_step(STEPS[self.framework])
        elif text == "/soon":
            await aiostep.next_step(STEPS[self.framework], timeout=0.05, on_timeout=LATE[self.framework])
        if not self.is_mute:
            await answer(f"handled {text}")

    async def begin(self) -> None:
        """Have Alice start."""
        self.alice.send("/start")
        await self.alice.expect("^handled /start$")


BOTS: dict[str, Bot] = {}


@aiostep.step("frameworks.aiogram")
async def aiogram_step(message: Any) -> None:
    await BOTS["aiogram"].step(message.text, message.answer)


@aiostep.step("frameworks.ptb")
async def ptb_step(update: Any, context: Any) -> None:
    await BOTS["ptb"].step(update.message.text, update.message.reply_text)


@aiostep.step("frameworks.telebot")
async def telebot_step(message: Any, bot: Any) -> None:
    await BOTS["telebot"].step(message.text, lambda text: bot.reply_to(message, text))


@aiostep.step("frameworks.aiogram.late")
async def aiogram_late(timed_out: aiostep.TimedOut, bot: Any) -> None:
    raise LookupError(bot.id)


@aiostep.step("frameworks.ptb.late")
async def ptb_late(timed_out: aiostep.TimedOut, context: Any) -> None:
    raise LookupError(context.bot.id, context.user_data)


@aiostep.step("frameworks.telebot.late")
async def telebot_late(timed_out: aiostep.TimedOut, bot: Any) -> None:
    raise LookupError(bot.token)


LATE: dict[str, Any] = {"aiogram": aiogram_late, "ptb": ptb_late, "telebot": telebot_late}
STEPS: dict[str, Any] = {"aiogram": aiogram_step, "ptb": ptb_step, "telebot": telebot_step}


def text_of(update: Any) -> str:
    """Return the text of an answer, whatever framework it is of."""
    return str((getattr(update, "message", None) or update).text)


def _aiogram(bot: Bot) -> Any:
    dispatcher = bot.stage.dispatcher(install=bot.install)

    @dispatcher.message()  # type: ignore[untyped-decorator]
    async def handler(message: Any) -> None:
        await bot.handler(message.text, message.answer)

    @dispatcher.errors()  # type: ignore[untyped-decorator]
    async def failed(event: Any) -> bool:
        bot.errors.append(event.exception)
        return True

    return dispatcher


def _ptb(bot: Bot, *, concurrent: bool = False) -> Any:
    from telegram.ext import MessageHandler, filters

    builder = bot.stage.builder().concurrent_updates(concurrent)
    application = bot.stage.application(builder, **bot.install)

    async def handler(update: Any, context: Any) -> None:
        await bot.handler(update.message.text, update.message.reply_text)

    async def failed(update: Any, context: Any) -> None:
        bot.errors.append(context.error)

    application.add_handler(MessageHandler(filters.ALL, handler))
    application.add_error_handler(failed)
    return application


def _telebot(bot: Bot, *, handles_errors: bool = True) -> Any:
    class Errors:
        async def handle(self, error: Exception) -> bool:
            bot.errors.append(error)
            return True

    made = bot.stage.bot(install=bot.install, exception_handler=Errors() if handles_errors else None)

    @made.message_handler(func=lambda message: True)  # type: ignore[untyped-decorator]
    async def handler(message: Any) -> None:
        await bot.handler(message.text, lambda text: made.reply_to(message, text))

    return made


MAKERS: dict[str, Callable[[Bot], Any]] = {
    "aiogram": _aiogram,
    "ptb": _ptb,
    "ptb concurrent": lambda bot: _ptb(bot, concurrent=True),
    "telebot": _telebot,
}


@pytest.fixture(params=MAKERS)
async def bot(request: pytest.FixtureRequest) -> AsyncIterator[Bot]:
    """Give a bot of each framework, running."""
    framework = request.param.split()[0]
    async with AsyncExitStack() as stack:
        stage = importlib.import_module(f"tests.{framework}.stage").Stage("in process", stack)
        await stage.open()
        made = Bot(framework, stage)
        async with stage.run(MAKERS[request.param](made)):
            yield made
        assert stage.errors == []


async def until(ready: Callable[[], object]) -> None:
    """Wait until *ready*; a bounded number of looks."""
    for _ in range(1000):
        if ready():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen in time")


async def test_order(bot: Bot) -> None:
    """Messages that come together are looked at one after the other: each step finds what the one before registered."""
    await bot.begin()
    bot.again = ["1", "2"]
    for text in ("1", "2", "3", "4"):
        bot.alice.send(text)
    await until(lambda: len(bot.log) == 5)

    assert bot.log == ["/start", "step 1", "step 2", "step 3", "4"]


async def test_what_comes_while_a_step_runs(bot: Bot) -> None:
    """A message right behind that of a step that will ask is its answer, although the storage takes its time."""
    await bot.begin()
    bot.alice.send("ask")
    bot.alice.send("the answer")
    await bot.alice.expect("^step ask$")

    assert bot.log == ["/start", "step ask", "asked the answer"]


async def test_the_storage_is_down(bot: Bot) -> None:
    """While the storage is down updates end with StorageUnavailable in the error handlers; then all is as before."""
    await bot.begin()
    bot.records.is_broken = True
    bot.alice.send("1")
    await until(lambda: bot.errors)
    bot.records.is_broken = False
    bot.alice.send("2")
    await bot.alice.expect("^step 2$")

    assert [type(one) for one in bot.errors] == [StorageUnavailable]
    assert bot.log == ["/start", "step 2"]


async def test_what_a_time_out_raises(bot: Bot) -> None:
    """It reaches the error handlers, or where there are none for what no update has led to, as in aiogram, the log."""
    bot.alice.send("/soon")
    await until(lambda: bot.errors or bot.stage.errors)
    raised = [*bot.errors, *bot.stage.errors]
    bot.stage.errors.clear()

    assert [type(one) for one in raised] == [LookupError]


@pytest.mark.parametrize("framework", ["aiogram", "telebot"])
async def test_an_update_is_given_back(framework: str) -> None:
    """Whoever feeds an update gets the storage's error, and may feed it again: it is no duplicate."""
    async with AsyncExitStack() as stack:
        stage = importlib.import_module(f"tests.{framework}.stage").Stage("in process", stack)
        await stage.open()
        bot = Bot(framework, stage)
        made = _aiogram(bot) if framework == "aiogram" else _telebot(bot, handles_errors=False)
        person = {"id": 7, "is_bot": False, "first_name": "Ann"}
        message = {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "from": person, "text": "x"}
        update = {"update_id": 1, "message": message}
        if framework == "aiogram":
            made.errors.handlers.clear()
            feed = lambda: made.feed_raw_update(stage.bot, update)  # noqa: E731
        else:
            from telebot.types import Update

            update_of: Any = Update.de_json
            feed = lambda: made.process_new_updates([update_of(update)])  # noqa: E731
        bot.records.is_broken = True
        for _ in range(2):
            with pytest.raises(StorageUnavailable):
                await feed()
        bot.records.is_broken = False
        bot.is_mute = True  # nobody is called Ann here
        await feed()

        assert bot.log == ["x"]
