"""The four bot classes, each with a clock of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, TypeVar
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

__all__ = ["BOTS", "STAGES"]

T = TypeVar("T")
Play: TypeAlias = "Callable[[Bots], Coroutine[Any, Any, T]]"


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
        self.harness.engine.uninstall()
        await self.clockwork.advance(0)
        await self.harness.stop()
        self.clockwork._pools[:] = self._pools


def _in_loop(bots_class: type[Bots], harness_class: type[AdapterHarness], play: Play[T]) -> T:
    loop = VirtualLoop()
    try:
        return _run(loop, play(bots_class(harness_class, loop.time, asyncio.sleep)))
    finally:
        loop.close()


def _in_threads(play: Play[T]) -> T:
    async def main() -> T:
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
        hook = threading.excepthook

        def not_of_the_dead(args: Any) -> None:
            if args.exc_type is not Crash:
                hook(args)

        with mock.patch.object(TelebotAdapter, "runtime_class", Runtime):
            with mock.patch.object(threading, "excepthook", not_of_the_dead):
                return await play(bots)

    loop = asyncio.new_event_loop()
    try:
        return _run(loop, main())
    finally:
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, T]) -> T:
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        asyncio.set_event_loop(None)


#: What runs a play, by the name of the bot class that plays it.
STAGES: dict[str, Callable[[Play[Any]], Any]] = {
    "aiogram": lambda play: _in_loop(Bots, AiogramHarness, play),
    "ptb": lambda play: _in_loop(Bots, PtbHarness, play),
    "telebot": lambda play: _in_loop(_TelebotBots, AsyncTelebotHarness, play),
    "telebot-sync": _in_threads,
}


def _player(on_stage: Callable[[Play[Transcript]], Transcript]) -> Callable[[Program], Transcript]:
    return lambda program: on_stage(lambda bots: play(bots, program))


#: What plays a program, by the name of the bot class.
BOTS: dict[str, Callable[[Program], Transcript]] = {name: _player(on_stage) for name, on_stage in STAGES.items()}
