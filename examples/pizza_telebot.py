"""A bot that takes orders. Each conversation is one function, from the first question to the last.

Try it without a token or the internet:  python -m aiostep play examples/pizza_telebot.py --cli
"""

import asyncio
import os

from telebot.async_telebot import AsyncTeleBot
from telebot.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

import aiostep
from aiostep import Scope, WaitCancelled, WaitTimeout
from aiostep_telebot import ask, wait_for

bot = AsyncTeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)

BUTTONS = [InlineKeyboardButton("Order", callback_data="yes"), InlineKeyboardButton("No", callback_data="no")]


@bot.message_handler(commands=["start"])
async def start(message: Message) -> None:
    await bot.send_message(message.chat.id, "Hi! /order a pizza, or win one with a /quiz. /cancel stops everything.")


@bot.message_handler(commands=["order"])
async def order(message: Message) -> None:
    chat = message.chat.id
    try:
        name = await ask("What's your name?", str)
        count = await ask("How many pizzas?", int, check=lambda n: 1 <= n <= 9, retry="A number from 1 to 9, please.")
    except WaitCancelled:
        await bot.send_message(chat, "No pizza, then.")
        return
    keyboard = InlineKeyboardMarkup([BUTTONS])
    question = await bot.send_message(chat, f"{count} x pizza for {name}?", reply_markup=keyboard)
    click = await wait_for(kinds="callback_query", scope=Scope.BUTTONS(question), timeout=600)
    text = f"{count} x pizza for {name}: ordered!" if click.data == "yes" else "Another time."
    await bot.edit_message_text(text, chat, question.message_id)


@bot.message_handler(commands=["quiz"])
async def quiz(message: Message) -> None:
    try:
        answer = await ask("7 x 8? You have two seconds!", int, timeout=2)
    except WaitTimeout:
        await bot.send_message(message.chat.id, "Too late. It was 56.")
    else:
        await bot.send_message(message.chat.id, "Right, you win!" if answer == 56 else "No, it is 56.")


@bot.message_handler()
async def anything_else(message: Message) -> None:
    await bot.send_message(message.chat.id, "Try /order.")


if __name__ == "__main__":
    asyncio.run(bot.infinity_polling())
