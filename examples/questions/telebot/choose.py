"""One of a few, by buttons. Who writes it instead has chosen it, too.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot/choose.py --cli
"""

import asyncio
import os

from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

import aiostep
from aiostep import choose

SIZES = {"S": "Small", "M": "Medium", "L": "Large"}


async def order() -> str:
    size = await choose("Which size?", SIZES, columns=3)
    return f"One pizza, size {size}."


bot = AsyncTeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["order"])
async def handle(message: Message) -> None:
    await bot.send_message(message.chat.id, await order())


if __name__ == "__main__":
    asyncio.run(bot.infinity_polling())
