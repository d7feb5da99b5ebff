"""One message after the other, until it is enough; none is lost on the way.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot/stream.py --cli
"""

import asyncio
import os

from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

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


bot = AsyncTeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["shop"])
async def handle(message: Message) -> None:
    await bot.send_message(message.chat.id, await shop())


if __name__ == "__main__":
    asyncio.run(bot.infinity_polling())
