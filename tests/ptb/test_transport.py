"""The framework's own Application over a world, in process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from telegram import Update
from telegram.error import Forbidden, NetworkError, RetryAfter
from telegram.ext import CallbackQueryHandler, CommandHandler, MessageHandler, filters

from aiostep_testing import World
from aiostep_testing.transports.ptb import Feeder, in_process, make_application
from tests.ptb.stage import App, Context, buttons, reply, text_of, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def world() -> World:
    return World(strict=True)


@pytest.fixture
def app(world: World) -> App:
    """A bot that echoes, without aiostep."""
    app = make_application(world)

    async def menu(update: Update, context: Context) -> None:
        await reply(update, "menu", reply_markup=buttons("Save"))

    async def save(update: Update, context: Context) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer("saved")
        await update.callback_query.edit_message_text("done")

    async def fail(update: Update, context: Context) -> None:
        raise LookupError("on purpose")

    async def photo(update: Update, context: Context) -> None:
        assert update.message is not None
        file = await update.message.photo[-1].get_file()
        data = bytes(await file.download_as_bytearray())
        await update.message.reply_photo(data, caption=f"{len(data)} bytes")

    async def echo(update: Update, context: Context) -> None:
        await reply(update, f"echo:{text_of(update)}")

    app.add_handlers([CommandHandler("menu", menu), CallbackQueryHandler(save), CommandHandler("fail", fail)])
    app.add_handlers([MessageHandler(filters.PHOTO, photo), MessageHandler(filters.TEXT, echo)])
    return app


async def test_an_echo_bot_answers(world: World, app: App) -> None:
    """A message goes through the real Application, and its answer is seen by the person."""
    alice = world.person("Alice")

    async with in_process(world, app):
        alice.send("hi")
        await alice.expect("^echo:hi$")

    assert world.violations == []
    assert not app.running


async def test_a_button_is_answered_and_the_message_edited(world: World, app: App) -> None:
    """A click reaches the callback handler; its toast and its edit come back."""
    alice = world.person("Alice")

    async with in_process(world, app):
        alice.send("/menu")
        await alice.expect("menu")
        answer = await alice.click("Save")
        await alice.expect_edit("^done$")

    assert answer["text"] == "saved"
    assert world.violations == []


async def test_files_go_both_ways(world: World, app: App) -> None:
    """A photo is downloaded and another one is uploaded, through the real requests."""
    alice = world.person("Alice")

    async with in_process(world, app):
        alice.photo()
        await alice.expect("bytes")

    assert world.violations == []


async def test_what_a_handler_raises_is_kept(world: World, app: App) -> None:
    """What no error handler takes is in ``errors``, and the bot goes on."""
    alice = world.person("Alice")

    async with in_process(world, app) as feeder:
        alice.send("/fail")
        alice.send("hi")
        await alice.expect("^echo:hi$")

    assert [type(error) for error in feeder.errors] == [LookupError]


async def test_what_is_queued_already_is_fed(world: World, app: App) -> None:
    """Messages from before the start arrive, in their order; ``settle`` returns when they are handled."""
    alice = world.person("Alice")
    for number in range(3):
        alice.send(str(number))

    async with in_process(world, app) as feeder:
        await feeder.settle()

        assert [line.partition("echo:")[2] for line in alice.seen() if "echo" in line] == ["0", "1", "2"]
        assert world.bot().updates == []


@pytest.mark.parametrize(("kinds", "arrives"), [(None, False), (["message_reaction"], True)])
async def test_kinds_that_must_be_asked_for(world: World, app: App, kinds: Any, arrives: bool) -> None:
    """As with Telegram, reactions are sent to a bot that asks for them, and then nothing else is."""
    alice = world.person("Alice")
    async with in_process(world, app, kinds=kinds):
        account = world.bot()

        assert account.wants("message_reaction") is arrives
        assert account.wants("message") is not arrives
        alice.send("hi")


@pytest.mark.filterwarnings("ignore:.*retry_after")
@pytest.mark.parametrize(
    ("fault", "error"),
    [({"status": 403}, Forbidden), ({"status": 429}, RetryAfter), ({"drop": True}, NetworkError)],
)
async def test_faults_are_the_framework_s_errors(world: World, app: App, fault: Any, error: type[Exception]) -> None:
    """What goes wrong on the way is raised as the framework's own error."""
    async with app:
        world.faults.add("sendMessage", **fault)
        with pytest.raises(error):
            await app.bot.send_message(1, "hi")


async def test_one_feeder_runs_once(world: World, app: App) -> None:
    """Starting twice is refused with what to do; stopping twice is harmless, and then it may start again."""
    feeder, alice = Feeder(world, app), world.person("Alice")
    await feeder.start()
    with pytest.raises(RuntimeError, match=r"already running; stop\(\) it first"):
        await feeder.start()
    await feeder.stop()
    await feeder.stop()
    await feeder.start()
    alice.send("hi")
    await alice.expect("^echo:hi$")
    await feeder.stop()


async def test_the_life_of_an_application(world: World, app: App) -> None:
    """The hooks of ``run_polling`` are called in their order here too."""
    order = list[str]()

    def hook(name: str) -> Any:
        async def note(app: App) -> None:
            order.append(f"{name} {app.running}")

        return note

    app.post_init, app.post_stop, app.post_shutdown = (hook(name) for name in ("init", "stop", "shutdown"))
    async with in_process(world, app):
        await asyncio.sleep(0)

    assert order == ["init False", "stop False", "shutdown False"]


async def test_two_bots_in_one_world(world: World, app: App) -> None:
    """Each feeder feeds its own bot only."""
    alice, other = world.person("Alice"), make_application(world, "43:OTHER")
    seen = list[str]()

    async def note(update: Update, context: Context) -> None:
        seen.append(text_of(update))

    other.add_handler(MessageHandler(filters.TEXT, note))
    async with in_process(world, app), in_process(world, other):
        alice.send("hi", to=world.bot("43:OTHER"))
        await until(lambda: seen)
        alice.send("you")
        await alice.expect("^echo:you$")

    assert seen == ["hi"]
