"""Every way in which a conversation ends: once, with its own reason, and with nothing left behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import F
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.filters import Command
from aiogram.fsm.storage.memory import MemoryStorage
from aiogram.types import Message

import aiostep
from aiostep import TooManyAttempts, WaitCancelled, WaitTimeout, ask, next_step, wait_for
from aiostep_testing import World
from tests.aiogram.stage import Stage, echo, soon, until

pytestmark = pytest.mark.anyio


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


async def test_the_user_cancels(stage: Stage) -> None:
    """T15: /cancel during a question ends it with reason "user", reaches no handler, and ends it quietly."""
    dp, ends = reporter(stage)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("/cancel")
        await until(lambda: "exit user" in ends)
        alice.send("hi")
        await alice.expect("^other:hi$")
        alice.send("/cancel")
        await alice.expect("^nothing to cancel$")

    assert ends == ["user", "exit user"]


async def test_the_user_cancels_between_two_questions(stage: Stage) -> None:
    """T15: /cancel while the handler is busy ends its next question at once."""
    dp, go, ends = stage.dispatcher(), asyncio.Event(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await ask("name?")
        await go.wait()
        try:
            await ask("age?")
        except WaitCancelled as error:
            ends.append(error.reason)

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await until(lambda: stage.engine and not any(one.waits for one in stage.engine.waits))
        alice.send("/cancel")
        await until(lambda: stage.engine and not len(stage.engine.waits))
        go.set()
        await until(lambda: ends)
        alice.send("hi")
        await alice.expect("^other:hi$")

    assert ends == ["user"]
    assert "test_bot: age?" not in alice.seen()


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


async def test_a_question_that_cannot_be_cancelled(stage: Stage) -> None:
    """``cancel=False`` leaves /cancel to its handler, and the question goes on."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer(f"hello {await ask('name?', str, cancel=False)}")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("/cancel")
        await alice.expect("^other:/cancel$")
        alice.send("Ann")
        await alice.expect("^hello Ann$")


async def test_code_cancels(stage: Stage) -> None:
    """``cancel(user=...)`` ends a conversation with the reason given."""
    dp, ends = reporter(stage)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage)
        assert aiostep.cancel(user=alice.id, reason="sold out") == 1
        await until(lambda: len(ends) == 2)

    assert ends == ["sold out", "exit sold out"]


async def test_a_newer_conversation_replaces_the_older(stage: Stage) -> None:
    """T20, T21: starting again ends the first conversation with "replaced"; only the second gets the answer."""
    dp, ends = reporter(stage)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await until(lambda: "exit finished" in ends)

    assert ends == ["replaced", "exit replaced", "exit finished"]


async def test_the_user_blocks_the_bot(stage: Stage) -> None:
    """T56: somebody who blocks the bot will not answer; the wait ends with "blocked"."""
    dp, ends = reporter(stage)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage)
        alice.block()
        await until(lambda: len(ends) == 2)

    assert ends == ["blocked", "exit blocked"]


async def test_the_user_leaves_the_group(stage: Stage) -> None:
    """T56: somebody who leaves the group will not answer there; others' conversations go on."""
    dp, ends = reporter(stage)
    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")
    group = stage.world.group("G", members=[alice, bob])
    async with stage.run(dp):
        for person in (alice, bob):
            person.send("/start", to=group)
            await person.expect("name", in_=group)
        await waiting(stage, 2)
        alice.leave(group)
        await until(lambda: len(ends) == 2)
        await waiting(stage, 1)
        bob.send("Bob", to=group)
        await until(lambda: len(ends) == 3)

    assert ends == ["left", "exit left", "exit finished"]


async def test_an_administrator_removes_the_user(stage: Stage) -> None:
    """T56: it is the one who was removed who will not answer, not the administrator who did it."""
    dp, ends = reporter(stage)
    alice, boss = stage.world.person("Alice"), stage.world.person("Boss")
    group = stage.world.group("G", members=[alice, boss])
    async with stage.run(dp):
        alice.send("/start", to=group)
        await alice.expect("name", in_=group)
        await waiting(stage)
        stage.world.deliver(group, group.add({"from": boss.user}, {"left_chat_member": alice.user}))
        await until(lambda: len(ends) == 2)

    assert ends == ["left", "exit left"]


async def test_the_bot_is_removed_from_the_group(stage: Stage) -> None:
    """T56: a bot that was removed gets no answers; all conversations in that group end with "left"."""
    dp, ends = reporter(stage)
    alice, boss = stage.world.person("Alice"), stage.world.person("Boss")
    group = stage.world.group("G", members=[alice, boss])
    async with stage.run(dp):
        alice.send("/start", to=group)
        await alice.expect("name", in_=group)
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage, 2)
        group.remove_bot(stage.account, by=boss)
        await until(lambda: len(ends) == 2)
        await waiting(stage, 1)
        alice.send("Ann")
        await until(lambda: len(ends) == 3)

    assert ends == ["left", "exit left", "exit finished"]


async def test_the_group_becomes_a_supergroup(stage: Stage) -> None:
    """T56: a group that gets a new id ends its conversations with "migrated"."""
    dp, ends = reporter(stage)
    alice = stage.world.person("Alice")
    group = stage.world.group("G", members=[alice], basic=True)
    async with stage.run(dp):
        alice.send("/start", to=group)
        await alice.expect("name", in_=group)
        await waiting(stage)
        group.migrate()
        await until(lambda: len(ends) == 2)

    assert ends == ["migrated", "exit migrated"]


