"""A form: a class says what is asked, and its annotations say how.

Try it without a token or the internet:  python -m aiostep play examples/questions/ptb/form.py --cli
"""

import os
from dataclasses import dataclass
from typing import Literal

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

import aiostep
from aiostep import field, fill


@dataclass
class Order:
    drink: Literal["Tea", "Coffee"] = field("What would you like?")
    cups: int = field("How many cups?", check=lambda cups: 1 <= cups <= 9 or "From 1 to 9, please.")
    milk: bool = field("With milk?", when=lambda so_far: so_far["drink"] == "Coffee", default=False)
    note: str | None = field("Anything else?", default=None)


async def order() -> str:
    order = await fill(Order)
    milk = " with milk" if order.milk else ""
    return f"{order.cups} x {order.drink}{milk}. {order.note or ''}".strip()


async def handle(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(await order())


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application)
application.add_handler(CommandHandler("order", handle))

if __name__ == "__main__":
    application.run_polling()
