"""Yes or no. Only what comes after the question can confirm it.

Try it without a token or the internet:  python -m aiostep play examples/questions/ptb/confirm.py --cli
"""

import os

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

import aiostep
from aiostep import confirm


async def delete() -> str:
    if await confirm("Delete all your data?", yes="Delete", no="Keep it"):
        return "Your data is gone."
    return "Nothing was deleted."


async def handle(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(await delete())


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application)
application.add_handler(CommandHandler("delete", handle))

if __name__ == "__main__":
    application.run_polling()
