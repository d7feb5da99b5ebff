"""Steps of real bots in real processes, which are killed: each framework, each place that outlives a process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from aiostep_testing import Person, World
from aiostep_testing.server import serve
from tests.storages.places import Place, durable

pytestmark = pytest.mark.anyio
__all__ = ["durable"]

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "42:TEST"
PATIENCE = 60.0
NAMES = ("aiogram_bot", "ptb_bot", "telebot_async_bot", "telebot_bot")
#: What the inner middleware of a step's router gives in a later process: where the router has a name, what it gave.
ROUTERS = {"aiogram_bot": [("nameless", 0), ("members", 10)]}
#: Starting aiogram takes longer than all the others together, so it is there once.
BOTS = [("sqlite", name) for name in NAMES] + [("redis", name) for name in NAMES if name != "aiogram_bot"]


class Process:
    """One bot in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    async def kill(self) -> None:
        """End it as kill -9 does."""
        if self._process.returncode is None:
            self._process.kill()
        await self.dies()

    async def dies(self) -> None:
        """Wait until it is dead."""
        await asyncio.wait_for(self._process.communicate(), PATIENCE)


class Shop:
    """Where the bots of a test play."""

    def __init__(self, world: World, api: str, bot: str, storage: str) -> None:
        self.world = world
        self.alice = world.person("Alice")
        self._command = [sys.executable, "-m", f"tests.storages.bots.{bot}", api, storage]
        self._running: list[Process] = []

    async def start(self, *options: str) -> Process:
        """Start a bot; come back when it polls."""
        account = self.world.bot(TOKEN)
        before = account.poll
        process = Process(await asyncio.create_subprocess_exec(*self._command, *options, cwd=ROOT))
        self._running.append(process)
        for _ in range(int(PATIENCE / 0.05)):
            if account.poll is not None and account.poll is not before:
                return process
            assert process.is_alive, "the bot has ended"
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self._command} did not ask for updates")

    async def says(self, text: str, answer: str, who: Person | None = None) -> None:
        """Have Alice, or somebody else, say something, and wait for the answer."""
        (who or self.alice).send(text)
        await self.hears(answer, who)

    async def hears(self, answer: str, who: Person | None = None) -> None:
        """Wait for something that the bot says."""
        await asyncio.wait_for((who or self.alice).expect(f"^{answer}$"), PATIENCE)

    async def stop(self) -> None:
        """End everything."""
        for process in self._running:
            await process.kill()


@asynccontextmanager
async def shop_of(bot: str, storage: str) -> AsyncGenerator[Shop, None]:
    """Open a shop."""
    world = World()
    world.bot(TOKEN)
    async with serve(world) as server:
        shop = Shop(world, server.url, bot, storage)
        try:
            yield shop
        finally:
            await shop.stop()


@pytest.mark.parametrize(("durable", "bot"), BOTS, indirect=["durable"])
async def test_steps_survive_their_process(durable: Place, bot: str) -> None:
    """After kill -9 a new process runs the registered step, tells of what timed out, and puts back what was cut off.

    One test, as starting a bot takes longer than all the rest.
    """
    async with shop_of(bot, durable.url) as shop:
        first = await shop.start()
        await shop.says("/start", r"Your name\?")
        members = [(shop.world.person(router), router, less) for router, less in ROUTERS.get(bot, ())]
        for person, router, _ in members:
            await shop.says(f"/{router}", r"A member\?", person)
        await first.kill()

        second = await shop.start("mortal")
        for person, router, less in members:
            await shop.says(router, f"{router} pays {less} less", person)
        await shop.says("Ann", r"Hello, Ann \(free, 42\)")  # it ran
        await shop.says("Ann", "Other: Ann")  # and only once
        await shop.says("/start", r"Your name\?")
        shop.alice.send("die")
        await second.dies()

        third = await shop.start()
        # What was cut off waits again: for the same message, if Telegram delivers it again, or for the next.
        await shop.says("Eve", r"Hello, (die|Eve) \(free, 42\)")
        await shop.says("/soon", "Quick!")
        await third.kill()

        await shop.start()
        await shop.hears("Too late for gold")  # although nobody has said anything
        await shop.says("Zoe", "Other: Zoe")
