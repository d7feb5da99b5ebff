"""Whose turn it is: how a handler goes on with its answer, and when it does with a time limit that is up."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from typing import Any

import anyio
import pytest
from telegram import Update
from telegram.ext import CommandHandler, MessageHandler, filters

from aiostep import WaitTimeout
from aiostep_ptb import turns, wait_for
from tests.ptb.stage import App, Context, Stage, soon, text_of, until, waiting
from tests.ptb.test_flows import message

pytestmark = pytest.mark.anyio


async def begin(app: App, number: int = 1, text: str = "/start", user: int = 1) -> None:
    """Bring the update on which a handler begins to wait; twice, as the first one finds no task at hand."""
    await soon(app.process_update(message(app, number, "warm up", user=99)))
    await asyncio.sleep(0)
    await soon(app.process_update(message(app, number + 1, text, user)))


async def test_an_answer_needs_no_round_of_the_loop(local: Stage) -> None:
    """``process_update`` of an answer returns when its handler waits again, before the loop does anything else."""
    app, got, rounds = local.application(), list[str](), list[str]()

    async def start(update: Update, context: Context) -> None:
        for _ in "12":
            got.append(text_of(await wait_for()))

    app.add_handler(CommandHandler("start", start))
    async with app:
        await begin(app)
        asyncio.get_running_loop().call_soon(rounds.append, "a round")
        for number, text in ((5, "Ann"), (6, "33")):
            await app.process_update(message(app, number, text))
            assert rounds == []

    assert got == ["Ann", "33"]


async def test_whoever_brings_an_answer_stays_who_they_are(local: Stage) -> None:
    """Handler and bringer each keep their task and their variables, and neither sees what the other one has set."""
    app, seen = local.application(), list[object]()
    variable = contextvars.ContextVar("variable", default="-")

    async def start(update: Update, context: Context) -> None:
        task = asyncio.current_task()
        variable.set("handler's")
        await wait_for()
        seen.extend((variable.get(), asyncio.current_task() is task))
        variable.set("changed")

    app.add_handler(CommandHandler("start", start))
    async with app:
        await begin(app)
        bringer = asyncio.current_task()
        variable.set("bringer's")
        await app.process_update(message(app, 5, "Ann"))

        assert asyncio.current_task() is bringer
        assert variable.get() == "bringer's"

    assert seen == ["handler's", True]


async def test_scopes_around_several_waits(local: Stage) -> None:
    """A scope of anyio's that a handler enters before a wait holds over answers, and ends the wait it is cancelled in.

    The other one, around a single wait, has no part in that.
    """
    app, seen, limit = local.application(), list[str](), anyio.CancelScope()

    async def start(update: Update, context: Context) -> None:
        with limit:
            with anyio.fail_after(5):
                seen.append(text_of(await wait_for()))
            await wait_for()
            seen.append("never")
        seen.append(f"cancelled: {limit.cancel_called}")

    async def other(update: Update, context: Context) -> None:
        seen.append("other " + text_of(update))

    app.add_handlers([CommandHandler("start", start), MessageHandler(filters.Regex("^late$"), other)])
    async with app:
        await begin(app)
        await soon(app.process_update(message(app, 5, "Ann")))
        limit.cancel()
        await until(lambda: len(seen) == 2)
        await soon(app.process_update(message(app, 6, "late")))

    assert seen == ["Ann", "cancelled: True", "other late"]


async def test_an_answer_to_a_task_that_was_just_cancelled(local: Stage) -> None:
    """The task is cancelled all the same, and the answer goes to the ordinary handlers."""
    app, seen, tasks = local.application(), list[str](), list[Any]()

    async def start(update: Update, context: Context) -> None:
        tasks.append(asyncio.current_task())
        try:
            await wait_for()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def other(update: Update, context: Context) -> None:
        seen.append("other " + text_of(update))

    app.add_handlers([CommandHandler("start", start), MessageHandler(filters.Regex("^Ann$"), other)])
    async with app:
        await begin(app)
        tasks[0].cancel()
        await soon(app.process_update(message(app, 5, "Ann")))
        await until(lambda: len(seen) == 2)

    assert seen == ["cancelled", "other Ann"]
    assert tasks[0].cancelled()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tasks have no context= before Python 3.11")
async def test_an_answer_from_the_handler_s_own_context(local: Stage) -> None:
    """Who brings an answer from a task that shares the handler's context has it go on a round later."""
    app, got = local.application(), list[str]()

    async def start(update: Update, context: Context) -> None:
        got.append(text_of(await wait_for()))

    app.add_handler(CommandHandler("start", start))

    def bring(update: Update, shared: contextvars.Context) -> Any:
        options: dict[str, Any] = {"context": shared}
        return soon(asyncio.get_running_loop().create_task(app.process_update(update), **options))

    async with app:
        await bring(message(app, 1, "/start"), contextvars.copy_context())
        await bring(message(app, 2, "Ann"), next(iter(local.engine.waits)).waits[0].sleeper._context)
        await until(lambda: got)

    assert got == ["Ann"]


