"""HTTP/1.1 as pure functions and one push parser: bytes in, messages out, no socket and no event loop.

The emulator's server and its webhook sender are thin loops around this module. It is written for the loopback
interface and for the clients of the Bot API, so it knows exactly what those send: any verb, `Content-Length`
and chunked bodies, and `Expect: 100-continue`. What the bodies mean is next door, in `forms.py`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

REASONS: Final[Mapping[int, str]] = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    505: "HTTP Version Not Supported",
}


class ProtocolError(Exception):
    """Say that the peer's bytes are not HTTP as we speak it, and with which status to answer."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.description = description


class Signal(enum.Enum):
    """Name what `MessageParser.next_message` returns when it has no whole message."""

    NEED_DATA = "need data"
    SEND_CONTINUE = "send continue"


NEED_DATA: Final = Signal.NEED_DATA
SEND_CONTINUE: Final = Signal.SEND_CONTINUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bound what a peer may make us keep in memory.

    The head is generous because some clients put every parameter into the query string; the body because a
    bot may upload files of 50 MB.
    """

    head: int = 256 * 1024
    body: int = 64 * 1024 * 1024


LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpMessage:
    """A whole request or response; header names are in lower case."""

    start: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def keep_alive(self) -> bool:
        """Tell whether the peer expects the connection to stay open after this message."""
        wish = self.headers.get("connection", "").lower()
        if "HTTP/1.0" in self.start:
            return "keep-alive" in wish
        return "close" not in wish

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    def request_line(self) -> tuple[str, str]:
        """Return verb and target of a request.

        Raises:
            ProtocolError: the start line is not `VERB target HTTP/1.x`.
        """
        parts = self.start.split(" ")
        if len(parts) != 3 or not parts[0] or not parts[1]:
            raise ProtocolError(400, f"Bad Request: request line is {self.start[:80]!r}, not 'VERB target HTTP/1.1'")
        if parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
            raise ProtocolError(505, f"HTTP version is {parts[2][:20]!r}; this server speaks HTTP/1.1")
        return parts[0], parts[1]

    def status(self) -> int:
        """Return the status of a response.

        Raises:
            ProtocolError: the start line is not `HTTP/1.x nnn reason`.
        """
        parts = self.start.split(" ", 2)
        if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or len(parts[1]) != 3 or not parts[1].isdecimal():
            raise ProtocolError(502, f"status line is {self.start[:80]!r}, not 'HTTP/1.1 nnn reason'")
        return int(parts[1])


class _State(enum.Enum):
    """Where the parser is.

    HEAD -> LENGTH -> HEAD                           (Content-Length, or no body at all)
    HEAD -> CHUNK_SIZE -> CHUNK -> CHUNK_SIZE ... -> TRAILER -> HEAD   (chunked)
    HEAD -> UNTIL_EOF -> HEAD                        (a response without a length)
    """

    HEAD = "head"
    LENGTH = "length"
    CHUNK_SIZE = "chunk size"
    CHUNK = "chunk"
    TRAILER = "trailer"
    UNTIL_EOF = "until eof"


class MessageParser:
    """Turn a byte stream, split anywhere, into HTTP messages.

    Feed it what arrives and call `next_message` until it returns NEED_DATA. After a `ProtocolError` the
    stream has no known position any more: answer and close.
    """

    def __init__(self, *, limits: Limits = LIMITS, responses: bool = False) -> None:
        self._limits = limits
        self._responses = responses
        self._buffer = bytearray()
        self._eof = False
        self._state = _State.HEAD
        self._start = ""
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._wanted = 0
        self._continue = False

    @property
    def idle(self) -> bool:
        """Tell whether no message has begun."""
        return self._state is _State.HEAD and not self._buffer

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self._buffer += data

    def feed_eof(self) -> None:
        """Take note that nothing follows."""
        self._eof = True

    def next_message(self) -> HttpMessage | Signal:
        """Return the next whole message, NEED_DATA, or SEND_CONTINUE (once, when the peer waits for it).

        Raises:
            ProtocolError: the bytes are malformed or larger than the limits.
        """
        while True:
            if not _STEPS[self._state](self):
                return self._signal()
            if self._state is _State.HEAD and self._start:
                return self._finish()

    def _signal(self) -> Signal:
        if self._eof and not self.idle:
            raise ProtocolError(400, "Bad Request: the connection ended in the middle of a message")
        if self._continue:
            self._continue = False
            return SEND_CONTINUE
        return NEED_DATA

    def _finish(self) -> HttpMessage:
        message = HttpMessage(start=self._start, headers=self._headers, body=bytes(self._body))
        self._start, self._headers, self._body, self._continue = "", {}, bytearray(), False
        return message

    def _read_head(self) -> bool:
        # A client may end its body with a stray line break (RFC 9112, 2.2); it must not become an empty
        # request line.
        while self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        if (end if end >= 0 else len(self._buffer)) > self._limits.head:
            raise ProtocolError(
                431, f"Request Header Fields Too Large: the head is longer than {self._limits.head} bytes"
            )
        if end < 0:
            return False
        self._start, self._headers = parse_head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        self._choose_body()
        return True

    def _choose_body(self) -> None:
        headers = self._headers
        encoding = headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length")
        if encoding and (encoding != "chunked" or length is not None):
            raise ProtocolError(400, f"Bad Request: transfer-encoding {encoding[:40]!r} with content-length {length!r}")
        if length is not None and not (length.isascii() and length.isdecimal() and len(length) < 16):
            raise ProtocolError(400, f"Bad Request: content-length is {length[:40]!r}, not a number of bytes")
        if encoding:
            self._state = _State.CHUNK_SIZE
        elif length is not None:
            self._want(int(length))
            self._state = _State.LENGTH if self._wanted else _State.HEAD
        elif self._responses and self._start.split(" ")[1:2] not in (["204"], ["304"]):
            self._state = _State.UNTIL_EOF
        self._continue = headers.get("expect", "").lower() == "100-continue" and self._state is not _State.HEAD

    def _want(self, size: int) -> None:
        if len(self._body) + size > self._limits.body:
            raise ProtocolError(413, f"Request Entity Too Large: the body is longer than {self._limits.body} bytes")
        self._wanted = size

    def _take(self) -> bool:
        """Move what there is of the wanted bytes to the body, and tell whether it was the last of them."""
        part = self._buffer[: self._wanted]
        self._body += part
        self._wanted -= len(part)
        del self._buffer[: len(part)]
        return self._wanted == 0

    def _read_length(self) -> bool:
        if not self._take():
            return False
        self._state = _State.HEAD
        return True

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end > 4096 or (end < 0 and len(self._buffer) > 4096):
            raise ProtocolError(400, "Bad Request: a chunk header is longer than 4096 bytes")
        if end < 0:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _read_chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        digits = line.split(b";", 1)[0].strip()
        # int() alone would take "-1", "+5", "0x10" and "1_0" for sizes.
        if not digits or len(digits) > 15 or digits.strip(b"0123456789abcdefABCDEF"):
            raise ProtocolError(400, f"Bad Request: chunk size is {digits[:20]!r}, not a hexadecimal number")
        size = int(digits, 16)
        self._want(size)
        self._state = _State.CHUNK if size else _State.TRAILER
        return True

    def _read_chunk(self) -> bool:
        if not self._take() or len(self._buffer) < 2:
            return False
        if not self._buffer.startswith(b"\r\n"):
            raise ProtocolError(400, "Bad Request: a chunk is not followed by a line break")
        del self._buffer[:2]
        self._state = _State.CHUNK_SIZE
        return True

    def _read_trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if not line:
            self._state = _State.HEAD
        return True

    def _read_until_eof(self) -> bool:
        self._want(len(self._buffer))
        self._take()
        if not self._eof:
            return False
        self._state = _State.HEAD
        return True


_STEPS: Final[Mapping[_State, Callable[[MessageParser], bool]]] = {
    _State.HEAD: MessageParser._read_head,
    _State.LENGTH: MessageParser._read_length,
    _State.CHUNK_SIZE: MessageParser._read_chunk_size,
    _State.CHUNK: MessageParser._read_chunk,
    _State.TRAILER: MessageParser._read_trailer,
    _State.UNTIL_EOF: MessageParser._read_until_eof,
}


def parse_head(head: bytes) -> tuple[str, dict[str, str]]:
    """Split a head (without its empty last line) into the start line and the headers.

    Raises:
        ProtocolError: a header line has no name, or a header that must be alone comes twice with different
        values.
    """
    start, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise ProtocolError(400, f"Bad Request: header line is {line[:80]!r}, not 'Name: value'")
        name, value = name.lower(), value.strip(" \t")
        if name in ("content-length", "transfer-encoding") and headers.get(name, value) != value:
            raise ProtocolError(400, f"Bad Request: two different values for {name}")
        headers[name] = value
    return start, headers


def encode_message(start: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the bytes of a request or response; its length is added."""
    lines = [
        start,
        *(f"{name}: {value}" for name, value in headers.items()),
        f"Content-Length: {len(body)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1") + body


def encode_response(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the bytes of a response."""
    return encode_message(f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}", headers, body)
