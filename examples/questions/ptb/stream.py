"""One message after the other, until it is enough; none is lost on the way.

Try it without a token or the internet:  python -m aiostep play examples/questions/ptb/stream.py --cli
"""

import os

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

import aiostep
from aiostep import ask, stream


async def shop() -> str:
    async with stream(str, timeout=600) as texts:
        items = [await ask("What do we need? One thing at a time, and a full stop at the end.", str)]
        async for text in texts:
            if text == ".":
                break
            items.append(text)
    return f"On the list: {', '.join(items)}."


async def handle(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message is not None
    await update.effective_message.reply_text(await shop())


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application)
application.add_handler(CommandHandler("shop", handle))

if __name__ == "__main__":
    application.run_polling()
