"""python-telegram-bot over a world, in process: requests for its Bot, and a feeder for its Application."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from urllib.parse import unquote, urlsplit

from telegram import Update
from telegram.error import NetworkError
from telegram.ext import Application, ApplicationBuilder
from telegram.request import BaseRequest, RequestData

from aiostep_testing.accounts import BotAccount
from aiostep_testing.transports.feeding import BaseFeeder
from aiostep_testing.wire import Dropped, File, Json, copied
from aiostep_testing.world import World

AnyApplication = Application[Any, Any, Any, Any, Any, Any]

#: What Telegram does not send to a bot that has not asked for it.
OPT_IN = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


class EmulatorRequest(BaseRequest):
    """Requests whose server is a world in this process; they go through the form fields and JSON of real ones."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def initialize(self) -> None:
        """Do nothing: there is no connection."""

    async def shutdown(self) -> None:
        """Do nothing: there is no connection."""

    @property
    def read_timeout(self) -> float | None:
        """Say that nobody loses patience."""
        return None

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *args: Any, **timeouts: Any
    ) -> tuple[int, bytes]:
        """Hand the request to the world.

        Raises:
            NetworkError: a fault cut the connection.
        """
        *folders, token, name = unquote(urlsplit(url).path).split("/")
        if method == "GET" and "file" in folders[:2]:
            return self._download(url)
        fields = dict(request_data.json_parameters) if request_data is not None else {}
        files = request_data.multipart_data if request_data is not None else {}
        uploads = {field: File(str(upload[0]), _content(upload[1])) for field, upload in files.items()}
        try:
            status, body = await self.world.call(token.removeprefix("bot"), name, fields, uploads)
        except Dropped:
            raise NetworkError("the emulator cut the connection") from None
        return status, json.dumps(body).encode()

    def _download(self, url: str) -> tuple[int, bytes]:
        # .../file/bot<token>/<folder>/<name>
        data = self.world.download("/".join(url.rsplit("/", 2)[1:]))
        return (200, data) if data is not None else (404, b'{"ok": false, "description": "Not Found"}')


class Feeder(BaseFeeder):
    """Put a bot's updates into the queue of an Application, as its updater does.

    It starts the application and stops it, with ``post_init`` and the like. As without ``allowed_updates``, kinds
    that a bot must ask for never arrive.

    Args:
        kinds: the ``allowed_updates``.

    Attributes:
        errors: what the application logged because no error handler took it.
    """

    def __init__(self, world: World, application: AnyApplication, *, kinds: list[str] | None = None) -> None:
        super().__init__(world)
        self.application = application
        self.kinds = kinds
        self._log = _Errors(self.errors)

    @property
    def account(self) -> BotAccount:
        """The bot's account in the world."""
        return self.world.bot(self.application.bot.token)

    def _accounts(self) -> list[BotAccount]:
        return [self.account]

    async def _open(self) -> None:
        logging.getLogger("telegram.ext").addHandler(self._log)
        application, account = self.application, self.account
        await application.initialize()
        if application.post_init is not None:
            await application.post_init(application)
        account.subscribe(self.kinds if self.kinds is not None else set(Update.ALL_TYPES) - OPT_IN)
        await application.start()

    async def _close(self) -> None:
        application = self.application
        try:
            if application.running:
                await application.stop()
                if application.post_stop is not None:
                    await application.post_stop(application)
            await application.shutdown()
            if application.post_shutdown is not None:
                await application.post_shutdown(application)
        finally:
            logging.getLogger("telegram.ext").removeHandler(self._log)

    def _deliver(self, account: BotAccount, update: Json) -> None:
        if account is not self.account:
            return
        self.world.confirm(account, update["update_id"])
        self._started += 1
        self.application.update_queue.put_nowait(Update.de_json(copied(update), self.application.bot))

    def _progress(self) -> tuple[int, ...]:
        return self._started, self.application.update_queue.qsize(), len(self.world.calls), len(asyncio.all_tasks())


def _content(upload: Any) -> bytes:
    """Return what is uploaded: bytes, or what an open file has."""
    return bytes(upload.read()) if hasattr(upload, "read") else bytes(upload)


class _Errors(logging.Handler):
    def __init__(self, errors: list[BaseException]) -> None:
        super().__init__(logging.ERROR)
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        """Collect the exception that is logged."""
        if record.exc_info is not None and record.exc_info[1] is not None:
            self._errors.append(record.exc_info[1])


def in_process(world: World, application: AnyApplication, *, kinds: list[str] | None = None) -> Feeder:
    """Feed the updates of the application's bot to it for the length of an ``async with`` block."""
    return Feeder(world, application, kinds=kinds)


def make_builder(world: World, token: str = "42:TEST") -> ApplicationBuilder[Any, Any, Any, Any, Any, Any]:
    """Begin to build an Application that talks to *world*, where its account is made too when there is none."""
    world.bot(token)
    request, polling = EmulatorRequest(world), EmulatorRequest(world)
    return ApplicationBuilder().token(token).request(request).get_updates_request(polling)


def make_application(world: World, token: str = "42:TEST") -> AnyApplication:
    """Make an Application that talks to *world*."""
    return make_builder(world, token).build()
