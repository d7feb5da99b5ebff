"""A quiz for everybody in a group: the first right answer wins.

Try it without a token or the internet:  python -m aiostep play examples/questions/ptb/first_answer.py --cli
"""

import os

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

import aiostep
from aiostep import Scope, ask


async def quiz() -> str:
    right = await ask("7 x 8?", int, check=lambda n: n == 56, retry="No.", attempts=None, scope=Scope.CHAT)
    return f"Yes, it is {right}!"


async def handle(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(await quiz())


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application)
application.add_handler(CommandHandler("quiz", handle))

if __name__ == "__main__":
    application.run_polling()
