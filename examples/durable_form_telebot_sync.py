"""A bot that survives kill -9: what people have answered is in a SQLite file, and the conversation goes on from there.

Try it without a token or the internet:  python -m aiostep play examples/durable_form_telebot_sync.py --cli
In the middle of an /order, type !kill, and !start.
"""

import os
from dataclasses import dataclass
from random import randrange
from typing import Literal

from telebot import TeleBot
from telebot.types import Message

import aiostep
from aiostep import field, fill, run

bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot, storage="sqlite:///bot.db")


@dataclass
class Order:
    pizza: Literal["Margherita", "Funghi"] = field("Which pizza?")
    count: int = field("How many?", check=lambda count: 1 <= count <= 9 or "From 1 to 9, please.")
    address: str = field("Where to?")


def draw_number() -> int:
    return randrange(1000, 10000)


@bot.message_handler(commands=["order"])
@aiostep.durable("pizza.order")
async def order(message: Message) -> None:  # async here too: while it waits it needs no thread
    number = await run(draw_number)  # once, however often the bot is killed
    bot.send_message(message.chat.id, f"Your order is number {number}.")
    order = await fill(Order)
    text = f"Number {number}: {order.count} x {order.pizza} to {order.address}. Thank you!"
    bot.send_message(message.chat.id, text)


@bot.message_handler()
def anything_else(message: Message) -> None:
    bot.send_message(message.chat.id, "Try /order.")


if __name__ == "__main__":
    bot.infinity_polling()
