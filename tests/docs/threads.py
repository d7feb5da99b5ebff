"""Feed a synchronous TeleBot in this process: its requests go to the world, its updates come from a thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from telebot import ExceptionHandler, TeleBot, apihelper, types

import aiostep
from aiostep_testing import World
from aiostep_testing.wire import copied

_PATIENCE = 5.0


class ThreadFeeder:
    """Deliver the updates of a bot in their order, as a web server does."""

    def __init__(self, world: World, bot: TeleBot) -> None:
        self.world = world
        self.bot: Any = bot
        self.account = world.bot(bot.token)
        self.errors: list[BaseException] = []
        self.feeding: set[asyncio.Future[Any]] = set()

    async def start(self) -> None:
        """Have the world's updates brought in by a thread, and the bot's requests made here."""
        self.loop = asyncio.get_running_loop()
        self.entrance = ThreadPoolExecutor(1)
        api: Any = apihelper
        api.CUSTOM_REQUEST_SENDER = self.request
        self.bot.exception_handler = Collector(self.errors)
        self.remove: Callable[[], None] = self.world.add_delivery(self.deliver)
        await self.loop.run_in_executor(self.entrance, lambda: self.bot.user)

    async def stop(self) -> None:
        """Stop the bot, and whatever waits in it."""
        self.remove()
        await self.loop.run_in_executor(None, self.bot.stop_bot)
        self.entrance.shutdown()
        api: Any = apihelper
        api.CUSTOM_REQUEST_SENDER = None

    async def settle(self) -> None:
        """Return when every handler is done or waits."""
        adapter: Any = aiostep.install(self.bot).runtime.adapters[0]
        entry, calm = adapter.entry, 0
        for _ in range(int(_PATIENCE / 0.005)):
            is_busy = self.feeding or entry.awake or (self.bot.threaded and self.bot.worker_pool.tasks.qsize())
            calm = 0 if is_busy else calm + 1
            if calm == 4:
                return
            await asyncio.sleep(0.005)
        raise AssertionError("the bot's handlers do not come to rest")

    def deliver(self, account: Any, update: dict[str, Any]) -> None:
        """Take what the world has for the bot."""
        while account is self.account and account.updates:
            made: Any = types.Update
            batch = [made.de_json(copied(account.updates.pop(0)))]
            future = asyncio.ensure_future(self.loop.run_in_executor(self.entrance, self.process, batch))
            self.feeding.add(future)
            future.add_done_callback(self.feeding.discard)

    def process(self, batch: list[types.Update]) -> None:
        """Bring updates in."""
        try:
            self.bot.process_new_updates(batch)
        except Exception as error:  # noqa: BLE001 - the page fails with it
            self.errors.append(error)

    def request(self, method: str, url: str, *, params: dict[str, Any] | None = None, **options: Any) -> Any:
        """Be what telebot calls in the place of ``requests``."""
        called = self.world.call(self.bot.token, url.rsplit("/", 1)[1], {k: str(v) for k, v in (params or {}).items()})
        return Response(*asyncio.run_coroutine_threadsafe(called, self.loop).result(_PATIENCE))


class Response:
    """What telebot looks at of an answer."""

    def __init__(self, status: int, body: Any) -> None:
        self.status_code, self.text = status, json.dumps(body)

    def json(self) -> Any:
        return json.loads(self.text)


class Collector(ExceptionHandler):
    """Collects what handlers raise."""

    def __init__(self, errors: list[BaseException]) -> None:
        self.errors = errors

    def handle(self, exception: Exception) -> Any:
        self.errors.append(exception)
        return True
