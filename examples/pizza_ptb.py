"""A bot that takes orders. Each conversation is one function, from the first question to the last.

Try it without a token or the internet:  python -m aiostep play examples/pizza_ptb.py --cli
"""

import os

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes, MessageHandler, filters

import aiostep
from aiostep import Scope, WaitCancelled, WaitTimeout
from aiostep_ptb import ask, wait_for

BUTTONS = [InlineKeyboardButton("Order", callback_data="yes"), InlineKeyboardButton("No", callback_data="no")]


async def say(update: Update, text: str, keyboard: InlineKeyboardMarkup | None = None) -> Message:
    assert update.effective_message is not None
    return await update.effective_message.reply_text(text, reply_markup=keyboard)


async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await say(update, "Hi! /order a pizza, or win one with a /quiz. /cancel stops everything.")


async def order(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    try:
        name = await ask("What's your name?", str)
        count = await ask("How many pizzas?", int, check=lambda n: 1 <= n <= 9, retry="A number from 1 to 9, please.")
    except WaitCancelled:
        await say(update, "No pizza, then.")
        return
    question = await say(update, f"{count} x pizza for {name}?", InlineKeyboardMarkup([BUTTONS]))
    click = await wait_for(kinds="callback_query", scope=Scope.BUTTONS(question), timeout=600)
    done = click.callback_query and click.callback_query.data == "yes"
    await question.edit_text(f"{count} x pizza for {name}: ordered!" if done else "Another time.")


async def quiz(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    try:
        answer = await ask("7 x 8? You have two seconds!", int, timeout=2)
    except WaitTimeout:
        await say(update, "Too late. It was 56.")
    else:
        await say(update, "Right, you win!" if answer == 56 else "No, it is 56.")


async def anything_else(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await say(update, "Try /order.")


application = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).build()
aiostep.install(application)
application.add_handlers([CommandHandler("start", start), CommandHandler("order", order), CommandHandler("quiz", quiz)])
application.add_handler(MessageHandler(filters.TEXT, anything_else))

if __name__ == "__main__":
    application.run_polling()
