"""Several of a few: each click is a check mark more or less.

Try it without a token or the internet:  python -m aiostep play examples/questions/aiogram/choose_many.py --cli
"""

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import choose_many

TOPPINGS = ["Mushrooms", "Olives", "Onions", "Peppers"]


async def toppings() -> str:
    chosen = await choose_many("What shall be on it?", TOPPINGS, min=1, max=2, columns=2)
    return f"A pizza with {' and '.join(chosen).lower()}."


dp = Dispatcher()
aiostep.install(dp)


@dp.message(Command("toppings"))
async def handle(message: Message) -> None:
    await message.answer(await toppings())


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
