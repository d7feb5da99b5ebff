"""The HTML that Telegram understands, to text and entities."""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from aiostep_testing.entities import entity
from aiostep_testing.wire import ApiError, Json, bad_request

TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)([^<>]*)>")
ATTRIBUTE = re.compile(r"""([A-Za-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
CHARACTER = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#[xX][0-9a-fA-F]+);")
SIMPLE = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
}


class Open(NamedTuple):
    """A start tag that waits for its end."""

    tag: str
    attributes: dict[str, str]
    start: int
    byte: int


def refuse(reason: str) -> ApiError:
    return bad_request(f"can't parse entities: {reason}")


def parse(source: str) -> tuple[str, list[Json]]:
    """Parse *source*.

    Raises:
        ApiError: a tag is unknown, not closed or closed in the wrong place.
    """
    text, position = "", 0
    stack: list[Open] = []
    entities: list[Json] = []
    while (at := source.find("<", position)) >= 0:
        text += unescape(source[position:at])
        byte = len(source[:at].encode())
        match = TAG.match(source, at)
        if match is None:
            raise refuse(f"Unclosed start tag at byte offset {byte}")
        closing, tag, rest = match.group(1), match.group(2).lower(), match.group(3)
        if closing:
            entities += close(stack, tag, text, byte)
        else:
            stack.append(open_tag(tag, rest, len(text), byte))
        position = match.end()
    text += unescape(source[position:])
    if stack:
        raise refuse(f'Can\'t find end tag corresponding to start tag "{stack[-1].tag}"')
    return text, merge_code(entities)


def unescape(part: str) -> str:
    return CHARACTER.sub(lambda m: html.unescape(m.group()), part)


def open_tag(tag: str, rest: str, start: int, byte: int) -> Open:
    attributes = {m[1].lower(): unescape(m[2] or m[3] or m[4] or "") for m in ATTRIBUTE.finditer(rest)}
    if tag not in SIMPLE:
        raise refuse(f'Unsupported start tag "{tag}" at byte offset {byte}')
    if tag == "span" and attributes.get("class") != "tg-spoiler":
        raise refuse(f'Tag "span" must have class "tg-spoiler" at byte offset {byte}')
    return Open(tag, attributes, start, byte)


def close(stack: list[Open], tag: str, text: str, byte: int) -> list[Json]:
    if not stack:
        raise refuse(f"Unexpected end tag at byte offset {byte}")
    top = stack.pop()
    if top.tag != tag:
        raise refuse(f'Unmatched end tag at byte offset {byte}, expected "</{top.tag}>", found "</{tag}>"')
    if not text[top.start :]:
        return []
    kind, extra = described(top, text)
    return [entity(kind, text, top.start, len(text), **extra)] if kind else []


def described(top: Open, text: str) -> tuple[str, dict[str, str]]:
    """Choose the entity type of a tag and what its attributes add."""
    kind, attributes = SIMPLE[top.tag], top.attributes
    if kind == "text_link":
        url = attributes.get("href") or text[top.start :]
        return ("text_link", {"url": url}) if re.match(r"\w+:|(?:[\w-]+\.)+\w+", url) else ("", {})
    if kind == "custom_emoji":
        return kind, {"custom_emoji_id": attributes.get("emoji-id", "")}
    if kind == "blockquote" and "expandable" in attributes:
        return "expandable_blockquote", {}
    if kind == "code" and (language := attributes.get("class", "")).startswith("language-"):
        return kind, {"language": language.removeprefix("language-")}
    return kind, {}


def merge_code(entities: list[Json]) -> list[Json]:
    """Make one ``pre`` with a language of <pre><code class="language-..."> and drop the language elsewhere."""
    merged: list[Json] = []
    for item in entities:
        inside = next((c for c in merged if c["type"] == "code" and _same(c, item)), None)
        if item["type"] == "pre" and inside is not None:
            merged.remove(inside)
            item = item | ({"language": inside["language"]} if "language" in inside else {})
        merged.append(item)
    return [{k: v for k, v in e.items() if k != "language" or e["type"] == "pre"} for e in merged]


def _same(one: Json, other: Json) -> bool:
    return bool(one["offset"] == other["offset"] and one["length"] == other["length"])
