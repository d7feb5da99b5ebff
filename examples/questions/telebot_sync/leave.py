"""A question can be left, by /cancel or by a button; other commands still work.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot_sync/leave.py --cli
"""

import os

from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep import WaitCancelled
from aiostep.sync import choose


def donate() -> str:
    try:
        amount = choose("How much?", [5, 10, 20], columns=3, cancel="button")
    except WaitCancelled:
        return "Another time, then."
    return f"Thank you for {amount}!"


bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["donate"])
def handle(message: Message) -> None:
    bot.send_message(message.chat.id, donate())


if __name__ == "__main__":
    bot.infinity_polling()
