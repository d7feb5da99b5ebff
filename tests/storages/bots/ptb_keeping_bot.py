"""An application that keeps what handlers put into its data, and is not told to stop in time to write it."""

from __future__ import annotations

import sys
from typing import Any

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes, ConversationHandler, MessageHandler, filters

import aiostep
from aiostep_ptb import StepPersistence, wait_for

TOKEN = "42:TEST"
NAME = 1
Context = ContextTypes.DEFAULT_TYPE


async def count(update: Update, context: Context) -> None:
    assert update.message is not None
    assert context.user_data is not None
    context.user_data["count"] = context.user_data.get("count", 0) + 1
    await update.message.reply_text(f"Count: {context.user_data['count']}")


async def order(update: Update, context: Context) -> None:
    assert update.message is not None
    assert context.user_data is not None
    context.user_data["order"] = "begun"
    await update.message.reply_text("How many?")
    answer = (await wait_for()).message
    context.user_data["order"] = answer.text if answer is not None else None
    await update.message.reply_text("Where to?")
    await wait_for()


async def late(update: Update, context: Context) -> None:
    assert update.message is not None
    assert context.user_data is not None
    await update.message.reply_text("Quick!")
    try:
        await wait_for(timeout=0.2)
    except TimeoutError:
        context.user_data["late"] = True


async def ask_name(update: Update, context: Context) -> int:
    assert update.message is not None
    await update.message.reply_text("Your name?")
    return NAME


async def got_name(update: Update, context: Context) -> int:
    assert update.message is not None
    await update.message.reply_text(f"Hello, {update.message.text}")
    return ConversationHandler.END


def main(api: str, storage: str) -> None:
    persistence = StepPersistence(storage, update_interval=3600)
    application: Any = ApplicationBuilder().token(TOKEN).base_url(f"{api}/bot").persistence(persistence).build()
    aiostep.install(application)
    name: Any = MessageHandler(filters.TEXT & ~filters.COMMAND, got_name)
    for command, callback in {"count": count, "order": order, "late": late}.items():
        application.add_handler(CommandHandler(command, callback))
    ask: Any = CommandHandler("name", ask_name)
    application.add_handler(ConversationHandler([ask], {NAME: [name]}, [], name="name", persistent=True))
    application.run_polling(timeout=20, stop_signals=None)


if __name__ == "__main__":
    main(*sys.argv[1:3])
