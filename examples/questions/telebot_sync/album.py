"""Several photos that are sent together are one answer.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot_sync/album.py --cli
"""

import os

from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep import Album, Photo
from aiostep.sync import ask


def sell() -> str:
    photos = ask("Photos, please, up to five.", Album(Photo, max=5))
    price = ask("And the price?", int)
    return f"{len(photos)} photos, and yours for {price}."


bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["sell"])
def handle(message: Message) -> None:
    bot.send_message(message.chat.id, sell())


if __name__ == "__main__":
    bot.infinity_polling()
