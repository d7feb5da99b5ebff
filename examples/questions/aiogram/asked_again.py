"""A question stands while another command is answered, and is asked again below that.

Try it without a token or the internet:  python -m aiostep play examples/questions/aiogram/asked_again.py --cli
"""

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import choose


async def drink() -> str:
    choice = await choose("What may it be?", ["Tea", "Coffee"], columns=2, again=True)
    return f"{choice} it is."


async def prices() -> str:
    return "Tea is 2, coffee is 3."


dp = Dispatcher()
aiostep.install(dp)


@dp.message(Command("drink"))
async def handle(message: Message) -> None:
    await message.answer(await drink())


@dp.message(Command("prices"))
async def handle_prices(message: Message) -> None:
    await message.answer(await prices())


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
