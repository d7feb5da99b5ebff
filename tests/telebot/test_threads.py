"""Conversations on a real TeleBot, whose handlers are threads, or generators that need none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Generator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from telebot import TeleBot, types
from telebot.async_telebot import AsyncTeleBot
from telebot.handler_backends import BaseMiddleware
from telebot.types import Message

import aiostep
from aiostep import BadArgument, Scope, WaitCancelled, WouldDeadlock, sync
from aiostep_telebot import adapter
from tests.telebot.stage import TOKEN, buttons, soon, until
from tests.telebot.threads import Stage, ask, blocking, echo, wait_for, yielding

pytestmark = pytest.mark.anyio
WAYS: dict[str, Any] = {
    "blocking": (blocking, True),
    "generator": (yielding, True),
    "generator, no threads": (yielding, False),
}


@pytest.fixture(params=list(WAYS))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Give a stage for each way to wait."""
    make, is_threaded = WAYS[request.param]
    async for stage in _stage(make, threaded=is_threaded):
        yield stage


@pytest.fixture
async def blocked() -> AsyncIterator[Stage]:
    """Give a stage for handlers that block their threads."""
    async for stage in _stage(blocking, threaded=True):
        yield stage


@pytest.fixture
async def unthreaded() -> AsyncIterator[Stage]:
    """Give a stage for handlers that block the only thread there is."""
    async for stage in _stage(blocking, threaded=False):
        yield stage


async def _stage(make: Any, **options: Any) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        stage = Stage(stack, make, **options)
        await stage.open()
        yield stage
    assert stage.errors == []
    assert stage.world.violations == []


