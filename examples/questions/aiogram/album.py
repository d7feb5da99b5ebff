"""Several photos that are sent together are one answer.

Try it without a token or the internet:  python -m aiostep play examples/questions/aiogram/album.py --cli
"""

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import Album, Photo, ask


async def sell() -> str:
    photos = await ask("Photos, please, up to five.", Album(Photo, max=5))
    price = await ask("And the price?", int)
    return f"{len(photos)} photos, and yours for {price}."


dp = Dispatcher()
aiostep.install(dp)


@dp.message(Command("sell"))
async def handle(message: Message) -> None:
    await message.answer(await sell())


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
