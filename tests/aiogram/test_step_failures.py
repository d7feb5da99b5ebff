"""Steps that raise, skip, or that a middleware does not let through."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram import F, Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.filters import Command
from aiogram.types import ErrorEvent, Message

import aiostep
from aiostep import (
    BadArgument,
    ask,
    register_next_step,
)
from tests.aiogram.bots import echo, starter
from tests.aiogram.stage import Stage, until

pytestmark = pytest.mark.anyio


async def test_a_step_that_raises_is_kept(stage: Stage) -> None:
    """T16: after an error the person can answer again; the third error drops the step. Each is reported once."""
    dp, errors = stage.dispatcher(), []

    async def step(message: Message) -> None:
        await message.answer(f"number {int(message.text or '')}")

    @dp.errors()
    async def failed(event: ErrorEvent) -> None:
        errors.append(type(event.exception))

    starter(dp, step)
    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("^go on$")
        alice.send("x")
        await until(lambda: len(errors) == 1)
        alice.send("5")
        await alice.expect("^number 5$")
        alice.send("/start")
        await alice.expect("^go on$")
        for count in (2, 3, 4):
            alice.send("x")
            await until(lambda count=count: len(errors) == count)  # type: ignore[misc]
        alice.send("5")
        await alice.expect("^other:5$")

    assert errors == [ValueError] * 4


async def test_errors_reach_the_routers_that_handle_them(stage: Stage) -> None:
    """Promise 10: an error of a step or of a resumed handler reaches a sub-router's error handler, exactly once."""
    dp, router, errors = stage.dispatcher(), Router(), []

    @router.errors(F.exception.as_("error"))
    async def failed(event: ErrorEvent, error: Exception) -> None:
        errors.append(str(error))

    @router.message(Command("ask"))
    async def asking(message: Message) -> None:
        await ask("go on")
        raise LookupError("of a handler")

    async def step(message: Message) -> None:
        raise LookupError("of a step")

    starter(router, step)
    dp.include_router(router)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        for command in ("/start", "/ask"):
            alice.send(command)
            await alice.expect("^go on$")
            alice.send("Ann")
            await until(lambda: errors and errors[-1] == ("of a step" if command == "/start" else "of a handler"))  # noqa: B023

    assert errors == ["of a step", "of a handler"]


async def test_an_error_nobody_handles_is_aiogram_s(stage: Stage) -> None:
    """Promise 10: without error handlers aiogram logs the error of a step once, as any handler's."""
    dp = stage.dispatcher()

    async def step(message: Message) -> None:
        raise LookupError("on purpose")

    starter(dp, step)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("^go on$")
        alice.send("x")
        await until(lambda: stage.errors)

    assert [type(error) for error in stage.errors] == [LookupError]
    stage.errors.clear()


@pytest.mark.parametrize("place", ["update", "outer", "inner"])
async def test_a_step_comes_back_if_a_middleware_swallows_its_message(stage: Stage, place: str) -> None:
    """A middleware that lets a message through to nobody leaves the step for the next one."""
    dp = stage.dispatcher()

    async def ban(handler: Any, event: Any, data: Any) -> Any:
        text = event.message.text if place == "update" else event.text
        return None if text == "spam" else await handler(event, data)

    managers = {
        "update": dp.update.outer_middleware,
        "outer": dp.message.outer_middleware,
        "inner": dp.message.middleware,
    }
    managers[place](ban)

    async def step(message: Message) -> None:
        await message.answer(f"got {message.text}")

    starter(dp, step)
    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("^go on$")
        alice.send("spam")
        await alice.expect_nothing()
        alice.send("ham")
        await alice.expect("^got ham$")


async def test_a_step_may_skip(stage: Stage) -> None:
    """A step that raises ``SkipHandler`` leaves the message to the handlers, and stays, however often."""
    dp = stage.dispatcher()

    async def step(message: Message) -> None:
        if message.text != "Ann":
            raise SkipHandler
        await message.answer("got Ann")

    starter(dp, step)
    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("^go on$")
        for text in "abcd":
            alice.send(text)
            await alice.expect(f"^other:{text}$")
        alice.send("Ann")
        await alice.expect("^got Ann$")


def no_arguments() -> None: ...


async def one_argument(message: Message) -> None: ...


@pytest.mark.parametrize(
    ("step", "args", "kwargs"),
    [
        (no_arguments, (), {}),
        (one_argument, (1,), {}),
        (one_argument, (), {"name": 1}),
        (None, (), {}),
        (7, (), {}),
        ("name", (), {}),
    ],
)
async def test_a_step_that_cannot_be_called_is_refused(local: Stage, step: Any, args: Any, kwargs: Any) -> None:
    """A step that would fail when the message comes is refused when it is registered, and nothing is kept."""
    dp, refused = local.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        with pytest.raises(BadArgument) as error:
            await register_next_step(None, step, args, kwargs)
        refused.append(str(error.value))

    async with local.run(dp):
        local.world.person("Alice").send("/start")
        await until(lambda: refused)
        assert await aiostep.pending() == []
