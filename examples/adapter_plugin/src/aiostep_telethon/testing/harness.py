"""A TelegramClient under the contract."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from telethon import Button, events

from aiostep_core import install
from aiostep_testing.contract import TOKEN, AdapterHarness, Ctx, Program
from aiostep_testing.world import World

from ..facts import thread_of
from .server import Server, make_client

__all__ = ["TelethonHarness"]

_servers: WeakKeyDictionary[World, Server] = WeakKeyDictionary()


class TelethonHarness(AdapterHarness):
    """Telethon's default: each update in a task of its own."""

    name = "telethon"
    levels = ("core", "groups", "topics", "callbacks", "menus", "media", "durable")
    reasons: ClassVar[Mapping[str, str]] = {
        "kinds": "MTProto has other names for what is in a message",
        "limits": "Telethon waits by itself, and keeps everybody back meanwhile",
        "polling": "MTProto has none",
        "webhook": "MTProto has none",
        "sync": "its handlers are coroutines",
    }
    transports = ("in process",)
    options: ClassVar[Mapping[str, Any]] = {}

    async def start(self, world: World, programs: Mapping[str, Program]) -> None:
        # Who comes back is known: by the session, and by what was sent to it.
        server = _servers.setdefault(world, Server(world, TOKEN))
        self.client = client = make_client(server, **self.options)
        self.engine = install(client, storage=self.storage)
        self.log = _Log(self.errors)
        logging.getLogger("telethon").addHandler(self.log)
        # Telethon calls every handler that fits, so the last one must not fit what the others do.
        for name, program in programs.items():
            client.add_event_handler(self.handler(program), events.NewMessage(pattern=rf"^/{name}(@\w+)?$"))
        commands = re.compile(rf"^/({'|'.join(programs) or '-'})(@\w+)?$")
        rest = events.NewMessage(func=lambda event: not commands.match(event.raw_text))
        client.add_event_handler(self.handler(self.other), rest)
        client.add_event_handler(self.handler(self.other), events.CallbackQuery)
        await client.start(bot_token=TOKEN)
        self.deliver_no_more = server.deliver()

    async def stop(self) -> None:
        self.deliver_no_more()
        await self.client.disconnect()
        logging.getLogger("telethon").removeHandler(self.log)

    def handler(self, program: Program) -> Callable[..., Any]:
        async def handle(event: Any) -> None:
            await program(Ctx(self, event))

        return handle

    async def say(self, update: Any, text: str, buttons: Sequence[str]) -> Any:
        message = getattr(update, "message", None)
        topic = thread_of(message)[0] if message is not None else None
        keys = [[Button.inline(one, one) for one in buttons]] if buttons else None
        return await self.client.send_message(update.chat_id, text, buttons=keys, reply_to=topic)

    def text_of(self, update: Any) -> str:
        if isinstance(update, events.CallbackQuery.Event):
            return str(update.data.decode())
        message = getattr(update, "message", None)
        return str(getattr(message, "raw_text", "") or ("photo" if getattr(message, "photo", None) else ""))


class _Log(logging.Handler):
    """Collects what Telethon logs that went wrong."""

    def __init__(self, errors: list[BaseException]) -> None:
        super().__init__(logging.ERROR)
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info is not None else None
        self._errors.append(error or AssertionError(record.getMessage()))
