"""Several of a few: each click is a check mark more or less.

Try it without a token or the internet:  python -m aiostep play examples/questions/ptb/choose_many.py --cli
"""

import os

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

import aiostep
from aiostep import choose_many

TOPPINGS = ["Mushrooms", "Olives", "Onions", "Peppers"]


async def toppings() -> str:
    chosen = await choose_many("What shall be on it?", TOPPINGS, min=1, max=2, columns=2)
    return f"A pizza with {' and '.join(chosen).lower()}."


async def handle(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(await toppings())


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application)
application.add_handler(CommandHandler("toppings", handle))

if __name__ == "__main__":
    application.run_polling()
