"""A TeleBot, without an event loop, that polls, and takes orders."""

from __future__ import annotations

import sys

from telebot import TeleBot, apihelper
from telebot.types import Message

import aiostep
from tests.durable.bots.text import order

TOKEN = "42:TEST"


def main(api: str, storage: str) -> None:
    apihelper.API_URL = api + "/bot{0}/{1}"
    bot = TeleBot(TOKEN)
    aiostep.install(bot, storage=storage)
    bot.register_message_handler(order, commands=["order"])

    @bot.message_handler()
    def other(message: Message) -> None:
        bot.send_message(message.chat.id, f"Other: {message.text}")

    bot.infinity_polling(timeout=20)


if __name__ == "__main__":
    main(*sys.argv[1:3])
