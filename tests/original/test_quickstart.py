"""The original API: bots written after its quick start go on working, with nothing changed in them."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram import Dispatcher, F, filters
from aiogram.types import CallbackQuery, Message

from tests.aiogram.bots import echo
from tests.aiogram.stage import Stage, buttons, until

pytestmark = pytest.mark.anyio


async def test_wait_for_in_a_handler(stage: Stage) -> None:
    """``Listen()`` as the middleware and ``wait_for(message.from_user.id)``: answered, or the builtin TimeoutError."""
    from aiostep import aiogram_dialect, wait_for

    dp, patience = Dispatcher(), iter((25, 0.1))
    dp.message.outer_middleware(aiogram_dialect.Listen())

    @dp.message(filters.CommandStart())
    async def ask_question(message: Message) -> None:
        assert message.from_user is not None
        await message.reply("Please type something:")
        try:
            response = await wait_for(message.from_user.id, timeout=next(patience))
        except TimeoutError:
            await message.reply("You took too long to answer.")
        else:
            await message.reply(f"You typed: {response.text}")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("^Please type")
        alice.send("something")
        await alice.expect("^You typed: something$")
        alice.send("/start")
        await alice.expect("^Please type")
        await alice.expect("^You took too long")
    uninstall(dp)


async def test_register_next_step(stage: Stage) -> None:
    """``register_next_step(message.chat.id, handler)`` calls the handler with the next message."""
    import aiostep
    from aiostep import aiogram_dialect

    dp = Dispatcher()
    dp.message.outer_middleware(aiogram_dialect.Listen())

    @dp.message(filters.CommandStart())
    async def ask_question(message: Message) -> None:
        await aiostep.register_next_step(message.chat.id, handle_answer)
        await message.reply("What's your name?")

    async def handle_answer(message: Message) -> None:
        await message.reply(f"Hello, {message.text}!")

    echo(dp)
    alice = stage.world.person("Alice")
    group = stage.world.group("G", members=[alice])
    async with stage.run(dp):
        for place in (None, group):
            alice.send("/start", to=place)
            await alice.expect("^What's your name", in_=place)
            alice.send("Ann", to=place)
            await alice.expect("^Hello, Ann!$", in_=place)
            alice.send("again", to=place)
            await alice.expect("^other:again$", in_=place)
    uninstall(dp)


async def test_a_chain_of_steps(stage: Stage) -> None:
    """Three steps hand on what they know by ``kwargs``; one registers itself again when the age is no number."""
    from aiostep import Listen, register_next_step

    dp = Dispatcher()
    dp.message.outer_middleware(Listen())

    @dp.message(filters.CommandStart())
    async def start(msg: Message) -> None:
        assert msg.from_user is not None
        await msg.answer("name?")
        await register_next_step(msg.from_user.id, get_name)

    async def get_name(msg: Message) -> None:
        assert msg.from_user is not None
        await msg.answer("age?")
        await register_next_step(msg.from_user.id, get_age, kwargs={"name": msg.text})

    async def get_age(msg: Message, name: str) -> None:
        assert msg.from_user is not None
        assert msg.text is not None
        if not msg.text.isdigit():
            await msg.answer("a number, please")
            await register_next_step(msg.from_user.id, get_age, kwargs={"name": name})
            return
        await msg.answer("city?")
        await register_next_step(msg.from_user.id, get_city, kwargs={"name": name, "age": int(msg.text)})

    async def get_city(msg: Message, name: str, age: int) -> None:
        await msg.answer(f"{name}, {age}, {msg.text}")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        for said, heard in (("Ann", "age"), ("old", "a number"), ("older", "a number"), ("33", "city")):
            await alice.expect()
            alice.send(said)
            await until(lambda heard=heard: heard in alice.seen()[-1])  # type: ignore[misc]
        alice.send("Rome")
        await alice.expect("^Ann, 33, Rome$")
        alice.send("again")
        await alice.expect("^other:again$")
    uninstall(dp)


async def test_unregister_steps_and_clear(stage: Stage) -> None:
    """``unregister_steps(user)`` and ``clear()`` drop what is registered; nobody who waits is left behind."""
    from aiostep import AiostepError, Listen, clear, register_next_step, unregister_steps, wait_for

    dp, ended = Dispatcher(), []
    dp.message.outer_middleware(Listen())

    async def step(message: Message) -> None:
        await message.answer("the step ran")

    @dp.message(F.text == "step")
    async def start(message: Message) -> None:
        assert message.from_user is not None
        await register_next_step(message.from_user.id, step)
        await message.answer("registered")

    @dp.message(F.text == "wait")
    async def wait(message: Message) -> None:
        assert message.from_user is not None
        try:
            await wait_for(message.from_user.id)
        except AiostepError as error:
            ended.append(type(error).__name__)

    @dp.message(filters.Command("drop"))
    async def drop(message: Message) -> None:
        assert message.from_user is not None
        await unregister_steps(message.from_user.id)
        await message.answer("dropped")

    @dp.message(filters.Command("clear"))
    async def clear_(message: Message) -> None:
        await clear()
        await message.answer("cleared")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        for command, word in (("/drop", "dropped"), ("/clear", "cleared")):
            alice.send("step")
            await alice.expect("registered")
            alice.send(command)
            await alice.expect(word)
            alice.send("hi")
            await alice.expect("^other:hi$")
            alice.send("wait")
            await until(lambda: engine(dp).waits)
            alice.send(command)
            await alice.expect(word)
            alice.send("hi")
            await alice.expect("^other:hi$")
    uninstall(dp)

    assert ended == ["WaitCancelled", "WaitCancelled"]


async def test_listen_on_more_than_messages(stage: Stage) -> None:
    """``Listen`` may be a middleware of several kinds of updates; it installs once."""
    from aiostep import Listen, wait_for

    dp = Dispatcher()
    for observer in (dp.message, dp.callback_query):
        observer.outer_middleware(Listen())

    @dp.message(filters.CommandStart())
    async def start(message: Message) -> None:
        await message.answer("menu", reply_markup=buttons("Name"))

    @dp.callback_query()
    async def clicked(query: CallbackQuery) -> None:
        await query.answer("name?")
        got = await wait_for(query.from_user.id, timeout=5)
        await got.answer(f"hello {got.text}")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("menu")
        await alice.click("Name")
        await until(lambda: engine(dp).waits)
        alice.send("Ann")
        await alice.expect("^hello Ann$")
    uninstall(dp)


async def test_listen_beside_install(stage: Stage) -> None:
    """A bot that has both, for instance while it moves from one to the other, works as with either."""
    from aiostep import Listen, wait_for

    dp = stage.dispatcher()
    dp.message.outer_middleware(Listen())

    @dp.message(filters.CommandStart())
    async def start(message: Message) -> None:
        await message.answer("name?")
        got = await wait_for(message.chat.id, timeout=5)
        await message.answer(f"hello {got.text}")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        await until(lambda: stage.engine and stage.engine.waits)
        alice.send("Ann")
        await alice.expect("^hello Ann$")


def engine(dp: Dispatcher) -> Any:
    """Return the engine that ``Listen`` installed."""
    from aiostep_core.installed import engine_of

    return engine_of(dp)


def uninstall(dp: Dispatcher) -> None:
    engine(dp).uninstall()
