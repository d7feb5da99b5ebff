"""An application that polls."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from telegram import Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes, MessageHandler, filters

import aiostep
from aiostep import next_step

TOKEN = "42:TEST"


@aiostep.step("restart.got_name")
async def got_name(update: Update, context: ContextTypes.DEFAULT_TYPE, plan: str) -> None:
    assert update.message is not None
    if update.message.text == "die" and "mortal" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    await update.message.reply_text(f"Hello, {update.message.text} ({plan}, {context.bot.id})")


@aiostep.step("restart.too_late")
async def too_late(timed_out: Any, context: ContextTypes.DEFAULT_TYPE, plan: str) -> None:
    await context.bot.send_message(timed_out.key.chat_id, f"Too late for {plan}")


async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message is not None
    await next_step(got_name, plan="free")
    await update.message.reply_text("Your name?")


async def soon(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message is not None
    await next_step(got_name, plan="gold", timeout=0.5, on_timeout=too_late)
    await update.message.reply_text("Quick!")


async def other(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message is not None
    await update.message.reply_text(f"Other: {update.message.text}")


def main(api: str, storage: str) -> None:
    application = ApplicationBuilder().token(TOKEN).base_url(f"{api}/bot").build()
    aiostep.install(application, storage=storage)
    application.add_handler(CommandHandler("start", start))
    application.add_handler(CommandHandler("soon", soon))
    application.add_handler(MessageHandler(filters.TEXT, other))
    application.run_polling(timeout=20, stop_signals=None)


if __name__ == "__main__":
    main(*sys.argv[1:3])
