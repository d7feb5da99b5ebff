"""A question stands while another command is answered, and is asked again below that.

Try it without a token or the internet:  python -m aiostep play examples/questions/ptb/asked_again.py --cli
"""

import os

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

import aiostep
from aiostep import choose


async def drink() -> str:
    choice = await choose("What may it be?", ["Tea", "Coffee"], columns=2, again=True)
    return f"{choice} it is."


async def prices() -> str:
    return "Tea is 2, coffee is 3."


async def handle(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(await drink())


async def handle_prices(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(await prices())


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application)
application.add_handler(CommandHandler("drink", handle))
application.add_handler(CommandHandler("prices", handle_prices))

if __name__ == "__main__":
    application.run_polling()
