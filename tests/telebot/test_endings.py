"""How conversations end: in time, by words, by code, with the chat, with the bot; and what then is left."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from telebot import types
from telebot.async_telebot import AsyncTeleBot
from telebot.types import Message

import aiostep
from aiostep import NotSubscribed, WaitCancelled, ask, next_step, wait_for
from tests.telebot.stage import Collector, Stage, echo, soon, until

pytestmark = pytest.mark.anyio


async def waiting(stage: Stage, count: int = 1) -> None:
    await until(lambda: stage.engine and sum(len(one.waits) for one in stage.engine.waits) == count)


def reporter(stage: Stage, **options: Any) -> tuple[AsyncTeleBot, list[str]]:
    """Make a bot whose /start asks a question, and a list of how that ends."""
    bot, ends = stage.bot(**options), list[str]()
    assert stage.engine is not None
    stage.engine.on_exit(lambda event: ends.append(f"exit {event.reason}"))

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        try:
            await ask("name?", timeout=options.get("timeout"))
        except WaitCancelled as error:
            ends.append(error.reason)
            raise

    @bot.message_handler(commands=["cancel"])
    async def cancel(message: Message) -> None:
        await bot.send_message(message.chat.id, f"no {message.text}")

    echo(bot)
    return bot, ends


async def test_nobody_answers(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """T22: a timeout that nobody catches ends the handler and is told to nobody: no log, no exception handler."""
    bot, ends = stage.bot(), list[str]()
    assert stage.engine is not None
    stage.engine.on_exit(lambda event: ends.append(event.reason))

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await ask("quick?", timeout=0.05)

    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("quick")
        await until(lambda: ends)
        assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == []

    assert ends == ["timeout"]


@pytest.mark.parametrize("is_set_later", [False, True])
async def test_without_an_exception_handler(stage: Stage, is_set_later: bool) -> None:
    """A bot without an exception handler, or with one that is set after install(), gets nothing of quiet ends."""
    bot, ends = stage.bot(exception_handler=None), list[str]()
    assert stage.engine is not None
    stage.engine.on_exit(lambda event: ends.append(event.reason))
    if is_set_later:
        bot.exception_handler = Collector(stage.errors)

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await ask("quick?", timeout=0.05)

    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("quick")
        await until(lambda: ends)

    assert ends == ["timeout"]


async def test_an_error_is_the_bot_s(stage: Stage) -> None:
    """What a handler raises after a question reaches the exception handler, once, and on_exit."""
    bot, ends = stage.bot(), list[Any]()
    assert stage.engine is not None
    stage.engine.on_exit(lambda event: ends.append((event.reason, repr(event.error))))

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await ask("name?")
        raise ValueError("boom")

    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await until(lambda: ends)

    assert ends == [("error", "ValueError('boom')")]
    assert [repr(error) for error in stage.errors] == ["ValueError('boom')"]
    stage.errors.clear()


async def test_the_user_cancels_a_step(stage: Stage) -> None:
    """T15: /cancel with only a step registered drops the step, and its own handler, if any, says so."""
    bot, ran = stage.bot(), []

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await next_step(lambda message: ran.append(message.text))
        await bot.send_message(message.chat.id, "name?")

    @bot.message_handler(commands=["cancel"])
    async def cancel(message: Message) -> None:
        await bot.send_message(message.chat.id, "fine")

    echo(bot)
    alice = stage.world.person("Alice")
    async with stage.run(bot):
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
    bot, _ = reporter(stage)
    alice = stage.world.person("Alice")
    group = stage.world.group("G", members=[alice])
    async with stage.run(bot):
        alice.send("/start", to=group)
        await alice.expect("name", in_=group)
        alice.send(text, to=group)
        if ends:
            await until(lambda: stage.engine and not len(stage.engine.waits))
        else:
            await alice.expect(f"^no {text}$", in_=group)
            await waiting(stage)


async def test_a_webhook_bot_learns_its_name(local: Stage) -> None:
    """T15: a bot that does not poll, so that telebot does not ask for its name, tells its own commands apart too."""
    bot, _ = reporter(local)
    alice = local.world.person("Alice")
    group = local.world.group("G", members=[alice])
    async with local.run(bot):
        bot._user = None
        alice.send("/start", to=group)
        await alice.expect("name", in_=group)
        alice.send("/cancel@other_bot", to=group)
        await alice.expect("^no /cancel@other_bot$", in_=group)
        await waiting(local)


async def test_the_user_leaves_the_group(stage: Stage) -> None:
    """T26: who leaves a group leaves the conversation there, and only that."""
    bot, ends = reporter(stage)
    alice = stage.world.person("Alice")
    group = stage.world.group("G", members=[alice])
    async with stage.run(bot):
        for place in (None, group):
            alice.send("/start", to=place)
            await alice.expect("name", in_=place)
        await waiting(stage, 2)
        alice.leave(group)
        await until(lambda: "exit left" in ends)
        await waiting(stage, 1)


async def test_a_bot_that_stops_takes_leave(stage: Stage) -> None:
    """T28: at the end of polling a handler that waits can say goodbye, while there is a session to say it with."""
    bot, ends = stage.bot(), list[str]()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        try:
            await ask("name?")
        except WaitCancelled as error:
            ends.append(error.reason)
            await bot.send_message(message.chat.id, "until later")

    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage)

    assert ends == ["shutdown"]
    await alice.expect("^until later$")


async def test_a_bot_can_be_started_again(stage: Stage) -> None:
    """A bot that was stopped and started again waits as before."""
    bot, ends = reporter(stage)
    alice = stage.world.person("Alice")
    for _ in range(2):
        async with stage.run(bot):
            alice.send("/start")
            await alice.expect("name")
            alice.send("Ann")
            await until(lambda: "exit finished" in ends)
        ends.clear()


async def test_what_the_bot_does_not_receive_is_refused(stage: Stage) -> None:
    """A wait for what polling does not ask Telegram for is refused, and the message says what to add."""
    bot = stage.bot()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await wait_for(kinds="callback_query")

    alice = stage.world.person("Alice")
    async with stage.run(bot, allowed_updates=["message"]):
        if not stage.is_http:
            return
        alice.send("/start")
        await until(lambda: stage.errors)

    error = stage.errors.pop()
    assert isinstance(error, NotSubscribed)
    assert "add ['callback_query'] to the allowed_updates of polling" in str(error)


async def test_a_filter_that_raises_is_the_bot_s_error(stage: Stage) -> None:
    """The exception handler gets what a filter raises; the wait goes on, and so do the other updates of the batch."""
    bot = stage.bot()

    def picky(message: Message) -> bool:
        if message.text == "bad":
            raise LookupError("picky")
        return True

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        got = await ask("name?", filter=picky)
        await bot.send_message(message.chat.id, f"hello {got.text}")

    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage)
        alice.send("bad")
        alice.send("Ann")
        await alice.expect("^hello Ann$")
        await until(lambda: stage.errors)

    assert [repr(error) for error in stage.errors] == ["LookupError('picky')"]
    stage.errors.clear()


async def test_a_wait_outside_any_handler(stage: Stage) -> None:
    """Code outside handlers asks somebody by their id."""
    bot = stage.bot()
    alice = stage.world.person("Alice")
    async with stage.run(bot):
        asking = asyncio.ensure_future(ask("ready?", str, to=alice.id))
        await alice.expect("ready")
        alice.send("yes")
        assert await soon(asking) == "yes"


async def test_whoever_awaits_the_bot_is_not_kept_waiting(local: Stage) -> None:
    """T40: a webhook that awaits ``process_new_updates`` can answer Telegram while the handler waits."""
    bot, ends = reporter(local)
    alice = local.world.person("Alice")
    async with local.run(bot):
        alice.send("/start")
        await alice.expect("name")
        await waiting(local)
        await until(lambda: local.feeder is not None and not local.feeder.tasks)
        alice.send("Ann")
        await until(lambda: ends)


async def test_an_error_after_the_wait_is_not_lost(local: Stage) -> None:
    """What leaves telebot after the handler waited, when nobody awaits it any more, goes to the loop's handler."""
    bot, caught = local.bot(), []
    asyncio.get_running_loop().set_exception_handler(lambda loop, what: caught.append(what.get("exception")))

    async def failing(updates: list[types.Update]) -> None:
        await process(updates)
        raise OSError("late")

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await ask("name?")

    assert local.engine is not None
    local.engine.uninstall()
    process = bot.process_new_updates
    bot.process_new_updates = failing
    local.engine = aiostep.install(bot)
    alice = local.world.person("Alice")
    async with local.run(bot):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await until(lambda: caught)
    local.engine.uninstall()

    assert [repr(one) for one in caught] == ["OSError('late')"]


