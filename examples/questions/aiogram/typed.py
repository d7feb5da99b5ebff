"""An answer is a value: a number, a day, an address. What is none is asked for again.

Try it without a token or the internet:  python -m aiostep play examples/questions/aiogram/typed.py --cli
"""

import asyncio
import os
from datetime import date

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import Email, ask, between


async def book() -> str:
    seats = await ask("How many seats?", int, check=between(1, 9))
    day = await ask("For which day?", date, check=lambda day: day.year >= 2026 or "That day is over.")
    email = await ask("Your e-mail address?", Email)
    return f"{seats} seats on {day:%d %B %Y}. The tickets go to {email}."


dp = Dispatcher()
aiostep.install(dp)


@dp.message(Command("book"))
async def handle(message: Message) -> None:
    await message.answer(await book())


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
