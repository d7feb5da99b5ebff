"""An answer is a value: a number, a day, an address. What is none is asked for again.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot_sync/typed.py --cli
"""

import os
from datetime import date

from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep import Email
from aiostep.sync import ask, between


def book() -> str:
    seats = ask("How many seats?", int, check=between(1, 9))
    day = ask("For which day?", date, check=lambda day: day.year >= 2026 or "That day is over.")
    email = ask("Your e-mail address?", Email)
    return f"{seats} seats on {day:%d %B %Y}. The tickets go to {email}."


bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["book"])
def handle(message: Message) -> None:
    bot.send_message(message.chat.id, book())


if __name__ == "__main__":
    bot.infinity_polling()
