"""A TCP proxy that loses, delays and replaces what goes through it. It runs in a thread, for clients of any kind."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Generator

PATIENCE = 10.0


class TcpProxy:
    """Between a client and a server on this machine.

    Args:
        tls: speak TLS with the client, as what stands before a server that does not know it.

    Attributes:
        lose: how many answers to commands with *marker* are lost, each with its connection.
        marker: what a command has in it.
        on_loss: called when the server has answered, before the connection breaks.
        instead: bytes to answer every command with, the server not being asked.
        is_silent: nothing goes through in either direction; connections are accepted.
        connections: how many were made.
    """

    def __init__(self, target: int, tls: ssl.SSLContext | None = None) -> None:
        self.target = target
        self._tls = tls
        self.port = 0
        self.lose = 0
        self.marker = b"EVALSHA"
        self.on_loss: Callable[[], None] | None = None
        self.instead: bytes | None = None
        self.is_silent = False
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._writers = set[asyncio.StreamWriter]()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        """Begin to listen, on a free port."""
        self._thread.start()
        assert self._ready.wait(PATIENCE)

    def stop(self) -> None:
        """End everything."""
        self._loop.call_soon_threadsafe(self._done.set_result, None)
        self._thread.join(PATIENCE)

    def cut(self) -> None:
        """Break all connections."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(PATIENCE)

    async def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main())
        self._loop.close()

    async def _main(self) -> None:
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._loop.set_exception_handler(lambda loop, context: None)  # clients that turn away from TLS
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._done
        server.close()
        await self._cut()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        way = _Way(self, reader, writer, from_server, to_server)
        self._writers |= {writer, to_server}
        # Cancelled is how this ends when the proxy stops; asyncio would report that.
        with contextlib.suppress(asyncio.CancelledError):
            await way.run()
        self._writers -= {writer, to_server}
        for one in (writer, to_server):
            one.transport.abort()


class _Way:
    """One connection and what goes through it."""

    def __init__(
        self,
        proxy: TcpProxy,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        from_server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._from_server = from_server
        self._to_server = to_server
        self._is_lost = False

    async def run(self) -> None:
        """Pass on until either side ends, or an answer was lost."""
        ways = [asyncio.ensure_future(self._there()), asyncio.ensure_future(self._back())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _there(self) -> None:
        proxy = self._proxy
        while data := await self._reader.read(1 << 16):
            if proxy.instead is not None:
                self._writer.write(proxy.instead)
            elif not proxy.is_silent:
                if proxy.lose and proxy.marker in data:
                    proxy.lose -= 1
                    self._is_lost = True
                self._to_server.write(data)

    async def _back(self) -> None:
        while data := await self._from_server.read(1 << 16):
            if self._is_lost:
                if self._proxy.on_loss is not None:
                    await asyncio.to_thread(self._proxy.on_loss)
                return
            if not self._proxy.is_silent:
                self._writer.write(data)


@contextlib.contextmanager
def proxy(target: int, tls: ssl.SSLContext | None = None) -> Generator[TcpProxy]:
    """Have a proxy to a port of this machine."""
    one = TcpProxy(target, tls)
    one.start()
    try:
        yield one
    finally:
        one.stop()
