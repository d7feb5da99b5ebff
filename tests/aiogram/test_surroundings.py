"""Waits outside of any handler, and what a handler's tasks know of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import F
from aiogram.filters import Command
from aiogram.types import Message, Update

from aiostep import (
    ask,
    wait_for,
)
from tests.aiogram.bots import echo, waiting
from tests.aiogram.stage import Stage, soon, until

pytestmark = pytest.mark.anyio


async def test_a_wait_outside_any_handler(stage: Stage) -> None:
    """A task of the bot's own asks a person by id; with one bot running the number is enough."""
    dp = stage.dispatcher()
    echo(dp)
    alice: Any = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("hi")
        await alice.expect("^other:hi$")
        asking = asyncio.ensure_future(ask("still there?", str, to=alice.id))
        await alice.expect("still there")
        alice.send("yes")
        assert await soon(asking) == "yes"
        alice.send("hi again")
        await alice.expect("^other:hi again$")


async def test_an_update_fed_from_inside_a_handler_has_its_own_turn(local: Stage) -> None:
    """A dispatcher that is fed in a task of a handler does not take the update for the one of that handler."""
    dp, fed = local.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        user = {"id": bob.id, "is_bot": False, "first_name": "Bob"}
        said = {"message_id": 1, "date": 1, "chat": {"id": bob.id, "type": "private"}, "from": user, "text": "who"}
        update = Update.model_validate({"update_id": 5000, "message": said}, context={"bot": local.bot})
        fed.append(asyncio.ensure_future(dp.feed_update(local.bot, update)))

    @dp.message(F.text == "who")
    async def who(message: Message) -> None:
        got = await wait_for(timeout=5)
        await message.answer(f"got {got.text}")

    echo(dp)
    alice, bob = local.world.person("Alice"), local.world.person("Bob")
    async with local.run(dp):
        bob.send("hi")
        await bob.expect("^other:hi$")
        alice.send("/start")
        await waiting(local)
        alice.send("Ann")
        await alice.expect("^other:Ann$")
        local.account.next_update = 5001
        bob.send("Bob")
        await bob.expect("^got Bob$")

    assert fed[0].done()


async def test_nothing_leaks_from_one_update_to_the_next(stage: Stage) -> None:
    """A task that a handler started keeps its own turn, and later updates have theirs, whoever began to poll."""
    dp, found, go = stage.dispatcher(), [], asyncio.Event()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        async def later() -> None:
            await go.wait()
            got = await wait_for(timeout=5)
            found.append(got.text)

        tasks.append(asyncio.ensure_future(later()))

    @dp.message(F.text == "who")
    async def who(message: Message) -> None:
        got = await ask("name?")
        await message.answer(f"{message.chat.id}:{got.text}")

    tasks: list[Any] = []
    echo(dp)
    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")
    async with stage.run(dp):
        alice.send("/start")
        await until(lambda: tasks)
        bob.send("who")
        await bob.expect("name")
        go.set()
        await waiting(stage, 2)
        bob.send("Bob")
        await bob.expect(f"^{bob.id}:Bob$")
        alice.send("Ann")
        await until(lambda: found)

    assert found == ["Ann"]
