"""An answer is a value: a number, a day, an address. What is none is asked for again.

Try it without a token or the internet:  python -m aiostep play examples/questions/ptb/typed.py --cli
"""

import os
from datetime import date

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

import aiostep
from aiostep import Email, ask, between


async def book() -> str:
    seats = await ask("How many seats?", int, check=between(1, 9))
    day = await ask("For which day?", date, check=lambda day: day.year >= 2026 or "That day is over.")
    email = await ask("Your e-mail address?", Email)
    return f"{seats} seats on {day:%d %B %Y}. The tickets go to {email}."


async def handle(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(await book())


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application)
application.add_handler(CommandHandler("book", handle))

if __name__ == "__main__":
    application.run_polling()
