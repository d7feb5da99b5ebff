"""Several photos that are sent together are one answer.

Try it without a token or the internet:  python -m aiostep play examples/questions/ptb/album.py --cli
"""

import os

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

import aiostep
from aiostep import Album, Photo, ask


async def sell() -> str:
    photos = await ask("Photos, please, up to five.", Album(Photo, max=5))
    price = await ask("And the price?", int)
    return f"{len(photos)} photos, and yours for {price}."


async def handle(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(await sell())


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application)
application.add_handler(CommandHandler("sell", handle))

if __name__ == "__main__":
    application.run_polling()
