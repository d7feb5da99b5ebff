"""Durable conversations of a real application: its calls to Telegram are made once, and its objects come back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from telegram import Message, Update
from telegram.error import BadRequest
from telegram.ext import BaseHandler, CommandHandler, ConversationHandler, MessageHandler, filters

from aiostep import ask, choose, wait_for
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import run
from aiostep_core.errors import NotDurable
from aiostep_core.storages import MemoryRecords
from tests.ptb.stage import Context, Stage, echo, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run on a loop with a real clock: the framework is real."""
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


@durable("ptb.order")
async def order(update: Update, context: Context) -> None:
    assert update.message is not None
    name = await ask("Name?", str)
    sent = await update.message.reply_text(f"Hello, {name}!")
    failed = ""
    try:
        await context.bot.send_message(12345, "is anybody there?")
    except BadRequest as error:
        failed = error.message
    photo = await wait_for()
    got.append((sent, failed, photo, context.args))
    size = await choose("Size?", {"S": "Small", "L": "Large"})
    await sent.reply_text(f"{name} takes {size}")


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
        application = self._stage.application(storage=self._records)
        for handler in self._handlers:
            if not isinstance(handler, BaseHandler):
                handler = CommandHandler(handler.__name__, handler)
            application.add_handler(handler)
        echo(application)
        await self._stack.enter_async_context(self._stage.run(application))

    async def end(self) -> None:
        await self._stack.aclose()
        if self._stage._engines:
            self._stage.engine.uninstall()


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_conversation_goes_on_in_another_process(stage: Stage, restarts: bool) -> None:
    """Every call to Telegram is made once, its results and errors come back, and buttons work."""
    got.clear()
    life, alice = Life(stage, order), stage.world.person("Alice")

    async def again() -> None:
        if restarts:
            await life.begin()

    await life.begin()
    alice.send("/order now please")
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
    sent, failed, answer, args = got[-1]
    assert (sent.text, failed, answer.message.text) == ("Hello, Ann!", "Chat not found", "see this")
    assert isinstance(sent, Message)
    assert args == ["now", "please"]
    assert len(got) == (2 if restarts else 1)


@durable("ptb.counts")
async def counts(update: Update, context: Context) -> None:
    try:
        context.user_data["count"] = 1  # type: ignore[index]
    except NotDurable as error:
        got.append(str(error))
    got.append(await run(count, context))
    await ask("Ready?")


def count(context: Context) -> int:
    assert context.user_data is not None
    context.user_data["count"] = context.user_data.get("count", 0) + 1
    return int(context.user_data["count"])


async def test_data_that_others_change_are_refused_but_in_run(stage: Stage) -> None:
    """A replay would change the user's data again, so the conversation cannot; a function that it runs once can."""
    got.clear()
    life, alice = Life(stage, counts), stage.world.person("Alice")
    await life.begin()
    alice.send("/counts")
    await alice.expect("^Ready")
    await life.end()

    refusal, counted = got
    assert "context.user_data in a durable conversation" in refusal
    assert "await run(" in refusal
    assert counted == 1


@durable("ptb.matching")
async def matching(update: Update, context: Context) -> None:
    await ask("Ready?")
    match = context.match
    got.append((match and match["what"], context.args, getattr(context, "colours", None)))
    await ask("Really?")


class Colours(filters.MessageFilter):
    """Finds colours, and puts them into the context."""

    def filter(self, message: Message) -> dict[str, list[str]]:
        found = [word for word in (message.text or "").split() if word in ("red", "blue")]
        return {"colours": found} if found else {}


async def call_it(update: Update, context: Context) -> None:
    await matching(update, context)


MATCHING = [
    (MessageHandler(filters.Regex(r"^buy (?P<what>\w+)$"), matching), "buy milk", ("milk", None, None)),
    (CommandHandler("buy", matching), "/buy two things", (None, ["two", "things"], None)),
    (MessageHandler(Colours(data_filter=True), matching), "a red one", (None, None, ["red"])),
    (
        ConversationHandler([MessageHandler(filters.Regex(r"^get (?P<what>\w+)$"), matching)], {}, []),
        "get milk",
        ("milk", None, None),
    ),
]


@pytest.mark.parametrize(("handler", "text", "expected"), MATCHING)
@pytest.mark.parametrize("restart", [False, True])
async def test_the_context_has_what_the_filter_found(
    stage: Stage, handler: Any, text: str, expected: Any, restart: bool
) -> None:
    """Matches, arguments and data of filters are there at once, and again in another process."""
    got.clear()
    life, alice = Life(stage, handler), stage.world.person("Alice")
    await life.begin()
    alice.send(text)
    await alice.expect("^Ready")
    if restart:
        await life.begin()
    alice.send("yes")
    await alice.expect("^Really")
    await life.begin()
    alice.send("yes")
    await until(lambda: len(got) == 2)
    await life.end()

    assert got == [expected, expected]


async def test_who_asks_for_what_no_filter_found_is_told(stage: Stage) -> None:
    """A function that another handler calls has no filter of its own: the first run says so, and what to do."""
    life, alice = Life(stage, MessageHandler(filters.Regex("^buy"), call_it)), stage.world.person("Alice")
    await life.begin()
    alice.send("buy milk")
    await alice.expect("^Ready")
    alice.send("yes")
    await until(lambda: stage.errors)
    await life.end()

    (error,) = stage.errors
    stage.errors.clear()
    assert isinstance(error, NotDurable)
    assert "context.matches of matching, for which no handler takes the update" in str(error)
    assert "give the durable function itself to a handler" in str(error)
