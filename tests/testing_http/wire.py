"""Raw HTTP for these tests: requests as bytes, answers as status, headers and JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiostep_testing.http import HttpMessage, MessageParser, encode_message

PATIENCE = 10.0


@dataclass
class Answer:
    """One answer of the server."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.parser = MessageParser(responses=True)

    @classmethod
    async def connect(cls, url: str) -> Client:
        place = urlsplit(url)
        return cls(*await asyncio.open_connection(place.hostname, place.port))

    async def answer(self) -> Answer:
        """Read the next answer; a connection that ends before it raises ConnectionError."""
        while not isinstance(message := self.parser.next_message(), HttpMessage):
            data = await asyncio.wait_for(self.reader.read(65536), PATIENCE)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self.parser.feed(data)
        return Answer(message.status(), message.headers, message.body)

    async def ask(self, request: bytes) -> Answer:
        self.writer.write(request)
        return await self.answer()

    async def ended(self) -> bool:
        """Tell whether the server closes the connection without another byte."""
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE) == b""
        except ConnectionResetError:
            return True

    async def close(self) -> None:
        self.writer.close()
        await asyncio.wait([asyncio.ensure_future(self.writer.wait_closed())], timeout=PATIENCE)


def request(verb: str, target: str, body: bytes = b"", **headers: str) -> bytes:
    """Return the bytes of a request; `content_type="a/b"` becomes a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return encode_message(f"{verb} {target} HTTP/1.1", named, body)


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until *condition* holds, for a bounded time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while not condition():
        assert loop.time() < end, "it did not happen in time"
        await asyncio.sleep(0.005)
