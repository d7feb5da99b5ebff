"""Bots that several tests talk to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiogram import Dispatcher, Router
from aiogram.filters import Command
from aiogram.types import Message

import aiostep
from aiostep import (
    ask,
    register_next_step,
)
from tests.aiogram.stage import Stage, until


def echo(router: Router) -> None:
    """Register, last, an ordinary handler that says what nobody else took."""

    @router.message()
    async def other(message: Message) -> None:
        said = message.text or message.caption or ("photo" if message.photo else None)
        if said is not None:
            await message.answer(f"other:{said}")


def three_questions(stage: Stage, **options: Any) -> tuple[Any, list[str]]:
    """Make a bot that asks three questions and sends in between."""
    dp, answers = stage.dispatcher(**options), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        for number in "123":
            answers.append(await ask(f"q{number}?", str))
            await message.answer(f"noted {number}")
        await message.answer("done " + ",".join(answers))

    echo(dp)
    return dp, answers


def reporter(stage: Stage, **options: Any) -> tuple[Any, list[str]]:
    """Make a bot that asks, and notes why the question ended and what ``on_exit`` was told."""
    dp, ends = stage.dispatcher(**options), []
    assert stage.engine is not None

    @stage.engine.on_exit
    async def gone(event: aiostep.Exit) -> None:
        ends.append(f"exit {event.reason}")

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        try:
            await ask("name?", str, timeout=5)
        except Exception as error:
            ends.append(getattr(error, "reason", type(error).__name__))
            raise

    @dp.message(Command("cancel"))
    async def cancel(message: Message) -> None:
        await message.answer("nothing to cancel")

    echo(dp)
    return dp, ends


async def waiting(stage: Stage, count: int = 1) -> None:
    await until(lambda: stage.engine and sum(len(one.waits) for one in stage.engine.waits) == count)


def starter(dp: Dispatcher | Router, step: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Register /start, which registers the step."""

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await register_next_step(None, step, args, kwargs)
        await message.answer("go on")
