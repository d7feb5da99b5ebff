"""``IsState`` in pyTelegramBotAPI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from telebot.types import Message

from aiostep.utils import IsState
from tests.storages.counting import KINDS, counting, done
from tests.telebot import threads as threaded
from tests.telebot.stage import Stage

pytestmark = pytest.mark.anyio


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return counting(request.param, tmp_path)


async def test_a_state_is_read_once_for_an_update(stage: Stage, storage: Any) -> None:
    """Twenty handlers ask, the storage is asked once."""
    bot = stage.bot()

    for number in range(20):

        async def handle(message: Any, number: int = number) -> None:
            await done(storage.set_state(message.from_user.id, f"S{number - 1}"))
            await bot.send_message(message.chat.id, f"in {number}")

        bot.register_message_handler(handle, func=IsState(f"S{number}", storage))

    async def none(message: Message) -> None:
        await bot.send_message(message.chat.id, "in none")

    bot.register_message_handler(none, func=~IsState("S5", storage))

    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("hi")
        await alice.expect("^in none$")
        assert storage.reads == 1
        await done(storage.set_state(alice.id, "S19"))
        for number in (19, 18):
            alice.send("hi")
            await alice.expect(f"^in {number}$")
        assert storage.reads == 3
    assert stage.errors == []
    await done(storage.close())


@pytest.fixture(params=[True, False], ids=["threaded", "not threaded"])
async def threads(request: pytest.FixtureRequest) -> AsyncIterator[threaded.Stage]:
    """Give a stage for a TeleBot."""
    async with AsyncExitStack() as stack:
        stage = threaded.Stage(stack, threaded.blocking, threaded=request.param)
        await stage.open()
        yield stage
    assert stage.errors == []


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_a_state_is_read_once_in_a_thread(threads: threaded.Stage, kind: str, tmp_path: Path) -> None:
    """The same in a bot that is made of threads."""
    storage = counting(kind, tmp_path)
    bot = threads.bot()

    for number in range(20):

        def handle(message: Any, number: int = number) -> None:
            storage.set_state(message.from_user.id, f"S{number - 1}")
            bot.send_message(message.chat.id, f"in {number}")

        bot.register_message_handler(handle, func=IsState(f"S{number}", storage))

    def none(message: Message) -> None:
        bot.send_message(message.chat.id, "in none")

    bot.register_message_handler(none)

    alice = threads.world.person("Alice")
    async with threads.run(bot):
        alice.send("hi")
        await alice.expect("^in none$")
        assert storage.reads == 1
        storage.set_state(alice.id, "S19")
        for number in (19, 18):
            alice.send("hi")
            await alice.expect(f"^in {number}$")
        assert storage.reads == 3
    storage.close()
