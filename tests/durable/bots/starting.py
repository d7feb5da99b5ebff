"""Bots of all kinds that begin a conversation when they start, and die at once if they are mortal."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from typing import Any

import aiostep
from aiostep import Key, ask, start_durable

TOKEN = "42:TEST"


@aiostep.durable("bot.remind", on_conflict="resume")
async def remind(what: str) -> None:
    when = await ask(f"{what}: when?", str)
    await ask(f"{when}: sure?", str)


def die() -> None:
    if "mortal" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)


def key() -> Key:
    return Key(42, int(sys.argv[4]), int(sys.argv[4]))


async def begin(*_: Any) -> None:
    if "mortal" in sys.argv:
        await start_durable(remind, "tea", to=key())
        die()


def aiogram(api: str, storage: str) -> None:
    from aiogram import Bot, Dispatcher
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    dp = Dispatcher()
    aiostep.install(dp, storage=storage)
    dp.startup.register(begin)
    session = AiohttpSession(api=TelegramAPIServer.from_base(api))
    dp.run_polling(Bot(TOKEN, session=session), handle_signals=False, polling_timeout=20)


def ptb(api: str, storage: str) -> None:
    from telegram.ext import ApplicationBuilder

    application = ApplicationBuilder().token(TOKEN).base_url(f"{api}/bot").post_init(begin).build()
    aiostep.install(application, storage=storage)
    application.run_polling(timeout=20, stop_signals=None)


def telebot(api: str, storage: str) -> None:
    from telebot import TeleBot, apihelper

    apihelper.API_URL = api + "/bot{0}/{1}"
    bot = TeleBot(TOKEN)
    aiostep.install(bot, storage=storage)
    if "mortal" in sys.argv:
        importlib.import_module("aiostep.sync").start_durable(remind, "tea", to=key())
        die()
    bot.infinity_polling(timeout=20)


def telebot_async(api: str, storage: str) -> None:
    from telebot import asyncio_helper
    from telebot.async_telebot import AsyncTeleBot

    asyncio_helper.API_URL = api + "/bot{0}/{1}"
    bot = AsyncTeleBot(TOKEN)
    aiostep.install(bot, storage=storage)

    async def main() -> None:
        await begin()
        await bot.infinity_polling(timeout=20)

    asyncio.run(main())


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:4])
