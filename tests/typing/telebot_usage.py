"""What type checkers must make of a bot's code; never run, checked by mypy and pyright."""

from __future__ import annotations

from typing import Any

from telebot.types import CallbackQuery, Message
from typing_extensions import assert_type

from aiostep_telebot import ask, wait_for


async def questions(message: Message) -> None:
    assert_type(await ask("x"), Message)
    assert_type(await ask("x", int), int)
    assert_type(await ask("x", int, default=None), int | None)
    assert_type(await ask("x", default=0), Message | int)


async def waits(message: Message) -> None:
    assert_type(await wait_for(), Message)
    assert_type(await wait_for(kinds="callback_query"), CallbackQuery)
    assert_type(await wait_for(kinds="callback_query", default=None), CallbackQuery | None)
    either = await wait_for(kinds=("message", "callback_query"))
    assert_type(either, Any)
