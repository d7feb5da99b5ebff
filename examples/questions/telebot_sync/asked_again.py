"""A question stands while another command is answered, and is asked again below that.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot_sync/asked_again.py --cli
"""

import os

from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep.sync import choose


def drink() -> str:
    choice = choose("What may it be?", ["Tea", "Coffee"], columns=2, again=True)
    return f"{choice} it is."


def prices() -> str:
    return "Tea is 2, coffee is 3."


bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["drink"])
def handle(message: Message) -> None:
    bot.send_message(message.chat.id, drink())


@bot.message_handler(commands=["prices"])
def handle_prices(message: Message) -> None:
    bot.send_message(message.chat.id, prices())


if __name__ == "__main__":
    bot.infinity_polling()
