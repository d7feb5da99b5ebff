"""Waiting in jobs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from telegram import Update
from telegram.ext import CommandHandler

from aiostep import NoTarget, WaitCancelled
from aiostep_ptb import ask, wait_for
from tests.ptb.stage import Context, Stage, echo, reply, text_of, until, waiting

pytest.importorskip("apscheduler")
pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("who", [("chat_id",), ("user_id",), ("chat_id", "user_id")])
async def test_a_job_asks_whom_it_is_about(stage: Stage, who: tuple[str, ...]) -> None:
    """A job asks the person or chat it was given, not those whose handler started it, and loses nothing."""
    app, jobs = stage.application(), list[Any]()
    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")

    async def remind(context: Context) -> None:
        name = await ask("name?", str)
        jobs.append((name, await ask("age?", int)))

    async def start(update: Update, context: Context) -> None:
        assert context.job_queue is not None
        context.job_queue.run_once(remind, 0, **dict.fromkeys(who, alice.id))  # type: ignore[arg-type]
        await reply(update, f"started by {await ask('who are you?', str)}")

    app.add_handler(CommandHandler("start", start))
    echo(app)
    async with stage.run(app):
        alice.send("hi")
        await alice.expect("^other:hi$")
        bob.send("/start")
        await bob.expect("who are you")
        await alice.expect("name")
        bob.send("Bob")
        await bob.expect("^started by Bob$")
        alice.send("Ann")
        alice.send("33")
        await until(lambda: jobs)
        alice.send("bye")
        await alice.expect("^other:bye$")

    assert jobs == [("Ann", 33)]


async def test_a_job_about_nobody(local: Stage) -> None:
    """A job without chat and user has to name a target, and asks nobody by mistake."""
    app, errors = local.application(), list[str]()

    async def job(context: Context) -> None:
        try:
            await ask("name?")
        except NoTarget as error:
            errors.append(str(error))

    async def start(update: Update, context: Context) -> None:
        assert context.job_queue is not None
        context.job_queue.run_once(job, 0)
        await wait_for()

    app.add_handler(CommandHandler("start", start))
    alice = local.world.person("Alice")
    async with local.run(app):
        alice.send("/start")
        await until(lambda: errors)

    assert errors == ["a job update names neither user nor chat; pass a target"]


async def test_a_job_ends_quietly(local: Stage) -> None:
    """A question of a job that times out is no error of the bot; what the job raises itself is."""
    app, errors, ends = local.application(), list[object](), list[str]()
    local.engine.on_exit(lambda event: ends.append(event.reason))

    async def failed(update: object, context: Context) -> None:
        errors.append(context.error)

    async def silent(context: Context) -> None:
        await wait_for(timeout=0.01)

    async def broken(context: Context) -> None:
        await wait_for(timeout=0.01, default=None)
        raise LookupError("on purpose")

    app.add_error_handler(failed)
    async with local.run(app):
        assert app.job_queue is not None
        app.job_queue.run_once(silent, 0, chat_id=1)
        await until(lambda: ends)
        app.job_queue.run_once(broken, 0, chat_id=1)
        await until(lambda: errors)
        await until(lambda: len(ends) == 2)

    assert [type(error) for error in errors] == [LookupError]
    assert ends == ["timeout", "error"]


async def test_stop_ends_a_job_that_waits(local: Stage) -> None:
    """The framework waits for running jobs when it stops; one that waits is told, and may take leave."""
    app, seen = local.application(), list[str]()

    async def job(context: Context) -> None:
        try:
            await wait_for()
        except WaitCancelled as error:
            await asyncio.sleep(0.01)
            seen.append(error.reason)
            raise

    async with local.run(app):
        assert app.job_queue is not None
        app.job_queue.run_once(job, 0, chat_id=1)
        await waiting(local)

    assert seen == ["shutdown"]


async def test_a_job_that_is_run_by_hand(local: Stage) -> None:
    """``job.run`` in a handler asks whom the job is about, too."""
    app, got = local.application(), list[str]()
    alice, bob = local.world.person("Alice"), local.world.person("Bob")

    async def job(context: Context) -> None:
        got.append(text_of(await wait_for()))

    async def start(update: Update, context: Context) -> None:
        assert context.job_queue is not None
        await context.job_queue.run_once(job, 3600, chat_id=alice.id).run(app)

    app.add_handler(CommandHandler("start", start, block=False))
    async with local.run(app):
        bob.send("/start")
        await waiting(local)
        bob.send("from Bob")
        alice.send("from Alice")
        await until(lambda: got)

    assert got == ["from Alice"]
