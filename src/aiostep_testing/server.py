"""Serve a `World` as a Bot API server over real HTTP on the loopback interface.

```python
async with serve(world) as server:
    session = AiohttpSession(api=TelegramAPIServer.from_base(server.url))
```
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from aiostep_testing.bounded import bounded
from aiostep_testing.forms import parse_body, split_target
from aiostep_testing.http import (
    LIMITS,
    SEND_CONTINUE,
    HttpMessage,
    Limits,
    MessageParser,
    ProtocolError,
    encode_response,
)
from aiostep_testing.webhook import WebhookSender
from aiostep_testing.wire import Dropped, Reply
from aiostep_testing.world import World

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
READ_SIZE: Final = 64 * 1024
LINGER: Final = 1.0


@contextlib.asynccontextmanager
async def serve(
    world: World,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    limits: Limits = LIMITS,
    webhooks: WebhookSender | None = None,
) -> AsyncGenerator[Server, None]:
    """Serve *world*, and deliver its webhooks, until the block ends.

    Args:
        port: 0 takes a free one; read it from `server.url`.
        webhooks: a sender with other delays than Telegram's, for tests.

    Raises:
        ValueError: *host* is not the loopback interface.
    """
    server = Server(world, limits)
    async with contextlib.AsyncExitStack() as stack:
        await server.start(host, port)
        stack.push_async_callback(server.stop)
        await stack.enter_async_context(webhooks or WebhookSender(world))
        yield server


class Server:
    """The listening socket and its connections; `serve` makes one."""

    def __init__(self, world: World, limits: Limits = LIMITS) -> None:
        self.world = world
        self.limits = limits
        self.url = ""
        self._listener: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._stopping = False

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen, and set `url`.

        Raises:
            ValueError: *host* is not the loopback interface.
        """
        if host not in LOOPBACK:
            raise ValueError(
                f"the emulator cannot listen on {host!r}: it has no authentication and no TLS, so it serves "
                f"this machine only; use '127.0.0.1', 'localhost' or '::1'"
            )
        self._listener = await asyncio.start_server(self._accept, host, port)
        bound = self._listener.sockets[0].getsockname()
        self.url = f"http://[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"http://{bound[0]}:{bound[1]}"

    async def stop(self, grace: float = 1.0) -> None:
        """Stop listening, end the long polls, and close every connection after at most *grace* seconds."""
        if self._listener is None:
            return
        self._listener.close()
        self._stopping = True
        for connection in self._connections:
            connection.finish()
        self.world.release_polls()
        tasks = [connection.task for connection in self._connections]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._listener = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A connection that was accepted just before the listener closed arrives here after `stop` has looked.
        if self._stopping:
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        connection = _Connection(self, reader, writer, task)
        self._connections.add(connection)
        try:
            await connection.run()
        except (ConnectionError, asyncio.CancelledError):
            # asyncio logs a cancelled connection task as an unhandled error; here it is the normal end of
            # `stop`.
            pass
        finally:
            self._connections.discard(connection)
            writer.close()


