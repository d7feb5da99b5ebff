"""An answer may be of several kinds; ``match`` tells them apart.

Try it without a token or the internet:  python -m aiostep play examples/questions/ptb/several_kinds.py --cli
"""

import os

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

import aiostep
from aiostep import Location, Photo, ask


async def where() -> str:
    answer = await ask("Where are you? A location, a photo or an address will do.", Location | Photo | str)
    match answer:
        case Location():
            return f"At {answer.latitude:.1f}, {answer.longitude:.1f}."
        case Photo():
            return "I think that I know the place."
        case _:
            return f"On my way to {answer}."


async def handle(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(await where())


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application)
application.add_handler(CommandHandler("where", handle))

if __name__ == "__main__":
    application.run_polling()
