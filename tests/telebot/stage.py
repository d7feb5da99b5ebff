"""A real AsyncTeleBot on a world, in process or by long polling over HTTP, and what happened there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from telebot import asyncio_helper
from telebot.async_telebot import AsyncTeleBot, ExceptionHandler
from telebot.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

from aiostep import Engine
from aiostep_telebot import adapter
from aiostep_testing import World
from aiostep_testing.server import serve
from aiostep_testing.transports.telebot import Feeder

TOKEN = "42:TEST"
PATIENCE = 5.0


class Stage:
    """Where a test plays: a world and its bots.

    errors: what was raised and nobody took, in order; a test takes out what it expects.
    """

    def __init__(self, transport: str, stack: AsyncExitStack) -> None:
        self.transport = transport
        self.world = World()
        self.account = self.world.bot(TOKEN)
        self.errors: list[BaseException] = []
        self.engine: Engine | None = None
        self._stack = stack
        self.feeder: Feeder | None = None

    @property
    def is_http(self) -> bool:
        return self.transport == "http"

    def bot(self, token: str = TOKEN, *, install: dict[str, Any] | None = None, **options: Any) -> AsyncTeleBot:
        """Make a bot with aiostep on it."""
        self.world.bot(token)
        options.setdefault("exception_handler", Collector(self.errors))
        bot = AsyncTeleBot(token, **options)
        self.engine = adapter.install(bot, **(install or {}))
        # Garbage is collected late, and outside handlers there must be one engine only.
        self._stack.callback(self.engine.uninstall)
        return bot

    async def open(self) -> None:
        if self.is_http:
            url = (await self._stack.enter_async_context(serve(self.world))).url
            self._stack.callback(setattr, asyncio_helper, "API_URL", asyncio_helper.API_URL)
            asyncio_helper.API_URL = url + "/bot{0}/{1}"
        handler = _Errors(self.errors)
        logging.getLogger().addHandler(handler)
        self._stack.callback(logging.getLogger().removeHandler, handler)

    @asynccontextmanager
    async def run(self, *bots: AsyncTeleBot, **polling: Any) -> AsyncGenerator[None, None]:
        """Let the bots receive updates while the block lasts."""
        async with AsyncExitStack() as stack:
            if self.is_http:
                await stack.enter_async_context(self._poll(bots, **polling))
            else:
                for bot in bots:
                    await stack.enter_async_context(self._feed(bot, **polling))
            yield
        if self.engine is not None:
            at_rest(self.engine)

    @asynccontextmanager
    async def _feed(self, bot: AsyncTeleBot, allowed_updates: list[str] | None = None) -> AsyncGenerator[None, None]:
        self.world.bot(bot.token).subscribe(allowed_updates or ())
        async with Feeder(self.world, bot) as feeder:
            self.feeder = feeder
            yield
        self.errors += feeder.errors

    @asynccontextmanager
    async def _poll(self, bots: tuple[AsyncTeleBot, ...], **options: Any) -> AsyncGenerator[None, None]:
        pollings: list[asyncio.Future[Any]] = []
        try:
            for bot in bots:
                account = self.world.bot(bot.token)
                polling = asyncio.ensure_future(bot.infinity_polling(timeout=20, **options))
                pollings.append(polling)
                await until(lambda account=account, polling=polling: polling.done() or account.poll)
            yield
        finally:
            # All at once: bots of telebot 4.20 share one session, and the first to end closes it for the others.
            for polling in pollings:
                polling.cancel()
            await asyncio.wait_for(asyncio.gather(*pollings), 10)

    def calls(self, method: str) -> list[dict[str, Any]]:
        """List the parameters of the calls of *method* so far."""
        return [dict(call.params) for call in self.world.calls if call.method == method]


class Collector(ExceptionHandler):
    """The exception handler of a bot that keeps what it gets."""

    def __init__(self, errors: list[BaseException]) -> None:
        self.errors = errors

    async def handle(self, exception: Exception) -> Any:
        self.errors.append(exception)
        return True


class _Errors(logging.Handler):
    """Collects what asyncio and aiostep only log."""

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
    return InlineKeyboardMarkup([[InlineKeyboardButton(text, callback_data=text.lower()) for text in texts]])


def command(message: Message, word: str) -> bool:
    """Tell whether a message of any kind is this command."""
    return message.text is not None and message.text.split("@")[0] == f"/{word}"


def echo(bot: AsyncTeleBot) -> None:
    """Register, last, an ordinary handler that says what nobody else took."""

    @bot.message_handler(content_types=["text", "photo"])
    async def other(message: Message) -> None:
        said = message.text or message.caption or ("photo" if message.photo else None)
        if said is not None:
            await bot.send_message(message.chat.id, f"other:{said}", message_thread_id=message.message_thread_id)