class _Connection:
    """One client: its requests are answered one after the other."""

    def __init__(
        self,
        server: Server,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        task: asyncio.Task[Any],
    ) -> None:
        self.task = task
        self._server = server
        self._reader = reader
        self._writer = writer
        self._parser = MessageParser(limits=server.limits)
        self._reading: asyncio.Task[bytes] | None = None
        self._answering = False
        self._finishing = False

    def finish(self) -> None:
        """Close after the answer that is under way, or now if there is none."""
        self._finishing = True
        if not self._answering:
            self.task.cancel()

    async def run(self) -> None:
        """Answer requests until the client or `finish` ends it."""
        try:
            while not self._finishing and (request := await self._next_request()):
                _, target = request.request_line()
                self._answering = True
                await self._answer(request, target)
                self._answering = False
                if not request.keep_alive:
                    return
        except ProtocolError as exc:
            await self._send(exc.status, {"Connection": "close"}, failure(exc.status, exc.description))
            await self._linger()
        finally:
            if self._reading:
                self._reading.cancel()

    async def _next_request(self) -> HttpMessage | None:
        while True:
            message = self._parser.next_message()
            if isinstance(message, HttpMessage):
                return message
            if message is SEND_CONTINUE:
                self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            data = await self._read()
            if not data and self._parser.idle:
                return None
            self._parser.feed(data) if data else self._parser.feed_eof()

    async def _read(self) -> bytes:
        reading, self._reading = self._reading, None
        return await (reading or self._read_or_nothing())

    async def _read_or_nothing(self) -> bytes:
        # Nobody may be left to look at the result of a read-ahead, so a reset connection is an end of it like
        # any other.
        with contextlib.suppress(ConnectionError):
            return await self._reader.read(READ_SIZE)
        return b""

    async def _linger(self) -> None:
        """Read on for a moment: closing on unread bytes resets the connection, and the peer loses our answer."""
        with contextlib.suppress(OSError):  # the peer has reset the connection already
            self._writer.write_eof()
        with contextlib.suppress(asyncio.TimeoutError):
            await bounded(self._discard(), LINGER)

    async def _discard(self) -> None:
        while await self._read():
            pass

    async def _answer(self, request: HttpMessage, target: str) -> None:
        try:
            status, headers, body = await self._respond(request, target)
        except ProtocolError as exc:
            status, headers, body = exc.status, {}, failure(exc.status, exc.description)
        except Dropped:
            self._writer.transport.abort()
            raise ConnectionAbortedError from None
        if self._finishing or not request.keep_alive:
            headers = {**headers, "Connection": "close"}
        # A body after HEAD would be read as the head of the next answer.
        await self._send(status, headers, b"" if request.start.startswith("HEAD ") else body)

    async def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        kind = {} if "Content-Type" in headers else {"Content-Type": "application/json"}
        self._writer.write(encode_response(status, {**kind, **headers}, body))
        await self._writer.drain()

    async def _respond(self, request: HttpMessage, target: str) -> tuple[int, dict[str, str], bytes]:
        refuse_foreign(request.headers)
        path, params = split_target(target)
        match path.split("/", 3)[1:]:
            case ["file", bot, _] if bot.startswith("bot"):
                return self._download(unquote(path[len("/file/bot") :]))
            case [bot, method] if bot.startswith("bot"):
                pass
            case [bot, "test", method] if bot.startswith("bot"):
                pass
            case _:
                raise ProtocolError(404, "Not Found")
        body_params, files = parse_body(request.content_type, request.body)
        call = self._server.world.call(unquote(bot[3:]), unquote(method), params | body_params, files)
        reply = await self._watched(asyncio.ensure_future(call), method)
        return reply.status, _retry_after(reply.body), json.dumps(reply.body).encode()

    def _download(self, path: str) -> tuple[int, dict[str, str], bytes]:
        token, _, name = path.partition("/")
        content = self._server.world.download(name) if token in self._server.world.bots else None
        if content is None:
            raise ProtocolError(404, "Not Found")
        return 200, {"Content-Type": "application/octet-stream"}, content

    async def _watched(self, call: asyncio.Task[Reply], method: str) -> Reply:
        """Await the call, but give up a long poll whose client is gone."""
        if method.lower() != "getupdates":
            return await call
        try:
            reading = self._reading = self._reading or asyncio.ensure_future(self._read_or_nothing())
            await asyncio.wait({call, reading}, return_when=asyncio.FIRST_COMPLETED)
            if not call.done() and reading.done() and not reading.result():
                raise ConnectionAbortedError
            return await call
        finally:
            call.cancel()


def failure(status: int, description: str) -> bytes:
    """Return the body of the Bot API's answer to a request that failed."""
    return json.dumps({"ok": False, "error_code": status, "description": description}).encode()


def refuse_foreign(headers: Mapping[str, str]) -> None:
    """Refuse what a foreign web page made a browser send, also under a name that was rebound to loopback.

    Raises:
        ProtocolError: the `Host` or `Origin` is not this machine.
    """
    for name in ("host", "origin"):
        value = headers.get(name)
        if value is None:
            continue
        try:
            host = urlsplit(value if "//" in value else f"//{value}").hostname
        except ValueError:
            host = None
        if host not in LOOPBACK:
            raise ProtocolError(403, f"Forbidden: {name} is {value[:80]!r}; the emulator answers this machine only")


def _retry_after(body: Mapping[str, Any]) -> dict[str, str]:
    seconds = body.get("parameters", {}).get("retry_after")
    return {"Retry-After": str(seconds)} if seconds else {}
