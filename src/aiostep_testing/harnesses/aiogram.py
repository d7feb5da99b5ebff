"""An aiogram Dispatcher under the contract."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command
from aiogram.types import ErrorEvent, InlineKeyboardButton, InlineKeyboardMarkup, Update

from aiostep_core import install
from aiostep_testing.contract import AdapterHarness, Ctx, Program
from aiostep_testing.contract.harness import TOKEN
from aiostep_testing.transports.aiogram import make_bot
from aiostep_testing.wire import Json
from aiostep_testing.world import World

__all__ = ["AiogramHarness"]


class AiogramHarness(AdapterHarness):
    """Each update in a task of its own, as polling does it; webhooks in the foreground."""

    name = "aiogram"
    levels = (
        *("core", "groups", "topics", "callbacks", "menus", "media", "kinds", "limits", "polling", "webhook"),
        "durable",
    )
    reasons: ClassVar[Mapping[str, str]] = {"sync": "its handlers are coroutines"}

    async def start(self, world: World, programs: Mapping[str, Program]) -> None:
        self.world = world
        self.polling: asyncio.Future[Any] | None = None
        self.bot = self._bot(world)
        self.dispatcher = dp = Dispatcher()
        # A foreground webhook would keep its chat back for as long as its handler waits.
        self.engine = install(dp, storage=self.storage, detach=self.transport == "webhook")
        for name, program in programs.items():
            dp.message.register(self.handler(program), Command(name))
        dp.message.register(self.handler(self.other))
        dp.callback_query.register(self.handler(self.other))
        dp.errors.register(self._on_error)
        if self.transport == "http":
            options: Any = {"handle_signals": False, "polling_timeout": 20, "close_bot_session": False}
            poller: Any = dp
            self.polling = asyncio.ensure_future(poller.start_polling(self.bot, **options))
            await self.polls(world)
            return
        await dp.emit_startup(bot=self.bot, **dp.workflow_data)
        world.bot(TOKEN).subscribe(dp.resolve_used_update_types())
        await self.feed(world, self._take)

    def _bot(self, world: World) -> Bot:
        if self.transport == "in process":
            return make_bot(world, TOKEN)
        return Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(self.url)))

    async def _take(self, update: Json) -> None:
        await self.dispatcher.feed_update(self.bot, Update.model_validate(update, context={"bot": self.bot}))

    async def _on_error(self, event: ErrorEvent) -> bool:
        self.errors.append(event.exception)
        return True

    async def stop(self) -> None:
        await self.stop_feeding()
        if self.polling is not None:
            stopping = asyncio.ensure_future(self.dispatcher.stop_polling())
            self.world.release_polls()
            await asyncio.gather(self.polling, stopping)
        else:
            await self.dispatcher.emit_shutdown(bot=self.bot, **self.dispatcher.workflow_data)
        await self.end_tasks()
        # Not session.close(), which sleeps a quarter of a second for the sake of TLS.
        session: Any = getattr(self.bot.session, "_session", None)
        if session is not None:
            await session.close()

    def handler(self, program: Program) -> Callable[..., Any]:
        async def handle(event: Any) -> None:
            await program(Ctx(self, event))

        return handle

    async def say(self, update: Any, text: str, buttons: Sequence[str]) -> Any:
        message = getattr(update, "message", update)
        keys = [[InlineKeyboardButton(text=one, callback_data=one) for one in buttons]]
        return await message.answer(text, reply_markup=InlineKeyboardMarkup(inline_keyboard=keys) if buttons else None)

    def text_of(self, update: Any) -> str:
        if hasattr(update, "data"):
            return str(update.data)
        return str(update.text or update.caption or ("photo" if update.photo else ""))
