"""The four bot classes, each with a clock of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any
from unittest import mock

from aiostep_telebot.threaded import TelebotAdapter
from aiostep_testing.contract import AdapterHarness
from aiostep_testing.contract.harness import TOKEN
from aiostep_testing.crashes import Crash
from aiostep_testing.harnesses.aiogram import AiogramHarness
from aiostep_testing.harnesses.ptb import PtbHarness
from aiostep_testing.harnesses.telebot import AsyncTelebotHarness
from aiostep_testing.transports.telebot import leave_session
from aiostep_testing.world import World
from tests.core.virtual_time import VirtualLoop
from tests.differential.bots import Threaded
from tests.differential.threads import Clockwork, VirtualThreads
from tests.durable.everywhere.playing import Bots, Transcript, play
from tests.durable.everywhere.programs import Program

__all__ = ["BOTS"]


class _TelebotBots(Bots):
    """Those of an AsyncTeleBot, whose session is that of its module."""

    async def end(self) -> None:
        await super().end()
        leave_session(TOKEN)


class _ThreadedBots(Bots):
    """Those of a TeleBot: its threads are let go when nothing of them can be noticed any more."""

    clockwork: Clockwork

    async def begin(self, world: World) -> None:
        self._pools = list(self.clockwork._pools)
        await super().begin(world)

    async def end(self) -> None:
        hook = threading.excepthook

        def not_of_the_dead(args: Any) -> None:
            if args.exc_type is not Crash:
                hook(args)

        with mock.patch.object(threading, "excepthook", not_of_the_dead):
            self.harness.engine.uninstall()
            await self.clockwork.advance(0)
            await self.harness.stop()
        self.clockwork._pools[:] = self._pools


def _play_in_loop(bots_class: type[Bots], harness_class: type[AdapterHarness], program: Program) -> Transcript:
    loop = VirtualLoop()
    try:
        return _run(loop, play(bots_class(harness_class, loop.time, asyncio.sleep), program))
    finally:
        loop.close()


def _play_in_threads(program: Program) -> Transcript:
    async def main() -> Transcript:
        clockwork = Clockwork()

        class Runtime(VirtualThreads):
            pass

        def make() -> AdapterHarness:
            harness = Threaded()
            harness.clockwork = clockwork
            return harness

        Runtime.clockwork = clockwork
        bots = _ThreadedBots(make, lambda: clockwork.now, clockwork.advance)
        bots.clockwork = clockwork
        with mock.patch.object(TelebotAdapter, "runtime_class", Runtime):
            return await play(bots, program)

    loop = asyncio.new_event_loop()
    try:
        return _run(loop, main())
    finally:
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, Transcript]) -> Transcript:
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        asyncio.set_event_loop(None)


BOTS: dict[str, Callable[[Program], Transcript]] = {
    "aiogram": lambda program: _play_in_loop(Bots, AiogramHarness, program),
    "ptb": lambda program: _play_in_loop(Bots, PtbHarness, program),
    "telebot": lambda program: _play_in_loop(_TelebotBots, AsyncTelebotHarness, program),
    "telebot-sync": _play_in_threads,
}
