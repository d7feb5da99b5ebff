"""Several of a few: each click is a check mark more or less.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot/choose_many.py --cli
"""

import asyncio
import os

from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

import aiostep
from aiostep import choose_many

TOPPINGS = ["Mushrooms", "Olives", "Onions", "Peppers"]


async def toppings() -> str:
    chosen = await choose_many("What shall be on it?", TOPPINGS, min=1, max=2, columns=2)
    return f"A pizza with {' and '.join(chosen).lower()}."


bot = AsyncTeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["toppings"])
async def handle(message: Message) -> None:
    await bot.send_message(message.chat.id, await toppings())


if __name__ == "__main__":
    asyncio.run(bot.infinity_polling())
