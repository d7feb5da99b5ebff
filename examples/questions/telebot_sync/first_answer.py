"""A quiz for everybody in a group: the first right answer wins.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot_sync/first_answer.py --cli
"""

import os

from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep import Scope
from aiostep.sync import ask


def quiz() -> str:
    right = ask("7 x 8?", int, check=lambda n: n == 56, retry="No.", attempts=None, scope=Scope.CHAT)
    return f"Yes, it is {right}!"


bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["quiz"])
def handle(message: Message) -> None:
    bot.send_message(message.chat.id, quiz())


if __name__ == "__main__":
    bot.infinity_polling()
