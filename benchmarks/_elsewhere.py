"""Bots of other frameworks that ask with a library made for theirs: Pyrogram with pyromod, NoneBot with its waiter.

They are treated as the aiogram bots are: every update is made beforehand, parsed as the framework parses it, and put
in where the framework puts what it has parsed; every request is answered from memory, in the place of the network.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from _measure import clock
from _peers import nonebot_waiter, pyromod

__all__ = ["Elsewhere", "NoneBotWaiter", "Pyromod", "elsewhere"]

_ME = 1_000
_DATE = 1_700_000_000
_ids = itertools.count(1)


class Elsewhere:
    """A bot with one handler: a message "ask" has it ask for a number from 1 to 9 for ever, any other be answered."""

    name = ""
    framework = ""
    #: A batch is so many times smaller than those of the others: it takes that long.
    slowness = 1

    def __init__(self) -> None:
        self.asked: asyncio.Future[None] | None = None
        self.answered = 0
        self.is_by_hand = False
        self._asking: asyncio.Task[Any] | None = None

    async def open(self) -> None:
        """Begin."""

    async def close(self) -> None:
        """End the handler if it waits."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def update(self, text: str) -> Any:
        """Return a private message."""
        raise NotImplementedError

    def feed(self, update: Any) -> None:
        """Have the framework handle *update*, soon."""
        raise NotImplementedError

    async def ask(self, message: Any) -> int:
        """Send a prompt, and return the number that is the answer."""
        raise NotImplementedError

    async def say(self, message: Any) -> None:
        """Send a message."""
        raise NotImplementedError

    async def handle(self, message: Any, text: str) -> None:
        """Be the handler."""
        if text != "ask":
            await self.say(message)
            self._go_on()
            return
        self._asking = asyncio.current_task()
        while True:
            self._go_on()
            assert await self.ask(message) == 7
            self.answered += 1

    def _go_on(self) -> None:
        if self.asked is not None and not self.asked.done():
            self.asked.set_result(None)

    async def _run(self, updates: list[Any]) -> int:
        loop, began = asyncio.get_running_loop(), clock()
        for update in updates:
            self.asked = loop.create_future()
            self.feed(update)
            await self.asked
        return clock() - began

    # What is measured, see Batch.

    async def round_trip(self, size: int) -> int:
        """Let the handler ask, answer, and let it go on to ask again."""
        await self.open()
        await self._run([self.update("ask")])
        before, spent = self.answered, await self._run([self.update("7") for _ in range(size)])
        assert self.answered == before + size
        await self.close()
        return spent

    async def alone(self, size: int) -> int:
        """Let the handler answer every message, which takes the framework alone."""
        await self.open()
        spent = await self._run([self.update("hello") for _ in range(size)])
        await self.close()
        return spent


