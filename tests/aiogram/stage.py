"""A real dispatcher on a world, in process or by long polling over HTTP, and what happened there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from aiostep import Engine
from aiostep_aiogram import adapter
from aiostep_testing import World
from aiostep_testing.server import serve
from aiostep_testing.transports.aiogram import Feeder, make_bot

TOKEN = "42:TEST"
PATIENCE = 5.0


class Stage:
    """Where a test plays: a world, its bots, and one dispatcher at a time.

    errors: what was raised and no error handler took, in order; a test takes out what it expects.
    """

    def __init__(self, transport: str, stack: AsyncExitStack) -> None:
        self.transport = transport
        self.world = World()
        self.account = self.world.bot(TOKEN)
        self.errors: list[BaseException] = []
        self.engine: Engine | None = None
        self._stack = stack
        self._url: str | None = None
        self._bots: dict[str, Bot] = {}

    @property
    def is_http(self) -> bool:
        return self.transport == "http"

    @property
    def bot(self) -> Bot:
        return self.make_bot(TOKEN)

    def make_bot(self, token: str) -> Bot:
        """Return the bot with *token*, whose session goes the way of this stage."""
        if token not in self._bots:
            self.world.bot(token)
            self._bots[token] = self._http_bot(token) if self.is_http else make_bot(self.world, token)
        return self._bots[token]

    def _http_bot(self, token: str) -> Bot:
        assert self._url is not None
        bot = Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(self._url)))
        self._stack.push_async_callback(bot.session.close)
        return bot

    def dispatcher(self, *, install: dict[str, Any] | None = None, **options: Any) -> Dispatcher:
        """Make a dispatcher with aiostep on it."""
        dispatcher = Dispatcher(**options)
        self.engine = adapter.install(dispatcher, **(install or {}))
        # Garbage is collected late, and outside handlers there must be one engine only.
        self._stack.callback(self.engine.uninstall)
        return dispatcher

    async def open(self) -> None:
        if self.is_http:
            self._url = (await self._stack.enter_async_context(serve(self.world))).url
        handler = _Errors(self.errors)
        logging.getLogger().addHandler(handler)
        self._stack.callback(logging.getLogger().removeHandler, handler)

    @asynccontextmanager
    async def run(self, dispatcher: Dispatcher, *bots: Bot, **polling: Any) -> AsyncGenerator[None, None]:
        """Let the bots receive updates while the block lasts."""
        run = self._poll if self.is_http else self._feed
        async with run(dispatcher, *(bots or (self.bot,)), **polling):
            yield
        if self.engine is not None:
            at_rest(self.engine)

    @asynccontextmanager
    async def _feed(self, dispatcher: Dispatcher, *bots: Bot, **data: Any) -> AsyncGenerator[None, None]:
        async with Feeder(self.world, dispatcher, *bots, **data):
            yield

    @asynccontextmanager
    async def _poll(self, dispatcher: Dispatcher, *bots: Bot, **options: Any) -> AsyncGenerator[None, None]:
        options = {"handle_signals": False, "polling_timeout": 20, **options}
        polling = asyncio.ensure_future(dispatcher.start_polling(*bots, **options))
        await until(lambda: polling.done() or all(self.world.bot(bot.token).poll for bot in bots))
        try:
            yield
        finally:
            stopping = asyncio.ensure_future(dispatcher.stop_polling())
            self.world.release_polls()
            await asyncio.wait_for(asyncio.gather(polling, stopping), 10)

    def calls(self, method: str) -> list[dict[str, Any]]:
        """List the parameters of the calls of *method* so far."""
        return [dict(call.params) for call in self.world.calls if call.method == method]


class _Errors(logging.Handler):
    """Collects what aiogram, asyncio and aiostep only log."""

    def __init__(self, errors: list[BaseException]) -> None:
        super().__init__(logging.ERROR)
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info is not None and record.exc_info[1] is not None:
            self._errors.append(record.exc_info[1])


async def until(ready: Callable[[], object]) -> None:
    """Wait until *ready*; a bounded number of looks."""
    for _ in range(int(PATIENCE / 0.005)):
        if ready():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen in time")


async def soon(awaitable: Awaitable[Any]) -> Any:
    """Await with a bound."""
    return await asyncio.wait_for(awaitable, PATIENCE)


def at_rest(engine: Engine) -> None:
    """Check that a stopped bot left nothing behind in memory."""
    assert len(engine.waits) == 0
    assert engine.waits.scopes == ()
    assert not engine.lanes


def buttons(*texts: str) -> InlineKeyboardMarkup:
    """Make an inline keyboard of one row, each button's data being its text in lower case."""
    row = [InlineKeyboardButton(text=text, callback_data=text.lower()) for text in texts]
    return InlineKeyboardMarkup(inline_keyboard=[row])
