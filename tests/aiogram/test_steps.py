"""Registered steps: what they get, where they run, and what becomes of them when they fail."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import pytest
from aiogram import BaseMiddleware, Dispatcher, F, Router, flags
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.handlers import MessageHandler
from aiogram.methods import SendMessage
from aiogram.types import Message

import aiostep
from aiostep import ask, next_step
from tests.aiogram.bots import echo, starter
from tests.aiogram.stage import Stage, until

pytestmark = pytest.mark.anyio


class Note(BaseMiddleware):
    """Writes down where it was, and adds to the data."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    async def __call__(self, handler: Any, event: Any, data: dict[str, Any]) -> Any:
        if getattr(event, "message", event).text != "/start":
            flag = data["handler"].flags.get("slow") if "handler" in data else None
            self.log.append(f"{self.name} {flag}" if flag else self.name)
        data[self.name] = f"from {self.name}"
        return await handler(event, data)


async def play(stage: Stage, dp: Dispatcher, *texts: str, expect: str) -> Any:
    """Start, write, and return Alice after the bot said what is expected."""
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("^go on$")
        for text in texts:
            alice.send(text)
        await alice.expect(expect)
    return alice


async def test_a_step_gets_what_a_handler_gets(stage: Stage) -> None:
    """Promise 10: bot, state, workflow data and a middleware's data come to a step by name, with its own arguments."""
    dp, got = stage.dispatcher(), {}
    dp["config"] = "the config"
    dp.message.outer_middleware(Note("outer", []))

    async def step(
        message: Message, first: int, *, second: str, bot: Any, state: FSMContext, config: str, outer: str
    ) -> None:
        await state.update_data(name=message.text)
        got.update(first=first, second=second, bot=bot, config=config, outer=outer, data=await state.get_data())
        await message.answer("done")

    starter(dp, step, 1, second="two")
    await play(stage, dp, "Ann", expect="^done$")

    assert got.pop("bot") is stage.bot
    assert got == {
        "first": 1,
        "second": "two",
        "config": "the config",
        "outer": "from outer",
        "data": {"name": "Ann"},
    }


async def test_a_step_runs_inside_all_middlewares(stage: Stage) -> None:
    """Promise 10: outer and inner middlewares wrap a step, those of its router too, and they see its flags."""
    dp, router, log = stage.dispatcher(), Router(), []
    other = Router()
    dp.update.outer_middleware(Note("on update", log))
    dp.message.outer_middleware(Note("outer", log))
    dp.message.middleware(Note("inner", log))
    router.message.middleware(Note("router", log))
    other.message.middleware(Note("other", log))
    dp.include_routers(other, router)

    @flags.slow("slowly")
    async def step(message: Message, router: str) -> None:
        await message.answer(f"router data {router}")

    starter(router, step)
    await play(stage, dp, "Ann", expect="^router data from router$")

    assert log == ["on update", "outer", "inner slowly", "router slowly"]


def plain(message: Message, number: int, config: str) -> None:
    ran.append((message.text, number, config))


async def with_rest(message: Message, *numbers: int, **data: Any) -> None:
    ran.append((message.text, *numbers, data["config"]))


def plain_with_rest(message: Message, *numbers: int, config: str) -> None:
    ran.append((message.text, *numbers, config))


class Callable_:
    async def __call__(self, message: Message, number: int, config: str) -> None:
        ran.append((message.text, number, config))

    async def method(self, message: Message, number: int, config: str) -> None:
        ran.append((message.text, number, config))


async def bound(extra: str, message: Message, number: int, config: str) -> None:
    assert extra == "extra"
    ran.append((message.text, number, config))


ran: list[Any] = []


@pytest.mark.parametrize(
    "step",
    [plain, with_rest, plain_with_rest, Callable_(), Callable_().method, functools.partial(bound, "extra")],
    ids=["sync", "async *args", "sync *args", "object", "method", "partial"],
)
async def test_a_step_is_anything_that_can_be_called(local: Stage, step: Callable[..., Any]) -> None:
    """Promise 10: plain functions, methods, partials, objects and functions of *args get their arguments and data."""
    dp = local.dispatcher()
    dp["config"] = "c"
    ran.clear()
    starter(dp, step, 7)

    alice = local.world.person("Alice")
    async with local.run(dp):
        alice.send("/start")
        await alice.expect("^go on$")
        alice.send("Ann")
        await until(lambda: ran)

    assert ran == [("Ann", 7, "c")]


