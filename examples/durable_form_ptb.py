"""A bot that survives kill -9: what people have answered is in a SQLite file, and the conversation goes on from there.

Try it without a token or the internet:  python -m aiostep play examples/durable_form_ptb.py --cli
In the middle of an /order, type !kill, and !start.
"""

import os
from dataclasses import dataclass
from random import randrange
from typing import Literal

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes, MessageHandler, filters

import aiostep
from aiostep import field, fill, run


@dataclass
class Order:
    pizza: Literal["Margherita", "Funghi"] = field("Which pizza?")
    count: int = field("How many?", check=lambda count: 1 <= count <= 9 or "From 1 to 9, please.")
    address: str = field("Where to?")


def draw_number() -> int:
    return randrange(1000, 10000)


async def say(update: Update, text: str) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(text)


@aiostep.durable("pizza.order")
async def order(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    number = await run(draw_number)  # once, however often the bot is killed
    await say(update, f"Your order is number {number}.")
    order = await fill(Order)
    await say(update, f"Number {number}: {order.count} x {order.pizza} to {order.address}. Thank you!")


async def anything_else(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await say(update, "Try /order.")


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application, storage="sqlite:///bot.db")
application.add_handlers([CommandHandler("order", order), MessageHandler(filters.TEXT, anything_else)])

if __name__ == "__main__":
    application.run_polling()
