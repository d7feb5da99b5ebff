"""A quiz for everybody in a group: the first right answer wins.

Try it without a token or the internet:  python -m aiostep play examples/questions/aiogram/first_answer.py --cli
"""

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import Scope, ask


async def quiz() -> str:
    right = await ask("7 x 8?", int, check=lambda n: n == 56, retry="No.", attempts=None, scope=Scope.CHAT)
    return f"Yes, it is {right}!"


dp = Dispatcher()
aiostep.install(dp)


@dp.message(Command("quiz"))
async def handle(message: Message) -> None:
    await message.answer(await quiz())


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
