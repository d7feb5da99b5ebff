"""A dispatcher that polls, and takes orders."""

from __future__ import annotations

import os
import signal
import sys

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import WaitTimeout, ask, choose, confirm, run

TOKEN = "42:TEST"


def die(name: str) -> str:
    if "mortal" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    return name.upper()


@aiostep.durable("bot.order")
async def order(message: Message) -> None:
    name = await ask("Name?", str)
    count = await ask("How many?", int, retry="A number, please.")
    size = await choose("Size?", {"S": "Small", "L": "Large"})
    loud = await run(die, name)
    await message.answer(f"{count} x {size} for {loud}")
    if await confirm("Order?"):
        await message.answer("Thank you!")
    try:
        await ask("How was it?", timeout=2)
    except WaitTimeout:
        await message.answer("Never mind.")


def main(api: str, storage: str) -> None:
    dp = Dispatcher()
    aiostep.install(dp, storage=storage)
    dp.message.register(order, Command("order"))

    @dp.message()
    async def other(message: Message) -> None:
        await message.answer(f"Other: {message.text}")

    server = TelegramAPIServer.from_base(api)
    dp.run_polling(Bot(TOKEN, session=AiohttpSession(api=server)), handle_signals=False, polling_timeout=20)


if __name__ == "__main__":
    main(*sys.argv[1:3])
