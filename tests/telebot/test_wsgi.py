"""A real TeleBot behind a WSGI server with many threads, each of which brings updates in."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from contextlib import AsyncExitStack
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from telebot import TeleBot
from telebot.types import Message, Update

from aiostep import WouldDeadlock, sync
from tests.telebot.stage import at_rest, buttons, soon, until
from tests.telebot.test_threads import WAYS, survey, taken, waiting
from tests.telebot.threads import Stage, ask, blocking, echo, wait_for

pytestmark = pytest.mark.anyio


class Server(ThreadingMixIn, WSGIServer):
    """One thread for each request, as Flask's own server has it."""

    daemon_threads = True


class Silent(WSGIRequestHandler):
    """A request handler that does not write to the terminal."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def application(bot: TeleBot, statuses: list[str]) -> Callable[..., Iterable[bytes]]:
    """Make the WSGI application that bots have: it gives the bot what comes, and says that it is done."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        update: Any = Update
        try:
            bot.process_new_updates([update.de_json(body.decode())])
            status = "200 OK"
        except ValueError:
            status = "500 Internal Server Error"
        statuses.append(status)
        start_response(status, [])
        return []

    return app


class Behind:
    """A stage whose bot gets its updates by a webhook."""

    def __init__(self, stage: Stage, bot: TeleBot) -> None:
        self.stage = stage
        self.bot = bot

    async def __aenter__(self) -> Behind:
        self.statuses = list[str]()
        app = application(self.bot, self.statuses)
        self.server = make_server("127.0.0.1", 0, app, Server, Silent)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        url = f"http://127.0.0.1:{self.server.server_port}/"
        await asyncio.to_thread(self.bot.set_webhook, url, max_connections=40)
        return self

    async def __aexit__(self, *error: object) -> None:
        await asyncio.to_thread(self.bot.delete_webhook)
        await asyncio.wait_for(asyncio.to_thread(self.bot.stop_bot), 10)
        await asyncio.wait_for(asyncio.to_thread(self.server.shutdown), 10)
        self.server.server_close()
        at_rest(self.stage.engine)


@pytest.fixture(params=list(WAYS))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Give a stage for each way to wait."""
    make, is_threaded = WAYS[request.param]
    async with AsyncExitStack() as stack:
        stage = Stage(stack, make, threaded=is_threaded)
        await stage.open()
        yield stage
    assert stage.errors == []
    assert stage.world.violations == []


async def test_many_requests_at_once(stage: Stage) -> None:
    """T11, T40: with 25 people at once everybody's answers are theirs, in order, and none is lost."""
    bot, people = stage.bot(), [stage.world.person(f"P{number}") for number in range(25)]
    stage.on(bot, "start", survey)
    echo(bot)
    async with Behind(stage, bot):
        for one in people:
            one.send("/start")
        await waiting(stage, 25)
        for step in "abc":
            for number, one in enumerate(people):
                one.send(f"{step}{number}")
        for number, one in enumerate(people):
            await one.expect(f"^done a{number},b{number},c{number}$")
            one.send("bye")
            await one.expect("^other:bye$")

    assert not [line for one in people for line in one.seen() if "other" in line and "bye" not in line]


async def test_a_request_is_answered_while_the_handler_waits(stage: Stage) -> None:
    """T31: the server would not send this chat's next message before; no request fails or is made again."""
    bot, alice = stage.bot(), stage.world.person("Alice")
    stage.on(bot, "start", survey)
    async with Behind(stage, bot) as behind:
        alice.send("/start")
        for number in "123":
            await alice.expect(f"q{number}")
            alice.send(number)
        await alice.expect("^done 1,2,3$")
        await until(lambda: behind.statuses == ["200 OK"] * 4)


