"""No deadlock: whatever aiogram or another library holds while a handler runs, its answer comes through."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
from collections.abc import AsyncGenerator
from typing import Any

import aiogram
import pytest
from aiogram import Dispatcher
from aiogram.filters import Command
from aiogram.fsm.storage.base import BaseEventIsolation
from aiogram.fsm.storage.memory import SimpleEventIsolation
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

from aiostep import WouldDeadlock, ask, wait_for
from aiostep_aiogram import SuspendableIsolation, adapter
from aiostep_testing.webhook import WebhookSender
from tests.aiogram.bots import echo
from tests.aiogram.stage import PATIENCE, Stage, until

pytestmark = pytest.mark.anyio


def helper_bot(dp: Dispatcher, refused: list[str] | None = None) -> None:
    """Register a bot that asks a name and, meanwhile, helps."""

    @dp.message(Command("start"))
    async def start(message: Message) -> Any:
        try:
            name = await ask("name?", str)
        except WouldDeadlock as error:
            assert refused is not None
            refused.append(str(error))
            return message.answer("refused")
        return message.answer(f"hello {name}")

    @dp.message(Command("help"))
    async def help_(message: Message) -> None:
        await message.answer("helping")

    echo(dp)


async def talk(stage: Stage) -> None:
    """Ask for help in the middle of a conversation, twice over for two people at once."""
    people = [stage.world.person(name) for name in ("Alice", "Bob")]
    for person in people:
        person.send("/start")
        await person.expect("name")
    for person in people:
        person.send("/help")
        await person.expect("^helping$")
        person.send("Ann")
        await person.expect("^hello Ann$")
        person.send("bye")
        await person.expect("^other:bye$")


# Locks.


async def test_help_is_given_under_an_isolation(stage: Stage) -> None:
    """T41: with a lock per person, the person's commands are handled while their conversation waits."""
    dp = stage.dispatcher(events_isolation=SimpleEventIsolation())
    helper_bot(dp)
    async with stage.run(dp):
        await talk(stage)


async def test_a_handler_has_its_lock_when_it_goes_on(stage: Stage) -> None:
    """T41: the lock is back before the handler goes on, so that only one of a person's handlers runs at a time."""
    dp, running, most = stage.dispatcher(events_isolation=SimpleEventIsolation()), [], []

    async def busy(name: str) -> None:
        running.append(name)
        most.append(len(running))
        await asyncio.sleep(0.02)
        running.remove(name)

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await busy("start")
        await ask("name?")
        await busy("resumed")
        await message.answer("done")

    @dp.message()
    async def other(message: Message) -> None:
        await busy("other")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("/a")
        alice.send("Ann")
        alice.send("/b")
        await alice.expect("^done$")

    assert set(most) == {1}


async def test_a_lock_is_not_taken_again_by_a_cancelled_handler(local: Stage) -> None:
    """T22: a handler that is cancelled while it waits leaves the lock to others."""
    dp, tasks = local.dispatcher(events_isolation=SimpleEventIsolation()), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        tasks.append(asyncio.current_task())
        await ask("name?")

    echo(dp)
    alice = local.world.person("Alice")
    async with local.run(dp):
        alice.send("/start")
        await alice.expect("name")
        tasks[0].cancel()
        await until(lambda: tasks[0].done())
        alice.send("hi")
        await alice.expect("^other:hi$")


@pytest.mark.parametrize("order", ["before", "after"])
async def test_another_library_s_lock(stage: Stage, order: str) -> None:
    """T41: a lock that a middleware holds around the handler is let go too, if it is a SuspendableIsolation."""
    locks = SuspendableIsolation(SimpleEventIsolation())
    dp = Dispatcher()

    async def locked(handler: Any, event: Any, data: Any) -> Any:
        async with locks.lock(data["state"].key):
            return await handler(event, data)

    if order == "before":
        adapter.install(dp)
    dp.message.outer_middleware.register(locked)
    engine = adapter.install(dp)
    helper_bot(dp)
    async with stage.run(dp):
        await talk(stage)
    engine.uninstall()


