"""Registered steps: what they get, where they run, and what becomes of them when they fail."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from telebot import TeleBot
from telebot.async_telebot import AsyncTeleBot
from telebot.asyncio_handler_backends import BaseMiddleware, CancelUpdate, SkipHandler
from telebot.types import Message

from aiostep import BadArgument, ask, next_step, pending, register_next_step
from aiostep_telebot import StepsMixin
from tests.telebot.stage import Stage, echo, until

pytestmark = pytest.mark.anyio


class Note(BaseMiddleware):
    """Adds to the data, and writes down what it sees; *verdict* is what it says to updates that are no commands."""

    def __init__(self, log: list[Any], verdict: Any = None) -> None:
        super().__init__()
        self.update_types = ["message"]
        self.update_sensitive = False
        self.log, self.verdict = log, verdict

    async def pre_process(self, message: Any, data: dict[str, Any]) -> Any:
        data["session"] = f"session of {message.text}"
        self.log.append(f"before {message.text}")
        return None if message.text.startswith("/") else self.verdict

    async def post_process(self, message: Any, data: dict[str, Any], exception: BaseException | None) -> None:
        self.log.append(f"after {message.text} {exception!r}")


def starter(bot: AsyncTeleBot, step: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Register /start, which registers *step*."""

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await register_next_step(message, step, args, kwargs)
        await bot.send_message(message.chat.id, "go on")


async def play(stage: Stage, bot: AsyncTeleBot, *texts: str, expect: str) -> Any:
    """Start, write, and return Alice after the bot said what is expected."""
    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("^go on$")
        for text in texts:
            alice.send(text)
        await alice.expect(expect)
    return alice


async def test_a_step_gets_what_a_handler_gets(stage: Stage) -> None:
    """Promise 10: the bot, the data and what a middleware put there come to a step by name, with its own arguments."""
    bot, got = stage.bot(), {}
    bot.setup_middleware(Note([]))

    async def step(message: Message, first: int, *, second: str, session: str, data: Any, bot: Any) -> None:
        got.update(first=first, second=second, session=session, data=data, bot=bot)
        await bot.send_message(message.chat.id, "done")

    starter(bot, step, 1, second="two")
    await play(stage, bot, "Ann", expect="^done$")

    assert got.pop("bot") is bot
    session = "session of Ann"
    assert got == {"first": 1, "second": "two", "session": session, "data": {"session": session}}


async def test_a_step_runs_inside_the_middlewares(stage: Stage) -> None:
    """Promise 10: middlewares see a step as they see a handler, also what it raises."""
    bot, log = stage.bot(), list[Any]()
    bot.setup_middleware(Note(log))

    async def step(message: Message) -> None:
        await bot.send_message(message.chat.id, "oops")
        raise KeyError("x")

    starter(bot, step)
    await play(stage, bot, "Ann", expect="^oops$")
    await until(lambda: len(log) == 4)

    assert log[2:] == ["before Ann", "after Ann KeyError('x')"]
    assert [type(stage.errors.pop())] == [KeyError]


def plain(message: Message, number: int) -> None:
    ran.append((message.text, number))


async def with_rest(message: Message, *numbers: int) -> None:
    ran.append((message.text, *numbers))


class Callable_:
    async def __call__(self, message: Message, number: int) -> None:
        ran.append((message.text, number))

    async def method(self, message: Message, number: int) -> None:
        ran.append((message.text, number))


async def bound(extra: str, message: Message, number: int) -> None:
    assert extra == "extra"
    ran.append((message.text, number))


ran: list[Any] = []


@pytest.mark.parametrize(
    "step",
    [plain, with_rest, Callable_(), Callable_().method, functools.partial(bound, "extra")],
    ids=["sync", "async *args", "object", "method", "partial"],
)
async def test_a_step_is_anything_that_can_be_called(local: Stage, step: Callable[..., Any]) -> None:
    """A step may be a plain or an async function, an object, a method or a partial."""
    ran.clear()
    bot, alice = local.bot(), local.world.person("Alice")
    starter(bot, step, 7)
    async with local.run(bot):
        alice.send("/start")
        await alice.expect("^go on$")
        alice.send("Ann")
        await until(lambda: ran)

    assert ran == [("Ann", 7)]


async def test_a_step_can_ask(stage: Stage) -> None:
    """A step is a handler like any other: it may ask and wait."""
    bot = stage.bot()

    async def step(message: Message) -> None:
        town = await ask("town?", str)
        await bot.send_message(message.chat.id, f"{message.text} of {town}")

    starter(bot, step)
    await play(stage, bot, "Ann", "Rome", expect="^Ann of Rome$")


