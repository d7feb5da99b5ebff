"""A bot that takes orders. Each conversation is one function, from the first question to the last.

Try it without a token or the internet:  python -m aiostep play examples/pizza_aiogram.py --cli
"""

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.filters import Command, CommandStart
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

import aiostep
from aiostep import Scope, WaitCancelled, WaitTimeout
from aiostep_aiogram import ask, wait_for

dp = Dispatcher()
aiostep.install(dp)

BUTTONS = [InlineKeyboardButton(text="Order", callback_data="yes"), InlineKeyboardButton(text="No", callback_data="no")]


@dp.message(CommandStart())
async def start(message: Message) -> None:
    await message.answer("Hi! /order a pizza, or win one with a /quiz. /cancel stops everything.")


@dp.message(Command("order"))
async def order(message: Message) -> None:
    try:
        name = await ask("What's your name?", str)
        count = await ask("How many pizzas?", int, check=lambda n: 1 <= n <= 9, retry="A number from 1 to 9, please.")
    except WaitCancelled:
        await message.answer("No pizza, then.")
        return
    question = await message.answer(
        f"{count} x pizza for {name}?", reply_markup=InlineKeyboardMarkup(inline_keyboard=[BUTTONS])
    )
    click = await wait_for(kinds="callback_query", scope=Scope.BUTTONS(question), timeout=600)
    await question.edit_text(f"{count} x pizza for {name}: ordered!" if click.data == "yes" else "Another time.")


@dp.message(Command("quiz"))
async def quiz(message: Message) -> None:
    try:
        answer = await ask("7 x 8? You have two seconds!", int, timeout=2)
    except WaitTimeout:
        await message.answer("Too late. It was 56.")
    else:
        await message.answer("Right, you win!" if answer == 56 else "No, it is 56.")


@dp.message()
async def anything_else(message: Message) -> None:
    await message.answer("Try /order.")


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
