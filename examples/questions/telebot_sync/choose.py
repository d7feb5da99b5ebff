"""One of a few, by buttons. Who writes it instead has chosen it, too.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot_sync/choose.py --cli
"""

import os

from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep.sync import choose

SIZES = {"S": "Small", "M": "Medium", "L": "Large"}


def order() -> str:
    size = choose("Which size?", SIZES, columns=3)
    return f"One pizza, size {size}."


bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["order"])
def handle(message: Message) -> None:
    bot.send_message(message.chat.id, order())


if __name__ == "__main__":
    bot.infinity_polling()