class Pyromod(Elsewhere):
    """Pyrogram, and pyromod, which patches it: every handler is called by way of a thread, waiting or not."""

    name, framework = "pyromod", "Pyrogram"

    def __init__(self) -> None:
        super().__init__()
        pyromod()
        import pyrogram
        from pyrogram import filters, raw, types
        from pyrogram.handlers import MessageHandler

        self._types, self._raw, self._pyrogram = types, raw, pyrogram
        self._wanted = filters.regex(r"^[1-9]$")
        self._client = client = pyrogram.Client("bench", api_id=1, api_hash="-", in_memory=True, workers=4)
        sent = raw.types.UpdateShortSentMessage(id=1, pts=1, pts_count=1, date=_DATE, out=True)

        async def invoke(query: Any, *args: Any, **options: Any) -> Any:
            return sent

        async def parsed(message: Any, *args: Any) -> tuple[Any, type[Any]]:
            return message, MessageHandler

        async def handle(client: Any, message: Any) -> None:
            await self.handle(message, message.text)

        client.invoke, client.is_connected = invoke, True
        client.dispatcher.update_parsers[types.Message] = parsed
        client.dispatcher.groups[0] = [MessageHandler(handle)]
        self._is_open = False

    async def open(self) -> None:
        dispatcher = self._client.dispatcher
        if not self._is_open:
            self._is_open = True
            await self._client.storage.open()
            await self._client.storage.update_peers([(_ME, 1, "user", None, None)])
        await dispatcher.start()

    async def close(self) -> None:
        await super().close()
        dispatcher = self._client.dispatcher
        for task in dispatcher.handler_worker_tasks:
            task.cancel()
        await asyncio.gather(*dispatcher.handler_worker_tasks, return_exceptions=True)
        dispatcher.handler_worker_tasks.clear()
        dispatcher.locks_list.clear()
        assert not any(self._client.listeners.values())

    def update(self, text: str) -> Any:
        types, number = self._types, next(_ids)
        chat = types.Chat(id=_ME, type=self._pyrogram.enums.ChatType.PRIVATE, client=self._client)
        person = types.User(id=_ME, first_name="Alice", client=self._client)
        return types.Message(id=number, chat=chat, from_user=person, text=text, client=self._client)

    def feed(self, update: Any) -> None:
        self._client.dispatcher.updates_queue.put_nowait((update, {}, {}))

    async def ask(self, message: Any) -> int:
        if not self.is_by_hand:
            return int((await message.chat.ask("?", filters=self._wanted, timeout=3600)).text)
        while True:
            text = (await message.chat.ask("?", timeout=3600)).text
            if text.isdigit() and 1 <= int(text) <= 9:
                return int(text)

    async def say(self, message: Any) -> None:
        await message.reply("?")


class NoneBotWaiter(Elsewhere):
    """NoneBot with its adapter for Telegram, and nonebot-plugin-waiter."""

    name, framework, slowness = "nonebot-plugin-waiter", "NoneBot", 5

    def __init__(self) -> None:
        super().__init__()
        self._library = nonebot_waiter()
        from nonebot import get_driver
        from nonebot.adapters.telegram import Adapter, Bot, Event
        from nonebot.adapters.telegram.config import BotConfig

        sent = {"message_id": 1, "date": _DATE, "chat": {"id": _ME, "type": "private"}, "text": "?"}

        class Silent(Adapter):
            async def _call_api(self, bot: Any, api: str, **data: Any) -> Any:
                return sent

        self._event = Event
        self._bot = Bot(Silent(get_driver()), "42", config=BotConfig(token="42:TEST"))
        self._tasks: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        from nonebot import on_message

        async def handle(event: Any) -> None:
            await self.handle(event, event.get_plaintext())

        handle.__annotations__ = {"event": self._event}
        self._matcher = on_message(handlers=[handle])

    async def close(self) -> None:
        await super().close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._matcher.destroy()

    def update(self, text: str) -> Any:
        number = next(_ids)
        person = {"id": _ME, "first_name": "Alice", "is_bot": False}
        chat = {"id": _ME, "first_name": "Alice", "type": "private"}
        message = {"message_id": number, "date": _DATE, "chat": chat, "from": person, "text": text}
        return self._event.parse_event({"update_id": number, "message": message})

    def feed(self, update: Any) -> None:
        task = asyncio.create_task(self._bot.handle_event(update))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ask(self, message: Any) -> int:
        if not self.is_by_hand:
            found = await self._library.prompt_until("?", self._is_good, timeout=3600)
            return int(found.extract_plain_text())
        while True:
            found = await self._library.prompt("?", timeout=3600)
            if self._is_good(found):
                return int(found.extract_plain_text())

    @staticmethod
    def _is_good(found: Any) -> bool:
        text = found.extract_plain_text()
        return text.isdigit() and 1 <= int(text) <= 9

    async def say(self, message: Any) -> None:
        await self._matcher.send("?")


def elsewhere() -> list[type[Elsewhere]]:
    """List those that can be measured here."""
    return [kind for kind, found in ((Pyromod, pyromod()), (NoneBotWaiter, nonebot_waiter())) if found is not None]
