"""The ways in which the framework runs a bot: its own polling and webhook, and the demo's script over HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from telegram import Update
from telegram.ext import CommandHandler

from aiostep_ptb import ask
from aiostep_testing import WebhookSender, World
from aiostep_testing.transports.ptb import EmulatorRequest
from tests.ptb.stage import App, Context, echo, reply
from tests.ptb.test_flows import run_bounded


def world_of(app: App) -> World:
    """Return the world that an application in process talks to."""
    request = app.bot.request
    assert isinstance(request, EmulatorRequest)
    return request.world


def greeter(app: App, people: Callable[[World], Awaitable[None]]) -> list[str]:
    """Make a bot that asks for a name, and let *people* talk to it once it runs; return what it saw."""
    seen, tasks = list[str](), list[asyncio.Future[None]]()

    async def start(update: Update, context: Context) -> None:
        name = await ask("name?", str)
        seen.append(name)
        await reply(update, f"hello {name}")

    async def talk() -> None:
        try:
            await people(world_of(app))
            seen.append("talked")
        finally:
            asyncio.get_running_loop().stop()

    async def post_init(app: App) -> None:
        tasks.append(asyncio.ensure_future(talk()))

    app.post_init = post_init
    app.add_handler(CommandHandler("start", start))
    echo(app)
    return seen


async def small_talk(world: World) -> None:
    """Answer what the bot asks, while somebody else talks to it too."""
    alice, bob = world.person("Alice"), world.person("Bob")
    alice.send("/start")
    await alice.expect("name")
    bob.send("hi")
    await bob.expect("^other:hi$")
    alice.send("Ann")
    await alice.expect("^hello Ann$")


def test_run_polling(local_app: App) -> None:
    """``run_polling`` as it is: the conversation works, and the bot stops when it is told to."""
    seen = greeter(local_app, small_talk)

    run_bounded(local_app)

    assert seen == ["Ann", "talked"]


def test_run_webhook(local_app: App) -> None:
    """``run_webhook`` as it is: a request is answered at once although the handler waits for the next one."""
    pytest.importorskip("tornado")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

    async def people(world: World) -> None:
        async with WebhookSender(world):
            await small_talk(world)

    seen = greeter(local_app, people)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.call_later(10, loop.stop)
    try:
        url = f"http://127.0.0.1:{port}/hook"
        local_app.run_webhook("127.0.0.1", port, "hook", webhook_url=url, stop_signals=None)
    finally:
        asyncio.set_event_loop(None)

    assert seen == ["Ann", "talked"]


@pytest.mark.anyio
async def test_a_webhook_of_one_s_own(local_app: App) -> None:
    """A web framework that puts updates into ``update_queue`` needs nothing else."""
    app, world = local_app, world_of(local_app)
    seen = greeter(app, small_talk)
    app.post_init = None

    def receive(account: object, update: dict[str, object]) -> None:
        world.confirm(world.bot(), int(str(update["update_id"])))
        app.update_queue.put_nowait(Update.de_json(update, app.bot))

    async with app:
        await app.start()
        remove = world.add_delivery(receive)
        await asyncio.wait_for(small_talk(world), 5)
        remove()
        await app.stop()

    assert seen == ["Ann"]
