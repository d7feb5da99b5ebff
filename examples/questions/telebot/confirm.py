"""Yes or no. Only what comes after the question can confirm it.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot/confirm.py --cli
"""

import asyncio
import os

from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

import aiostep
from aiostep import confirm


async def delete() -> str:
    if await confirm("Delete all your data?", yes="Delete", no="Keep it"):
        return "Your data is gone."
    return "Nothing was deleted."


bot = AsyncTeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["delete"])
async def handle(message: Message) -> None:
    await bot.send_message(message.chat.id, await delete())


if __name__ == "__main__":
    asyncio.run(bot.infinity_polling())
