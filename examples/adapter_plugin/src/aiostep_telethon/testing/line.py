"""In place of the socket: a connection class for ``TelegramClient(connection=...)`` whose other end is a server here.

It does what a data center does with https://core.telegram.org/mtproto/description: takes messages apart that were
encrypted with the key of the session, and encrypts its own.
"""

from __future__ import annotations

import asyncio
import os
import struct
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, Final

from telethon.crypto import AES, AuthKey
from telethon.extensions import BinaryReader
from telethon.network.mtprotostate import MTProtoState
from telethon.tl.core import GzipPacked, MessageContainer

__all__ = ["Line"]

_FIRST: Final = b""


class Line:
    """One connection.

    Args:
        key: the key that the session has too, so that there is no handshake.
        receive: called with the id and the request of each message that comes in.
    """

    def __init__(self, key: AuthKey, receive: Callable[[Line, int, Any], object]) -> None:
        self._key, self._receive = key, receive
        self._packets: asyncio.Queue[bytes] = asyncio.Queue()
        self._connected = False  # Telethon looks at it
        self._session = self._salt = self._last_id = self._count = 0

    # What Telethon calls.

    async def connect(self, timeout: float | None = None) -> None:
        self._connected = True

    async def disconnect(self) -> None:
        self._connected = False
        self._packets.put_nowait(_FIRST)

    async def send(self, data: bytes) -> None:
        for message_id, request in self._messages(data):
            self._receive(self, message_id, request)

    async def recv(self) -> bytes:
        packet = await self._packets.get()
        if not self._connected:
            raise ConnectionError("the line is closed")
        return packet

    # What the server calls.

    def push(self, body: bytes) -> None:
        """Send one serialised object to the client."""
        self._last_id = max(self._last_id + 4, int(time.time() * 2**32) & ~3 | 1)
        self._count += 2
        plain = struct.pack("<qqqii", self._salt, self._session, self._last_id, self._count + 1, len(body)) + body
        plain += os.urandom(-(len(plain) + 12) % 16 + 12)
        key = self._key.key
        check = sha256(key[96:128] + plain).digest()[8:24]
        sealed: bytes = AES.encrypt_ige(plain, *MTProtoState._calc_key(key, check, False))
        self._packets.put_nowait(struct.pack("<Q", self._key.key_id) + check + sealed)

    def _messages(self, packet: bytes) -> Iterator[tuple[int, Any]]:
        """Decrypt what the client sent."""
        check = packet[8:24]
        plain = AES.decrypt_ige(packet[24:], *MTProtoState._calc_key(self._key.key, check, True))
        self._salt, self._session, message_id, _, length = struct.unpack_from("<qqqii", plain)
        with BinaryReader(plain[32 : 32 + length]) as reader:
            yield from _unpacked(message_id, reader.tgread_object())


def _unpacked(message_id: int, body: Any) -> Iterator[tuple[int, Any]]:
    if isinstance(body, MessageContainer):
        for message in body.messages:
            yield from _unpacked(message.msg_id, message.obj)
    elif isinstance(body, GzipPacked):
        with BinaryReader(body.data) as reader:
            yield from _unpacked(message_id, reader.tgread_object())
    else:
        yield message_id, body
