"""A conversation as people see it: nothing lost, nothing doubled, in order, from the right person."""

from __future__ import annotations

import asyncio

import pytest
from telegram import Update
from telegram.ext import CommandHandler, MessageHandler, filters

from aiostep import WaitTimeout
from aiostep_ptb import ask, wait_for
from tests.ptb.stage import App, Context, Stage, buttons, echo, reply, text_of, until, waiting

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


async def test_an_answer_may_beat_the_question(stage: Stage) -> None:
    """T02: an answer that arrives while the prompt is still being sent is the answer."""
    app, _ = three_questions(stage)
    alice = stage.world.person("Alice")

    async with stage.run(app):
        stage.world.faults.add("sendMessage", delay=0.1)
        alice.send("/start")
        await until(lambda: len(stage.engine.waits) == 1)
        alice.send("Ann")
        await alice.expect("^noted 1$")

    assert alice.seen()[:2] == ["Alice: /start", "Alice: Ann"]


async def test_an_answer_after_the_time_goes_to_ordinary_handlers(stage: Stage) -> None:
    """T06: what arrives after the deadline is not the answer, and is not lost either."""
    app = stage.application()

    async def start(update: Update, context: Context) -> None:
        try:
            await ask("quick!", timeout=0.1)
        except WaitTimeout as error:
            await reply(update, f"too late: {error}")

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("quick")
        await alice.expect("^too late: no answer within 0.1 s$")
        alice.send("late")
        await alice.expect("^other:late$")


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


async def test_an_update_delivered_twice_is_one_answer(stage: Stage) -> None:
    """T10: the same update again at once is acknowledged and changes nothing."""
    app, answers = three_questions(stage)
    alice = stage.world.person("Alice")

    async with stage.run(app):
        stage.world.faults.add("message", duplicate=True, times=2)
        alice.send("/start")
        await alice.expect("q1")
        alice.send("Ann")
        await alice.expect("q2")
        alice.send("33")
        alice.send("Rome")
        await alice.expect("^done Ann,33,Rome$")
        await alice.expect_nothing()

    assert answers == ["Ann", "33", "Rome"]
    assert alice.seen().count("test_bot: q1?") == 1


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


async def test_commands_pass(stage: Stage) -> None:
    """T15: a command goes to its handler while the conversation goes on; asked for, it is an answer."""
    app = stage.application()

    async def start(update: Update, context: Context) -> None:
        name = await ask("name?", str)
        command = await wait_for(commands="take")
        await reply(update, f"{name} {text_of(command)}")

    async def help_(update: Update, context: Context) -> None:
        await reply(update, "helping")

    app.add_handlers([CommandHandler("start", start), CommandHandler("help", help_)])
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("name")
        alice.send("/help")
        await alice.expect("^helping$")
        alice.send("Ann")
        await until(lambda: any(wait.takes_commands for one in stage.engine.waits for wait in one.waits))
        alice.send("/help")
        await alice.expect("^Ann /help$")


async def test_an_album_is_one_answer(stage: Stage) -> None:
    """T08: the other photos of an album reach neither another handler nor the next question."""
    app = stage.application()

    async def start(update: Update, context: Context) -> None:
        photo = await ask("photo?")
        name = await ask("name?", str)
        await reply(update, f"{text_of(photo)} by {name}")

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("photo")
        alice.album(3, "sunset")
        await alice.expect("name")
        alice.send("Ann")
        await alice.expect("^sunset by Ann$")
        await alice.expect_nothing()


async def test_people_do_not_disturb_each_other(stage: Stage) -> None:
    """T12: in one group each person's answers go to their own conversation; a private message goes to neither."""
    app = stage.application()

    async def start(update: Update, context: Context) -> None:
        assert update.effective_user is not None
        name = await ask("name?", str)
        await reply(update, f"{update.effective_user.first_name} is {name}")

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")
    group = stage.world.group("G", members=[alice, bob])
    async with stage.run(app):
        for person in (alice, bob):
            person.send("/start", to=group)
            await person.expect("name", in_=group)
        await waiting(stage, 2)
        alice.send("psst")
        await alice.expect("^other:psst$")
        bob.send("Bobby", to=group)
        await bob.expect("^Bob is Bobby$", in_=group)
        alice.send("Ally", to=group)
        await bob.expect("^Alice is Ally$", in_=group)


async def test_edits_and_other_kinds_do_not_answer(stage: Stage) -> None:
    """T09, T17: an edited message or a click does not answer a question for a message."""
    app, edits = stage.application(), list[str]()

    async def start(update: Update, context: Context) -> None:
        await reply(update, "look", reply_markup=buttons("Save"))
        await reply(update, f"hello {await ask('name?', str)}")

    async def edited(update: Update, context: Context) -> None:
        edits.append(text_of(update))

    app.add_handler(CommandHandler("start", start, filters.UpdateType.MESSAGE))
    app.add_handler(MessageHandler(filters.UpdateType.EDITED_MESSAGE, edited))
    alice = stage.world.person("Alice")
    async with stage.run(app):
        sent = alice.send("/start")
        await alice.expect("name")
        alice.edit(sent, "/start again")
        alice.click("Save")
        await until(lambda: edits)
        alice.send("Ann")
        await alice.expect("^hello Ann$")


async def test_the_user_cancels(stage: Stage) -> None:
    """T15: /cancel during a question ends it with reason "user", reaches no handler, and ends it quietly."""
    app, ends = stage.application(), list[str]()
    stage.engine.on_exit(lambda event: ends.append(event.reason))

    async def start(update: Update, context: Context) -> None:
        await ask("name?")
        ends.append("not reached")

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("name")
        alice.send("/cancel")
        await until(lambda: ends)
        alice.send("hi")
        await alice.expect("^other:hi$")

    assert ends == ["user"]


async def test_who_blocks_the_bot_ends_the_conversation(stage: Stage) -> None:
    """T26: a person who blocks the bot ends their conversations with "blocked"."""
    app, ends = stage.application(), list[str]()
    stage.engine.on_exit(lambda event: ends.append(event.reason))

    async def start(update: Update, context: Context) -> None:
        await ask("name?")

    app.add_handler(CommandHandler("start", start))
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage)
        alice.block()
        await until(lambda: ends)

    assert ends == ["blocked"]


async def test_a_prompt_that_cannot_be_delivered(stage: Stage) -> None:
    """T23: asking somebody who has blocked the bot ends at once with "blocked"."""
    app, ends = stage.application(), list[str]()
    stage.engine.on_exit(lambda event: ends.append(event.reason))
    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")

    async def start(update: Update, context: Context) -> None:
        await ask("name?", to=bob.id)

    app.add_handler(CommandHandler("start", start))
    async with stage.run(app):
        bob.send("hi")
        bob.block()
        alice.send("/start")
        await until(lambda: ends)

    assert ends == ["blocked"]
