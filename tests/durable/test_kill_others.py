"""Bots of the other frameworks in real processes, killed with -9 in the middle of a conversation."""

from __future__ import annotations

import asyncio
import signal
import sys
from itertools import groupby
from pathlib import Path

import pytest

from aiostep_testing import World
from aiostep_testing.server import serve
from tests.durable.test_kill import PATIENCE, ROOT, TAKE_OVER, TOKEN, Bot, says

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run on a loop with a real clock: processes are real."""
    return "asyncio"


class Other(Bot):
    """The processes of a bot of another framework."""

    def __init__(self, world: World, module: str, *command: str) -> None:
        super().__init__(world, *command)
        self._command = [sys.executable, "-m", f"tests.durable.bots.{module}", *command]

    async def die(self, *options: str) -> None:
        """Start a process that kills itself; come back when it is dead."""
        self._process = await asyncio.create_subprocess_exec(*self._command, *options, cwd=ROOT)
        await self.dies()
        assert self._process.returncode == -signal.SIGKILL


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["aiogram", "ptb", "telebot_async", "telebot"])
async def test_a_bot_that_is_killed_when_it_has_begun_one(tmp_path: Path, kind: str) -> None:
    """What ``start_durable`` has returned for is asked by the next process, of somebody who has sent nothing."""
    world = World()
    world.bot(TOKEN)
    alice = world.person("Alice")
    async with serve(world) as server:
        bot = Other(world, "starting", kind, server.url, f"sqlite:///{tmp_path}/bot.db", str(alice.id))
        try:
            await bot.die("mortal")
            assert [call.method for call in world.calls if call.method == "sendMessage"] == []
            await bot.start()
            await alice.expect(r"^tea: when\?$", timeout=TAKE_OVER)
            await bot.start()
            await says(alice, "now", r"now: sure\?")
        finally:
            await bot.kill()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("module", ["ptb_bot", "telebot_async_bot", "telebot_bot"])
async def test_a_killed_bot_goes_on_where_it_was(tmp_path: Path, module: str) -> None:
    """Between questions, in the middle of a turn, and while a time limit runs: nobody notices but by the pause."""
    world = World()
    world.bot(TOKEN)
    alice = world.person("Alice")
    async with serve(world) as server:
        bot = Other(world, module, server.url, f"sqlite:///{tmp_path}/bot.db")
        try:
            await bot.start("mortal")
            await says(alice, "/order", r"Name\?")
            await says(alice, "Ann", r"How many\?")
            await says(alice, "3", r"Size\?")
            pressed = alice.click("Large")
            await bot.dies()  # in the middle of the turn
            await bot.start()
            await alice.expect(r"^3 x L for ANN\?$", timeout=TAKE_OVER)
            pressed = alice.click("Yes")
            await alice.expect(r"^How was it\?$", timeout=PATIENCE)
            await bot.kill()
            await asyncio.sleep(2)
            await bot.start()
            await alice.expect(r"^Never mind. Bye\?$", timeout=PATIENCE)
            alice.send("bye")
            await says(alice, "hm", "Other: hm")
            del pressed
        finally:
            await bot.kill()

    texts = [call.params["text"] for call in world.calls if call.method == "sendMessage"]
    # A prompt that a crash overtakes before it is written down is the one thing that may come again.
    assert [text for text, _ in groupby(texts)] == [
        "Name?",
        "How many?",
        "Size?",
        "3 x L for ANN?",
        "How was it?",
        "Never mind. Bye?",
        "Other: hm",
    ]
    assert len(texts) <= 8
    assert world.violations == []
