"""A conversation as people see it: nothing lost, nothing doubled, in order, from the right person."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import F
from aiogram.filters import Command
from aiogram.fsm.storage.memory import MemoryStorage
from aiogram.types import Message

from aiostep import ask, wait_for
from tests.aiogram.bots import echo, three_questions
from tests.aiogram.stage import Stage, until

pytestmark = pytest.mark.anyio


async def test_a_backlog_is_a_conversation_too(stage: Stage) -> None:
    """T01: a command and its answers that piled up while the bot was down are one conversation."""
    dp, _ = three_questions(stage)
    alice = stage.world.person("Alice")
    for text in ("/start", "Ann", "33", "Rome"):
        alice.send(text)

    async with stage.run(dp):
        await alice.expect("^done Ann,33,Rome$")


async def test_what_nobody_read_goes_to_ordinary_handlers_in_order(stage: Stage) -> None:
    """T01: leftovers of a conversation reach the ordinary handlers when it ends, with their middleware data."""
    dp, seen = stage.dispatcher(), []

    async def session(handler: Any, event: Any, data: Any) -> Any:
        return await handler(event, {**data, "session": f"session of {event.text}"})

    dp.message.outer_middleware.register(session)

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await ask("name?")
        await message.answer("now")
        await wait_for(filter=F.text == "go")

    @dp.message()
    async def other(message: Message, session: str, shop: str, dispatcher: object, state: object) -> None:
        seen.append((message.text, session, shop))
        assert dispatcher is dp

    alice = stage.world.person("Alice")
    async with stage.run(dp, shop="the shop"):
        alice.send("/start")
        await alice.expect("name")
        for text in ("Ann", "one", "two", "go", "three"):
            alice.send(text)
        await until(lambda: len(seen) == 3)

    assert seen == [(text, f"session of {text}", "the shop") for text in ("one", "two", "three")]


async def test_a_mailbox_that_is_full_lets_the_rest_pass(stage: Stage) -> None:
    """T26, T31: what arrives too much for a busy handler goes to the ordinary handlers at once, unread or not."""
    dp, go, seen = stage.dispatcher(), asyncio.Event(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await ask("name?")
        await go.wait()

    @dp.message()
    async def other(message: Message) -> None:
        seen.append(message.text)

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        for number in range(36):  # the answer, the 32 that fit, and three more
            alice.send(str(number))
        await until(lambda: seen)
        await until(lambda: len(seen) == 3)
        go.set()
        await until(lambda: len(seen) == 35)

    assert seen == [*map(str, range(33, 36)), *map(str, range(1, 33))]


async def test_what_a_filter_rejects_is_offered_to_the_next_candidate(stage: Stage) -> None:
    """T07: two handlers wait for one person; the filter of each decides, and what neither wants goes on."""
    dp = stage.dispatcher()

    @dp.message(Command("number"))
    async def number(message: Message) -> None:
        got = await wait_for(filter=F.text.isdigit(), on_conflict="queue")
        await message.answer(f"number {got.text}")

    @dp.message(Command("word"))
    async def word(message: Message) -> None:
        got = await wait_for(filter=F.text.isalpha(), on_conflict="queue")
        await message.answer(f"word {got.text}")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/number")
        alice.send("/word")
        await until(lambda: stage.engine and len(stage.engine.waits) == 2)
        alice.send("a-1")
        await alice.expect("^other:a-1$")
        alice.send("abc")
        await alice.expect("^word abc$")
        alice.send("12")
        await alice.expect("^number 12$")


async def test_answers_keep_their_order_behind_a_slow_middleware(stage: Stage) -> None:
    """T11: a middleware that takes longer for the first message than for the next does not turn answers around."""
    dp, _ = three_questions(stage)
    delays = iter((0.0, 0.03, 0.01, 0.0))

    async def slow(handler: Any, event: Any, data: Any) -> Any:
        await asyncio.sleep(next(delays, 0.0))
        return await handler(event, data)

    dp.update.outer_middleware(slow)
    dp.message.outer_middleware(slow)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("q1")
        for text in ("Ann", "33", "Rome"):
            alice.send(text)
        await alice.expect("^done Ann,33,Rome$")


class SlowStorage(MemoryStorage):
    """Takes longer for each earlier question about a state."""

    delay = 0.06

    async def get_state(self, key: Any) -> str | None:
        self.delay = max(0.0, self.delay - 0.02)
        await asyncio.sleep(self.delay)
        return await super().get_state(key)


async def test_answers_keep_their_order_on_a_slow_state_storage(stage: Stage) -> None:
    """T11: answers are seen in the order of arrival, whatever the storage of the states does."""
    storage = SlowStorage()
    dp, _ = three_questions(stage, storage=storage)
    alice = stage.world.person("Alice")

    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("q1")
        storage.delay = 0.06
        for text in ("Ann", "33", "Rome"):
            alice.send(text)
        await alice.expect("^done Ann,33,Rome$")


async def test_an_async_filter_keeps_the_order(stage: Stage) -> None:
    """T03: while an async filter looks at one message, the next one waits; each goes to one taker only."""
    dp, looked = stage.dispatcher(), []

    async def slow_digit(message: Message) -> bool:
        looked.append(message.text)
        await asyncio.sleep(0.02)
        return bool(message.text and message.text.isdigit())

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        first = await wait_for(filter=slow_digit)
        second = await wait_for(filter=slow_digit)
        await message.answer(f"{first.text} then {second.text}")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await until(lambda: stage.engine and len(stage.engine.waits) == 1)
        for text in ("x", "1", "2"):
            alice.send(text)
        await alice.expect("^other:x$")
        await alice.expect("^1 then 2$")

    assert looked[:2] == ["x", "1"]