def survey(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
    """Ask three questions."""
    answers = []
    for number in "123":
        answers.append((yield ask(f"q{number}?", str)))
    bot.send_message(message.chat.id, "done " + ",".join(answers))


async def waiting(stage: Stage, count: int = 1) -> None:
    await until(lambda: sum(len(one.waits) for one in stage.engine.waits) == count)


async def test_answers_typed_ahead_are_not_lost(stage: Stage) -> None:
    """T01: a backlog of a command and its first answer, and a burst, are one conversation, in order."""
    bot, alice = stage.bot(), stage.world.person("Alice")
    stage.on(bot, "start", survey)
    echo(bot)
    for text in ("/start", "Ann"):
        alice.send(text)
    async with stage.run(bot):
        await alice.expect("q2")
        for text in ("33", "Rome"):
            alice.send(text)
        await alice.expect("^done Ann,33,Rome$")
        alice.send("bye")
        await alice.expect("^other:bye$")

    assert [line for line in alice.seen() if "other" in line] == ["test_bot: other:bye"]


async def test_what_nobody_read_goes_to_ordinary_handlers(stage: Stage) -> None:
    """T01: leftovers of a conversation reach the ordinary handlers when it ends."""
    bot, alice, go = stage.bot(), stage.world.person("Alice"), threading.Event()

    def start(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        yield ask("name?")
        if stage.threaded:
            go.wait(5)

    stage.on(bot, "start", start)
    echo(bot)
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        alice.send("more")
        if stage.threaded:
            await until(lambda: any(one.unread for one in stage.engine.waits))
        go.set()
        await alice.expect("^other:more$")


async def test_many_people_wait_at_once(stage: Stage) -> None:
    """T40: far more conversations than workers are open, and the bot answers others; nobody gets another's answer."""
    others = set(threading.enumerate())
    bot, people = stage.bot(), [stage.world.person(f"P{number}") for number in range(20)]
    stage.on(bot, "start", survey)
    echo(bot)
    bystander = stage.world.person("Bystander")
    async with stage.run(bot):
        for one in people:
            one.send("/start")
        await waiting(stage, 20)
        bystander.send("ping")
        await bystander.expect("^other:ping$")
        for step in "abc":
            for number, one in enumerate(people):
                one.send(f"{step}{number}")
        for number, one in enumerate(people):
            await one.expect(f"^done a{number},b{number},c{number}$")
        if stage.threaded:
            assert len(bot.worker_pool.workers) == 2
            alive = [one for one in set(threading.enumerate()) - others if one.name.startswith("WorkerThread")]
            await until(lambda: sum(one.is_alive() for one in alive) <= 2)


async def test_nobody_answers(stage: Stage) -> None:
    """T22: a timeout that nobody catches ends the handler, reaches no exception handler and does not pause polling."""
    bot, alice, ends = stage.bot(), stage.world.person("Alice"), list[str]()
    stage.engine.on_exit(lambda event: ends.append(event.reason))

    def start(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        yield ask("quick?", timeout=0.05)

    stage.on(bot, "start", start)
    echo(bot)
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("quick")
        await until(lambda: ends)
        alice.send("late")
        await alice.expect("^other:late$", timeout=1)

    assert ends == ["timeout"]


async def test_the_user_cancels(stage: Stage) -> None:
    """T15: /cancel ends the conversation with its reason; a command passes to its handler."""
    bot, alice, ends = stage.bot(), stage.world.person("Alice"), list[str]()

    def start(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        try:
            yield ask("name?")
        except WaitCancelled as error:
            ends.append(error.reason)
            bot.send_message(message.chat.id, "bye")

    stage.on(bot, "start", start)
    echo(bot)
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("name")
        alice.send("/help")
        await alice.expect("^other:/help$")
        alice.send("/cancel")
        await alice.expect("^bye$")

    assert ends == ["user"]


async def test_an_error_is_the_bot_s(stage: Stage) -> None:
    """What a handler raises after a question reaches the bot's exception handler, once."""
    bot, alice, ends = stage.bot(), stage.world.person("Alice"), list[str]()
    stage.engine.on_exit(lambda event: ends.append(event.reason))

    def start(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        yield ask("name?")
        raise ValueError("boom")

    stage.on(bot, "start", start)
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await until(lambda: ends and stage.errors)

    assert ends == ["error"]
    assert [repr(error) for error in stage.errors] == ["ValueError('boom')"]
    stage.errors.clear()


async def test_checks_and_reminders(stage: Stage) -> None:
    """A check, a text for bad answers and a reminder work as they do with await."""
    bot, alice = stage.bot(), stage.world.person("Alice")

    def start(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        count = yield ask(
            "how many?", int, check=lambda n: n < 10, retry=lambda problem, left: f"{left} left", remind={0.05: "well?"}
        )
        bot.send_message(message.chat.id, f"{count} it is")

    stage.on(bot, "start", start)
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("how many")
        await alice.expect("well")
        alice.send("12")
        await alice.expect("^2 left$")
        alice.send("7")
        await alice.expect("^7 it is$")


async def test_a_click(stage: Stage) -> None:
    """T13: the right person's click answers and stops spinning; another's is told so."""
    bot = stage.bot()

    def start(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        sent = bot.send_message(message.chat.id, "sure?", reply_markup=buttons("Yes"))
        click = yield wait_for(kinds="callback_query", scope=Scope.BUTTONS(sent))
        bot.send_message(message.chat.id, f"{click.from_user.first_name}: {click.data}")

    stage.on(bot, "start", start)
    alice, eve = stage.world.person("Alice"), stage.world.person("Eve")
    group = stage.world.group("G", members=[alice, eve])
    async with stage.run(bot):
        alice.send("/start", to=group)
        await alice.expect("sure", in_=group)
        await waiting(stage)
        assert (await eve.click("Yes", in_=group)).get("text") == "This button is not for you."
        assert "text" not in await alice.click("Yes", in_=group)
        await alice.expect("^Alice: yes$", in_=group)


async def test_a_bot_that_stops_takes_leave(stage: Stage) -> None:
    """T28: ``stop_bot`` returns although handlers wait, and they can say goodbye."""
    bot, alice, ends = stage.bot(), stage.world.person("Alice"), list[str]()

    def start(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        try:
            yield ask("name?")
        except WaitCancelled as error:
            ends.append(error.reason)
            bot.send_message(message.chat.id, "until later")

    stage.on(bot, "start", start)
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage)

    assert ends == ["shutdown"]
    await alice.expect("^until later$")


async def test_what_is_consumed_is_not_asked_for_again(stage: Stage) -> None:
    """Polling goes on after an answer, which telebot itself never saw."""
    bot, alice = stage.bot(), stage.world.person("Alice")
    stage.on(bot, "start", survey)
    async with stage.run(bot):
        alice.send("/start")
        for number in "123":
            await alice.expect(f"q{number}")
            alice.send(number)
        await alice.expect("^done 1,2,3$")
        await until(lambda: not stage.account.updates)
        assert bot.last_update_id == stage.account.next_update - 1


class Session(BaseMiddleware):
    """A class middleware that adds to the data."""

    update_types = ("message",)
    update_sensitive = False

    def pre_process(self, message: Any, data: dict[str, Any]) -> None:
        data["session"] = f"session of {message.text}"

    def post_process(self, message: Any, data: dict[str, Any], exception: BaseException | None) -> None:
        """Nothing to do."""


@pytest.mark.parametrize("classes", [False, True], ids=["plain", "class middlewares"])
async def test_a_step(stage: Stage, classes: bool) -> None:
    """A step runs where handlers run, with the data of class middlewares, and may register another or raise."""
    bot, alice = stage.bot(use_class_middlewares=classes), stage.world.person("Alice")
    if classes:
        bot.setup_middleware(Session())

    @bot.message_handler(commands=["start"])
    def start(message: Message) -> None:
        sync.register_next_step(bot.send_message(message.chat.id, "go on"), first, (1,))

    def first(message: Message, number: int, session: str = "none") -> None:
        bot.send_message(message.chat.id, f"{message.text} {number} {session}")
        sync.next_step(second)

    def second(message: Message) -> None:
        raise ValueError(message.text)

    echo(bot)
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("go on")
        await until(lambda: stage.engine.runtime.steps.storage.scopes)
        alice.send("Ann")
        await alice.expect("^Ann 1 session of Ann$" if classes else "^Ann 1 none$")
        await until(lambda: stage.engine.runtime.steps.storage.scopes)
        for text in "abc":
            alice.send(text)
            await until(lambda text=text: str(stage.errors[-1:]).count(f"'{text}'"))
        alice.send("d")
        await alice.expect("^other:d$")

    stage.errors.clear()


async def test_a_quiet_end_inside_class_middlewares(stage: Stage) -> None:
    """Where telebot catches what handlers raise, it does not get to see a conversation's end either."""
    bot, alice, ends = stage.bot(use_class_middlewares=True), stage.world.person("Alice"), list[str]()
    stage.engine.on_exit(lambda event: ends.append(event.reason))

    def start(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        yield ask("quick?", timeout=0.05)

    stage.on(bot, "start", start)
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("quick")
        await until(lambda: ends)

    assert ends == ["timeout"]


async def test_what_has_no_event_loop_is_refused(stage: Stage) -> None:
    """An async step, filter or check is refused, and so is a generator handler that yields anything else."""
    bot, alice = stage.bot(), stage.world.person("Alice")

    async def coroutine(*about: Any) -> bool:
        return True

    @bot.message_handler(commands=["step"])
    def step(message: Message) -> None:
        sync.next_step(coroutine)

    def filters(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        yield wait_for(filter=coroutine)

    def checks(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        yield ask("name?", check=coroutine)

    stage.on(bot, "filter", filters)
    stage.on(bot, "check", checks)

    @bot.message_handler(commands=["yield"])
    @sync.conversation
    def wrong(message: Message) -> Generator[Any, Any, None]:
        yield "name?"

    async with stage.run(bot):
        for number, command in enumerate(("step", "filter", "yield", "check")):
            alice.send(f"/{command}")
            await until(lambda number=number: len(stage.errors) == number + 1)

    texts = [str(error) for error in stage.errors]
    assert all(isinstance(error, BadArgument) for error in stage.errors)
    assert all("expected a plain function" in text for text in (texts[0], texts[1], texts[3]))
    assert "what is yielded is 'name?'; expected a question" in texts[2]
    stage.errors.clear()


async def test_who_brings_the_updates_in_must_not_wait(unthreaded: Stage) -> None:
    """T40: a blocking question with threaded=False is refused at once; the message names both ways out."""
    bot, alice = unthreaded.bot(), unthreaded.world.person("Alice")
    unthreaded.on(bot, "start", survey)
    echo(bot)
    async with unthreaded.run(bot):
        alice.send("/start")
        await until(lambda: unthreaded.errors)
        alice.send("hi")
        await alice.expect("^other:hi$")

    error = unthreaded.errors.pop()
    assert isinstance(error, WouldDeadlock)
    assert "@aiostep.sync.conversation" in str(error)
    assert "threaded=True" in str(error)


async def test_the_polling_thread_must_not_wait(stage: Stage) -> None:
    """T40: a question in a filter, which the thread that polls asks, is refused at once, and polling goes on."""
    bot, alice, bob = stage.bot(), stage.world.person("Alice"), stage.world.person("Bob")

    def asks(message: Message) -> bool:
        return bool(sync.ask("really?", to=bob.id))

    def start(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        bot.send_message(message.chat.id, "go on")
        yield wait_for(filter=asks)

    stage.on(bot, "start", start)
    echo(bot)
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("go on")
        await waiting(stage)
        alice.send("yes")
        await until(lambda: stage.errors)
        bob.send("hi")
        await bob.expect("^other:hi$")

    assert [type(error) for error in stage.errors] == [WouldDeadlock]
    stage.errors.clear()


async def test_a_batch_of_all_kinds(stage: Stage) -> None:
    """A handler that waits holds up neither the other updates of its batch nor the answer that is in it, a click."""
    bot, alice, bob = stage.bot(), stage.world.person("Alice"), stage.world.person("Bob")

    @bot.message_handler(commands=["offer"])
    def offer(message: Message) -> None:
        bot.send_message(message.chat.id, "sure?", reply_markup=buttons("Yes"))

    @bot.edited_message_handler()
    def edited(message: Message) -> None:
        bot.send_message(message.chat.id, f"edited:{message.text}")

    def start(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        click = yield wait_for(kinds="callback_query", timeout=5)
        bot.send_message(message.chat.id, f"clicked {click.data}")

    stage.on(bot, "start", start)
    alice.send("/offer")
    await asyncio.to_thread(bot.process_new_updates, taken(stage))
    await alice.expect("sure")
    sent = bob.send("hello")
    taken(stage)
    alice.send("/start")
    clicking = asyncio.ensure_future(alice.click("Yes"))
    await until(lambda: len(stage.account.updates) == 2)
    bob.edit(sent, "hello again")
    await asyncio.to_thread(bot.process_new_updates, taken(stage))
    await bob.expect("^edited:hello again$")
    await alice.expect("^clicked yes$")
    await soon(clicking)
    await soon(asyncio.to_thread(bot.stop_bot))


def taken(stage: Stage) -> list[types.Update]:
    """Take what is queued for the bot, in one batch."""
    made: Any = types.Update
    batch = [made.de_json(dict(raw)) for raw in stage.account.updates]
    stage.account.updates.clear()
    return batch


async def test_a_bot_is_started_again(unthreaded: Stage) -> None:
    """A bot without threads that was stopped and polls again lets its handlers wait as before."""
    bot, alice = unthreaded.bot(), unthreaded.world.person("Alice")
    bot.register_message_handler(yielding(bot, survey), commands=["start"])
    for _ in range(2):
        async with unthreaded.run(bot, bot.polling):
            alice.send("/start")
            for number in "123":
                await alice.expect(f"q{number}")
                alice.send(number)
            await alice.expect("^done 1,2,3$")


async def test_threads_are_not_without_end(blocked: Stage) -> None:
    """The next thread that would wait beyond the limit is refused, and the others go on."""
    bot, people = blocked.bot(install={"max_waiting": 2}), [blocked.world.person(name) for name in ("A", "B", "C")]
    blocked.on(bot, "start", survey)
    async with blocked.run(bot):
        for one in people[:2]:
            one.send("/start")
            await one.expect("q1")
        await until(lambda: len([one for one in blocked.engine.waits if one.waits]) == 2)
        await asyncio.sleep(0.05)
        people[2].send("/start")
        await until(lambda: blocked.errors)
        people[0].send("1")
        await people[0].expect("q2")

    error = blocked.errors.pop()
    assert isinstance(error, WouldDeadlock)
    assert "2 threads wait already" in str(error)


async def test_a_thread_that_waits_keeps_no_connection(blocked: Stage) -> None:
    """Handlers that sent something and wait have closed their connections; they can send again."""
    bot, people = blocked.bot(), [blocked.world.person(f"P{number}") for number in range(10)]
    blocked.on(bot, "start", survey)
    async with blocked.run(bot):
        for one in people:
            one.send("/start")
            await one.expect("q1")
        await waiting(blocked, 10)
        await until(lambda: len(blocked.server._connections) < 6)
        people[0].send("1")
        await people[0].expect("q2")


async def test_a_thread_of_the_author_s_own_may_ask(blocked: Stage) -> None:
    """Code outside handlers asks somebody by their id, and blocks its own thread."""
    bot, alice = blocked.bot(), blocked.world.person("Alice")
    async with blocked.run(bot):
        asking = asyncio.ensure_future(asyncio.to_thread(sync.ask, "ready?", str, to=alice.id))
        await alice.expect("ready")
        alice.send("yes")
        assert await soon(asking) == "yes"


async def test_the_functions_with_await_are_for_others(blocked: Stage) -> None:
    """``aiostep.sync`` in a program without a synchronous bot says what to use."""
    engine = adapter.install(AsyncTeleBot(TOKEN))
    try:
        with pytest.raises(WouldDeadlock, match="await the function of the same name"):
            sync.ask("name?", to=7)
    finally:
        engine.uninstall()


async def test_a_loop_of_its_own_in_a_handler_is_refused(blocked: Stage) -> None:
    """``asyncio.run(aiostep.ask(...))`` in a handler of a TeleBot is refused, and the error names ``aiostep.sync``."""
    bot, alice = blocked.bot(), blocked.world.person("Alice")

    @bot.message_handler(commands=["start"])
    def start(message: Message) -> None:
        asyncio.run(aiostep.ask("name?"))

    async with blocked.run(bot):
        alice.send("/start")
        await until(lambda: blocked.errors)

    error = blocked.errors.pop()
    assert isinstance(error, WouldDeadlock)
    assert "aiostep.sync, without await" in str(error)


async def test_uninstall_undoes_everything(blocked: Stage) -> None:
    """The bot is as before, also its exception handler; a second install returns the same engine."""
    bot = TeleBot(TOKEN, threaded=False)
    before = dict(vars(bot))

    engine = aiostep.install(bot)
    assert adapter.install(bot) is engine
    assert vars(bot) != before
    engine.uninstall()

    assert vars(bot) == before


async def test_one_that_fails_does_not_take_the_others_with_it(blocked: Stage) -> None:
    """With threaded=False a handler that raises does not cost the rest of the batch, and the error is raised after."""
    bot, seen = TeleBot(TOKEN, threaded=False), []
    engine = adapter.install(bot)

    @bot.message_handler()
    def handler(message: Message) -> None:
        seen.append(message.text)
        if message.text == "bad":
            raise ValueError("bad")

    chat = {"id": 7, "type": "private", "first_name": "A"}
    user = {"id": 7, "is_bot": False, "first_name": "A"}
    update: Any = types.Update
    batch = [
        update.de_json(
            {"update_id": n, "message": {"message_id": n, "date": 1, "chat": chat, "from": user, "text": text}}
        )
        for n, text in enumerate(("one", "bad", "three"), 1)
    ]
    with pytest.raises(ValueError, match="bad"):
        bot.process_new_updates(batch)
    engine.uninstall()

    assert seen == ["one", "bad", "three"]
