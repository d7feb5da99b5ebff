"""The four bot classes, and the fifth way to write handlers: each plays a program with a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from unittest import mock

from telebot import types

from aiostep_core import blocking
from aiostep_telebot.threaded import TelebotAdapter
from aiostep_testing.accounts import BotAccount
from aiostep_testing.contract import AdapterHarness, SyncCtx, run_blocking
from aiostep_testing.contract import Program as Handler
from aiostep_testing.contract.harness import TOKEN
from aiostep_testing.harnesses.aiogram import AiogramHarness
from aiostep_testing.harnesses.ptb import PtbHarness
from aiostep_testing.harnesses.telebot import AsyncTelebotHarness, GeneratorTelebotHarness, ThreadedTelebotHarness
from aiostep_testing.wire import Json, copied
from aiostep_testing.world import World
from tests.core.virtual_time import VirtualLoop
from tests.differential.playing import Transcript, play
from tests.differential.scenario import Program
from tests.differential.threads import Clockwork, VirtualThreads

__all__ = ["BOTS"]

_types: Any = types


class _Ctx(SyncCtx):
    """Passes the time of the threads' clock."""

    async def pause(self, seconds: float) -> None:
        self.harness.clockwork.sleep(seconds)  # type: ignore[attr-defined]


class _Counted:
    """What makes a synchronous bot's work countable: updates that come in, and tasks for its workers."""

    bot: Any
    errors: list[BaseException]
    _entrance: Any
    _feeding: Any
    clockwork: Clockwork

    async def feed(self, world: World, handle: object) -> None:
        clockwork = self.clockwork
        pool = getattr(self.bot, "worker_pool", None)
        if pool is not None:
            put, workers = pool.put, clockwork.pool(2)
            pool.put = lambda call, *args, **kwargs: put(clockwork.work(workers, call), *args, **kwargs)
        entrance = clockwork.pool(1)

        def deliver(account: BotAccount, update: Json) -> None:
            world.confirm(account, update["update_id"])
            self._entrance.submit(clockwork.work(entrance, self._bring_in), copied(update))

        self._feeding.callback(world.add_delivery(deliver))
        account = world.bot(TOKEN)
        for update in list(account.updates):
            deliver(account, update)

    def _bring_in(self, update: Json) -> None:
        try:
            self.bot.process_new_updates([_types.Update.de_json(update)])
        except Exception as error:  # noqa: BLE001 - it is part of what is compared
            self.errors.append(error)


class Threaded(_Counted, ThreadedTelebotHarness):
    """Two workers, and handlers that block them."""

    def handler(self, program: Handler) -> Callable[..., Any]:
        return lambda event: run_blocking(program(_Ctx(self, event)))


class Generators(_Counted, GeneratorTelebotHarness):
    """No workers, and generators that wait without a thread."""

    def handler(self, program: Handler) -> Callable[..., Any]:
        @blocking.conversation
        def handle(event: Any) -> blocking.Questions:
            yield from program(_Ctx(self, event)).__await__()

        return handle


def _play_in_loop(harness_class: type[AdapterHarness], program: Program) -> Transcript:
    loop = VirtualLoop()
    try:
        return _run(loop, play(harness_class(), program))
    finally:
        loop.close()


def _play_in_threads(harness_class: type[Any], program: Program) -> Transcript:
    async def main() -> Transcript:
        harness = harness_class()
        harness.clockwork = clockwork = Clockwork()

        class Runtime(VirtualThreads):
            pass

        Runtime.clockwork = clockwork
        with mock.patch.object(TelebotAdapter, "runtime_class", Runtime):
            return await play(harness, program, clockwork.advance)

    loop = asyncio.new_event_loop()
    try:
        return _run(loop, main())
    finally:
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, Transcript]) -> Transcript:
    try:
        return loop.run_until_complete(main)
    finally:
        for task in (left := asyncio.all_tasks(loop)):
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))


BOTS: dict[str, Callable[[Program], Transcript]] = {
    "aiogram": lambda program: _play_in_loop(AiogramHarness, program),
    "ptb": lambda program: _play_in_loop(PtbHarness, program),
    "telebot": lambda program: _play_in_loop(AsyncTelebotHarness, program),
    "telebot-sync": lambda program: _play_in_threads(Threaded, program),
    "telebot-generators": lambda program: _play_in_threads(Generators, program),
}
