"""A real bot in a real process, killed with -9 in the middle of a conversation, again and again."""

from __future__ import annotations

import asyncio
import sys
from itertools import groupby
from pathlib import Path

import pytest

from aiostep_testing import Person, World
from aiostep_testing.server import serve

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "42:TEST"
PATIENCE = 60.0
# Less than a lease: that the process is dead is seen on the same machine.
TAKE_OVER = 20.0


@pytest.fixture
def anyio_backend() -> str:
    """Run on a loop with a real clock: processes are real."""
    return "asyncio"


class Bot:
    """One process of the bot after the other."""

    def __init__(self, world: World, *command: str) -> None:
        self._world = world
        self._command = [sys.executable, "-m", "tests.durable.bots.aiogram_bot", *command]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *options: str) -> None:
        """Start a process, after killing the one there is; come back when it polls."""
        await self.kill()
        account = self._world.bot(TOKEN)
        before = account.poll
        self._process = await asyncio.create_subprocess_exec(*self._command, *options, cwd=ROOT)
        for _ in range(int(PATIENCE / 0.05)):
            if account.poll is not None and account.poll is not before:
                return
            assert self._process.returncode is None, "the bot has ended"
            await asyncio.sleep(0.05)
        raise AssertionError("the bot did not ask for updates")

    async def kill(self) -> None:
        """End it as kill -9 does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        await self.dies()

    async def dies(self) -> None:
        """Wait until it is dead."""
        if self._process is not None:
            await asyncio.wait_for(self._process.communicate(), PATIENCE)


async def says(alice: Person, text: str, answer: str) -> None:
    """Have Alice say something, and wait for the answer."""
    alice.send(text)
    await alice.expect(f"^{answer}$", timeout=PATIENCE)


@pytest.mark.timeout(300)
async def test_a_killed_bot_goes_on_where_it_was(tmp_path: Path) -> None:
    """Between questions, in the middle of a turn, and while a time limit runs: nobody notices but by the pause."""
    world = World()
    world.bot(TOKEN)
    alice = world.person("Alice")
    async with serve(world) as server:
        bot = Bot(world, server.url, f"sqlite:///{tmp_path}/bot.db")
        try:
            await bot.start("mortal")
            await says(alice, "/order", r"Name\?")
            await says(alice, "Ann", r"How many\?")
            await says(alice, "many", "A number, please.")
            await says(alice, "3", r"Size\?")
            alice.click("Large")
            await bot.dies()  # in the middle of the turn
            await bot.start()
            await alice.expect("^3 x L for ANN$", timeout=TAKE_OVER)
            await alice.expect(r"^Order\?$", timeout=PATIENCE)
            alice.click("Yes")
            await alice.expect("^Thank you!$", timeout=PATIENCE)
            await alice.expect(r"^How was it\?$", timeout=PATIENCE)
            await bot.kill()
            await asyncio.sleep(2)
            await bot.start()
            await alice.expect("^Never mind.$", timeout=PATIENCE)
            await says(alice, "hm", "Other: hm")
        finally:
            await bot.kill()

    texts = [call.params["text"] for call in world.calls if call.method == "sendMessage"]
    # A prompt that a crash overtakes before it is written down is the one thing that may come again.
    assert [text for text, _ in groupby(texts)] == [
        "Name?",
        "How many?",
        "A number, please.",
        "Size?",
        "3 x L for ANN",
        "Order?",
        "Thank you!",
        "How was it?",
        "Never mind.",
        "Other: hm",
    ]
    assert len(texts) <= 11
    assert world.violations == []
