"""One message after the other, until it is enough; none is lost on the way.

Try it without a token or the internet:  python -m aiostep play examples/questions/aiogram/stream.py --cli
"""

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import ask, stream


async def shop() -> str:
    async with stream(str, timeout=600) as texts:
        items = [await ask("What do we need? One thing at a time, and a full stop at the end.", str)]
        async for text in texts:
            if text == ".":
                break
            items.append(text)
    return f"On the list: {', '.join(items)}."


dp = Dispatcher()
aiostep.install(dp)


@dp.message(Command("shop"))
async def handle(message: Message) -> None:
    await message.answer(await shop())


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
