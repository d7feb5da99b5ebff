"""Conversations on a real AsyncTeleBot: order, haste, repetition, and who gets what."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from telebot import asyncio_filters, util
from telebot.async_telebot import AsyncTeleBot
from telebot.asyncio_handler_backends import BaseMiddleware
from telebot.types import CallbackQuery, Message

from aiostep import ask, wait_for
from tests.telebot.stage import Stage, buttons, echo, until

pytestmark = pytest.mark.anyio


def three_questions(stage: Stage) -> tuple[AsyncTeleBot, list[str]]:
    """Make a bot that asks three questions and says what it got."""
    bot, answers = stage.bot(), list[str]()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        for number in "123":
            answers.append(await ask(f"q{number}?", str))
            await bot.send_message(message.chat.id, f"noted {number}")
        await bot.send_message(message.chat.id, "done " + ",".join(answers))

    echo(bot)
    return bot, answers


async def test_a_backlog_is_a_conversation_too(stage: Stage) -> None:
    """T01: a command and its answers that piled up while the bot was down are one conversation."""
    bot, _ = three_questions(stage)
    alice = stage.world.person("Alice")
    for text in ("/start", "Ann", "33", "Rome"):
        alice.send(text)

    async with stage.run(bot):
        await alice.expect("^done Ann,33,Rome$")


async def test_what_nobody_read_goes_to_ordinary_handlers_in_order(stage: Stage) -> None:
    """T01: leftovers of a conversation reach the ordinary handlers when it ends, with their middleware data."""
    bot, seen = stage.bot(), []
    bot.setup_middleware(Session())

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await ask("name?")
        await bot.send_message(message.chat.id, "now")
        await wait_for(filter=lambda message: message.text == "go")

    @bot.message_handler()
    async def other(message: Message, session: str) -> None:
        seen.append((message.text, session))

    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("name")
        for text in ("Ann", "one", "two", "go", "three"):
            alice.send(text)
        await until(lambda: len(seen) == 3)

    assert seen == [(text, f"session of {text}") for text in ("one", "two", "three")]


async def test_what_a_filter_rejects_is_offered_to_the_next_candidate(stage: Stage) -> None:
    """T07: two handlers wait for one person; the filter of each decides, and what neither wants goes on."""
    bot = stage.bot()

    @bot.message_handler(commands=["number"])
    async def number(message: Message) -> None:
        got = await wait_for(filter=asyncio_filters.IsDigitFilter(), on_conflict="queue")
        await bot.send_message(message.chat.id, f"number {got.text}")

    @bot.message_handler(commands=["word"])
    async def word(message: Message) -> None:
        got = await wait_for(filter=lambda message: message.text.isalpha(), on_conflict="queue")
        await bot.send_message(message.chat.id, f"word {got.text}")

    echo(bot)
    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/number")
        alice.send("/word")
        await until(lambda: stage.engine and len(stage.engine.waits) == 2)
        alice.send("a-1")
        await alice.expect("^other:a-1$")
        alice.send("abc")
        await alice.expect("^word abc$")
        alice.send("12")
        await alice.expect("^number 12$")


class Session(BaseMiddleware):
    """A middleware that needs a while, and gives handlers a session."""

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__()
        self.update_types = util.update_types
        self.update_sensitive = False
        self.delay = delay

    async def pre_process(self, message: Any, data: dict[str, Any]) -> None:
        await asyncio.sleep(self.delay)
        data["session"] = f"session of {message.text}"

    async def post_process(self, message: Any, data: dict[str, Any], exception: BaseException | None) -> None:
        """Nothing to do."""


async def test_answers_keep_their_order_behind_a_slow_middleware(stage: Stage) -> None:
    """T11: answers to an open conversation are claimed as they come in, however slow the bot's middlewares are."""
    bot, answers = three_questions(stage)
    bot.setup_middleware(Session(0.02))
    alice = stage.world.person("Alice")

    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("q1")
        for text in ("Ann", "33", "Rome"):
            alice.send(text)
        await alice.expect("^done Ann,33,Rome$")

    assert answers == ["Ann", "33", "Rome"]


async def test_an_async_filter_keeps_the_order(stage: Stage) -> None:
    """T11: what comes while a filter thinks about an earlier message of the same person is decided after it."""
    bot, thinking, got = stage.bot(), asyncio.Event(), []

    async def slow(message: Message) -> bool:
        await thinking.wait()
        return message.text != "no"

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await ask("go?", filter=slow)
        got.append("first")
        got.append((await ask("and?")).text)

    echo(bot)
    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("go")
        for text in ("no", "yes", "then"):
            alice.send(text)
        await until(lambda: stage.engine and stage.engine.lanes)
        thinking.set()
        await until(lambda: len(got) == 2)
        await alice.expect("^other:no$")

    assert got == ["first", "then"]


async def test_a_mixed_batch_does_not_freeze(stage: Stage) -> None:
    """A click that comes in one batch with a command answers what the command's handler asks."""
    bot = stage.bot()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        click = await wait_for(kinds="callback_query", timeout=2)
        await bot.send_message(message.chat.id, f"clicked {click.data}")

    @bot.message_handler(commands=["show"])
    async def show(message: Message) -> None:
        await bot.send_message(message.chat.id, "sure?", reply_markup=buttons("Yes"))

    @bot.callback_query_handler(func=lambda query: True)
    async def other(query: CallbackQuery) -> None:
        await bot.answer_callback_query(query.id, "too early")

    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")
    async with stage.run(bot):
        for one in (alice, bob):
            one.send("/show")
            await one.expect("sure")
    alice.send("/start")
    clicks = [asyncio.ensure_future(one.click("Yes")) for one in (bob, alice)]
    await asyncio.sleep(0)
    async with stage.run(bot):
        assert (await clicks[0])["text"] == "too early"
        await alice.expect("^clicked yes$")
        assert "text" not in await clicks[1]


async def test_a_call_that_sends_may_be_the_prompt(stage: Stage) -> None:
    """What a method of the bot gives before it is awaited is a prompt; a failure of it leaves no wait behind."""
    bot = stage.bot()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        answer = await ask(bot.send_photo(message.chat.id, b"cat", caption="cute?"), str)
        await bot.send_message(message.chat.id, f"so {answer}")

    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("cute")
        alice.send("yes")
        await alice.expect("^so yes$")
