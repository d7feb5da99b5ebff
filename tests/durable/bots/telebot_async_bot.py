"""An AsyncTeleBot that polls, and takes orders."""

from __future__ import annotations

import asyncio
import sys

from telebot import asyncio_helper
from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

import aiostep
from tests.durable.bots.text import order

TOKEN = "42:TEST"


def main(api: str, storage: str) -> None:
    asyncio_helper.API_URL = api + "/bot{0}/{1}"
    bot = AsyncTeleBot(TOKEN)
    aiostep.install(bot, storage=storage)
    bot.register_message_handler(order, commands=["order"])

    @bot.message_handler()
    async def other(message: Message) -> None:
        await bot.send_message(message.chat.id, f"Other: {message.text}")

    asyncio.run(bot.infinity_polling(timeout=20))


if __name__ == "__main__":
    main(*sys.argv[1:3])
