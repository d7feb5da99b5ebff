"""Several of a few: each click is a check mark more or less.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot_sync/choose_many.py --cli
"""

import os

from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep.sync import choose_many

TOPPINGS = ["Mushrooms", "Olives", "Onions", "Peppers"]


def toppings() -> str:
    chosen = choose_many("What shall be on it?", TOPPINGS, min=1, max=2, columns=2)
    return f"A pizza with {' and '.join(chosen).lower()}."


bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["toppings"])
def handle(message: Message) -> None:
    bot.send_message(message.chat.id, toppings())


if __name__ == "__main__":
    bot.infinity_polling()
