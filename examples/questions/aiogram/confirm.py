"""Yes or no. Only what comes after the question can confirm it.

Try it without a token or the internet:  python -m aiostep play examples/questions/aiogram/confirm.py --cli
"""

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import confirm


async def delete() -> str:
    if await confirm("Delete all your data?", yes="Delete", no="Keep it"):
        return "Your data is gone."
    return "Nothing was deleted."


dp = Dispatcher()
aiostep.install(dp)


@dp.message(Command("delete"))
async def handle(message: Message) -> None:
    await message.answer(await delete())


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
