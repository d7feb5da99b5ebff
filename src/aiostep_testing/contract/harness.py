"""What the author of an adapter writes: how to make, feed and stop a real bot of the framework."""

from __future__ import annotations

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Final

from aiostep_core import Engine
from aiostep_testing.accounts import BotAccount
from aiostep_testing.http import HttpMessage, MessageParser, encode_response
from aiostep_testing.wire import Json, copied
from aiostep_testing.world import World

from .context import Ctx, Program

__all__ = ["LEVELS", "TOKEN", "AdapterHarness"]

#: What an adapter can claim. Everybody must have "core"; nothing is checked yet of the last.
LEVELS: Final = (
    *("core", "groups", "topics", "callbacks", "menus", "media", "kinds", "limits", "polling", "webhook"),
    *("sync", "durable", "workers"),
)
TOKEN: Final = "42:TEST"
Handle = Callable[[Json], Awaitable[object]]


class AdapterHarness(ABC):
    """One bot of a framework; one is made for each test.

    transport: how this test wants updates delivered: "in process", by "http" long polling, or to a "webhook".
    url: where the world is served, unless the transport is "in process".
    other: the program that must handle what no command of a program handles, messages and clicks alike.
    errors: where the framework's own error handler must put what it is given.
    engine: what ``install`` returned.
    storage: what ``install`` must be given as its storage.
    """

    #: The adapter's name.
    name: ClassVar[str]
    #: The levels that it claims.
    levels: ClassVar[Collection[str]] = ("core",)
    #: Why it does not claim the others.
    reasons: ClassVar[Mapping[str, str]] = {}
    #: The transports that ``start`` knows.
    transports: ClassVar[Collection[str]] = ("in process", "http", "webhook")

    engine: Engine
    transport: str = "in process"
    url: str = ""
    storage: object = None

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self._feeding = contextlib.AsyncExitStack()
        self._tasks: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def start(self, world: World, programs: Mapping[str, Program]) -> None:
        """Make a real bot with ``TOKEN``, install the adapter, and deliver updates until ``stop``.

        A message "/name" must be handled by ``handler(programs["name"])``, every other message and click by
        ``handler(self.other)``. For "http" the bot must poll ``url`` by itself; for the other transports call
        ``feed``.
        """

    @abstractmethod
    async def stop(self) -> None:
        """Stop the bot in the framework's own way, and close what was opened."""

    @abstractmethod
    def handler(self, program: Program) -> Callable[..., Any]:
        """Make a handler of the framework that runs ``program(Ctx(self, update))``."""

    @abstractmethod
    async def say(self, update: Any, text: str, buttons: Sequence[str]) -> Any:
        """Send *text* to the chat and topic of *update*; a button's data is its text. Return the message."""

    @abstractmethod
    def text_of(self, update: Any) -> str:
        """Return the text of a message, its caption, "photo", or "" for anything else; of a click its data."""

    async def other(self, c: Ctx) -> None:
        """Tell what nobody else took; who says "ask me" is asked."""
        if c.text == "ask me":
            await c.say(f"hello {await c.ask('name?')}")
        elif c.text:  # there is nothing to say to a service message
            await c.say(f"other:{c.text}")

    async def polls(self, world: World) -> None:
        """Wait until the bot polls for the first time."""
        for _ in range(1000):
            if world.bot(TOKEN).poll:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"the bot does not poll {self.url}/bot{TOKEN}/getUpdates")

    async def feed(self, world: World, handle: Handle) -> None:
        """Have *handle* called with each update: in a task of its own, or in the webhook request that brings it.

        An exception of *handle* goes to ``errors``. ``stop_feeding`` undoes it.
        """
        account = world.bot(TOKEN)
        if self.transport == "webhook":
            await self._feeding.enter_async_context(_Webhook(world, account, handle, self.errors))
            return

        def deliver(bot: BotAccount, update: Json) -> None:
            world.confirm(bot, update["update_id"])
            task = asyncio.ensure_future(self._deliver(handle, copied(update)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self._feeding.callback(world.add_delivery(deliver))
        for update in list(account.updates):
            deliver(account, update)

    async def _deliver(self, handle: Handle, update: Json) -> None:
        try:
            await handle(update)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.errors.append(error)

    async def stop_feeding(self) -> None:
        """Deliver no more, and cancel the tasks of what was delivered."""
        await self._feeding.aclose()

    async def end_tasks(self) -> None:
        """Cancel what still runs of what was delivered."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Webhook(contextlib.AbstractAsyncContextManager["_Webhook"]):
    """A listener that answers each request when its update has been handled."""

    def __init__(self, world: World, account: BotAccount, handle: Handle, errors: list[BaseException]) -> None:
        self._world, self._account, self._handle, self._errors = world, account, handle, errors

    async def __aenter__(self) -> _Webhook:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self._account.webhook.url = f"http://127.0.0.1:{port}/hook"
        self._world.deliver_pending(self._account)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._account.webhook.url = ""
        self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status = 200
        try:
            await self._handle(await _body(reader))
        except asyncio.CancelledError:
            status = 503  # the test is over; asyncio would log a cancelled connection as an error
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self._errors.append(error)
            status = 500
        with contextlib.suppress(ConnectionError):
            writer.write(encode_response(status, {"Connection": "close"}, b""))
            await writer.drain()
        writer.close()


async def _body(reader: asyncio.StreamReader) -> Json:
    parser = MessageParser()
    while True:
        message = parser.next_message()
        if isinstance(message, HttpMessage):
            update: Json = json.loads(message.body)
            return update
        data = await reader.read(65536)
        parser.feed(data) if data else parser.feed_eof()
