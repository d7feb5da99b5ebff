"""Real aiogram bots against the server: long polling and webhooks over HTTP, in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import SendMessage
from aiogram.types import BufferedInputFile, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

from aiostep_testing import World
from aiostep_testing.server import Server, serve
from aiostep_testing.webhook import WebhookSender
from tests.testing_http.wire import until

pytestmark = pytest.mark.anyio

TOKEN = "42:TEST"


@pytest.fixture
def world() -> World:
    world = World()
    world.bot(TOKEN)
    return world


@pytest.fixture
async def server(world: World) -> AsyncIterator[Server]:
    async with serve(world, webhooks=WebhookSender(world, first_delay=0.02)) as server:
        yield server


@pytest.fixture
async def bot(server: Server) -> AsyncIterator[Bot]:
    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(server.url)))
    yield bot
    await bot.session.close()


def echo() -> Dispatcher:
    """Build a bot that echoes text, offers a button, and sends files."""
    dp = Dispatcher()

    @dp.message(F.text == "/menu")
    async def menu(message: Message) -> None:
        keys = [[InlineKeyboardButton(text="A", callback_data="a"), InlineKeyboardButton(text="B", callback_data="b")]]
        await message.answer("menu", reply_markup=InlineKeyboardMarkup(inline_keyboard=keys))

    @dp.message(F.text == "/file")
    async def file(message: Message) -> None:
        await message.answer_document(BufferedInputFile(bytes(range(256)), "ф.bin"), caption="here")

    @dp.message()
    async def say(message: Message) -> SendMessage:
        return message.answer(f"echo:{message.text}")

    @dp.callback_query()
    async def picked(query: CallbackQuery) -> None:
        await query.answer(f"got {query.data}")
        assert isinstance(query.message, Message)
        await query.message.edit_text(f"picked {query.data}")

    return dp


@contextlib.asynccontextmanager
async def polling(world: World, dp: Dispatcher, bot: Bot) -> AsyncGenerator[None, None]:
    """Run the dispatcher's own long polling while the block lasts."""
    task = asyncio.ensure_future(dp.start_polling(bot, handle_signals=False, polling_timeout=20))
    await until(lambda: world.bot(TOKEN).poll)
    yield
    stopping = asyncio.ensure_future(dp.stop_polling())
    world.release_polls()
    await asyncio.wait_for(asyncio.gather(task, stopping), 10)


async def test_an_echo_bot_talks_by_long_polling(world: World, bot: Bot) -> None:
    """Text, buttons, edits, toasts and files work through aiogram's own session and polling."""
    alice = world.person("Alice")
    async with polling(world, echo(), bot):
        alice.send("héllo")
        await alice.expect("^echo:héllo$")
        alice.send("/menu")
        await alice.expect("^menu$")
        answer = await alice.click("B")
        edited = await alice.expect_edit("^picked b$")
        alice.send("/file")
        document = (await alice.expect("^here$"))["document"]
        downloaded = await bot.download(document["file_id"])

    assert answer.get("text") == "got b"
    assert "reply_markup" not in edited
    assert document["file_name"] == "ф.bin"
    assert downloaded is not None
    assert downloaded.read() == bytes(range(256))
    assert world.violations == []


async def test_polling_goes_on_after_the_server_failed(world: World, bot: Bot) -> None:
    """A poll that is answered with an error or cut is repeated by aiogram, and nothing is lost."""
    alice = world.person("Alice")
    world.faults.add("getUpdates", status=502)
    world.faults.add("getUpdates", drop=True)
    alice.send("hi")

    async with polling(world, echo(), bot):
        await alice.expect("^echo:hi$", timeout=10)

    assert world.bot(TOKEN).updates == []


@contextlib.asynccontextmanager
async def webhook(dp: Dispatcher, bot: Bot, *, background: bool) -> AsyncGenerator[str, None]:
    """Serve aiogram's webhook handler and tell Telegram about it."""
    app = web.Application()
    SimpleRequestHandler(dp, bot, handle_in_background=background, secret_token="s3cret").register(app, path="/hook")
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    await bot.set_webhook(url, secret_token="s3cret", allowed_updates=["message", "callback_query"])
    try:
        yield url
    finally:
        await bot.delete_webhook()
        await runner.cleanup()


async def test_an_echo_bot_talks_by_webhook(world: World, bot: Bot) -> None:
    """aiogram's request handler accepts the deliveries, and the call in its answer is executed."""
    alice = world.person("Alice")
    async with webhook(echo(), bot, background=False):
        alice.send("hi")
        await alice.expect("^echo:hi$")
        alice.send("/menu")
        await alice.expect("^menu$")
        answer = await alice.click("A")

    assert answer.get("text") == "got a"
    assert world.bot(TOKEN).updates == []


async def test_a_handler_that_waits_stalls_its_own_chat_only(world: World, bot: Bot) -> None:
    """A webhook request that is not answered keeps back its chat, but neither other chats nor its user's clicks."""
    dp, release, seen = Dispatcher(), asyncio.Event(), []

    @dp.message(F.text == "wait")
    async def wait(message: Message) -> None:
        keys = [[InlineKeyboardButton(text="A", callback_data="a")]]
        await message.answer("waiting", reply_markup=InlineKeyboardMarkup(inline_keyboard=keys))
        await release.wait()

    @dp.message()
    async def other(message: Message) -> None:
        seen.append(message.text)
        await message.answer("seen")

    @dp.callback_query()
    async def clicked(query: CallbackQuery) -> None:
        await query.answer("pressed")

    alice, bob = world.person("Alice"), world.person("Bob")
    async with webhook(dp, bot, background=False):
        alice.send("wait")
        await alice.expect("^waiting$")
        alice.send("behind")
        bob.send("beside")
        await bob.expect("^seen$")
        pressed = await alice.click("A")
        stalled = list(seen)
        release.set()
        await alice.expect("^seen$")

    assert pressed.get("text") == "pressed"
    assert stalled == ["beside"]
    assert seen == ["beside", "behind"]
