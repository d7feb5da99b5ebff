"""A bot that takes orders, with threads. Each conversation is one function, from the first question to the last.

Try it without a token or the internet:  python -m aiostep play examples/pizza_telebot_sync.py --cli
"""

import os

from telebot import TeleBot
from telebot.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

import aiostep
from aiostep import Scope, WaitCancelled, WaitTimeout
from aiostep.sync import Questions, ask, conversation, wait_for

bot = TeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)

BUTTONS = [InlineKeyboardButton("Order", callback_data="yes"), InlineKeyboardButton("No", callback_data="no")]


@bot.message_handler(commands=["start"])
def start(message: Message) -> None:
    bot.send_message(message.chat.id, "Hi! /order a pizza, or win one with a /quiz. /cancel stops everything.")


@bot.message_handler(commands=["order"])
def order(message: Message) -> None:
    chat = message.chat.id
    try:
        name = ask("What's your name?", str)
        count = ask("How many pizzas?", int, check=lambda n: 1 <= n <= 9, retry="A number from 1 to 9, please.")
    except WaitCancelled:
        bot.send_message(chat, "No pizza, then.")
        return
    question = bot.send_message(chat, f"{count} x pizza for {name}?", reply_markup=InlineKeyboardMarkup([BUTTONS]))
    click = wait_for(kinds="callback_query", scope=Scope.BUTTONS(question), timeout=600)
    text = f"{count} x pizza for {name}: ordered!" if click.data == "yes" else "Another time."
    bot.edit_message_text(text, chat, question.message_id)


@bot.message_handler(commands=["quiz"])
@conversation  # needs no thread while it waits
def quiz(message: Message) -> Questions:
    try:
        answer = yield ask("7 x 8? You have two seconds!", int, timeout=2)
    except WaitTimeout:
        bot.send_message(message.chat.id, "Too late. It was 56.")
    else:
        bot.send_message(message.chat.id, "Right, you win!" if answer == 56 else "No, it is 56.")


@bot.message_handler()
def anything_else(message: Message) -> None:
    bot.send_message(message.chat.id, "Try /order.")


if __name__ == "__main__":
    bot.infinity_polling()
