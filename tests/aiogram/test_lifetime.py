"""What is installed goes away with the dispatcher that it was installed on."""

from __future__ import annotations

import gc
import weakref

import pytest
from aiogram import Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep_testing import World
from aiostep_testing.transports.aiogram import in_process, make_bot

pytestmark = pytest.mark.anyio


async def talk() -> weakref.ref[Dispatcher]:
    """Run a bot whose step holds its dispatcher, to the end."""
    dispatcher = Dispatcher()
    aiostep.install(dispatcher)

    async def step(message: Message) -> None:
        await message.answer(f"{len(dispatcher.sub_routers)}")

    @dispatcher.message(Command("start"))
    async def start(message: Message) -> None:
        await aiostep.next_step(step)

    world = World()
    alice = world.person("Alice")
    async with in_process(world, dispatcher, make_bot(world)):
        alice.send("/start")
        alice.send("go on")
        await alice.expect(r"\d")
    return weakref.ref(dispatcher)


async def test_a_step_does_not_keep_its_dispatcher_alive() -> None:
    """A dispatcher whose bot has ended is freed, though a step that ran was a function that holds it."""
    dispatcher = await talk()
    gc.collect()

    assert dispatcher() is None
