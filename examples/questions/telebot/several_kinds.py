"""An answer may be of several kinds; ``match`` tells them apart.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot/several_kinds.py --cli
"""

import asyncio
import os

from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

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


bot = AsyncTeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["where"])
async def handle(message: Message) -> None:
    await bot.send_message(message.chat.id, await where())


if __name__ == "__main__":
    asyncio.run(bot.infinity_polling())
