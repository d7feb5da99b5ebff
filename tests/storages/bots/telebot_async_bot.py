"""An AsyncTeleBot that polls."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from telebot import asyncio_helper
from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

import aiostep
from aiostep import next_step

TOKEN = "42:TEST"
bot = AsyncTeleBot(TOKEN)


@aiostep.step("restart.got_name")
async def got_name(message: Message, plan: str) -> None:
    if message.text == "die" and "mortal" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    await bot.reply_to(message, f"Hello, {message.text} ({plan}, 42)")


@aiostep.step("restart.too_late")
async def too_late(timed_out: Any, plan: str) -> None:
    await timed_out.send(f"Too late for {plan}")


@bot.message_handler(commands=["start"])
async def start(message: Message) -> None:
    await next_step(got_name, plan="free")
    await bot.reply_to(message, "Your name?")


@bot.message_handler(commands=["soon"])
async def soon(message: Message) -> None:
    await next_step(got_name, plan="gold", timeout=0.5, on_timeout=too_late)
    await bot.reply_to(message, "Quick!")


@bot.message_handler(func=lambda message: True)
async def other(message: Message) -> None:
    await bot.reply_to(message, f"Other: {message.text}")


def main(api: str, storage: str) -> None:
    asyncio_helper.API_URL = api + "/bot{0}/{1}"
    aiostep.install(bot, storage=storage)
    asyncio.run(bot.infinity_polling(timeout=20))


if __name__ == "__main__":
    main(*sys.argv[1:3])
