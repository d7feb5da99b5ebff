"""A question stands while another command is answered, and is asked again below that.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot/asked_again.py --cli
"""

import asyncio
import os

from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

import aiostep
from aiostep import choose


async def drink() -> str:
    choice = await choose("What may it be?", ["Tea", "Coffee"], columns=2, again=True)
    return f"{choice} it is."


async def prices() -> str:
    return "Tea is 2, coffee is 3."


bot = AsyncTeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["drink"])
async def handle(message: Message) -> None:
    await bot.send_message(message.chat.id, await drink())


@bot.message_handler(commands=["prices"])
async def handle_prices(message: Message) -> None:
    await bot.send_message(message.chat.id, await prices())


if __name__ == "__main__":
    asyncio.run(bot.infinity_polling())
