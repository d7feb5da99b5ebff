"""A conversation as people see it: nothing lost, nothing doubled, in order, from the right person."""

from __future__ import annotations

import asyncio

import pytest
from telegram import Update
from telegram.ext import CommandHandler, MessageHandler, filters

from aiostep_ptb import ask, wait_for
from tests.ptb.stage import App, Context, Stage, echo, reply, text_of, until, waiting

pytestmark = pytest.mark.anyio


def three_questions(stage: Stage, application: App | None = None) -> tuple[App, list[str]]:
    """Make a bot that asks three questions and sends in between."""
    application, answers = application or stage.application(), list[str]()

    async def start(update: Update, context: Context) -> None:
        for number in "123":
            answers.append(await ask(f"q{number}?", str))
            await reply(update, f"noted {number}")
        await reply(update, "done " + ",".join(answers))

    application.add_handler(CommandHandler("start", start))
    echo(application)
    return application, answers


@pytest.mark.parametrize("concurrent", [False, True])
async def test_answers_typed_ahead_are_not_lost(stage: Stage, concurrent: bool) -> None:
    """T01: answers sent in one burst, before their questions, are taken in order and reach no other handler."""
    app, _ = three_questions(stage, stage.application(stage.builder().concurrent_updates(concurrent)))
    alice = stage.world.person("Alice")

    async with stage.run(app):
        for text in ("/start", "Ann", "33", "Rome"):
            alice.send(text)
        await alice.expect("^done Ann,33,Rome$")
        alice.send("bye")
        await alice.expect("^other:bye$")

    assert [line for line in alice.seen() if "other" in line] == ["test_bot: other:bye"]


async def test_a_backlog_is_a_conversation_too(stage: Stage) -> None:
    """T01: a command and its answers that piled up while the bot was down are one conversation."""
    app, _ = three_questions(stage)
    alice = stage.world.person("Alice")
    for text in ("/start", "Ann", "33", "Rome"):
        alice.send(text)

    async with stage.run(app):
        await alice.expect("^done Ann,33,Rome$")


@pytest.mark.parametrize("concurrent", [False, True])
async def test_what_nobody_read_goes_to_ordinary_handlers_in_order(stage: Stage, concurrent: bool) -> None:
    """T01: leftovers of a conversation reach the ordinary handlers when it ends, before what came later."""
    app = stage.application(stage.builder().concurrent_updates(concurrent))
    seen, go = list[str](), asyncio.Event()

    async def start(update: Update, context: Context) -> None:
        await ask("name?")
        await go.wait()

    async def other(update: Update, context: Context) -> None:
        seen.append(text_of(update))
        await reply(update, "ok")

    # Non-blocking, so that the application takes the messages while the handler is busy.
    app.add_handler(CommandHandler("start", start, block=False))
    app.add_handler(MessageHandler(filters.TEXT, other))
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("name")
        for text in ("Ann", "one", "two"):
            alice.send(text)
        await until(lambda: any(len(one.unread or ()) == 2 for one in stage.engine.waits))
        go.set()
        alice.send("three")
        await until(lambda: len(seen) == 3)

    assert seen == ["one", "two", "three"]


async def test_what_a_filter_rejects_is_offered_to_the_next_candidate(stage: Stage) -> None:
    """T07: two handlers wait for one person; the filter of each decides, and what neither wants goes on."""
    app = stage.application()

    async def number(update: Update, context: Context) -> None:
        got = await wait_for(filter=filters.Regex(r"^\d+$"), on_conflict="queue")
        await reply(update, f"number {text_of(got)}")

    async def word(update: Update, context: Context) -> None:
        got = await wait_for(filter=filters.Regex("^[a-z]+$"), on_conflict="queue")
        await reply(update, f"word {text_of(got)}")

    app.add_handlers([CommandHandler("number", number), CommandHandler("word", word)])
    echo(app)
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/number")
        alice.send("/word")
        await waiting(stage, 2)
        alice.send("a-1")
        await alice.expect("^other:a-1$")
        alice.send("abc")
        await alice.expect("^word abc$")
        alice.send("12")
        await alice.expect("^number 12$")


async def test_an_async_filter_keeps_the_order(stage: Stage) -> None:
    """T03: while an async filter looks at one message, the next one waits; each goes to one taker only."""
    app, looked = stage.application(stage.builder().concurrent_updates(True)), list[str]()

    async def slow_digit(update: Update) -> bool:
        looked.append(text_of(update))
        await asyncio.sleep(0.02)
        return text_of(update).isdigit()

    async def start(update: Update, context: Context) -> None:
        first = await wait_for(filter=slow_digit)
        second = await wait_for(filter=slow_digit)
        await reply(update, f"{text_of(first)} then {text_of(second)}")

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await waiting(stage)
        for text in ("x", "1", "2"):
            alice.send(text)
        await alice.expect("^other:x$")
        await alice.expect("^1 then 2$")

    assert looked[:2] == ["x", "1"]
