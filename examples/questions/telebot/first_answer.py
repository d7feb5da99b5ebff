"""A quiz for everybody in a group: the first right answer wins.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot/first_answer.py --cli
"""

import asyncio
import os

from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

import aiostep
from aiostep import Scope, ask


async def quiz() -> str:
    right = await ask("7 x 8?", int, check=lambda n: n == 56, retry="No.", attempts=None, scope=Scope.CHAT)
    return f"Yes, it is {right}!"


bot = AsyncTeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["quiz"])
async def handle(message: Message) -> None:
    await bot.send_message(message.chat.id, await quiz())


if __name__ == "__main__":
    asyncio.run(bot.infinity_polling())
