"""What type checkers must make of a bot's code; never run, checked by mypy and pyright."""

from __future__ import annotations

from telegram import Update
from telegram.ext import ContextTypes
from typing_extensions import assert_type

from aiostep_ptb import ask, wait_for


async def questions(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert_type(await ask("x"), Update)
    assert_type(await ask("x", int), int)
    assert_type(await ask("x", float, check=lambda number: number > 0, retry="more"), float)
    assert_type(await ask("x", check=lambda answer: answer.message is not None), Update)
    assert_type(await ask("x", int, default=None), int | None)
    assert_type(await ask("x", default=0), Update | int)


async def waits(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert_type(await wait_for(), Update)
    assert_type(await wait_for(7, timeout=25), Update)
    assert_type(await wait_for(kinds="callback_query"), Update)
    assert_type(await wait_for(kinds=("message", "poll_answer")), Update)
    assert_type(await wait_for(default=None), Update | None)
    assert_type(await wait_for(kinds="poll_answer", default=None), Update | None)
