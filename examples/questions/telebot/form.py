"""A form: a class says what is asked, and its annotations say how.

Try it without a token or the internet:  python -m aiostep play examples/questions/telebot/form.py --cli
"""

import asyncio
import os
from dataclasses import dataclass
from typing import Literal

from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

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


bot = AsyncTeleBot(os.environ["BOT_TOKEN"])
aiostep.install(bot)


@bot.message_handler(commands=["order"])
async def handle(message: Message) -> None:
    await bot.send_message(message.chat.id, await order())


if __name__ == "__main__":
    asyncio.run(bot.infinity_polling())
