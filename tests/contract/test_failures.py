"""What each framework says of a call that failed, in the words of none: the same of the same failure."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from telebot import TeleBot, apihelper, asyncio_helper
from telebot.async_telebot import AsyncTeleBot
from telegram.ext import ExtBot

from aiostep_aiogram.sending import failure_of as of_aiogram
from aiostep_core.resending import Patience
from aiostep_core.sending import Failure, loss_of
from aiostep_ptb.sending import failure_of as of_ptb
from aiostep_telebot.sending import failure_of as of_telebot
from aiostep_testing.contract import TOKEN
from aiostep_testing.server import serve
from aiostep_testing.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:.*retry_after")]

Send = Callable[[str, int, pytest.MonkeyPatch], Awaitable[Any]]


async def send_with_aiogram(url: str, chat_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(url)))
    session: Any = bot.session
    try:
        await bot.send_message(chat_id, "hi")
    finally:
        await session._session.close()  # session.close() sleeps for the sake of TLS


async def send_with_ptb(url: str, chat_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bot: ExtBot[None] = ExtBot(TOKEN, base_url=f"{url}/bot")
    await bot._request[1].initialize()
    try:
        await bot.send_message(chat_id, "hi")
    finally:
        await bot._request[1].shutdown()


async def send_with_telebot(url: str, chat_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio_helper, "API_URL", url + "/bot{0}/{1}")
    bot = AsyncTeleBot(TOKEN)
    try:
        await bot.send_message(chat_id, "hi")
    finally:
        await bot.close_session()


async def send_with_threads(url: str, chat_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apihelper, "API_URL", url + "/bot{0}/{1}")
    await asyncio.to_thread(TeleBot(TOKEN, threaded=False).send_message, chat_id, "hi")


FRAMEWORKS: dict[str, tuple[Send, Callable[[BaseException], Failure | None]]] = {
    "aiogram": (send_with_aiogram, of_aiogram),
    "ptb": (send_with_ptb, of_ptb),
    "telebot": (send_with_telebot, of_telebot),
    "telebot, threads": (send_with_threads, of_telebot),
}


class Verdict(NamedTuple):
    """What comes of a failure."""

    loss: str | None = None
    pause: float | None = None
    pause_if_harmless: float | None = None


PASSING = Verdict(pause_if_harmless=1)


def verdict(failure: Failure | None) -> Verdict:
    pauses = [Patience(is_harmless=is_harmless).pause_after(failure, 0.0, 0.0) for is_harmless in (False, True)]
    return Verdict(loss_of(failure), *pauses)


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> Any:
    return FRAMEWORKS[request.param]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 429, "retry_after": 7}, Verdict(pause=7, pause_if_harmless=7)),
        ({"status": 403, "description": "Forbidden: bot was blocked by the user"}, Verdict("blocked")),
        ({"status": 403, "description": "Forbidden: user is deactivated"}, Verdict("blocked")),
        ({"status": 403, "description": "Forbidden: bot was kicked from the group chat"}, Verdict("left")),
        ({"status": 400, "description": "Bad Request: chat not found"}, Verdict("left")),
        ({"status": 400, "description": "Bad Request: message text is empty"}, Verdict()),
        ({"status": 401}, Verdict()),
        ({"status": 500}, PASSING),
        ({"status": 502}, PASSING),
        ({"drop": True}, PASSING),
        ({"lost": True}, PASSING),
    ],
)
async def test_what_comes_of_a_failure(
    framework: Any, fault: dict[str, Any], expected: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T23: over a real connection, every framework's errors lead to the same decision."""
    send, failure_of = framework
    world = World()
    world.bot(TOKEN)
    world.faults.add("sendMessage", **fault)
    async with serve(world) as server:
        with pytest.raises(Exception) as caught:
            await send(server.url, world.person("Alice").id, monkeypatch)
    assert verdict(failure_of(caught.value)) == expected


async def test_a_group_that_has_moved(framework: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """T56: a prompt to a group that is a supergroup now ends with that reason, on every framework."""
    send, failure_of = framework
    world = World()
    world.bot(TOKEN)
    basic = world.group("Basic", members=(world.person("Alice"),), basic=True)
    basic.migrate()
    async with serve(world) as server:
        with pytest.raises(Exception) as caught:
            await send(server.url, basic.id, monkeypatch)
    assert verdict(failure_of(caught.value)) == Verdict("migrated")


async def test_nobody_is_there(framework: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """T23: without a connection nothing was sent, so it is tried again."""
    send, failure_of = framework
    with socket.socket() as closed:  # bound, so that nobody else takes it, and not listening
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Exception) as caught:
            await send(f"http://127.0.0.1:{closed.getsockname()[1]}", 1, monkeypatch)
    assert verdict(failure_of(caught.value)) == Verdict(pause=1, pause_if_harmless=1)


async def test_telebot_has_tried_again_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """With telebot's own retries a connection that cannot be made is not tried for twice as long."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Exception) as caught:
            await send_with_threads(f"http://127.0.0.1:{closed.getsockname()[1]}", 1, monkeypatch)
    assert verdict(of_telebot(caught.value, has_retried=True)) == PASSING


@pytest.mark.parametrize("failure_of", [of_aiogram, of_ptb, of_telebot])
def test_errors_of_the_bots_own(failure_of: Callable[[BaseException], Failure | None]) -> None:
    """What neither Telegram nor the network has said is nobody's failure but the bot's."""
    assert failure_of(ValueError("chat not found")) is None
