"""Yes or no. Only what comes after the question can confirm it.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot_sync/confirm.py --cli
"""

import os

from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep.sync import confirm


def delete() -> str:
    if confirm("Delete all your data?", yes="Delete", no="Keep it"):
        return "Your data is gone."
    return "Nothing was deleted."


bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["delete"])
def handle(message: Message) -> None:
    bot.send_message(message.chat.id, delete())


if __name__ == "__main__":
    bot.infinity_polling()
