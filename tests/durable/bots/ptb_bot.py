"""An application that polls, and takes orders."""

from __future__ import annotations

import sys
from typing import Any

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, MessageHandler, filters

import aiostep
from tests.durable.bots.text import order

TOKEN = "42:TEST"


async def other(update: Update, context: Any) -> None:
    assert update.message is not None
    await update.message.reply_text(f"Other: {update.message.text}")


def main(api: str, storage: str) -> None:
    application = ApplicationBuilder().token(TOKEN).base_url(f"{api}/bot").build()
    aiostep.install(application, storage=storage)
    application.add_handler(CommandHandler("order", order))
    application.add_handler(MessageHandler(filters.TEXT, other))
    application.run_polling(timeout=20, stop_signals=None)


if __name__ == "__main__":
    main(*sys.argv[1:3])
