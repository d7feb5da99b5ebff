"""A form: a class says what is asked, and its annotations say how.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot_sync/form.py --cli
"""

import os
from dataclasses import dataclass
from typing import Literal

from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep.sync import field, fill


@dataclass
class Order:
    drink: Literal["Tea", "Coffee"] = field("What would you like?")
    cups: int = field("How many cups?", check=lambda cups: 1 <= cups <= 9 or "From 1 to 9, please.")
    milk: bool = field("With milk?", when=lambda so_far: so_far["drink"] == "Coffee", default=False)
    note: str | None = field("Anything else?", default=None)


def order() -> str:
    order = fill(Order)
    milk = " with milk" if order.milk else ""
    return f"{order.cups} x {order.drink}{milk}. {order.note or ''}".strip()


bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["order"])
def handle(message: Message) -> None:
    bot.send_message(message.chat.id, order())


if __name__ == "__main__":
    bot.infinity_polling()
