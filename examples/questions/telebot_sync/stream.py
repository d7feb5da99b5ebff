"""One message after the other, until it is enough; none is lost on the way.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot_sync/stream.py --cli
"""

import os

from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep.sync import ask, stream


def shop() -> str:
    with stream(str, timeout=600) as texts:
        items = [ask("What do we need? One thing at a time, and a full stop at the end.", str)]
        for text in texts:
            if text == ".":
                break
            items.append(text)
    return f"On the list: {', '.join(items)}."


bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["shop"])
def handle(message: Message) -> None:
    bot.send_message(message.chat.id, shop())


if __name__ == "__main__":
    bot.infinity_polling()
