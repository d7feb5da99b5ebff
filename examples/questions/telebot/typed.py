"""An answer is a value: a number, a day, an address. What is none is asked for again.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot/typed.py --cli
"""

import asyncio
import os
from datetime import date

from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

import aiostep
from aiostep import Email, ask, between


async def book() -> str:
    seats = await ask("How many seats?", int, check=between(1, 9))
    day = await ask("For which day?", date, check=lambda day: day.year >= 2026 or "That day is over.")
    email = await ask("Your e-mail address?", Email)
    return f"{seats} seats on {day:%d %B %Y}. The tickets go to {email}."


bot = AsyncTeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["book"])
async def handle(message: Message) -> None:
    await bot.send_message(message.chat.id, await book())


if __name__ == "__main__":
    asyncio.run(bot.infinity_polling())
