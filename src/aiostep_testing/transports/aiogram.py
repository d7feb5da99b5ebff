"""aiogram over a world, in process: a session for its Bot, and a feeder for its Dispatcher."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import logging
import threading
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar, cast

from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import TelegramMethod
from aiogram.types import InputFile, Update

from aiostep_testing.accounts import BotAccount
from aiostep_testing.transports.feeding import BaseFeeder, cancel_all, go_on_counting
from aiostep_testing.wire import Dropped, File, Json, copied
from aiostep_testing.world import World

T = TypeVar("T")
logger = logging.getLogger(__name__)

#: What each dispatcher has seen of each bot. It may meet a new world in every test, and must not take the first
#: updates there for old ones that come again.
_last_ids: weakref.WeakKeyDictionary[Dispatcher, dict[int, int]] = weakref.WeakKeyDictionary()
THREAD_PAUSE = 0.001


class EmulatorSession(BaseSession):
    """A session whose server is a world in this process; requests and answers still go through JSON."""

    def __init__(self, world: World, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.world = world

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def make_request(self, bot: Bot, method: TelegramMethod[T], timeout: int | None = None) -> T:
        """Hand the method to the world as the form fields and files that aiogram would post.

        Raises:
            TelegramNetworkError: a fault cut the connection.
        """
        uploads: dict[str, InputFile] = {}
        fields = {
            name: value
            for name, raw in method.model_dump(warnings=False).items()
            if (value := self.prepare_value(raw, bot=bot, files=uploads))
        }
        files = {name: await self._read(bot, name, upload) for name, upload in uploads.items()}
        try:
            status, body = await self.world.call(bot.token, method.__api_method__, fields, files)
        except Dropped:
            raise TelegramNetworkError(method=method, message="the emulator cut the connection") from None
        response = self.check_response(bot=bot, method=method, status_code=status, content=json.dumps(body))
        return cast(T, response.result)

    @staticmethod
    async def _read(bot: Bot, name: str, upload: InputFile) -> File:
        return File(upload.filename or name, b"".join([chunk async for chunk in upload.read(bot)]))

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,
        chunk_size: int = 65536,
        raise_for_status: bool = True,
    ) -> AsyncGenerator[bytes, None]:
        """Yield the content of a file of the world.

        Raises:
            FileNotFoundError: the world has no such file.
        """
        # .../file/bot<token>/<folder>/<name>
        path = "/".join(url.rsplit("/", 2)[1:])
        data = self.world.download(path)
        if data is None:
            raise FileNotFoundError(f"the world has no file {path!r}; getFile tells the path of a file")
        for start in range(0, len(data), chunk_size):
            yield data[start : start + chunk_size]


class Feeder(BaseFeeder):
    """Deliver a bot's updates to a Dispatcher as its long polling does: one task per update, in arrival order.

    Like polling it subscribes the bot to the update types its handlers use; other kinds never arrive.
    It runs the startup handlers at its start, and those of the shutdown at its end.

    Attributes:
        tasks: the tasks that are not done, in the order in which they were started.
        errors: what handlers raised and no error handler took; also logged.
    """

    def __init__(self, world: World, dispatcher: Dispatcher, *bots: Bot, **workflow_data: Any) -> None:
        super().__init__(world)
        self.dispatcher, self.bots = dispatcher, bots
        self.tasks: list[asyncio.Task[None]] = []
        self._data: dict[str, Any] = {"dispatcher": dispatcher, "bots": list(bots), **workflow_data}
        self._by_id = {bot.id: bot for bot in bots}
        self._threads: CountingExecutor | None = None

    def _accounts(self) -> list[BotAccount]:
        return [self.world.bot(bot.token) for bot in self.bots]

    async def _open(self) -> None:
        # aiogram runs plain filters in the loop's default threads; settle() has to know when they are done.
        loop = asyncio.get_running_loop()
        self._threads = CountingExecutor(loop)
        loop.set_default_executor(self._threads)
        await self.dispatcher.emit_startup(bot=self.bots[-1], **self.dispatcher.workflow_data | self._data)
        kinds = self.dispatcher.resolve_used_update_types()
        for account in self._accounts():
            account.subscribe(kinds)
            go_on_counting(account, _last_ids.get(self.dispatcher, {}).get(account.id, 0))

    async def _close(self) -> None:
        for bot in self.bots:
            _last_ids.setdefault(self.dispatcher, {})[bot.id] = self.world.bot(bot.token).next_update
        try:
            await self.dispatcher.emit_shutdown(bot=self.bots[-1], **self.dispatcher.workflow_data | self._data)
        finally:
            await cancel_all(self.tasks)

    def _deliver(self, account: BotAccount, update: Json) -> None:
        bot = self._by_id.get(account.id)
        if bot is None:
            return
        self.world.confirm(account, update["update_id"])
        task = asyncio.get_running_loop().create_task(self._feed(bot, copied(update)))
        self._started += 1
        self.tasks.append(task)
        task.add_done_callback(self.tasks.remove)

    async def _feed(self, bot: Bot, raw: Json) -> None:
        try:
            update = Update.model_validate(raw, context={"bot": bot})
            response: object = await self.dispatcher.feed_update(bot, update, **self._data)
            if isinstance(response, TelegramMethod):  # a handler may return a method instead of calling it
                await self.dispatcher.silent_call_request(bot, response)  # pyright: ignore[reportUnknownArgumentType]
        except Exception as exc:
            self.errors.append(exc)
            logger.exception("update %s of bot %s failed", raw["update_id"], bot.id)

    def _pause(self) -> float:
        return THREAD_PAUSE if self._threads is not None and self._threads.busy > 0 else 0

    def _progress(self) -> tuple[int, ...]:
        finished = self._threads.finished if self._threads else 0
        return self._started, len(self.tasks), len(self.world.calls), finished


class CountingExecutor(concurrent.futures.ThreadPoolExecutor):
    """A thread pool that tells how much work is under way."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(thread_name_prefix="feeder")
        self._loop = loop
        self._lock = threading.Lock()
        self.busy = 0
        self.finished = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Submit as ThreadPoolExecutor does, and count."""
        with self._lock:
            self.busy += 1
        future = super().submit(fn, *args, **kwargs)
        # A round later, so that ours comes after the callback by which asyncio wakes the task.
        self._loop.call_soon_threadsafe(future.add_done_callback, self._done)
        return future

    def _done(self, _: object) -> None:
        with self._lock:
            self.busy -= 1
            self.finished += 1


def in_process(world: World, dispatcher: Dispatcher, *bots: Bot, **workflow_data: Any) -> Feeder:
    """Feed the updates of *bots* to *dispatcher* for the length of an ``async with`` block."""
    return Feeder(world, dispatcher, *bots, **workflow_data)


def make_bot(world: World, token: str = "42:TEST", **kwargs: Any) -> Bot:
    """Make an aiogram Bot that talks to *world*, where its account is made too when there is none."""
    world.bot(token)
    return Bot(token, session=EmulatorSession(world), **kwargs)
