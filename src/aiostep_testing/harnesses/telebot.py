"""The two bot classes of pyTelegramBotAPI under the contract."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import telebot
from telebot import apihelper, asyncio_helper, types
from telebot.async_telebot import AsyncTeleBot, ExceptionHandler

from aiostep_core import blocking, install
from aiostep_testing.contract import AdapterHarness, Ctx, Program, SyncCtx, run_blocking
from aiostep_testing.contract.harness import TOKEN
from aiostep_testing.transports.telebot import leave_session, session_for
from aiostep_testing.wire import Dropped, Json
from aiostep_testing.world import World

__all__ = ["AsyncTelebotHarness", "GeneratorTelebotHarness", "ThreadedTelebotHarness"]

CONTENT = ["text", "photo"]
_api: Any = apihelper


class _TelebotHarness(AdapterHarness):
    """What both classes have in common."""

    bot: Any

    def _register(self, world: World, programs: Mapping[str, Program]) -> None:
        self.world, self.account = world, world.bot(TOKEN)
        self.engine = install(self.bot, storage=self.storage)
        for name, program in programs.items():
            self.bot.register_message_handler(self.handler(program), commands=[name], content_types=CONTENT)
        self.bot.register_message_handler(self.handler(self.other), func=_anything, content_types=CONTENT)
        self.bot.register_callback_query_handler(self.handler(self.other), func=_anything)

    def _said(self, update: Any, text: str, buttons: Sequence[str]) -> Any:
        message = getattr(update, "message", update)
        keys: Any = types.InlineKeyboardMarkup()
        keys.row(*[types.InlineKeyboardButton(one, callback_data=one) for one in buttons])
        thread = message.message_thread_id if message.is_topic_message else None
        return self.bot.send_message(
            message.chat.id, text, reply_markup=keys if buttons else None, message_thread_id=thread
        )

    def text_of(self, update: Any) -> str:
        if hasattr(update, "data"):
            return str(update.data)
        return str(update.text or update.caption or ("photo" if update.photo else ""))


class AsyncTelebotHarness(_TelebotHarness):
    """An AsyncTeleBot; webhooks await ``process_new_updates``."""

    name = "telebot"
    levels = (
        *("core", "groups", "topics", "callbacks", "menus", "media", "kinds", "limits", "polling", "webhook"),
        "durable",
    )
    reasons: ClassVar[Mapping[str, str]] = {"sync": "its handlers are coroutines"}

    async def start(self, world: World, programs: Mapping[str, Program]) -> None:
        self._api_url = asyncio_helper.API_URL
        self.polling: asyncio.Future[Any] | None = None
        self.bot = AsyncTeleBot(TOKEN, exception_handler=_AsyncErrors(self.errors))
        self._register(world, programs)
        if self.transport == "in process":
            session_for(TOKEN, world)
        else:
            asyncio_helper.API_URL = self.url + "/bot{0}/{1}"
        if self.transport == "http":
            kinds = ["message", "edited_message", "callback_query", "my_chat_member", "chat_member"]
            self.polling = asyncio.ensure_future(self.bot.infinity_polling(timeout=20, allowed_updates=kinds))
            await self.polls(world)
        else:
            self.bot._user = await self.bot.get_me()
            await self.feed(world, self._take)

    async def _take(self, update: Json) -> None:
        made: Any = types.Update
        await self.bot.process_new_updates([made.de_json(update)])

    async def stop(self) -> None:
        await self.stop_feeding()
        if self.polling is not None:
            self.polling.cancel()
            await asyncio.gather(self.polling, return_exceptions=True)
        else:
            await self.bot.close_session()
        await self.end_tasks()
        asyncio_helper.API_URL = self._api_url
        leave_session(TOKEN)

    def handler(self, program: Program) -> Callable[..., Any]:
        async def handle(event: Any) -> None:
            await program(Ctx(self, event))

        return handle

    async def say(self, update: Any, text: str, buttons: Sequence[str]) -> Any:
        return await self._said(update, text, buttons)


class _SyncTelebotHarness(_TelebotHarness):
    """A TeleBot: polling in a thread of its own, or updates that other threads bring in."""

    levels = (*AsyncTelebotHarness.levels, "sync")
    threaded: bool

    async def start(self, world: World, programs: Mapping[str, Program]) -> None:
        self._api_url: str | None = apihelper.API_URL
        self._thread: threading.Thread | None = None
        self._loop = asyncio.get_running_loop()
        errors = _SyncErrors(self.errors)
        self.bot = telebot.TeleBot(TOKEN, threaded=self.threaded, num_threads=2, exception_handler=errors)
        self._register(world, programs)
        if self.transport == "in process":
            _api.CUSTOM_REQUEST_SENDER = self._request
        else:
            _api.API_URL = self.url + "/bot{0}/{1}"
        if self.transport == "http":
            await self._poll()
            return
        # One thread keeps the order; requests of a webhook are held apart by the server.
        self._entrance = concurrent.futures.ThreadPoolExecutor(1 if self.transport == "in process" else None)
        await self._loop.run_in_executor(self._entrance, self._who)
        await self.feed(world, self._take)

    def _who(self) -> Any:
        return self.bot.user  # as polling does it, before the first update

    async def _poll(self) -> None:
        kinds = ["message", "edited_message", "callback_query", "my_chat_member", "chat_member"]
        options = {"timeout": 20, "allowed_updates": kinds, "logger_level": None}
        self._thread = threading.Thread(target=self.bot.infinity_polling, kwargs=options, daemon=True)
        self._thread.start()
        await self.polls(self.world)

    async def _take(self, update: Json) -> None:
        made: Any = types.Update
        updates = [made.de_json(update)]
        await self._loop.run_in_executor(self._entrance, self.bot.process_new_updates, updates)

    def _request(
        self, method: str, url: str, *, params: dict[str, Any] | None, files: Any, **options: Any
    ) -> _Response:
        name = url.rsplit("/", 1)[1]
        if files:
            raise NotImplementedError("the contract uploads nothing")
        call = self.world.call(TOKEN, name, {key: str(value) for key, value in (params or {}).items()})
        try:
            return _Response(*asyncio.run_coroutine_threadsafe(call, self._loop).result(10))
        except Dropped:
            raise ConnectionError("the emulator cut the connection") from None

    async def stop(self) -> None:
        await self.stop_feeding()
        if self._thread is not None:
            self.bot.stop_polling()
            while self._thread.is_alive():
                self.world.release_polls()
                await asyncio.to_thread(self._thread.join, 0.02)
        stopping = asyncio.ensure_future(asyncio.to_thread(self.bot.stop_bot))
        while not stopping.done():
            # A worker looks only every half second whether it shall stop, unless there is work.
            if self.threaded:
                self.bot.worker_pool.put(_nothing)
            await asyncio.sleep(0.005)
        await stopping
        await self.end_tasks()
        if self._thread is None:
            await asyncio.to_thread(self._entrance.shutdown)
        _api.API_URL, _api.CUSTOM_REQUEST_SENDER = self._api_url, None

    async def say(self, update: Any, text: str, buttons: Sequence[str]) -> Any:
        return self._said(update, text, buttons)


class ThreadedTelebotHarness(_SyncTelebotHarness):
    """Two workers, and handlers that block them."""

    name = "telebot-sync"
    threaded = True

    def handler(self, program: Program) -> Callable[..., Any]:
        def handle(event: Any) -> None:
            run_blocking(program(SyncCtx(self, event)))

        return handle


class GeneratorTelebotHarness(_SyncTelebotHarness):
    """No workers, and generators that wait without a thread."""

    name = "telebot-generators"
    threaded = False

    def handler(self, program: Program) -> Callable[..., Any]:
        @blocking.conversation
        def handle(event: Any) -> blocking.Questions:
            yield from program(SyncCtx(self, event)).__await__()

        return handle


class _Response:
    """What telebot looks at of an answer."""

    def __init__(self, status: int, body: Json) -> None:
        self.status_code = status
        self.text = self.reason = json.dumps(body)

    def json(self) -> Any:
        return json.loads(self.text)


class _SyncErrors(telebot.ExceptionHandler):
    """Collects what handlers raise."""

    def __init__(self, errors: list[BaseException]) -> None:
        self.errors = errors

    def handle(self, exception: Exception) -> Any:
        self.errors.append(exception)
        return True


class _AsyncErrors(ExceptionHandler):
    """Collects what handlers raise."""

    def __init__(self, errors: list[BaseException]) -> None:
        self.errors = errors

    async def handle(self, exception: Exception) -> Any:
        self.errors.append(exception)
        return True


def _nothing() -> None:
    """Wake a worker."""


def _anything(event: object) -> bool:
    return True