async def test_a_handler_that_brings_the_answer_of_another(local: Stage) -> None:
    """A handler that dispatches an answer goes on after the handler that it was for, and is still in its own task."""
    app, seen = local.application(), list[object]()

    async def start(update: Update, context: Context) -> None:
        seen.append(text_of(await wait_for()))

    async def bring(update: Update, context: Context) -> None:
        task = asyncio.current_task()
        await app.process_update(message(app, 50, "Ann", user=1))
        seen.append(asyncio.current_task() is task)

    app.add_handlers([CommandHandler("start", start), CommandHandler("bring", bring)])
    async with app:
        await begin(app)
        await soon(app.process_update(message(app, 3, "/bring", user=2)))

    assert seen == ["Ann", True]


class Late:
    """Alice, whose question is about to time out, and Bob, whose handler is still running then."""

    def __init__(self, stage: Stage, concurrent: bool = False) -> None:
        self.stage = stage
        self.app = stage.application(stage.builder().concurrent_updates(concurrent))
        self.seen = list[str]()
        self.task: Any = None
        self.app.add_handler(CommandHandler("start", self.start))
        self.app.add_handler(CommandHandler("slow", self.slow))
        self.app.add_handler(MessageHandler(filters.TEXT & ~filters.COMMAND, self.other))

    async def start(self, update: Update, context: Context) -> None:
        self.task = asyncio.current_task()
        try:
            await wait_for(timeout=60)
        except WaitTimeout:
            self.seen.append("timeout")
            await asyncio.sleep(0.01)
            self.seen.append("said so")
        except asyncio.CancelledError:
            self.seen.append("cancelled")
            raise

    async def slow(self, update: Update, context: Context) -> None:
        self.let_time_be_up()
        await asyncio.sleep(0.02)
        self.seen.append("slow")

    async def other(self, update: Update, context: Context) -> None:
        self.seen.append(text_of(update))

    def let_time_be_up(self) -> None:
        """Do what the timer of the one wait does, at a moment that no load on the machine can move."""
        (conversation,) = self.stage.engine.waits
        self.stage.engine.runtime._expire(conversation.waits[0])


@pytest.mark.parametrize("concurrent", [False, True])
async def test_a_time_limit_is_up_in_its_turn(local: Stage, concurrent: bool) -> None:
    """One handler at a time: what a time limit ends goes on after the handler that runs, and before the next update.

    With ``concurrent_updates`` there are no turns, and it goes on at once.
    """
    late = Late(local, concurrent)
    alice, bob, carol = (local.world.person(name) for name in ("Alice", "Bob", "Carol"))
    async with local.run(late.app):
        alice.send("/start")
        await waiting(local)
        bob.send("/slow")
        carol.send("hi")
        await until(lambda: len(late.seen) == 4)

    if concurrent:
        assert late.seen.index("timeout") < late.seen.index("slow")
    else:
        assert late.seen == ["slow", "timeout", "said so", "hi"]


async def test_a_time_limit_while_nobody_has_the_turn(local: Stage) -> None:
    """A handler goes on at once when its time is up and nothing runs; the next update waits for what it has to say."""
    late = Late(local)
    alice, carol = local.world.person("Alice"), local.world.person("Carol")
    async with local.run(late.app):
        alice.send("/start")
        await waiting(local)
        late.let_time_be_up()
        carol.send("hi")
        await until(lambda: len(late.seen) == 3)

    assert late.seen == ["timeout", "said so", "hi"]


async def test_a_time_limit_of_a_job_has_no_turn(local: Stage) -> None:
    """Jobs and non-blocking handlers run beside the others, and so do their time limits."""
    late = Late(local)

    async def beside(update: Update, context: Context) -> None:
        try:
            await wait_for(timeout=60)
        except WaitTimeout:
            late.seen.append("timeout")

    late.app.add_handler(CommandHandler("beside", beside, block=False), group=-1)
    alice, bob = local.world.person("Alice"), local.world.person("Bob")
    async with local.run(late.app):
        alice.send("/beside")
        await waiting(local)
        bob.send("/slow")
        await until(lambda: "slow" in late.seen and "timeout" in late.seen)

    assert late.seen[-2:] == ["timeout", "slow"]


async def test_who_waits_for_one_whose_time_is_up(local: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that itself waits for the one whose turn is next does not stop the bot for ever."""
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    late = Late(local)

    async def joins(update: Update, context: Context) -> None:
        late.let_time_be_up()
        await asyncio.wait([late.task])
        late.seen.append("joined")

    late.app.add_handler(CommandHandler("join", joins), group=-1)
    alice, bob = local.world.person("Alice"), local.world.person("Bob")
    async with local.run(late.app):
        alice.send("/start")
        await waiting(local)
        bob.send("/join")
        await until(lambda: "joined" in late.seen)

    assert late.seen == ["timeout", "said so", "joined"]


async def test_one_whose_time_is_up_may_be_cancelled(local: Stage) -> None:
    """A task that waits for its turn is cancelled like any other."""
    late = Late(local)

    async def cancels(update: Update, context: Context) -> None:
        late.let_time_be_up()
        late.task.cancel()
        await asyncio.wait([late.task])
        late.seen.append("told")

    late.app.add_handler(CommandHandler("cancels", cancels), group=-1)
    alice, bob = local.world.person("Alice"), local.world.person("Bob")
    async with local.run(late.app):
        alice.send("/start")
        await waiting(local)
        bob.send("/cancels")
        await until(lambda: "told" in late.seen)
        bob.send("hi")
        await until(lambda: "hi" in late.seen)

    assert late.seen == ["cancelled", "told", "hi"]
