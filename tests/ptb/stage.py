"""A real application on a world, in process or by long polling over HTTP, and what happened there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import Application, ApplicationBuilder, ContextTypes, MessageHandler, filters

from aiostep import Engine
from aiostep_ptb import adapter
from aiostep_testing import World
from aiostep_testing.server import serve
from aiostep_testing.transports.ptb import Feeder, make_builder

TOKEN = "42:TEST"
PATIENCE = 5.0

App = Application[Any, Any, Any, Any, Any, Any]
Builder = ApplicationBuilder[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE


class Stage:
    """Where a test plays: a world, its bots, and applications on it.

    errors: what was raised and no error handler took, in order; a test takes out what it expects.
    """

    def __init__(self, transport: str, stack: AsyncExitStack) -> None:
        self.transport = transport
        self.world = World()
        self.account = self.world.bot(TOKEN)
        self.errors: list[BaseException] = []
        self._engines: list[Engine] = []
        self._stack = stack
        self._url: str | None = None

    @property
    def is_http(self) -> bool:
        return self.transport == "http"

    @property
    def engine(self) -> Engine:
        return self._engines[-1]

    def builder(self, token: str = TOKEN) -> Builder:
        """Begin to build an application that goes the way of this stage."""
        if not self.is_http:
            return make_builder(self.world, token)
        self.world.bot(token)
        return ApplicationBuilder().token(token).base_url(f"{self._url}/bot").base_file_url(f"{self._url}/file/bot")

    def application(self, builder: Builder | None = None, **install: Any) -> App:
        """Build an application and install aiostep on it."""
        application = (builder or self.builder()).build()
        self.note(adapter.install(application, **install))
        return application

    def note(self, engine: Engine) -> None:
        """Take *engine* out in the end: outside handlers there must be one only."""
        self._engines.append(engine)
        self._stack.callback(engine.uninstall)

    async def open(self) -> None:
        if self.is_http:
            self._url = (await self._stack.enter_async_context(serve(self.world))).url
        handler = _Errors(self.errors)
        logging.getLogger().addHandler(handler)
        self._stack.callback(logging.getLogger().removeHandler, handler)

    @asynccontextmanager
    async def run(self, *applications: App) -> AsyncGenerator[None, None]:
        """Let the bots receive updates while the block lasts."""
        run = self._poll if self.is_http else self._feed
        async with AsyncExitStack() as stack:
            for application in applications:
                await stack.enter_async_context(run(application))
            yield
        for engine in self._engines:
            at_rest(engine)

    @asynccontextmanager
    async def _feed(self, application: App) -> AsyncGenerator[None, None]:
        async with Feeder(self.world, application, kinds=list(Update.ALL_TYPES)):
            yield

    @asynccontextmanager
    async def _poll(self, application: App) -> AsyncGenerator[None, None]:
        updater = application.updater
        assert updater is not None
        async with application:
            await updater.start_polling(timeout=20, allowed_updates=Update.ALL_TYPES)
            await application.start()
            await until(lambda: self.world.bot(application.bot.token).poll)
            try:
                yield
            finally:
                stopping = asyncio.ensure_future(updater.stop())
                await asyncio.sleep(0)
                self.world.release_polls()
                await asyncio.wait_for(stopping, 10)
                await asyncio.wait_for(application.stop(), 10)

    def calls(self, method: str) -> list[dict[str, Any]]:
        """List the parameters of the calls of *method* so far."""
        return [dict(call.params) for call in self.world.calls if call.method == method]


class _Errors(logging.Handler):
    """Collects what the framework, asyncio and aiostep only log."""

    def __init__(self, errors: list[BaseException]) -> None:
        super().__init__(logging.ERROR)
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info is not None and record.exc_info[1] is not None:
            self._errors.append(record.exc_info[1])
        else:
            self._errors.append(AssertionError(record.getMessage()))


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


async def waiting(stage: Stage, count: int = 1) -> None:
    """Wait until so many handlers wait."""
    await until(lambda: sum(len(one.waits) for one in stage.engine.waits) == count)


def at_rest(engine: Engine) -> None:
    """Check that a stopped bot left nothing behind in memory."""
    assert len(engine.waits) == 0
    assert engine.waits.scopes == ()
    assert not engine.lanes


def text_of(update: Update) -> str:
    """Return what a message says."""
    message = update.effective_message
    assert message is not None
    return message.text or message.caption or ""


async def reply(update: Update, text: str, **options: Any) -> Any:
    """Answer in the chat of *update*."""
    message = update.effective_message
    assert message is not None
    return await message.reply_text(text, **options)


def buttons(*texts: str) -> InlineKeyboardMarkup:
    """Make an inline keyboard of one row, each button's data being its text in lower case."""
    return InlineKeyboardMarkup([[InlineKeyboardButton(text, callback_data=text.lower()) for text in texts]])


def echo(application: App) -> None:
    """Register, last, an ordinary handler that says what nobody else took."""

    async def other(update: Update, context: Context) -> None:
        message = update.effective_message
        assert message is not None
        said = message.text or message.caption or ("photo" if message.photo else None)
        if said is not None and not update.edited_message:
            await reply(update, f"other:{said}")

    application.add_handler(MessageHandler(filters.ALL, other))