async def test_a_prompt_that_cannot_be_sent(stage: Stage) -> None:
    """T23: a prompt that is refused leaves no wait; a block counts as such, any other error is aiogram's own."""
    dp, ends = reporter(stage)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        stage.world.faults.add("sendMessage", status=403)
        alice.send("/start")
        await until(lambda: len(ends) == 2)
        stage.world.faults.add("sendMessage", status=400)
        alice.send("/start")
        await until(lambda: len(ends) == 4)
        alice.send("hi")
        await alice.expect("^other:hi$")

    assert ends == ["blocked", "exit blocked", "TelegramBadRequest", "exit error"]
    error = stage.errors.pop()
    assert isinstance(error, TelegramBadRequest)
    assert not isinstance(error, TelegramForbiddenError)


async def test_a_cancelled_task_leaves_no_wait(stage: Stage) -> None:
    """T22: a task that is cancelled while it waits leaves nothing; the next message goes to ordinary handlers."""
    dp, tasks = stage.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        tasks.append(asyncio.ensure_future(wait_for()))
        await asyncio.wait(tasks)
        await message.answer("cancelled")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await waiting(stage)
        tasks[0].cancel()
        await alice.expect("^cancelled$")
        alice.send("hi")
        await alice.expect("^other:hi$")

    assert tasks[0].cancelled()


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


async def test_a_step_nobody_came_back_for(stage: Stage) -> None:
    """T27: a step whose time is up is gone, and the message goes to ordinary handlers."""
    dp, ran = stage.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await next_step(lambda message: ran.append(message.text), timeout=0.05)
        await message.answer("name?")
        await asyncio.sleep(0.06)
        await message.answer("too late")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("too late")
        alice.send("Ann")
        await alice.expect("^other:Ann$")
        assert await aiostep.pending() == []

    assert ran == []


class ClosedStorage(MemoryStorage):
    """Notes when it is closed."""

    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self._log = log

    async def close(self) -> None:
        self._log.append("storage closed")
        await super().close()


async def test_a_bot_that_stops_takes_leave(stage: Stage) -> None:
    """T24, T57: at shutdown waiting handlers are told, and can write, before aiogram closes the state's storage."""
    log: list[str] = []
    dp = stage.dispatcher(storage=ClosedStorage(log))

    @dp.message(Command("start"))
    async def start(message: Message, state: Any) -> None:
        try:
            await ask("name?")
        except WaitCancelled as error:
            await state.set_data({"left": True})
            await message.answer("restarting")
            log.append(f"told: {error.reason}")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage)
    await alice.expect("^restarting$")

    assert log == ["told: shutdown", "storage closed"]


async def test_a_bot_can_be_started_again(stage: Stage) -> None:
    """T57: after a stop the same dispatcher starts and holds conversations again; none is accepted in between."""
    dp, ends = reporter(stage)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage)
    with pytest.raises(WaitCancelled, match="shutdown"):
        await wait_for(aiostep.Key(42, alice.id, alice.id))
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await until(lambda: "exit finished" in ends)

    assert ends == ["shutdown", "exit shutdown", "exit finished"]


async def test_a_handler_that_does_not_leave_is_not_waited_for_long(stage: Stage) -> None:
    """T24: a handler that goes on after it was told to stop holds the shutdown up for the grace time only."""
    dp, go, ends = stage.dispatcher(install={"grace": 0.05}), asyncio.Event(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        try:
            await ask("name?")
        finally:
            ends.append("told")
            await go.wait()

    alice = stage.world.person("Alice")

    async def play() -> None:
        async with stage.run(dp):
            alice.send("/start")
            await alice.expect("name")
            await waiting(stage)
            asyncio.get_running_loop().call_later(1, go.set)

    await soon(play())
    go.set()

    assert ends == ["told"]


async def test_a_wait_outside_any_handler(stage: Stage) -> None:
    """A task of the bot's own asks a person by id; with one bot running the number is enough."""
    dp = stage.dispatcher()
    echo(dp)
    alice: Any = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("hi")
        await alice.expect("^other:hi$")
        asking = asyncio.ensure_future(ask("still there?", str, to=alice.id))
        await alice.expect("still there")
        alice.send("yes")
        assert await soon(asking) == "yes"
        alice.send("hi again")
        await alice.expect("^other:hi again$")


async def test_nothing_leaks_from_one_update_to_the_next(stage: Stage) -> None:
    """A task that a handler started keeps its own turn, and later updates have theirs, whoever began to poll."""
    dp, found, go = stage.dispatcher(), [], asyncio.Event()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        async def later() -> None:
            await go.wait()
            got = await wait_for(timeout=5)
            found.append(got.text)

        tasks.append(asyncio.ensure_future(later()))

    @dp.message(F.text == "who")
    async def who(message: Message) -> None:
        got = await ask("name?")
        await message.answer(f"{message.chat.id}:{got.text}")

    tasks: list[Any] = []
    echo(dp)
    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")
    async with stage.run(dp):
        alice.send("/start")
        await until(lambda: tasks)
        bob.send("who")
        await bob.expect("name")
        go.set()
        await waiting(stage, 2)
        bob.send("Bob")
        await bob.expect(f"^{bob.id}:Bob$")
        alice.send("Ann")
        await until(lambda: found)

    assert found == ["Ann"]
    assert isinstance(stage.world, World)
