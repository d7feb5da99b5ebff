"""pyTelegramBotAPI over a world, in process: a session for its bots, and a feeder for an AsyncTeleBot."""

from __future__ import annotations

import asyncio
import json
import logging
import weakref
from collections.abc import Callable
from typing import Any

from telebot import asyncio_helper, types
from telebot.async_telebot import AsyncTeleBot

from aiostep_testing.accounts import BotAccount
from aiostep_testing.forms import parse_body
from aiostep_testing.transports.feeding import BaseFeeder, cancel_all, go_on_counting
from aiostep_testing.wire import Dropped, Json, copied
from aiostep_testing.world import World

__all__ = ["Feeder", "in_process"]

logger = logging.getLogger(__name__)

#: What each bot has seen. It may meet a new world in every test, and must not take the first updates there for old
#: ones that come again.
_last_ids: weakref.WeakKeyDictionary[AsyncTeleBot, int] = weakref.WeakKeyDictionary()


class EmulatorSession:
    """What telebot takes for its aiohttp session; each request goes to the world of its token, as the body it is."""

    closed = False

    def __init__(self) -> None:
        self.worlds: dict[str, World] = {}
        self._loop = asyncio.get_running_loop()  # telebot asks whether it runs

    def request(self, method: str, url: str, data: Any = None, **options: Any) -> EmulatorRequest:
        """Begin a call of the Bot API."""
        token, name = url.rsplit("/bot", 1)[1].split("/", 1)
        return EmulatorRequest(lambda: self._call(token, name, data))

    def get(self, url: str, **options: Any) -> EmulatorRequest:
        """Begin the download of a file."""
        return EmulatorRequest(lambda: self._download(url.rsplit("/file/bot", 1)[1]))

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def _call(self, token: str, name: str, data: Any) -> EmulatorResponse:
        params, files = parse_body(*await _encoded(data)) if data is not None else ({}, {})
        try:
            status, body = await self.worlds[token].call(token, name, params, files)
        except Dropped:
            raise asyncio.TimeoutError from None  # one of the two that telebot makes its own error of
        return EmulatorResponse(status, json.dumps(body).encode())

    async def _download(self, path: str) -> EmulatorResponse:
        token, _, name = path.partition("/")
        content = self.worlds[token].download(name)
        return EmulatorResponse(404, b"") if content is None else EmulatorResponse(200, content)


class EmulatorRequest:
    """A request that is made when it is entered."""

    def __init__(self, send: Callable[[], Any]) -> None:
        self._send = send

    async def __aenter__(self) -> EmulatorResponse:
        response: EmulatorResponse = await self._send()
        return response

    async def __aexit__(self, *error: object) -> None:
        """Nothing to release."""


class EmulatorResponse:
    """The answer to a request."""

    def __init__(self, status: int, content: bytes) -> None:
        self.status = status
        self.reason = ""
        self._content = content

    async def read(self) -> bytes:
        """Return the body."""
        return self._content

    async def json(self, encoding: str | None = None) -> Any:
        """Return the body, decoded."""
        return json.loads(self._content)


class _Body:
    """Collects what a form of aiohttp writes."""

    def __init__(self) -> None:
        self.written = bytearray()

    async def write(self, chunk: bytes) -> None:
        self.written += chunk


async def _encoded(form: Any) -> tuple[str, bytes]:
    """Return the content type and the bytes of what telebot would post."""
    payload, body = form(), _Body()
    await payload.write(body)
    return str(payload.headers.get("Content-Type", payload.content_type)), bytes(body.written)


class Feeder(BaseFeeder):
    """Deliver the updates of a bot to it as a webhook or its polling does: through ``process_new_updates``.

    What is queued in one go comes in one batch.

    Attributes:
        tasks: the batches that are not done, in the order in which they came.
        errors: what left ``process_new_updates``; also logged.
    """

    def __init__(self, world: World, bot: AsyncTeleBot) -> None:
        super().__init__(world)
        self.bot: Any = bot
        self.account = world.bot(bot.token)
        self.tasks: list[asyncio.Task[None]] = []
        self._is_flushing = False

    def _accounts(self) -> list[BotAccount]:
        return [self.account]

    async def _open(self) -> None:
        session_for(self.bot.token, self.world)
        self.bot._user = await self.bot.get_me()  # as polling does
        go_on_counting(self.account, _last_ids.get(self.bot, 0))

    async def _close(self) -> None:
        _last_ids[self.bot] = self.account.next_update
        try:
            await self.bot.close_session()
        finally:
            await cancel_all(self.tasks)
            leave_session(self.bot.token)

    def _deliver(self, account: BotAccount, update: Json) -> None:
        if account is self.account and account.updates and not self._is_flushing:
            self._is_flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        batch = [copied(update) for update in self.account.updates]
        if self._remove is None or not batch:
            return
        self.account.updates.clear()
        task = asyncio.get_running_loop().create_task(self._feed(batch))
        self._started += 1
        self.tasks.append(task)
        task.add_done_callback(self.tasks.remove)

    async def _feed(self, batch: list[Json]) -> None:
        try:
            update: Any = types.Update
            await self.bot.process_new_updates([update.de_json(raw) for raw in batch])
        except Exception as exc:
            self.errors.append(exc)
            logger.exception("a batch of %d updates failed", len(batch))

    def _progress(self) -> tuple[int, ...]:
        return self._started, len(self.tasks), len(self.world.calls)


def session_for(token: str, world: World) -> None:
    """Have the requests of all bots with *token* go to *world*; telebot has one session for all bots."""
    sessions = asyncio_helper.session_manager
    if not isinstance(sessions.session, EmulatorSession):
        sessions.session = EmulatorSession()
    sessions.session.worlds[token] = world


def leave_session(token: str) -> None:
    """Undo ``session_for``."""
    sessions = asyncio_helper.session_manager
    if isinstance(sessions.session, EmulatorSession):
        sessions.session.worlds.pop(token, None)
        if not sessions.session.worlds:
            sessions.session = None


def in_process(world: World, bot: AsyncTeleBot) -> Feeder:
    """Feed the updates of *bot* to it for the length of an ``async with`` block."""
    return Feeder(world, bot)
