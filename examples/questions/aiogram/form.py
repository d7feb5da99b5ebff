"""A form: a class says what is asked, and its annotations say how.

Try it without a token or the internet:  python -m aiostep play examples/questions/aiogram/form.py --cli
"""

import asyncio
import os
from dataclasses import dataclass
from typing import Literal

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import field, fill


@dataclass
class Order:
    drink: Literal["Tea", "Coffee"] = field("What would you like?")
    cups: int = field("How many cups?", check=lambda cups: 1 <= cups <= 9 or "From 1 to 9, please.")
    milk: bool = field("With milk?", when=lambda so_far: so_far["drink"] == "Coffee", default=False)
    note: str | None = field("Anything else?", default=None)


async def order() -> str:
    order = await fill(Order)
    milk = " with milk" if order.milk else ""
    return f"{order.cups} x {order.drink}{milk}. {order.note or ''}".strip()


dp = Dispatcher()
aiostep.install(dp)


@dp.message(Command("order"))
async def handle(message: Message) -> None:
    await message.answer(await order())


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