async def test_steps_that_register_each_other_lose_nothing(stage: Stage) -> None:
    """T01: what arrives while a step runs is for the next step."""
    bot, got = stage.bot(), list[str | None]()

    async def collect(message: Message) -> None:
        await bot.send_chat_action(message.chat.id, "typing")
        got.append(message.text)
        if message.text != "end":
            await next_step(collect)

    starter(bot, collect)
    echo(bot)
    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("^go on$")
        for text in ("1", "2", "3", "end", "more"):
            alice.send(text)
        await alice.expect("^other:more$")

    assert got == ["1", "2", "3", "end"]


async def test_what_a_step_did_not_read_goes_before_the_rest_of_the_batch(local: Stage) -> None:
    """T11: a message that came while a step ran is decided about before one that is still to be looked at."""
    bot, got = local.bot(), list[str | None]()

    async def collect(message: Message) -> None:
        got.append(message.text)
        await next_step(collect)

    starter(bot, collect)

    @bot.message_handler()
    async def ordinary(message: Message) -> None:
        pass

    alice, bob = local.world.person("Alice"), local.world.person("Bob")
    async with local.run(bot):
        alice.send("/start")
        await alice.expect("^go on$")
        for who, text in ((alice, "1"), (alice, "2"), (bob, "x"), (bob, "y"), (bob, "z"), (alice, "3")):
            who.send(text)
        await until(lambda: len(got) == 3)

    assert got == ["1", "2", "3"]


async def test_a_step_that_raises_is_kept(stage: Stage) -> None:
    """T25: the error goes to the exception handler and the step stays, for three tries in all."""
    bot = stage.bot()

    async def step(message: Message) -> None:
        await bot.send_message(message.chat.id, f"{message.text}?")
        raise ValueError(message.text)

    starter(bot, step)
    echo(bot)
    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("^go on$")
        for text in ("a", "b", "c"):
            alice.send(text)
            await alice.expect(rf"^{text}\?$")
            await until(lambda text=text: str(stage.errors[-1:]).count(text))
        alice.send("d")
        await alice.expect("^other:d$")

    assert [str(error) for error in stage.errors] == ["a", "b", "c"]
    stage.errors.clear()


@pytest.mark.parametrize("verdict", [SkipHandler(), CancelUpdate()], ids=["skip", "cancel"])
async def test_a_step_comes_back_if_a_middleware_keeps_its_message(stage: Stage, verdict: Any) -> None:
    """A step whose message a middleware kept for itself waits for the next one."""
    bot, log = stage.bot(), list[Any]()
    note = Note(log, verdict)
    bot.setup_middleware(note)

    async def step(message: Message) -> None:
        await bot.send_message(message.chat.id, f"hello {message.text}")

    starter(bot, step)
    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("^go on$")
        alice.send("no")
        await until(lambda: "before no" in log)
        note.verdict = None
        alice.send("Ann")
        await alice.expect("^hello Ann$")


async def test_a_step_for_whom_the_bot_wrote_to(stage: Stage) -> None:
    """The bot's own message as the target means the person it was for, in a group too; that is how telebot is used."""
    bot = stage.bot()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        sent = await bot.send_message(message.chat.id, "name?")
        await register_next_step(sent, step)

    async def step(message: Message) -> None:
        await bot.reply_to(message, f"hello {message.text}")

    echo(bot)
    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")
    group = stage.world.group("G", members=[alice, bob])
    async with stage.run(bot):
        for place in (None, group):
            alice.send("/start", to=place)
            await alice.expect("name", in_=place)
            await until(lambda: stage.engine and stage.engine.runtime.steps.storage.scopes)
            bob.send("Bob", to=place)
            await bob.expect("^other:Bob$", in_=place)
            alice.send("Ann", to=place)
            await alice.expect("^hello Ann$", in_=place)


