"""A dispatcher that polls."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message

import aiostep
from aiostep import next_step

TOKEN = "42:TEST"


@aiostep.step("restart.got_name")
async def got_name(message: Message, plan: str, bot: Bot) -> None:
    if message.text == "die" and "mortal" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    await message.answer(f"Hello, {message.text} ({plan}, {bot.id})")


@aiostep.step("restart.too_late")
async def too_late(timed_out: Any, plan: str) -> None:
    await timed_out.send(f"Too late for {plan}")


def main(api: str, storage: str) -> None:
    dp = Dispatcher()
    aiostep.install(dp, storage=storage)

    @dp.message(F.text == "/start")
    async def start(message: Message) -> None:
        await next_step(got_name, plan="free")
        await message.answer("Your name?")

    @dp.message(F.text == "/soon")
    async def soon(message: Message) -> None:
        await next_step(got_name, plan="gold", timeout=0.5, on_timeout=too_late)
        await message.answer("Quick!")

    @dp.message(F.text)
    async def other(message: Message) -> None:
        await message.answer(f"Other: {message.text}")

    server = TelegramAPIServer.from_base(api)
    dp.run_polling(Bot(TOKEN, session=AiohttpSession(api=server)), handle_signals=False, polling_timeout=20)


if __name__ == "__main__":
    main(*sys.argv[1:3])
