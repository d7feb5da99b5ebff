"""A real TeleBot, with threads, that polls a world over HTTP; and the ways in which its handlers can wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from telebot import ExceptionHandler, TeleBot, apihelper
from telebot.types import Message

from aiostep import Engine, sync
from aiostep_telebot import adapter
from aiostep_testing import Server, World
from aiostep_testing.server import serve
from tests.telebot.stage import TOKEN, at_rest, until

Handler = Callable[[Message], Any]
Questions = Callable[[TeleBot, Message], Generator[Any, Any, Any]]


def blocking(bot: TeleBot, questions: Questions) -> Handler:
    """Make a plain handler: what the generator yields is asked by the thread that runs it."""

    def handler(message: Message) -> None:
        generator = questions(bot, message)
        send: Callable[[Any], Any] = generator.send
        value: Any = None
        while True:
            try:
                name, args, kwargs = send(value)
            except StopIteration:
                return
            try:
                send, value = generator.send, getattr(sync, name)(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - the generator's
                send, value = generator.throw, error

    return handler


def yielding(bot: TeleBot, questions: Questions) -> Handler:
    """Make a generator handler of the same."""

    @sync.conversation
    def handler(message: Message) -> Generator[Any, Any, None]:
        generator = questions(bot, message)
        send: Callable[[Any], Any] = generator.send
        value: Any = None
        while True:
            try:
                name, args, kwargs = send(value)
            except StopIteration:
                return
            try:
                send, value = generator.send, (yield getattr(sync, name)(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - the generator's
                send, value = generator.throw, error

    return handler


def ask(*args: Any, **kwargs: Any) -> tuple[str, Any, Any]:
    return "ask", args, kwargs


def wait_for(*args: Any, **kwargs: Any) -> tuple[str, Any, Any]:
    return "wait_for", args, kwargs


class Stage:
    """Where a test of threads plays.

    errors: what reached the bot's exception handler; a test takes out what it expects.
    """

    def __init__(self, stack: AsyncExitStack, make: Callable[[TeleBot, Questions], Handler], *, threaded: bool) -> None:
        self.world = World()
        self.account = self.world.bot(TOKEN)
        self.errors: list[BaseException] = []
        self.engine: Engine
        self.server: Server
        self.threaded = threaded
        self._make = make
        self._stack = stack

    async def open(self) -> None:
        self.server = await self._stack.enter_async_context(serve(self.world))
        self._stack.callback(setattr, apihelper, "API_URL", apihelper.API_URL)
        apihelper.API_URL = self.server.url + "/bot{0}/{1}"

    def bot(self, *, install: dict[str, Any] | None = None, **options: Any) -> TeleBot:
        """Make a bot with aiostep on it."""
        options = {"threaded": self.threaded, "exception_handler": Collector(self.errors), **options}
        bot = TeleBot(TOKEN, **options)
        self.engine = adapter.install(bot, **(install or {}))
        self._stack.callback(self.engine.uninstall)
        return bot

    def on(self, bot: TeleBot, command: str, questions: Questions) -> None:
        """Have a command begin a conversation."""
        bot.register_message_handler(self._make(bot, questions), commands=[command])

    @asynccontextmanager
    async def run(self, bot: TeleBot, poll: Callable[..., Any] | None = None) -> AsyncGenerator[None, None]:
        """Poll while the block lasts, by *poll* or for ever; then stop the bot."""
        target = poll if poll is not None else bot.infinity_polling
        polling = threading.Thread(target=target, kwargs={"logger_level": None}, daemon=True)
        polling.start()
        await until(lambda: self.account.poll)
        try:
            yield
        finally:
            bot.stop_polling()
            while polling.is_alive():
                self.world.release_polls()
                await asyncio.to_thread(polling.join, 0.05)
            await asyncio.wait_for(asyncio.to_thread(bot.stop_bot), 10)
        at_rest(self.engine)


class Collector(ExceptionHandler):
    """The exception handler of a bot that keeps what it gets."""

    def __init__(self, errors: list[BaseException]) -> None:
        self.errors = errors

    def handle(self, exception: Exception) -> Any:
        self.errors.append(exception)
        return True


def echo(bot: TeleBot) -> None:
    """Register, last, an ordinary handler that says what nobody else took."""

    @bot.message_handler()
    def other(message: Message) -> None:
        bot.send_message(message.chat.id, f"other:{message.text}")
