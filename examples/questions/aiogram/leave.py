"""A question can be left, by /cancel or by a button; other commands still work.

Try it without a token or the internet:  python -m aiostep play examples/questions/aiogram/leave.py --cli
"""

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import WaitCancelled, choose


async def donate() -> str:
    try:
        amount = await choose("How much?", [5, 10, 20], columns=3, cancel="button")
    except WaitCancelled:
        return "Another time, then."
    return f"Thank you for {amount}!"


dp = Dispatcher()
aiostep.install(dp)


@dp.message(Command("donate"))
async def handle(message: Message) -> None:
    await message.answer(await donate())


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
