"""What a request to the Bot API says: its parameters and files, as pure functions of its target and body."""

from __future__ import annotations

import json
from typing import cast
from urllib.parse import parse_qsl, unquote

from aiostep_testing.http import ProtocolError, parse_head
from aiostep_testing.wire import File, Json

Files = dict[str, File]
"""Uploaded files by the name of their form field."""


def split_target(target: str) -> tuple[str, Json]:
    """Split a request target into its path (still percent-encoded) and the parameters of its query string."""
    # Not urlsplit: it takes "//x" for a host and raises ValueError on half an IPv6 address.
    path, _, query = target.partition("#")[0].partition("?")
    return path, _parse_fields(query)


def parse_body(content_type: str, body: bytes) -> tuple[Json, Files]:
    """Return the parameters and the files of a body: a form, a JSON object or multipart.

    Raises:
        ProtocolError: the body is not what its content type says, or of a type the Bot API does not take.
    """
    if not body:
        return {}, {}
    kind = content_type.split(";", 1)[0].strip().lower()
    if kind == "multipart/form-data":
        return parse_multipart(content_type, body)
    if kind == "application/json":
        return _parse_json(body), {}
    if kind in ("", "application/x-www-form-urlencoded"):
        return _parse_fields(body.decode("utf-8", "replace")), {}
    raise ProtocolError(
        400,
        f"Bad Request: content type is {kind[:60]!r}; expected application/json, "
        "application/x-www-form-urlencoded or multipart/form-data",
    )


def _parse_json(body: bytes) -> Json:
    try:
        value: object = json.loads(body)
    # Deep nesting raises RecursionError, which is no ValueError.
    except (ValueError, RecursionError) as exc:
        raise ProtocolError(400, "Bad Request: can't parse request body as JSON object") from exc
    if not isinstance(value, dict):
        raise ProtocolError(400, f"Bad Request: the JSON body is a {type(value).__name__}; expected an object")
    return cast("Json", value)


def _parse_fields(text: str) -> Json:
    return dict(parse_qsl(text, keep_blank_values=True, errors="replace"))


def parse_multipart(content_type: str, body: bytes) -> tuple[Json, Files]:
    """Return the fields and the files of a multipart/form-data body; a part with a file name is a file.

    Raises:
        ProtocolError: there is no boundary, the body does not end with it, or a part has no name.
    """
    boundary = parse_options(content_type)[1].get("boundary")
    if not boundary:
        raise ProtocolError(400, "Bad Request: multipart/form-data without a boundary")
    mark = b"--" + boundary.encode("latin-1")
    # Every boundary but the first follows a line break that belongs to it and not to the content before it.
    _, *parts = (b"\r\n" + body).split(b"\r\n" + mark)
    if not parts or not parts[-1].startswith(b"--"):
        raise ProtocolError(400, "Bad Request: the multipart body does not end with its boundary")
    params: Json = {}
    files: Files = {}
    for part in parts[:-1]:
        _read_part(part, params, files)
    return params, files


def _read_part(part: bytes, params: Json, files: Files) -> None:
    padding, found, part = part.partition(b"\r\n")
    head, separator, content = part.partition(b"\r\n\r\n")
    if padding.strip() or not found or not separator:
        raise ProtocolError(400, "Bad Request: a part of the multipart body has no head")
    # Names are UTF-8 in practice, whatever the RFCs say; latin-1 only carries the bytes through parse_head.
    disposition = parse_head(b"part\r\n" + head)[1].get("content-disposition", "")
    kind, options = parse_options(_utf8(disposition))
    name = options.get("name")
    if kind != "form-data" or name is None:
        raise ProtocolError(400, "Bad Request: a part of the multipart body has no name")
    if "filename" in options:
        files[name] = File(options["filename"], content)
    else:
        params[name] = content.decode("utf-8", "replace")


def _utf8(text: str) -> str:
    raw = text.encode("latin-1")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return text


def parse_options(header: str) -> tuple[str, dict[str, str]]:
    """Split `kind; name=value; other="quoted; value"` into the kind and its options.

    `name*=utf-8''percent-encoded` wins over `name=`, as RFC 6266 asks.
    """
    kind, _, rest = header.partition(";")
    plain: dict[str, str] = {}
    extended: dict[str, str] = {}
    while rest.strip():
        name, equals, rest = rest.partition("=")
        if not equals:
            break
        name = name.strip().lower()
        value, rest = _read_value(rest.lstrip())
        if name.endswith("*"):
            charset, _, encoded = value.partition("''")
            extended[name[:-1]] = unquote(encoded, "utf-8" if charset.lower() == "utf-8" else "latin-1", "replace")
        else:
            plain[name] = value
    return kind.strip().lower(), plain | extended


def _read_value(text: str) -> tuple[str, str]:
    """Return the option value that *text* begins with, and what follows its semicolon."""
    if not text.startswith('"'):
        value, _, rest = text.partition(";")
        return value.strip(), rest
    out: list[str] = []
    position = 1
    while position < len(text) and text[position] != '"':
        # Only \" and \\ are escapes: a browser sends C:\path unescaped.
        if text[position] == "\\" and text[position + 1 : position + 2] in ('"', "\\"):
            position += 1
        out.append(text[position])
        position += 1
    # HTML5 forms (and httpx, urllib3 after them) escape exactly these three with percent signs, and the
    # percent itself not.
    value = "".join(out).replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
    return value, text[position + 1 :].partition(";")[2]
