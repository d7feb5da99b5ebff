"""A bot with one conversation, and somebody who answers. Telegram is there at once: what is measured is the rest."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator
from typing import Any

from _measure import clock
from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.types import Chat, Message, Update

import aiostep
from aiostep import ask
from aiostep_core.durable.conversations import Durables

__all__ = ["Talk", "durable", "questions"]

ids = itertools.count(1)
_people = itertools.count(1_000)
# A handler that waits is told so when its task is collected, and aiogram's loudly: none is before the end.
_talks: list[Talk] = []


class Silent(BaseSession):
    """Telegram, without the way there.

    Attributes:
        ready: messages that it will have sent; to read them is not counted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: asyncio.Event = asyncio.Event()
        self.ready: list[Message] = []

    async def close(self) -> None: ...

    async def make_request(self, bot: Bot, method: Any, timeout: int | None = None) -> Any:
        self.asked.set()
        return self.ready.pop() if self.ready else self.message(bot, getattr(method, "chat_id", 0))

    def message(self, bot: Bot, who: int) -> Message:
        chat = Chat(id=who, type="private")
        return Message.model_validate({"message_id": next(ids), "date": 1, "chat": chat, "text": "?"}).as_(bot)

    async def stream_content(self, *args: Any, **kwargs: Any) -> AsyncGenerator[bytes, None]:
        yield b""


async def questions(message: Message) -> None:
    """Ask for ever."""
    while True:
        await ask("More?", str)


class Talk:
    """A bot with one conversation, and somebody who answers."""

    def __init__(self, handler: Any, storage: Any = None, group: int | None = None) -> None:
        self.session = Silent()
        self.bot = Bot("42:TEST", session=self.session)
        self.dispatcher = Dispatcher()
        self.engine = aiostep.install(self.dispatcher, storage=storage)
        self.dispatcher.message.register(handler)
        self._group = group
        self._who = 0
        self.tasks: set[asyncio.Task[Any]] = set()
        self._error: BaseException | None = None
        _talks.append(self)

    @property
    def durables(self) -> Durables:
        return self.engine.runtime.steps.durables

    def update(self, text: str) -> Update:
        """Return a message of whoever answers."""
        person = {"id": self._who, "first_name": "Alice", "is_bot": False}
        chat = {"id": self._who, "first_name": "Alice", "type": "private"}
        if self._group is not None:
            chat = {"id": self._group, "title": "Friends", "type": "supergroup"}
        message = {"message_id": next(ids), "date": 1_700_000_000, "chat": chat, "from": person, "text": text}
        return Update.model_validate({"update_id": next(ids), "message": message}, context={"bot": self.bot})

    async def feed(self, update: Update) -> None:
        """Feed an update, and come back when the next question is asked."""
        self.session.asked.clear()
        task = asyncio.create_task(self.dispatcher.feed_update(self.bot, update))
        self.tasks.add(task)
        task.add_done_callback(self._is_over)
        await self.session.asked.wait()
        if self._error is not None:
            raise self._error

    def _is_over(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = error
            self.session.asked.set()  # nobody will be asked any more

    async def begin(self, answers: int = 0) -> Talk:
        """Begin with somebody new, and let them answer so often."""
        self._who = next(_people)
        await self.feed(self.update("begin"))
        for _ in range(answers):
            await self.feed(self.update("yes"))
        return self

    async def begin_many(self, count: int) -> Talk:
        """Begin with so many people, who do not answer."""
        for _ in range(count):
            await self.begin()
        for _ in range(10):  # whoever was taken out of memory leaves their handler
            await asyncio.sleep(0)
        return self

    async def leave(self) -> None:
        """Let go of the storage."""
        self.engine.uninstall()
        for _ in range(10):  # who waits for something of their own waits on
            await asyncio.sleep(0)

    def answers(self, size: int) -> list[Update]:
        """Return so many answers, and have Telegram's answers to the questions ready."""
        self.session.ready = [self.session.message(self.bot, self._who) for _ in range(size)]
        return [self.update("yes") for _ in range(size)]

    # What is measured, see Batch.

    async def batch(self, size: int) -> int:
        """Answer so often; the CPU time that it took."""
        updates = self.answers(size)
        began = clock()
        for update in updates:
            await self.feed(update)
        return clock() - began

    async def short(self, size: int) -> int:
        """Do the same in a conversation of its own."""
        await self.begin()
        return await self.batch(size)

    def somebody_else(self) -> Talk:
        """Let somebody else write from now on."""
        self._who = next(_people)
        return self

    async def miss(self, size: int) -> int:
        """Feed messages of somebody who is asked nothing."""
        self.somebody_else()
        updates = [self.update("hello") for _ in range(size)]
        began = clock()
        for update in updates:
            await self.dispatcher.feed_update(self.bot, update)
        return clock() - began

    async def answered(self, who: int) -> int:
        """Let somebody answer; the time of the clock that it took, in nanoseconds."""
        self._who = who
        (update,) = self.answers(1)
        began = time.perf_counter_ns()
        await self.feed(update)
        spent = time.perf_counter_ns() - began
        await asyncio.sleep(0)
        return spent

    async def elapsed(self, size: int) -> int:
        """Answer so often in a conversation of its own; the time of the clock that it took."""
        await self.begin()
        updates = self.answers(size)
        began = time.perf_counter_ns()
        for update in updates:
            await self.feed(update)
        return time.perf_counter_ns() - began


def durable(name: str, fn: Any = questions, **options: Any) -> Any:
    """Make a conversation durable, however long it gets."""
    return aiostep.durable(f"bench.{name}", limit=None, **options)(fn)
