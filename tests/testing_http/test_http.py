"""HTTP and form parsing: what was written is read, wherever the network cuts it; bad bytes are refused."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiostep_testing.forms import Files, parse_body, parse_options, split_target
from aiostep_testing.http import (
    NEED_DATA,
    SEND_CONTINUE,
    HttpMessage,
    Limits,
    MessageParser,
    ProtocolError,
    encode_message,
    encode_response,
)
from aiostep_testing.wire import File

TOKEN = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map("x".__add__)
VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
HEADERS = st.dictionaries(TOKEN, VALUE, max_size=4)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


def pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Cut *data* at the given places (modulo its length)."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def read_all(parser: MessageParser, parts: Sequence[bytes]) -> list[HttpMessage]:
    """Feed the parts and collect the whole messages."""
    messages = []
    for part in parts:
        parser.feed(part)
        while isinstance(message := parser.next_message(), HttpMessage):
            messages.append(message)
    return messages


def chunked(body: bytes, sizes: Sequence[int]) -> bytes:
    """Encode *body* in chunks of the given sizes and one for the rest."""
    out, position = b"", 0
    for size in [*sizes, len(body)]:
        part = body[position : position + size]
        position += size
        if part:
            out += b"%x;ext=1\r\n%b\r\n" % (len(part), part)
    return out + b"0\r\nTrailer: x\r\n\r\n"


MESSAGES = st.lists(
    st.tuples(HEADERS, st.binary(max_size=60), st.none() | st.lists(st.integers(1, 9))),
    min_size=1,
    max_size=3,
)


@given(MESSAGES, st.lists(st.integers(0, 10_000), max_size=12))
def test_messages_survive_any_cut(
    messages: list[tuple[dict[str, str], bytes, list[int] | None]], cuts: list[int]
) -> None:
    """Pipelined messages, with a length or in chunks, are read back whole wherever the stream is cut."""
    stream = b""
    for headers, body, sizes in messages:
        if sizes is None:
            stream += encode_message("POST /a HTTP/1.1", headers, body)
        else:
            lines = "".join(f"{k}: {v}\r\n" for k, v in {**headers, "Transfer-Encoding": "chunked"}.items())
            stream += f"POST /a HTTP/1.1\r\n{lines}\r\n".encode() + chunked(body, sizes)

    read = read_all(MessageParser(), pieces(stream, cuts))

    assert [message.body for message in read] == [body for _, body, _ in messages]
    for message, (headers, _, _) in zip(read, messages, strict=True):
        assert message.request_line() == ("POST", "/a")
        assert headers.items() <= dict(message.headers).items()


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6), st.booleans())
def test_any_bytes_are_read_or_refused(data: bytes, cuts: list[int], responses: bool) -> None:
    """Noise gives messages, a wish for more, or a ProtocolError: never another exception."""
    parser = MessageParser(responses=responses)
    try:
        for message in read_all(parser, pieces(data, cuts)):
            message.status() if responses else message.request_line()
        parser.feed_eof()
        parser.next_message()
    except ProtocolError as exc:
        assert exc.status in (400, 413, 431, 502, 505)


@given(
    st.binary(max_size=200),
    st.sampled_from(["multipart/form-data; boundary=x", "application/json", "", "a/b"]),
)
def test_any_body_is_read_or_refused(body: bytes, content_type: str) -> None:
    """A body that is not what its type says gives a ProtocolError: never another exception."""
    try:
        parse_body(content_type, body.replace(b"\n", b"\r\n--x"))
    except ProtocolError as exc:
        assert exc.status == 400


@given(st.dictionaries(TEXT, TEXT, max_size=5))
def test_forms_and_query_strings_round_trip(params: dict[str, str]) -> None:
    """Names and values of a form, also non-ASCII and empty ones, come back, from body and query alike."""
    encoded = urlencode(params)

    assert parse_body("application/x-www-form-urlencoded", encoded.encode()) == (params, {})
    assert split_target(f"/bot1/getMe?{encoded}") == ("/bot1/getMe", params)


@given(
    st.dictionaries(
        TEXT,
        st.recursive(st.none() | st.booleans() | st.integers() | TEXT, st.lists, max_leaves=4),
        max_size=5,
    )
)
def test_json_objects_round_trip(params: dict[str, object]) -> None:
    """The values of a JSON body keep their types."""
    assert parse_body("application/json; charset=utf-8", json.dumps(params).encode()) == (params, {})


def multipart(params: dict[str, str], files: Files, boundary: str) -> bytes:
    """Write a multipart body the way httpx and aiohttp do."""

    def quoted(text: str) -> str:
        return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")

    out = b""
    for name, value in params.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{quoted(name)}"\r\n\r\n'
        out += f"{head}{value}\r\n".encode()
    for name, (filename, content) in files.items():
        disposition = f'form-data; name="{quoted(name)}"; filename="{quoted(filename)}"'
        head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: a/b\r\n\r\n"
        out += head.encode() + content + b"\r\n"
    return out + f"--{boundary}--\r\n".encode()


# A literal %22 in a name cannot be told from an escaped quote, in any browser either; a backslash may be an
# escape.
FIELD = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="%\\"), max_size=12)


@given(
    st.dictionaries(FIELD, TEXT, max_size=3),
    st.dictionaries(FIELD, st.builds(File, FIELD, st.binary(max_size=80)), max_size=3),
)
def test_multipart_round_trips(params: dict[str, str], files: Files) -> None:
    """Fields and binary files, with any file name, come back as they were."""
    boundary = "b0undary-of-this-test"
    files = {name: file for name, file in files.items() if name not in params}

    body = multipart(params, files, boundary)

    assert parse_body(f'multipart/form-data; boundary="{boundary}"', body) == (params, files)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('form-data; name="f"; filename="a;b.txt"', "a;b.txt"),
        ('form-data; filename="C:\\x.txt"; name="f"', "C:\\x.txt"),
        ('form-data; name="f"; filename="say \\"hi\\".txt"', 'say "hi".txt'),
        ("form-data; name=f; filename=plain.txt", "plain.txt"),
        ('form-data; name="f"; filename="x"; filename*=utf-8\'\'%D1%84.txt', "ф.txt"),
        ('form-data; name="f"; filename*=utf-8\'\'%D1%84.txt; filename="x"', "ф.txt"),
    ],
)
def test_file_names_as_clients_write_them(header: str, name: str) -> None:
    """Every spelling of a file name that HTTP clients use is understood."""
    assert parse_options(header) == ("form-data", {"name": "f", "filename": name})


def test_continue_is_asked_for_once_and_only_while_the_body_is_missing() -> None:
    """A client that waits for 100 Continue gets it once; one that sent its body already does not."""
    head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    waiting, eager = MessageParser(), MessageParser()

    waiting.feed(head)
    eager.feed(head + b"ok")

    assert [waiting.next_message(), waiting.next_message()] == [SEND_CONTINUE, NEED_DATA]
    waiting.feed(b"ok")
    assert isinstance(waiting.next_message(), HttpMessage)
    assert isinstance(eager.next_message(), HttpMessage)


@pytest.mark.parametrize(
    ("head", "status", "words"),
    [
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "header line"),
        (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400, "header line"),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "content-length is '-1'"),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "two different values"),
        (
            b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            "transfer-encoding",
        ),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400, "transfer-encoding"),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400, "chunk size is b'-1'"),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", 400, "line break"),
        (b"GET / HTTP/1.1\r\nContent-Length: 101\r\n\r\n", 413, "longer than 100 bytes"),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", 413, "longer than 100 bytes"),
        (b"GET /" + b"a" * 300, 431, "longer than 200 bytes"),
    ],
)
def test_malformed_and_oversized_messages_are_refused(head: bytes, status: int, words: str) -> None:
    """A broken or oversized message is refused with its status and a sentence that names the fault."""
    parser = MessageParser(limits=Limits(head=200, body=100))
    parser.feed(head)

    with pytest.raises(ProtocolError, match=words) as caught:
        parser.next_message()

    assert caught.value.status == status


@pytest.mark.parametrize(("start", "status"), [("GET /", 400), ("GET  HTTP/1.1", 400), ("GET / HTTP/2", 505)])
def test_bad_request_lines_are_refused(start: str, status: int) -> None:
    """A request line that is not verb, target and HTTP/1.x is refused."""
    with pytest.raises(ProtocolError) as caught:
        HttpMessage(start=start, headers={}, body=b"").request_line()

    assert caught.value.status == status


def test_line_breaks_between_requests_are_skipped() -> None:
    """Stray line breaks after a body, as some clients send, are no request."""
    message = encode_message("POST / HTTP/1.1", {}, b"body")

    read = read_all(MessageParser(), [b"\r\n" + message + b"\r\n\r\n" + message])

    assert [one.body for one in read] == [b"body", b"body"]


def test_a_response_without_a_length_ends_with_the_connection() -> None:
    """The body of such a response is all that comes before the end of the stream."""
    parser = MessageParser(responses=True)
    parser.feed(b"HTTP/1.1 200 OK\r\n\r\nhal")
    assert parser.next_message() is NEED_DATA
    parser.feed(b"lo")
    parser.feed_eof()

    message = parser.next_message()

    assert isinstance(message, HttpMessage)
    assert (message.status(), message.body) == (200, b"hallo")


def test_a_cut_message_is_an_error_and_a_finished_one_is_not() -> None:
    """The end of the stream between two messages is fine; in the middle of one it is refused."""
    cut, done = MessageParser(), MessageParser()
    cut.feed(b"GET / HTTP/1.1\r\n")
    cut.feed_eof()
    done.feed(encode_response(200, {}, b""))
    done.feed_eof()

    assert isinstance(done.next_message(), HttpMessage)
    assert done.next_message() is NEED_DATA
    with pytest.raises(ProtocolError, match="middle of a message"):
        cut.next_message()


@pytest.mark.parametrize(
    ("start", "connection", "keep"),
    [
        ("HTTP/1.1", "", True),
        ("HTTP/1.1", "Close", False),
        ("HTTP/1.0", "", False),
        ("HTTP/1.0", "Keep-Alive", True),
    ],
)
def test_keep_alive_follows_version_and_header(start: str, connection: str, keep: bool) -> None:
    """HTTP/1.1 keeps the connection unless told otherwise; HTTP/1.0 drops it unless told otherwise."""
    message = HttpMessage(start=f"GET / {start}", headers={"connection": connection}, body=b"")

    assert message.keep_alive is keep


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("application/json", b"[1]", "is a list; expected an object"),
        ("application/json", b"{", "can't parse request body as JSON object"),
        ("application/json", b"[" * 100_000, "can't parse request body as JSON object"),
        ("text/plain", b"hi", "content type is 'text/plain'"),
        ("multipart/form-data", b"hi", "without a boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n", "does not end"),
        ("multipart/form-data; boundary=x", b"--x\r\nA: b\r\n\r\nhi\r\n--x--", "has no name"),
        ("multipart/form-data; boundary=x", b"--x\r\nhi\r\n--x--", "has no head"),
    ],
)
def test_bad_bodies_say_what_is_wrong(content_type: str, body: bytes, words: str) -> None:
    """A body that is not what its type says is refused with a sentence that says what was got."""
    with pytest.raises(ProtocolError, match=words):
        parse_body(content_type, body)