async def test_a_step_is_a_class_based_handler(stage: Stage) -> None:
    """Promise 10: aiogram's class-based handlers are steps too."""
    dp = stage.dispatcher()

    class Step(MessageHandler):
        async def handle(self) -> Any:
            await self.event.answer(f"{self.event.text} {self.data['extra']} {type(self.data['state']).__name__}")

    starter(dp, Step, extra="x")
    await play(stage, dp, "Ann", expect="^Ann x FSMContext$")


async def test_what_a_step_returns_is_sent(stage: Stage) -> None:
    """Promise 10: a step may return a method instead of calling it, as any handler."""
    dp = stage.dispatcher()

    async def step(message: Message) -> SendMessage:
        return message.answer(f"returned {message.text}")

    starter(dp, step)
    await play(stage, dp, "Ann", expect="^returned Ann$")


async def test_a_step_can_ask(stage: Stage) -> None:
    """A step is a handler: it may wait, and what was typed ahead is kept for it."""
    dp = stage.dispatcher()

    async def step(message: Message) -> None:
        age = await ask("age?", int)
        await message.answer(f"{message.text} is {age}")

    starter(dp, step)
    await play(stage, dp, "Ann", "33", expect="^Ann is 33$")


async def test_steps_that_register_each_other_lose_nothing(stage: Stage) -> None:
    """T01: what is typed ahead of a chain of steps goes to the steps, in order."""
    dp = stage.dispatcher()

    async def name(message: Message) -> None:
        await message.answer("age?")
        await next_step(age, name=message.text)

    async def age(message: Message, name: str) -> None:
        await message.answer("town?")
        await next_step(town, name=name, age=message.text)

    async def town(message: Message, name: str, age: str) -> None:
        await message.answer(f"{name}, {age}, {message.text}")

    starter(dp, name)
    echo(dp)
    await play(stage, dp, "Ann", "33", "Rome", expect="^Ann, 33, Rome$")


async def test_a_step_with_a_filter(stage: Stage) -> None:
    """A step's filter decides which message is meant; the others go to the handlers."""
    dp = stage.dispatcher()

    async def step(message: Message) -> None:
        await message.answer(f"got {message.text}")

    async def slow(message: Message) -> bool:
        await asyncio.sleep(0.01)
        return message.text == "b"

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await next_step(step, filter=F.text.isdigit() if message.text == "/start" else slow)
        await message.answer("go on")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        for command, wanted, unwanted in (("/start", "5", "x"), ("/start slow", "b", "a")):
            alice.send(command)
            await alice.expect("^go on$")
            alice.send(unwanted)
            await alice.expect(f"^other:{unwanted}$")
            alice.send(wanted)
            await alice.expect(f"^got {wanted}$")


async def test_many_steps_wait_at_once(local: Stage) -> None:
    """A thousand steps that wait for a further answer are no burden on the next update, nor on its stack."""
    dp, count, waiting = local.dispatcher(), 1100, []

    async def step(message: Message) -> None:
        waiting.append(message.chat.id)
        got = await aiostep.wait_for()
        ran.append(got.text)

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await next_step(step)
        registered.append(message.chat.id)

    async def held(handler: Any, event: Any, data: Any) -> Any:
        if event.message.text == "one":
            await gate.wait()
        return await handler(event, data)

    gate = asyncio.Event()
    dp.update.outer_middleware.register(held)
    registered: list[int] = []
    echo(dp)
    ran.clear()
    people = [local.world.person(f"P{number}") for number in range(count)]
    local.world.check = False
    async with local.run(dp):
        for person in people:
            person.send("/start")
        await until(lambda: len(registered) == count)
        for person in people:
            person.send("one")
        await until(lambda: local.engine and len(local.engine.waits) == count)
        gate.set()
        await until(lambda: len(waiting) == count)
        middlewares = len(list(dp.message.outer_middleware))
        alice = local.world.person("Alice")
        alice.send("hi")
        await alice.expect("^other:hi$")
        for person in people:
            person.send("two")
        await until(lambda: len(ran) == count)

    assert middlewares == 0


async def test_a_step_that_never_asks_is_no_conversation(stage: Stage) -> None:
    """What arrives while a step runs is kept for the handlers; commands pass, and nobody is told of an exit."""
    dp, go, exits = stage.dispatcher(), asyncio.Event(), []
    assert stage.engine is not None
    stage.engine.on_exit(exits.append)

    async def step(message: Message) -> None:
        await message.answer("working")
        await go.wait()
        await message.answer("worked")

    @dp.message(Command("cancel"))
    async def cancel(message: Message) -> None:
        go.set()

    starter(dp, step)
    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("^go on$")
        alice.send("Ann")
        await alice.expect("^working$")
        assert aiostep.cancel(user=alice.id) == 0
        alice.send("early")
        alice.send("/cancel")
        await alice.expect("^worked$")
        await alice.expect("^other:early$")

    assert exits == []
