"""One of a few, by buttons. Who writes it instead has chosen it, too.

Try it without a token or the internet:  python -m aiostep play examples/questions/ptb/choose.py --cli
"""

import os

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

import aiostep
from aiostep import choose

SIZES = {"S": "Small", "M": "Medium", "L": "Large"}


async def order() -> str:
    size = await choose("Which size?", SIZES, columns=3)
    return f"One pizza, size {size}."


async def handle(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(await order())


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application)
application.add_handler(CommandHandler("order", handle))

if __name__ == "__main__":
    application.run_polling()
