"""A bot that stops, and starts again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram.filters import Command
from aiogram.fsm.storage.memory import MemoryStorage
from aiogram.types import Message

import aiostep
from aiostep import (
    WaitCancelled,
    ask,
    wait_for,
)
from tests.aiogram.bots import reporter, waiting
from tests.aiogram.stage import Stage, soon, until

pytestmark = pytest.mark.anyio


class ClosedStorage(MemoryStorage):
    """Notes when it is closed."""

    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self._log = log

    async def close(self) -> None:
        self._log.append("storage closed")
        await super().close()


async def test_a_bot_that_stops_takes_leave(stage: Stage) -> None:
    """T24, T57: at shutdown waiting handlers are told, and can write, before aiogram closes the state's storage."""
    log: list[str] = []
    dp = stage.dispatcher(storage=ClosedStorage(log))

    @dp.message(Command("start"))
    async def start(message: Message, state: Any) -> None:
        try:
            await ask("name?")
        except WaitCancelled as error:
            await state.set_data({"left": True})
            await message.answer("restarting")
            log.append(f"told: {error.reason}")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage)
    await alice.expect("^restarting$")

    assert log == ["told: shutdown", "storage closed"]


async def test_a_bot_can_be_started_again(stage: Stage) -> None:
    """T57: after a stop the same dispatcher starts and holds conversations again; none is accepted in between."""
    dp, ends = reporter(stage)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage)
    with pytest.raises(WaitCancelled, match="shutdown"):
        await wait_for(aiostep.Key(42, alice.id, alice.id))
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await until(lambda: "exit finished" in ends)

    assert ends == ["shutdown", "exit shutdown", "exit finished"]


async def test_a_handler_that_does_not_leave_is_not_waited_for_long(stage: Stage) -> None:
    """T24: a handler that goes on after it was told to stop holds the shutdown up for the grace time only."""
    dp, go, ends = stage.dispatcher(install={"grace": 0.05}), asyncio.Event(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        try:
            await ask("name?")
        finally:
            ends.append("told")
            await go.wait()

    alice = stage.world.person("Alice")

    async def play() -> None:
        async with stage.run(dp):
            alice.send("/start")
            await alice.expect("name")
            await waiting(stage)

    await soon(play())
    go.set()

    assert ends == ["told"]
