"""A python-telegram-bot Application under the contract."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import ApplicationBuilder, CallbackQueryHandler, CommandHandler, MessageHandler, filters

from aiostep_core import install
from aiostep_testing.contract import AdapterHarness, Ctx, Program
from aiostep_testing.contract.harness import TOKEN
from aiostep_testing.transports.ptb import AnyApplication, make_builder
from aiostep_testing.wire import Json
from aiostep_testing.world import World

__all__ = ["PtbHarness"]


class PtbHarness(AdapterHarness):
    """PTB's default, one update after the other; webhooks call ``process_update`` and await it."""

    name = "ptb"
    levels = (
        *("core", "groups", "topics", "callbacks", "menus", "media", "kinds", "limits", "polling", "webhook"),
        "durable",
    )
    reasons: ClassVar[Mapping[str, str]] = {"sync": "its handlers are coroutines"}

    async def start(self, world: World, programs: Mapping[str, Program]) -> None:
        self.world = world
        self.application = application = self._application(world)
        self.engine = install(application, storage=self.storage)
        for name, program in programs.items():
            application.add_handler(CommandHandler(name, self.handler(program)))
        application.add_handler(MessageHandler(filters.UpdateType.MESSAGE, self.handler(self.other)))
        application.add_handler(CallbackQueryHandler(self.handler(self.other)))
        application.add_error_handler(self._on_error)
        await application.initialize()
        if self.transport == "http":
            assert application.updater is not None
            await application.updater.start_polling(timeout=20, allowed_updates=Update.ALL_TYPES)
            await self.polls(world)
        await application.start()
        if self.transport != "http":
            world.bot(TOKEN).subscribe(Update.ALL_TYPES)
            await self.feed(world, self._take)

    def _application(self, world: World) -> AnyApplication:
        if self.transport == "in process":
            return make_builder(world, TOKEN).build()
        builder = ApplicationBuilder().token(TOKEN).base_url(f"{self.url}/bot").base_file_url(f"{self.url}/file/bot")
        application: AnyApplication = builder.build()
        return application

    async def _take(self, update: Json) -> None:
        made = Update.de_json(update, self.application.bot)
        if self.transport == "webhook":
            await self.application.process_update(made)
        else:
            await self.application.update_queue.put(made)

    async def _on_error(self, update: object, context: Any) -> None:
        self.errors.append(context.error)

    async def stop(self) -> None:
        await self.stop_feeding()
        updater = self.application.updater
        if updater is not None and updater.running:
            stopping = asyncio.ensure_future(updater.stop())
            await asyncio.sleep(0)
            self.world.release_polls()
            await stopping
        await self.application.stop()
        await self.end_tasks()
        await self.application.shutdown()

    def handler(self, program: Program) -> Callable[..., Any]:
        async def handle(update: Update, context: Any) -> None:
            await program(Ctx(self, update))

        return handle

    async def say(self, update: Any, text: str, buttons: Sequence[str]) -> Any:
        message = update.effective_message
        keys = InlineKeyboardMarkup([[InlineKeyboardButton(one, callback_data=one) for one in buttons]])
        return await message.get_bot().send_message(
            message.chat_id,
            text,
            reply_markup=keys if buttons else None,
            message_thread_id=message.message_thread_id if message.is_topic_message else None,
        )

    def text_of(self, update: Any) -> str:
        if update.callback_query is not None:
            return str(update.callback_query.data)
        message = update.effective_message
        return str(message.text or message.caption or ("photo" if message.photo else ""))
