"""Every way in which a conversation ends: once, with its own reason, and with nothing left behind."""

from __future__ import annotations

import pytest
from aiogram.filters import Command
from aiogram.types import Message

from aiostep import TooManyAttempts, WaitTimeout, ask, next_step, wait_for
from tests.aiogram.bots import echo, reporter, waiting
from tests.aiogram.stage import Stage, until

pytestmark = pytest.mark.anyio


async def test_nobody_answers(stage: Stage) -> None:
    """T25, T28: a timeout comes by itself, is the builtin ``TimeoutError``, and ends an open-minded handler quietly."""
    dp, caught = stage.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        try:
            await wait_for(timeout=0.05)
        except TimeoutError as error:
            caught.append(error)
        assert await wait_for(timeout=0.05, default=None) is None
        await wait_for(timeout=0.05)

    async with stage.run(dp):
        stage.world.person("Alice").send("/start")
        await until(lambda: caught and stage.engine and not len(stage.engine.waits))

    assert isinstance(caught[0], WaitTimeout)


async def test_the_user_cancels_a_step(stage: Stage) -> None:
    """T15: /cancel with only a step registered drops the step, and its own handler, if any, says so."""
    dp, ran = stage.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await next_step(lambda message: ran.append(message.text))
        await message.answer("name?")

    @dp.message(Command("cancel"))
    async def cancel(message: Message) -> None:
        await message.answer("fine")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("/cancel")
        await alice.expect("^fine$")
        alice.send("hi")
        await alice.expect("^other:hi$")

    assert ran == []


@pytest.mark.parametrize(
    ("text", "ends"), [("/cancel@other_bot", False), ("/cancel@test_bot", True), ("/CANCEL@Test_Bot", True)]
)
async def test_a_cancel_for_another_bot(stage: Stage, text: str, ends: bool) -> None:
    """T15: in a group a command names its bot; another bot's /cancel ends nothing and is no answer."""
    dp, _ = reporter(stage)
    alice = stage.world.person("Alice")
    group = stage.world.group("G", members=[alice])
    async with stage.run(dp):
        await stage.bot.me()
        alice.send("/start", to=group)
        await alice.expect("name", in_=group)
        alice.send(text, to=group)
        if ends:
            await until(lambda: stage.engine and not len(stage.engine.waits))
        else:
            await alice.expect(f"^other:{text}$", in_=group)
            await waiting(stage)


async def test_a_webhook_bot_learns_its_name(local: Stage) -> None:
    """T15: a bot that does not poll, so that aiogram does not ask for its name, tells its own commands apart too."""
    dp, _ = reporter(local)
    alice = local.world.person("Alice")
    group = local.world.group("G", members=[alice])
    async with local.run(dp):
        alice.send("/start", to=group)
        await alice.expect("name", in_=group)
        alice.send("/cancel@other_bot", to=group)
        await alice.expect("^other:/cancel@other_bot$", in_=group)
        await waiting(local)


@pytest.mark.parametrize(("text", "ends"), [("Stop", True), ("stop it", False), ("/cancel", False), ("/leave", True)])
async def test_the_words_to_leave_are_a_choice(stage: Stage, text: str, ends: bool) -> None:
    """The cancel words can be others: a command, or the whole text of a message in any case."""
    dp, reasons = reporter(stage, install={"cancel_words": ("stop", "/leave")})
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send(text)
        if ends:
            await until(lambda: "exit user" in reasons)
        elif text == "/cancel":
            await alice.expect("^nothing to cancel$")
        else:
            await until(lambda: "exit finished" in reasons)


async def test_too_many_bad_answers(stage: Stage) -> None:
    """The last allowed answer ends the conversation with ``TooManyAttempts``, quietly unless it is caught."""
    dp, ends = stage.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        try:
            await ask("number?", int, attempts=2)
        except TooManyAttempts as error:
            ends.append((error.attempts, error.problem))
            raise

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("number")
        alice.send("x")
        await alice.expect("whole number")
        alice.send("y")
        await until(lambda: ends)
        await alice.expect_nothing()

    assert ends == [(2, "Please answer with a whole number.")]