def same(bot: AsyncTeleBot) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, list) else value for name, value in vars(bot).items()}


async def test_uninstall_undoes_everything(local: Stage) -> None:
    """The bot is as before: its attributes, handler lists and exception handler; handlers added meanwhile stay."""
    bot = AsyncTeleBot("42:TEST", exception_handler=Collector(local.errors))
    echo(bot)
    before = same(bot)

    engine = aiostep.install(bot)
    assert aiostep.install(bot) is engine
    assert same(bot) != before
    bot.register_poll_handler(Collector([]).handle, lambda poll: True)
    engine.uninstall()

    after = same(bot)
    assert len(after.pop("poll_handlers")) == 1
    assert before.pop("poll_handlers") == []
    assert after == before
    engine.uninstall()


async def test_updates_of_every_kind_pass(local: Stage) -> None:
    """An update of a kind that nobody knows yet, or with nothing in it, passes while somebody waits for anything."""
    bot, _ = reporter(local)
    alice = local.world.person("Alice")
    async with local.run(bot):
        alice.send("/start")
        await alice.expect("name")
        waiter = asyncio.ensure_future(wait_for(alice.id, scope=aiostep.Scope.ANY))
        await waiting(local, 2)
        update: Any = types.Update
        await bot.process_new_updates([update.de_json({"update_id": 10_000, "shiny_new_thing": {"id": 1}})])
        await bot.process_new_updates([])
        waiter.cancel()
        await asyncio.wait([waiter])