async def test_a_click_that_overtakes(stage: Stage) -> None:
    """T13: a click that is here before its handler waits, in a request of its own, is its answer."""
    bot, alice = stage.bot(), stage.world.person("Alice")

    def start(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        bot.send_message(message.chat.id, "sure?", reply_markup=buttons("Yes"))
        time.sleep(0.03)
        click = yield wait_for(kinds="callback_query", timeout=3)
        bot.send_message(message.chat.id, f"it is {click.data}")

    stage.on(bot, "start", start)
    async with Behind(stage, bot):
        alice.send("/start")
        await alice.expect("sure")
        await alice.click("Yes")
        await alice.expect("^it is yes$")


async def test_the_same_update_twice_at_once(stage: Stage) -> None:
    """T10: of several requests with one and the same update, at the same time, one has an effect."""
    bot, seen, barrier = stage.bot(), list[str | None](), threading.Barrier(4)
    bot.register_message_handler(lambda message: seen.append(message.text))
    chat = {"id": 7, "type": "private", "first_name": "A"}
    update: Any = Update
    made = [
        update.de_json(
            {
                "update_id": n,
                "message": {"message_id": n, "date": 1, "chat": chat, "from": chat | {"is_bot": False}, "text": f"{n}"},
            }
        )
        for n in range(1, 200)
    ]

    def feed() -> None:
        for one in made:
            barrier.wait(5)
            bot.process_new_updates([one])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        await asyncio.wait_for(asyncio.gather(*[asyncio.to_thread(feed) for _ in range(4)]), 30)
    finally:
        sys.setswitchinterval(interval)
    await until(lambda: len(seen) >= len(made))

    assert sorted(seen, key=lambda text: int(text or 0)) == [f"{n}" for n in range(1, 200)]
    await asyncio.to_thread(bot.stop_bot)


async def test_what_nobody_read_keeps_its_order(stage: Stage) -> None:
    """T01, T11: leftovers of a conversation reach the ordinary handlers in their order, before what comes later."""
    bot, alice, go, seen = stage.bot(), stage.world.person("Alice"), threading.Event(), list[str | None]()

    def start(bot: TeleBot, message: Message) -> Generator[Any, Any, None]:
        yield ask("name?")
        go.wait(5)

    def ordinary(message: Message) -> None:
        seen.append(message.text)
        if len(seen) < 4:
            sync.next_step(ordinary)

    def bring(*texts: str) -> asyncio.Future[None]:
        for text in texts:
            alice.send(text)
        return asyncio.ensure_future(asyncio.to_thread(bot.process_new_updates, taken(stage)))

    stage.on(bot, "start", start)
    bot.register_message_handler(ordinary)
    await soon(bring("/start"))
    await alice.expect("name")
    await waiting(stage)
    answering = bring("Ann")
    await until(lambda: not any(one.waits for one in stage.engine.waits))
    await soon(bring("1", "2", "3", "4"))
    assert seen == []
    go.set()
    await soon(answering)
    await until(lambda: len(seen) == 4)

    assert seen == ["1", "2", "3", "4"]
    await soon(asyncio.to_thread(bot.stop_bot))


async def test_a_plain_handler_behind_a_webhook_without_threads() -> None:
    """T40: a blocking question in the request's thread is refused at once, and the next request handled."""
    async with AsyncExitStack() as stack:
        stage = Stage(stack, blocking, threaded=False)
        await stage.open()
        bot, alice = stage.bot(), stage.world.person("Alice")
        stage.on(bot, "start", survey)
        echo(bot)
        async with Behind(stage, bot):
            alice.send("/start")
            await until(lambda: stage.errors)
            alice.send("hi")
            await alice.expect("^other:hi$")

        error = stage.errors.pop()
        assert isinstance(error, WouldDeadlock)
        assert "@aiostep.sync.conversation" in str(error)


async def test_a_failed_request_is_delivered_again() -> None:
    """T09: what a handler without an exception handler raises fails the request; the update comes again and is new."""
    async with AsyncExitStack() as stack:
        stage = Stage(stack, blocking, threaded=False)
        await stage.open()
        bot, alice, tries = stage.bot(exception_handler=None), stage.world.person("Alice"), list[str | None]()

        def handler(message: Message) -> None:
            tries.append(message.text)
            if len(tries) == 1:
                raise ValueError("first")

        bot.register_message_handler(handler)
        async with Behind(stage, bot):
            alice.send("hi")
            await until(lambda: len(tries) == 2)
