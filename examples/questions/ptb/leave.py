"""A question can be left, by /cancel or by a button; other commands still work.

Try it without a token or the internet:  python -m aiostep play examples/questions/ptb/leave.py --cli
"""

import os

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

import aiostep
from aiostep import WaitCancelled, choose


async def donate() -> str:
    try:
        amount = await choose("How much?", [5, 10, 20], columns=3, cancel="button")
    except WaitCancelled:
        return "Another time, then."
    return f"Thank you for {amount}!"


async def handle(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(await donate())


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application)
application.add_handler(CommandHandler("donate", handle))

if __name__ == "__main__":
    application.run_polling()