async def test_the_names_that_telebot_has_for_steps(stage: Stage) -> None:
    """``register_next_step_handler`` and its relatives, which an AsyncTeleBot lacks, are there, and are ours."""
    bot: Any = stage.bot()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        sent = await bot.send_message(message.chat.id, "name?")
        await bot.register_next_step_handler(sent, step, 1, two=2)

    @bot.message_handler(commands=["forget"])
    async def forget(message: Message) -> None:
        await bot.clear_step_handler(message)
        await bot.register_next_step_handler_by_chat_id(message.chat.id, step, 3, two=4)
        await bot.clear_step_handler_by_chat_id(message.chat.id)
        await bot.send_message(message.chat.id, "forgotten")

    async def step(message: Message, one: int, two: int) -> None:
        await bot.send_message(message.chat.id, f"{message.text} {one} {two}")

    echo(bot)
    alice = stage.world.person("Alice")
    async with stage.run(bot):
        for end in ("^Ann 1 2$", "^other:Ann$"):
            alice.send("/start")
            await alice.expect("name")
            await until(lambda: stage.engine and stage.engine.runtime.steps.storage.scopes)
            if "other" in end:
                alice.send("/forget")
                await alice.expect("forgotten")
            alice.send("Ann")
            await alice.expect(end)


async def test_the_names_that_telebot_has_for_replies(stage: Stage) -> None:
    """``register_for_reply`` and its relatives: the first reply to that message, whoever writes it, and no other."""
    bot: Any = stage.bot()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        sent = await bot.send_message(message.chat.id, "who?")
        await bot.register_for_reply(sent, step, "first", end=".")
        await bot.register_for_reply_by_message_id(message.message_id, step, "second", end="!")

    @bot.message_handler(commands=["forget"])
    async def forget(message: Message) -> None:
        assert message.reply_to_message is not None
        await bot.clear_reply_handlers_by_message_id(message.reply_to_message.message_id)
        await bot.send_message(message.chat.id, "forgotten")

    async def step(message: Message, which: str, end: str) -> None:
        await bot.send_message(message.chat.id, f"{which}: {message.text}{end}")

    echo(bot)
    alice, eve = stage.world.person("Alice"), stage.world.person("Eve")
    group = stage.world.group("G", members=[alice, eve])
    async with stage.run(bot):
        asked = alice.send("/start", to=group)
        who = await alice.expect("who", in_=group)
        await until(lambda: stage.engine and len(stage.engine.runtime.steps.storage.scopes))
        alice.send("not a reply", to=group)
        await alice.expect("^other:not a reply$", in_=group)
        eve.send("Eve", to=group, reply_to=who)
        await alice.expect(r"^first: Eve\.$", in_=group)
        alice.send("again", to=group, reply_to=who)
        await alice.expect("^other:again$", in_=group)
        alice.send("/forget", to=group, reply_to=asked)
        await alice.expect("forgotten", in_=group)
        eve.send("late", to=group, reply_to=asked)
        await alice.expect("^other:late$", in_=group)


async def test_the_names_are_those_of_telebot() -> None:
    """Each has the parameters that ``TeleBot`` has, and a bot's class may have them for type checkers to see."""
    names = [name for name in vars(StepsMixin) if not name.startswith("_")]

    class Bot(StepsMixin, AsyncTeleBot):
        pass

    assert len(names) == 8
    for name in names:
        ours, theirs = (list(inspect.signature(getattr(one, name)).parameters) for one in (StepsMixin, TeleBot))
        assert ours == theirs
        assert getattr(Bot, name) is getattr(StepsMixin, name)


async def test_a_step_with_a_filter(stage: Stage) -> None:
    """What a step's filter does not want goes to ordinary handlers, and the step stays."""
    bot = stage.bot()

    async def is_number(message: Message) -> bool:
        return str(message.text).isdigit()

    async def step(message: Message) -> None:
        await bot.send_message(message.chat.id, f"number {message.text}")

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await next_step(step, filter=is_number)
        await bot.send_message(message.chat.id, "go on")

    echo(bot)
    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("^go on$")
        alice.send("x")
        await alice.expect("^other:x$")
        alice.send("12")
        await alice.expect("^number 12$")
        assert await pending() == []


async def two(message: Message, one: int) -> None:
    """Take one argument."""


@pytest.mark.parametrize(
    ("step", "args", "kwargs"),
    [(two, (1, 2), {}), (two, (), {"other": 1}), (3, (), {})],
    ids=["too many", "unknown", "no function"],
)
async def test_a_step_that_cannot_be_called_is_refused(local: Stage, step: Any, args: Any, kwargs: Any) -> None:
    """What could not be called with its arguments is refused when it is registered."""
    bot = local.bot()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await register_next_step(message, step, args, kwargs)

    alice = local.world.person("Alice")
    async with local.run(bot):
        alice.send("/start")
        await until(lambda: local.errors)

    assert isinstance(local.errors.pop(), BadArgument)
