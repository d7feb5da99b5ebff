"""Message entities: their offsets count UTF-16 code units, not characters.

``format_text`` is the front door: it applies parse_mode or the given entities, then finds commands, mentions and links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from aiostep_testing.wire import Json, bad_request

AUTOMATIC = (
    (
        "url",
        re.compile(r"(?<![\w@/.])(?:https?://[^\s<>\"]+[^\s<>\".,;:!?)\]']|(?:[\w-]+\.)+(?:com|org|net|io|me|dev)\b)"),
    ),
    ("email", re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("bot_command", re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")),
    ("mention", re.compile(r"(?<!\w)@[A-Za-z][A-Za-z0-9_]{3,31}(?!\w)")),
    ("hashtag", re.compile(r"(?<!\w)#\w*[^\W\d]\w*")),
)
OPAQUE = frozenset({"code", "pre", "text_link", "text_mention"})


def utf16_len(text: str) -> int:
    """Count the UTF-16 code units of *text*."""
    return len(text) + sum(1 for char in text if char > "\uffff")


def utf16_slice(text: str, offset: int, length: int) -> str:
    """Cut out what an entity covers."""
    data = text.encode("utf-16-le", "surrogatepass")
    return data[offset * 2 : (offset + length) * 2].decode("utf-16-le", "surrogatepass")


def entity(kind: str, text: str, start: int, end: int, **extra: Any) -> Json:
    """Make an entity over ``text[start:end]`` (positions count characters)."""
    return {"type": kind, "offset": utf16_len(text[:start]), "length": utf16_len(text[start:end]), **extra}


def slices(text: str, entities: Sequence[Json]) -> Iterator[tuple[str, str]]:
    """Yield the type and the covered text of each entity."""
    for item in entities:
        yield item["type"], utf16_slice(text, item["offset"], item["length"])


def automatic(text: str, taken: Sequence[Json] = ()) -> list[Json]:
    """Find what the server marks by itself; nothing inside code or links, and no two overlap."""
    closed = [(e["offset"], e["offset"] + e["length"]) for e in taken if e["type"] in OPAQUE]
    found: list[Json] = []
    for kind, pattern in AUTOMATIC:
        for match in pattern.finditer(text):
            item = entity(kind, text, *match.span())
            start, end = item["offset"], item["offset"] + item["length"]
            if all(end <= a or start >= b for a, b in closed):
                closed.append((start, end))
                found.append(item)
    return found


def ordered(entities: Sequence[Json]) -> list[Json]:
    """Sort as the server does: by offset, the longer first."""
    return sorted(entities, key=lambda e: (e["offset"], -e["length"]))


def format_text(
    text: str, parse_mode: str | None = None, entities: Sequence[Json] | None = None
) -> tuple[str, list[Json]]:
    """Turn what a bot sends into the plain text and the entities that people see.

    Raises:
        ApiError: the markup is broken, or the parse mode is unknown.
    """
    given = list(entities or ())
    if parse_mode:
        text, given = _parser(parse_mode)(text)
    length = utf16_len(text)
    given = [e for e in given if e["length"] > 0 and e["offset"] >= 0 and e["offset"] + e["length"] <= length]
    return text, ordered([*given, *automatic(text, given)])


def _parser(parse_mode: str) -> Any:
    from aiostep_testing import markup_html, markup_markdown

    parsers = {
        "html": markup_html.parse,
        "markdownv2": markup_markdown.parse_v2,
        "markdown": markup_markdown.parse_v1,
    }
    try:
        return parsers[parse_mode.lower()]
    except KeyError:
        raise bad_request("unsupported parse_mode") from None