@pytest.mark.skipif(aiogram.__version__.startswith("3.4."), reason="its aiogram-dialog has a lock of its own only")
@pytest.mark.parametrize("order", ["before", "after"])
async def test_aiogram_dialog_s_lock(stage: Stage, order: str) -> None:
    """T41: answers get past aiogram-dialog's lock however it is set up, and other messages if it is suspendable."""
    dialogs = importlib.import_module("aiogram_dialog")
    dp = Dispatcher()
    if order == "before":
        adapter.install(dp)
    dialogs.setup_dialogs(dp, events_isolation=SuspendableIsolation(SimpleEventIsolation()))
    engine = adapter.install(dp)
    helper_bot(dp)
    async with stage.run(dp):
        await talk(stage)
    engine.uninstall()


# Polling that waits for the handler.

POLLING: list[dict[str, Any]] = [{"handle_as_tasks": False}]
if "tasks_concurrency_limit" in inspect.signature(Dispatcher.start_polling).parameters:  # not in the oldest aiogram
    POLLING.append({"tasks_concurrency_limit": 1})


@pytest.fixture
async def polled() -> AsyncGenerator[Stage, None]:
    """Give a stage with real polling, which alone has these options."""
    async with contextlib.AsyncExitStack() as stack:
        stage = Stage("http", stack)
        await stage.open()
        yield stage
    assert stage.errors == []


@pytest.mark.parametrize("options", POLLING, ids=lambda options: next(iter(options)))
async def test_detached_handlers_wait_in_sequential_polling(polled: Stage, options: Any) -> None:
    """T40: with ``detach=True`` conversations work although aiogram waits for each handler, or has one slot."""
    dp = polled.dispatcher(install={"detach": True}, events_isolation=SimpleEventIsolation())
    helper_bot(dp)
    async with polled.run(dp, **options):
        await talk(polled)


@pytest.mark.parametrize("options", POLLING, ids=lambda options: next(iter(options)))
async def test_a_wait_that_would_block_polling_is_refused(polled: Stage, options: Any) -> None:
    """T40: without ``detach`` the wait raises at once and names the fix, and the bot goes on."""
    dp, refused = polled.dispatcher(), []
    helper_bot(dp, refused)
    alice = polled.world.person("Alice")
    async with polled.run(dp, **options):
        alice.send("/start")
        await alice.expect("^refused$")
        alice.send("hi")
        await alice.expect("^other:hi$")

    assert next(iter(options)) in refused[0]
    assert "detach=True" in refused[0]


async def test_errors_of_detached_handlers_are_reported_once(polled: Stage) -> None:
    """A detached handler's error reaches the error handlers once; without any, aiogram's log once."""
    dp, seen = polled.dispatcher(install={"detach": True}), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await ask("name?")
        raise LookupError("on purpose")

    @dp.errors()
    async def failed(event: Any) -> Any:
        seen.append(event.exception)
        if len(seen) == 2:
            raise event.exception
        return None

    alice = polled.world.person("Alice")
    async with polled.run(dp, handle_as_tasks=False):
        for count in (1, 2):
            alice.send("/start")
            await alice.expect("name")
            alice.send("Ann")
            await until(lambda count=count: len(seen) == count)  # type: ignore[misc]
        await until(lambda: polled.errors)

    assert [type(error) for error in seen] == [LookupError, LookupError]
    assert len(polled.errors) == 1
    polled.errors.clear()


async def test_a_detached_bot_is_otherwise_the_same(stage: Stage) -> None:
    """``detach=True`` changes nothing for handlers that do not wait: order, results, duplicates."""
    dp = stage.dispatcher(install={"detach": True})

    @dp.message()
    async def say(message: Message) -> Any:
        return message.answer(f"said {message.text}")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        stage.world.faults.add("message", duplicate=True)
        for text in "abc":
            alice.send(text)
        for text in "abc":
            await alice.expect(f"^said {text}$")
        await alice.expect_nothing()


# Webhooks.


