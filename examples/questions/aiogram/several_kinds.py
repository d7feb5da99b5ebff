"""An answer may be of several kinds; ``match`` tells them apart.

Try it without a token or the internet:  python -m aiostep play examples/questions/aiogram/several_kinds.py --cli
"""

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import Location, Photo, ask


async def where() -> str:
    answer = await ask("Where are you? A location, a photo or an address will do.", Location | Photo | str)
    match answer:
        case Location():
            return f"At {answer.latitude:.1f}, {answer.longitude:.1f}."
        case Photo():
            return "I think that I know the place."
        case _:
            return f"On my way to {answer}."


dp = Dispatcher()
aiostep.install(dp)


@dp.message(Command("where"))
async def handle(message: Message) -> None:
    await message.answer(await where())


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
