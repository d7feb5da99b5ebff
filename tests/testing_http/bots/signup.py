"""An aiogram bot as its author wrote it: nothing in it knows of the emulator."""

import asyncio
import os

from aiogram import Bot, Dispatcher, F
from aiogram.filters import CommandStart
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message


class Form(StatesGroup):
    name = State()


dp = Dispatcher()


@dp.message(CommandStart())
async def start(message: Message, state: FSMContext) -> None:
    await state.set_state(Form.name)
    await message.answer("Hi! What is your name?")


@dp.message(Form.name)
async def named(message: Message, state: FSMContext) -> None:
    await state.clear()
    keys = [
        [InlineKeyboardButton(text="Save", callback_data="y"), InlineKeyboardButton(text="Cancel", callback_data="n")]
    ]
    await message.answer(f"Save {message.text}?", reply_markup=InlineKeyboardMarkup(inline_keyboard=keys))


@dp.callback_query(F.data == "y")
async def save(query: CallbackQuery) -> None:
    await query.answer("Saved!")
    if isinstance(query.message, Message):
        await query.message.edit_text("All set")


if __name__ == "__main__":
    asyncio.run(dp.start_polling(Bot(os.environ["BOT_TOKEN"])))
