"""Several photos that are sent together are one answer.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot/album.py --cli
"""

import asyncio
import os

from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

import aiostep
from aiostep import Album, Photo, ask


async def sell() -> str:
    photos = await ask("Photos, please, up to five.", Album(Photo, max=5))
    price = await ask("And the price?", int)
    return f"{len(photos)} photos, and yours for {price}."


bot = AsyncTeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["sell"])
async def handle(message: Message) -> None:
    await bot.send_message(message.chat.id, await sell())


if __name__ == "__main__":
    asyncio.run(bot.infinity_polling())
