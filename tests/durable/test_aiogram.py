"""Durable conversations of a real aiogram bot: its calls to Telegram are made once, and its objects come back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiogram import Bot, Dispatcher, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Command, CommandObject, StateFilter
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message, User

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


def dispatcher(
    stage: Stage, records: MemoryRecords, *handlers: Any, prepare: Callable[[Dispatcher], None] = lambda dp: None
) -> Dispatcher:
    if stage.engine is not None:
        stage.engine.uninstall()
    dp = stage.dispatcher(install={"storage": records})
    for handler in handlers:
        dp.message.register(handler, Command(handler.__name__))
    prepare(dp)
    last = Router()
    echo(last)
    dp.include_router(last)
    return dp


class Life:
    """One process of the bot after the other, on the same records."""

    def __init__(self, stage: Stage, *handlers: Any, prepare: Callable[[Dispatcher], None] = lambda dp: None) -> None:
        self._stage = stage
        self.prepare = prepare
        self._handlers = handlers
        self._records = MemoryRecords()
        self._stack = AsyncExitStack()

    async def begin(self) -> None:
        """Start a process, after ending the one that runs."""
        await self.end()
        dp = dispatcher(self._stage, self._records, *self._handlers, prepare=self.prepare)
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


class Buy(CallbackData, prefix="buy"):
    item: int
    size: str


found: list[Any] = []


@durable("aiogram.filtered")
async def filtered(
    message: Message,
    command: CommandObject,
    words: list[str],
    sender: User,
    locale: str,
    match: re.Match[str] | None = None,
    bot: Bot | None = None,
    absent: str = "absent",
) -> None:
    found.append((command, words, sender, locale, match is not None and match[1], bot is message.bot, absent))
    await ask("Name?", str)
    found.append(command.args)


async def locale_of(handler: Any, event: Any, data: dict[str, Any]) -> Any:
    return await handler(event, {**data, "locale": "nb"})


def filtering(dp: Dispatcher) -> None:
    """Register a handler in a router of a router, each with filters of its own."""
    outer, inner = Router(), Router()
    outer.message.filter(F.from_user.as_("sender"), F.text.regexp(r".*(\d)").as_("match"))
    outer.message.outer_middleware(locale_of)
    outer.include_router(inner)
    has_three = F.text.split().as_("words")
    inner.message.register(filtered, Command("filtered"), F.text.len() > 100, has_three)
    inner.message.register(filtered, Command("filtered"), has_three)
    dp.include_router(outer)


@pytest.mark.parametrize("restarts", [1, 2])
async def test_what_filters_make(stage: Stage, restarts: int) -> None:
    """Commands, matches and other results of filters, of all routers on the way, are there again after a restart."""
    found.clear()
    life, alice = Life(stage, prepare=filtering), stage.world.person("Alice")
    await life.begin()
    alice.send("/filtered 7 dwarfs")
    await alice.expect("^Name")
    for _ in range(restarts):
        await life.begin()
    alice.send("Ann")
    await until(lambda: found[-1:] == ["7 dwarfs"])
    await life.end()

    first, *others = found[:-1]
    command, words, sender, locale, match, has_bot, absent = first
    assert (command.command, command.args, command.prefix) == ("filtered", "7 dwarfs", "/")
    assert (words, sender.id, locale, match, has_bot) == (["/filtered", "7", "dwarfs"], alice.id, "nb", "7", True)
    assert absent == "absent"
    assert len(others) == 1
    assert others[0][0].args == command.args
    assert others[0][1:] == first[1:]


@durable("aiogram.bought")
async def bought(query: CallbackQuery, callback_data: Buy) -> None:
    found.append(callback_data)
    await query.answer()
    name = await ask("Whose?", str)
    found.append((callback_data.item, callback_data.size, name))


async def test_what_a_callback_factory_makes(stage: Stage) -> None:
    """The data of a button are the same object after a restart."""
    found.clear()
    keyboard = InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text="Buy", callback_data=Buy(item=3, size="L").pack())]]
    )

    async def shop(message: Message) -> None:
        await message.answer("Shop", reply_markup=keyboard)

    def prepare(dp: Dispatcher) -> None:
        dp.message.register(shop, Command("shop"))
        dp.callback_query.register(bought, Buy.filter(F.item > 5))
        dp.callback_query.register(bought, Buy.filter(F.item < 5))

    life, alice = Life(stage, prepare=prepare), stage.world.person("Alice")
    await life.begin()
    alice.send("/shop")
    await alice.expect("^Shop")
    pressed = alice.click("Buy")
    del pressed
    await alice.expect("^Whose")
    await life.begin()
    alice.send("Ann's")
    await until(lambda: found[-1:] == [(3, "L", "Ann's")])
    await life.end()

    assert found[:-1] == [Buy(item=3, size="L")] * 2


@durable("aiogram.in_state")
async def in_state(message: Message, words: list[re.Match[str]]) -> None:
    await ask("Name?", str)
    found.append([one[0] for one in words])


async def test_a_handler_for_a_state(stage: Stage) -> None:
    """The state that a handler is for has been left by the time of a replay: its other filters are asked."""
    found.clear()

    async def go(message: Message, state: FSMContext) -> None:
        await state.set_state("ordering")

    def prepare(dp: Dispatcher) -> None:
        dp.message.register(in_state, StateFilter("ordering"), lambda message: {"words": _words(message)})
        dp.message.register(go, Command("go"))

    life, alice = Life(stage, prepare=prepare), stage.world.person("Alice")
    await life.begin()
    alice.send("/go")
    alice.send("three little words")
    await alice.expect("^Name")
    await life.begin()
    alice.send("Ann")
    await until(lambda: found == [["three", "little", "words"]])
    await life.end()


def _words(message: Message) -> list[re.Match[str]]:
    return list(re.finditer(r"\w+", message.text or ""))


@durable("aiogram.opened")
async def opened(message: Message, file: object) -> None: ...


async def test_what_nobody_can_make_again(stage: Stage) -> None:
    """What a middleware makes and is no value is refused; what goes on there is not ended for it."""

    async def opens(handler: Any, event: Any, data: dict[str, Any]) -> Any:
        return await handler(event, {**data, "file": object()})

    dp, alice = dispatcher(stage, MemoryRecords(), opened, order), stage.world.person("Alice")
    dp.message.middleware(opens)
    async with stage.run(dp):
        alice.send("/order")
        await alice.expect("^Name")
        alice.send("/opened")
        await until(lambda: stage.errors)
        alice.send("Ann")
        await alice.expect("^Hello, Ann!")
    error = stage.errors.pop()
    assert isinstance(error, NotDurable)
    assert "the argument 'file' of opened, which a middleware or a filter makes" in str(error)
    assert "of <class 'object'> nothing can be kept" in str(error)
    assert "get it inside of run(...)" in str(error)


async def test_a_filter_that_has_changed(stage: Stage) -> None:
    """A command is read from the message where no handler takes it any more; what else is missing is an error."""
    found.clear()

    def changed(dp: Dispatcher) -> None:
        dp.message.register(parsed, Command("other"))

    def before(dp: Dispatcher) -> None:
        dp.message.register(parsed, Command("parsed"))

    life, alice = Life(stage, prepare=before), stage.world.person("Alice")
    await life.begin()
    alice.send("/parsed a  b")
    await alice.expect("^Name")
    life.prepare = changed
    await life.begin()
    alice.send("Ann")
    await until(lambda: len(found) == 2)
    await life.end()

    assert found == ["a  b", "a  b"]


@durable("aiogram.parsed")
async def parsed(message: Message, command: CommandObject) -> None:
    await ask("Name?", str)
    found.extend([command.args, command.args])
