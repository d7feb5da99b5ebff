"""Waits outside of any handler, and what a handler's tasks know of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import F
from aiogram.filters import Command
from aiogram.types import Message

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
