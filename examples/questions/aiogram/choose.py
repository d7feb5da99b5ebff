"""One of a few, by buttons. Who writes it instead has chosen it, too.

Try it without a token or the internet:  python -m aiostep play examples/questions/aiogram/choose.py --cli
"""

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import choose

SIZES = {"S": "Small", "M": "Medium", "L": "Large"}


async def order() -> str:
    size = await choose("Which size?", SIZES, columns=3)
    return f"One pizza, size {size}."


dp = Dispatcher()
aiostep.install(dp)


@dp.message(Command("order"))
async def handle(message: Message) -> None:
    await message.answer(await order())


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