@contextlib.asynccontextmanager
async def webhook(stage: Stage, dp: Dispatcher, *, background: bool) -> AsyncGenerator[WebhookSender, None]:
    """Serve aiogram's own request handler, and deliver to it as Telegram does."""
    app = web.Application()
    SimpleRequestHandler(dp, stage.bot, handle_in_background=background).register(app, path="/hook")
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await dp.emit_startup(bot=stage.bot, dispatcher=dp)
    sender = WebhookSender(stage.world, timeout=PATIENCE, first_delay=0.02)
    async with sender:
        stage.account.subscribe(dp.resolve_used_update_types())
        await stage.bot.set_webhook(f"http://127.0.0.1:{runner.addresses[0][1]}/hook")
        try:
            yield sender
        finally:
            await stage.bot.delete_webhook()
            await dp.emit_shutdown(bot=stage.bot, dispatcher=dp)
            await runner.cleanup()


async def test_a_webhook_that_answers_at_once(local: Stage) -> None:
    """aiogram's default webhook, which handles in the background, needs nothing."""
    dp = local.dispatcher()
    helper_bot(dp)
    async with webhook(local, dp, background=True):
        await talk(local)


async def test_a_detached_webhook_that_answers_when_handled(local: Stage) -> None:
    """T40: with ``detach=True`` the request is answered when the handler begins to wait, so the next one comes."""
    dp = local.dispatcher(install={"detach": True})
    helper_bot(dp)
    async with webhook(local, dp, background=False):
        await talk(local)


async def test_a_wait_that_would_stall_the_webhook_is_refused(local: Stage) -> None:
    """T40: without ``detach`` a wait in the foreground of a webhook raises at once and names the fix."""
    dp, refused = local.dispatcher(), []
    helper_bot(dp, refused)
    alice = local.world.person("Alice")
    async with webhook(local, dp, background=False):
        alice.send("/start")
        await alice.expect("^refused$")
        alice.send("hi")
        await alice.expect("^other:hi$")

    assert "Telegram sends a chat's next update only after" in refused[0]
    assert "detach=True" in refused[0]


async def test_a_webhook_redelivers_what_raised(local: Stage) -> None:
    """T10: an update whose handler raised is answered with an error, comes again, and is handled then."""
    dp, tries = local.dispatcher(), []

    @dp.message()
    async def fails_first(message: Message) -> None:
        tries.append(message.text)
        if len(tries) == 1:
            raise LookupError("on purpose")
        await message.answer("handled")

    alice = local.world.person("Alice")
    async with webhook(local, dp, background=False) as sender:
        alice.send("pay")
        await alice.expect("^handled$")
        await until(lambda: len(sender.attempts) == 2)

    assert [attempt.delivered for attempt in sender.attempts] == [False, True]
    assert {type(error) for error in local.errors} == {LookupError}
    local.errors.clear()


async def test_a_sender_s_retry_is_no_answer(local: Stage) -> None:
    """T10: a webhook whose first answer was lost delivers the command again; the conversation is not begun anew."""
    dp = local.dispatcher(install={"detach": True})
    helper_bot(dp)
    alice = local.world.person("Alice")
    async with webhook(local, dp, background=False):
        local.world.faults.add("message", duplicate=True, times=2)
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await alice.expect("^hello Ann$")
        await alice.expect_nothing()


async def test_a_wait_in_a_task_of_its_own_is_allowed_nowhere_it_blocks(polled: Stage) -> None:
    """T40: a handler that awaits a task that waits would block just the same, and is refused too."""
    dp, refused = polled.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        results = await asyncio.gather(wait_for(), return_exceptions=True)
        refused.extend(results)

    async with polled.run(dp, handle_as_tasks=False):
        polled.world.person("Alice").send("/start")
        await until(lambda: refused)

    assert isinstance(refused[0], WouldDeadlock)


async def test_the_isolation_that_is_wrapped_is_closed(local: Stage) -> None:
    """Closing goes through to the wrapped isolation; one that is suspendable already is not wrapped again."""

    class Closing(SimpleEventIsolation):
        closed = 0

        async def close(self) -> None:
            self.closed += 1

    inner: BaseEventIsolation = Closing()
    dp = local.dispatcher(events_isolation=SuspendableIsolation(inner))
    assert isinstance(dp.fsm.events_isolation, SuspendableIsolation)
    assert dp.fsm.events_isolation.inner is inner
    async with local.run(dp):
        pass

    assert inner.closed == 1  # type: ignore[attr-defined]
