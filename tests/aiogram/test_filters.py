"""What may be a filter of a wait: everything aiogram takes, and what happens when one raises."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from aiogram import F
from aiogram.filters import Command, StateFilter, and_f, invert_f, or_f
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import ErrorEvent, Message

from aiostep import BadArgument, wait_for
from tests.aiogram.bots import echo
from tests.aiogram.stage import Stage, until

pytestmark = pytest.mark.anyio


class Form(StatesGroup):
    name = State()


async def is_yes(message: Message) -> bool:
    await asyncio.sleep(0)
    return message.text == "yes"


async def wants_data(message: Message, config: str, bot: Any, **data: Any) -> bool:
    return message.text == config and "dispatcher" in data and bot.id == 42


def plain_wants_data(message: Message, config: str) -> bool:
    return message.text == config


async def wants_state(message: Message, state: FSMContext) -> bool:
    return (await state.get_data()).get("expected") == message.text


async def wants_raw_state(message: Message, raw_state: str | None) -> bool:
    return raw_state == "Form:name" and message.text == "yes"


class Async:
    async def __call__(self, message: Message) -> bool:
        return message.text == "yes"


FILTERS = {
    "magic": F.text == "yes",
    "magic and": F.text & (F.text == "yes") & ~F.photo,
    "magic as": F.text.regexp("^yes$").as_("said"),
    "lambda": lambda message: message.text == "yes",
    "async": is_yes,
    "async object": Async(),
    "data": wants_data,
    "plain data": plain_wants_data,
    "or": or_f(Command("other"), F.text == "yes"),
    "and": and_f(F.text, is_yes),
    "not": invert_f(F.text == "no"),
    "state context": wants_state,
    "raw state": wants_raw_state,
    "state filter": and_f(StateFilter(Form.name), F.text == "yes"),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_what_aiogram_takes_as_a_filter_is_one(local: Stage, name: str) -> None:
    """Any filter of aiogram decides for a wait, with the data it names; what it rejects goes to the handlers."""
    dp = local.dispatcher()
    dp["config"] = "yes"

    @dp.message(Command("start"))
    async def start(message: Message, state: FSMContext) -> None:
        await state.set_state(Form.name)
        await state.set_data({"expected": "yes"})
        await message.answer("ready")
        got = await wait_for(filter=FILTERS[name])
        await message.answer(f"got {got.text}")

    echo(dp)
    alice = local.world.person("Alice")
    async with local.run(dp):
        alice.send("/start")
        await alice.expect("^ready$")
        alice.send("no")
        await alice.expect("^other:no$")
        alice.send("yes")
        await alice.expect("^got yes$")


async def test_plain_filters_run_where_the_bot_does(local: Stage) -> None:
    """F and plain functions are called in the thread of the event loop, where no update can overtake another."""
    dp, threads = local.dispatcher(), []

    def note(_: object) -> bool:
        threads.append(threading.get_ident())
        return True

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer("ready")
        await wait_for(filter=F.text.func(note))
        await wait_for(filter=note)
        await message.answer("done")

    alice = local.world.person("Alice")
    async with local.run(dp):
        alice.send("/start")
        await alice.expect("ready")
        alice.send("1")
        alice.send("2")
        await alice.expect("done")

    assert threads == [threading.get_ident()] * 2


async def test_a_state_is_a_filter(local: Stage) -> None:
    """A ``State`` decides for a wait as it does for a handler: by the state of who writes."""
    dp = local.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        got = await wait_for(filter=Form.name)
        await message.answer(f"got {got.text}")

    @dp.message(F.text == "set")
    async def set_state(message: Message, state: FSMContext) -> None:
        await state.set_state(Form.name)
        await message.answer("is set")

    echo(dp)
    alice = local.world.person("Alice")
    async with local.run(dp):
        alice.send("/start")
        await until(lambda: local.engine and len(local.engine.waits) == 1)
        alice.send("a")
        await alice.expect("^other:a$")
        alice.send("set")
        await alice.expect("^is set$")
        alice.send("b")
        await alice.expect("^got b$")


async def test_a_command_is_asked_for_by_its_filter(stage: Stage) -> None:
    """``filter=Command(...)`` together with ``commands="take"`` waits for that command and lets others pass."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer("ready")
        got = await wait_for(filter=Command("done"), commands="take")
        await message.answer(f"got {got.text}")

    @dp.message(Command("help"))
    async def help_(message: Message) -> None:
        await message.answer("helping")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("ready")
        alice.send("/help")
        await alice.expect("^helping$")
        alice.send("/done now")
        await alice.expect("^got /done now$")


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_filter_that_raises_is_the_bot_s_error(stage: Stage, is_async: bool) -> None:
    """An error of a filter goes to the error handlers once, and the wait goes on."""
    dp, errors = stage.dispatcher(), []

    def plain(message: Message) -> bool:
        return int(message.text or "") > 0

    async def slow(message: Message) -> bool:
        await asyncio.sleep(0)
        return plain(message)

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer("ready")
        got = await wait_for(filter=slow if is_async else plain)
        await message.answer(f"got {got.text}")

    @dp.errors()
    async def failed(event: ErrorEvent) -> None:
        errors.append(type(event.exception))

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("ready")
        alice.send("x")
        await until(lambda: errors)
        alice.send("5")
        await alice.expect("^got 5$")

    assert errors == [ValueError]


async def test_an_update_whose_filter_raised_may_come_again(local: Stage) -> None:
    """T10: an update that a filter failed at was not handled; delivered again, it is looked at again."""
    dp, tries = local.dispatcher(), []

    def fails_first(message: Message) -> bool:
        tries.append(message.text)
        return len(tries) > 1 or 1 / 0 > 0

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer("ready")
        got = await wait_for(filter=fails_first)
        await message.answer(f"got {got.text}")

    alice = local.world.person("Alice")
    async with local.run(dp):
        alice.send("/start")
        await alice.expect("ready")
        alice.send("x")
        await until(lambda: local.errors)
        local.world.redeliver(local.account, local.account.history[-1]["update_id"])
        await alice.expect("^got x$")

    assert isinstance(local.errors.pop(), ZeroDivisionError)


@pytest.mark.parametrize("filter", [7, "text", object()])
async def test_what_cannot_be_called_is_no_filter(local: Stage, filter: object) -> None:
    """Anything else is refused in a sentence, and nothing waits."""
    dp, refused = local.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        with pytest.raises(BadArgument, match="expected F, an aiogram filter") as error:
            await wait_for(filter=filter)
        refused.append(error.value)
        assert local.engine is not None
        assert not any(one.waits for one in local.engine.waits)

    async with local.run(dp):
        local.world.person("Alice").send("/start")
        await until(lambda: refused or local.errors)
