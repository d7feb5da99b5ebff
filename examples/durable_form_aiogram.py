"""A bot that survives kill -9: what people have answered is in a SQLite file, and the conversation goes on from there.

Try it without a token or the internet:  python -m aiostep play examples/durable_form_aiogram.py --cli
In the middle of an /order, type !kill, and !start.
"""

import asyncio
import os
from dataclasses import dataclass
from random import randrange
from typing import Literal

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import field, fill, run

dp = Dispatcher()
aiostep.install(dp, storage="sqlite:///bot.db")


@dataclass
class Order:
    pizza: Literal["Margherita", "Funghi"] = field("Which pizza?")
    count: int = field("How many?", check=lambda count: 1 <= count <= 9 or "From 1 to 9, please.")
    address: str = field("Where to?")


def draw_number() -> int:
    return randrange(1000, 10000)


@dp.message(Command("order"))
@aiostep.durable("pizza.order")
async def order(message: Message) -> None:
    number = await run(draw_number)  # once, however often the bot is killed
    await message.answer(f"Your order is number {number}.")
    order = await fill(Order)
    await message.answer(f"Number {number}: {order.count} x {order.pizza} to {order.address}. Thank you!")


@dp.message()
async def anything_else(message: Message) -> None:
    await message.answer("Try /order.")


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
