"""Bots that are alike but for the library that they wait with, and the updates they get.

Every bot is a real ``Dispatcher`` with one handler without filters; every update is a real ``Update``, mounted to the
bot, fed through ``Dispatcher.feed_update``. No handler sends anything.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from _measure import clock
from _peers import aiogram_input, original
from aiogram import Bot, Dispatcher, F
from aiogram.types import Message, Update

import aiostep

__all__ = ["ME", "AiogramInput", "Aiostep", "Alone", "Host", "Original", "hosts"]

ME = 1_000
_CROWD = 1_000_000
_update_ids = itertools.count(1)


class Host:
    """A dispatcher with one handler, which does what the text of the message says.

    "wait" waits once, "ask" waits again and again, "step" registers a next step; anything else is nothing to it.
    """

    name = ""

    def __init__(self) -> None:
        self.bot = Bot("42:TEST")
        self.dispatcher = Dispatcher()
        self.dispatcher.message.register(self._handle)
        self.filter: Any = None
        self.timeout: float | None = 3600.0
        self.waiting: asyncio.Future[None] | None = None
        self.answered = 0
        self.tasks: set[asyncio.Task[Any]] = set()
        self.install()

    def install(self) -> None:
        """Install the library."""

    async def wait(self, message: Message) -> Any:
        """Wait for the next message."""
        raise NotImplementedError

    async def register(self, message: Message) -> None:
        """Register ``ran`` as the next step."""
        raise NotImplementedError

    async def ran(self, message: Message) -> None:
        """Be the next step."""
        self.answered += 1

    async def _handle(self, message: Message) -> None:
        if message.text == "wait":
            self._begin()
            assert await self.wait(message) is not None
            self.answered += 1
            self._begin()
        elif message.text == "ask":
            while True:
                self._begin()
                assert await self.wait(message) is not None
                self.answered += 1
        elif message.text == "step":
            await self.register(message)

    def _begin(self) -> None:
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(None)

    def update(self, text: str, who: int = ME) -> Update:
        """Return a private message of *who*."""
        number = next(_update_ids)
        person = {"id": who, "first_name": "Alice", "is_bot": False}
        chat = {"id": who, "first_name": "Alice", "type": "private"}
        message = {"message_id": number, "date": 1_700_000_000, "chat": chat, "from": person, "text": text}
        return Update.model_validate({"update_id": number, "message": message}, context={"bot": self.bot})

    async def feed(self, update: Update) -> None:
        """Have the dispatcher handle *update*."""
        await self.dispatcher.feed_update(self.bot, update)

    async def start(self, text: str, who: int = ME) -> None:
        """Feed a message whose handler waits, and come back when it does."""
        self.waiting = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self.feed(self.update(text, who)))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        await self.waiting

    async def crowd(self, others: int, text: str) -> Host:
        """Let as many other people begin to wait, or have a step registered."""
        for who in range(_CROWD, _CROWD + others):
            await (self.feed(self.update(text, who)) if text == "step" else self.start(text, who))
        return self

    async def stop(self) -> None:
        """Cancel every handler that waits."""
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    # What is measured, see Batch.

    async def miss(self, size: int) -> int:
        """Feed updates that nobody waits for."""
        updates = [self.update("hello") for _ in range(size)]
        feed, bot = self.dispatcher.feed_update, self.bot
        began = clock()
        for update in updates:
            await feed(bot, update)
        return clock() - began

    async def hit(self, size: int) -> int:
        """Feed answers, counting only that: the waiting handler goes on later."""
        feed, bot, spent, before = self.dispatcher.feed_update, self.bot, 0, self.answered
        for _ in range(size):
            await self.start("wait")
            update = self.update("yes")
            self.waiting = waiting = asyncio.get_running_loop().create_future()
            began = clock()
            await feed(bot, update)
            spent += clock() - began
            await waiting
            await asyncio.gather(*self.tasks)
        assert self.answered == before + size
        return spent

    async def round_trip(self, size: int) -> int:
        """Let a handler wait, answer and go on to wait again."""
        await self.start("ask")
        updates = [self.update("yes") for _ in range(size)]
        create_future, feed, bot = asyncio.get_running_loop().create_future, self.dispatcher.feed_update, self.bot
        before, began = self.answered, clock()
        for update in updates:
            self.waiting = create_future()
            await feed(bot, update)
            await self.waiting
        spent = clock() - began
        assert self.answered == before + size
        await self.stop()
        return spent

    async def step(self, size: int) -> int:
        """Feed messages that run a registered step."""
        feed, bot, spent, before = self.dispatcher.feed_update, self.bot, 0, self.answered
        for _ in range(size):
            await feed(bot, self.update("step"))
            update = self.update("yes")
            began = clock()
            await feed(bot, update)
            spent += clock() - began
        assert self.answered == before + size
        return spent


class Alone(Host):
    """aiogram alone. Its ``wait`` is the least that waiting can be, for ``round_trip``: a look-up and a future."""

    name = "aiogram"

    def __init__(self) -> None:
        super().__init__()
        self.futures: dict[tuple[int, int], asyncio.Future[Any]] = {}

    async def wait(self, message: Message) -> Any:
        future = self.futures[message.chat.id, ME] = asyncio.get_running_loop().create_future()
        return await future

    async def feed_limit(self, bot: Bot, update: Update) -> None:
        """Answer without a dispatcher."""
        message = update.message
        assert message is not None
        assert message.from_user is not None
        self.futures.pop((message.chat.id, message.from_user.id)).set_result(message)

    async def limit(self, size: int) -> int:
        """Do what ``round_trip`` does, without any dispatcher: nothing can be faster."""
        await self.start("ask")
        updates = [self.update("yes") for _ in range(size)]
        create_future, feed, bot = asyncio.get_running_loop().create_future, self.feed_limit, self.bot
        began = clock()
        for update in updates:
            self.waiting = create_future()
            await feed(bot, update)
            await self.waiting
        spent = clock() - began
        await self.stop()
        return spent


class Aiostep(Host):
    """Ours."""

    name = "aiostep"

    def install(self) -> None:
        aiostep.install(self.dispatcher)

    async def wait(self, message: Message) -> Any:
        return await aiostep.wait_for(timeout=self.timeout, filter=self.filter)

    async def register(self, message: Message) -> None:
        await aiostep.next_step(self.ran)


class Original(Host):
    """The library that had the name first. It has no filters."""

    name = "original"
    library: Any = original()

    def install(self) -> None:
        self._store = self.library.Store()
        self.dispatcher.message.outer_middleware(self.library.Listen(self._store))

    async def wait(self, message: Message) -> Any:
        return await self.library.wait_for(message.chat.id, self.timeout, self._store)

    async def register(self, message: Message) -> None:
        await self.library.register_next_step(message.chat.id, self.ran, self._store)


class AiogramInput(Host):
    """The nearest relative on PyPI. It has no next steps."""

    name = "aiogram-input"
    library: Any = aiogram_input()

    def install(self) -> None:
        self._waiter = self.library.setup_input(self.dispatcher)

    async def wait(self, message: Message) -> Any:
        return await self._waiter.wait(message.chat.id, self.timeout, self.filter)


def hosts() -> list[type[Host]]:
    """List those that wait and can be measured here."""
    peers = [one for one in (Original, AiogramInput) if one.library is not None]
    return [Aiostep, *peers]


def with_filter(kind: type[Host]) -> Host:
    """Make a bot whose waits have an F filter."""
    host = kind()
    host.filter = F.text == "yes"
    return host
