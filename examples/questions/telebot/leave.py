"""A question can be left, by /cancel or by a button; other commands still work.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot/leave.py --cli
"""

import asyncio
import os

from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

import aiostep
from aiostep import WaitCancelled, choose


async def donate() -> str:
    try:
        amount = await choose("How much?", [5, 10, 20], columns=3, cancel="button")
    except WaitCancelled:
        return "Another time, then."
    return f"Thank you for {amount}!"


bot = AsyncTeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["donate"])
async def handle(message: Message) -> None:
    await bot.send_message(message.chat.id, await donate())


if __name__ == "__main__":
    asyncio.run(bot.infinity_polling())
