"""An answer may be of several kinds; ``match`` tells them apart.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot_sync/several_kinds.py --cli
"""

import os

from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep import Location, Photo
from aiostep.sync import ask


def where() -> str:
    answer = ask("Where are you? A location, a photo or an address will do.", Location | Photo | str)
    match answer:
        case Location():
            return f"At {answer.latitude:.1f}, {answer.longitude:.1f}."
        case Photo():
            return "I think that I know the place."
        case _:
            return f"On my way to {answer}."


bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["where"])
def handle(message: Message) -> None:
    bot.send_message(message.chat.id, where())


if __name__ == "__main__":
    bot.infinity_polling()
