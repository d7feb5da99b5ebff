"""MarkdownV2, and the older Markdown, to text and entities."""

from __future__ import annotations

from typing import NamedTuple

from aiostep_testing.entities import entity
from aiostep_testing.wire import ApiError, Json, bad_request

RESERVED = frozenset("_*[]()~`>#+-=|{}.!")
# Longest first: "__" must win over "_".
MARKS = (("__", "underline"), ("||", "spoiler"), ("*", "bold"), ("_", "italic"), ("~", "strikethrough"))
NAMES = {
    "bold": "Bold",
    "italic": "Italic",
    "underline": "Underline",
    "strikethrough": "Strikethrough",
    "spoiler": "Spoiler",
    "code": "Code",
    "pre": "Pre",
    "text_link": "TextUrl",
    "custom_emoji": "CustomEmoji",
}


class Open(NamedTuple):
    """An entity that waits for its end mark."""

    kind: str
    mark: str
    start: int
    byte: int


def refuse(reason: str) -> ApiError:
    return bad_request(f"can't parse entities: {reason}")


def parse_v2(source: str) -> tuple[str, list[Json]]:
    """Parse MarkdownV2.

    Raises:
        ApiError: a mark has no end, or a reserved character is not escaped.
    """
    return MarkdownV2(source).run()


class MarkdownV2:
    """One run over a MarkdownV2 text."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.text = ""
        self.stack: list[Open] = []
        self.entities: list[Json] = []
        self.quote: int | None = None

    def run(self) -> tuple[str, list[Json]]:
        while self.at < len(self.source):
            if not (self.escaped() or self.quoted() or self.code() or self.link() or self.mark()):
                self.plain()
        self.end_quote()
        if self.stack:
            raise self.no_end(self.stack[-1].kind, self.stack[-1].byte)
        return self.text, self.entities

    def byte(self) -> int:
        return len(self.source[: self.at].encode())

    def ahead(self, what: str) -> bool:
        return self.source.startswith(what, self.at)

    @staticmethod
    def no_end(kind: str, byte: int) -> ApiError:
        return refuse(f"Can't find end of {NAMES[kind]} entity at byte offset {byte}")

    def add(self, kind: str, start: int, **extra: str) -> None:
        if start < len(self.text):
            self.entities.append(entity(kind, self.text, start, len(self.text), **extra))

    def escaped(self) -> bool:
        if not self.ahead("\\") or not 0 < ord(self.source[self.at + 1 : self.at + 2] or "\0") <= 126:
            return False
        self.text += self.source[self.at + 1]
        self.at += 2
        return True

    def quoted(self) -> bool:
        line_start = self.at == 0 or self.source[self.at - 1] == "\n"
        if not line_start:
            return False
        for opening in ("**>", ">"):
            if self.ahead(opening):
                if opening == "**>":
                    self.end_quote()
                self.quote = len(self.text) if self.quote is None else self.quote
                self.at += len(opening)
                return True
        self.end_quote()
        return False

    def end_quote(self) -> None:
        if self.quote is None:
            return
        start, self.quote = self.quote, None
        # A spoiler mark right before the end of a quotation makes it expandable.
        if self.stack and self.stack[-1].mark == "||" and self.stack[-1].start >= len(self.text.rstrip("\n")):
            self.stack.pop()
            kind = "expandable_blockquote"
        else:
            kind = "blockquote"
        end = len(self.text.rstrip("\n"))
        if start < end:
            self.entities.append(entity(kind, self.text, start, end))

    def code(self) -> bool:
        if not self.ahead("`"):
            return False
        mark, kind, byte, start = ("```", "pre", self.byte(), len(self.text))
        if not self.ahead(mark):
            mark, kind = "`", "code"
        end, body = self.raw_until(mark, self.at + len(mark))
        if end < 0:
            raise self.no_end(kind, byte)
        language, newline, rest = body.partition("\n")
        has_language = kind == "pre" and bool(newline) and bool(language) and not any(c.isspace() for c in language)
        if kind == "pre" and newline and (has_language or not language):
            body = rest
        self.text += body
        self.add(kind, start, **({"language": language} if has_language else {}))
        self.at = end
        return True

    def raw_until(self, mark: str, at: int) -> tuple[int, str]:
        """Read until *mark*, where only escapes are special; return the position after it, or -1."""
        out = ""
        while at < len(self.source):
            if self.source.startswith(mark, at):
                return at + len(mark), out
            if self.source[at] == "\\" and at + 1 < len(self.source):
                at += 1
            out += self.source[at]
            at += 1
        return -1, out

    def link(self) -> bool:
        for opening, kind in (("![", "custom_emoji"), ("[", "text_link")):
            if self.ahead(opening):
                self.stack.append(Open(kind, "]", len(self.text), self.byte()))
                self.at += len(opening)
                return True
        if not self.ahead("]") or not self.stack or self.stack[-1].mark != "]":
            return False
        top = self.stack.pop()
        self.at += 1
        if not self.ahead("("):
            raise self.no_end(top.kind, top.byte)
        end, url = self.raw_until(")", self.at + 1)
        if end < 0:
            raise refuse(f"Can't find end of a URL at byte offset {self.byte()}")
        self.at = end
        if top.kind == "custom_emoji":
            self.add(top.kind, top.start, custom_emoji_id=url.removeprefix("tg://emoji?id="))
        elif url:
            self.add(top.kind, top.start, url=url)
        return True

    def mark(self) -> bool:
        for mark, kind in MARKS:
            if not self.ahead(mark):
                continue
            if self.stack and self.stack[-1].mark == mark:
                self.add(kind, self.stack.pop().start)
            elif any(item.mark == mark for item in self.stack):
                raise self.no_end(self.stack[-1].kind, self.stack[-1].byte)
            else:
                self.stack.append(Open(kind, mark, len(self.text), self.byte()))
            self.at += len(mark)
            return True
        return False

    def plain(self) -> None:
        char = self.source[self.at]
        if char in RESERVED:
            raise refuse(f"Character '{char}' is reserved and must be escaped with the preceding '\\'")
        self.text += char
        self.at += 1


def parse_v1(source: str) -> tuple[str, list[Json]]:
    """Parse the older Markdown, where entities do not nest.

    Raises:
        ApiError: a mark has no end.
    """
    text, at = "", 0
    entities: list[Json] = []
    while at < len(source):
        char = source[at]
        if char == "\\" and source[at + 1 : at + 2] in ("_", "*", "`", "["):
            text, at = text + source[at + 1], at + 2
        elif char in "_*`[":
            mark = "```" if source.startswith("```", at) else char
            kind = {"_": "italic", "*": "bold", "`": "code", "[": "text_link", "```": "pre"}[mark]
            closing = "]" if mark == "[" else mark
            end = source.find(closing, at + len(mark))
            if end < 0:
                byte = len(source[:at].encode())
                raise refuse(f"Can't find end of the entity starting at byte offset {byte}")
            start, text = len(text), text + source[at + len(mark) : end]
            at, extra = end + len(closing), {}
            if mark == "[" and source.startswith("(", at) and (stop := source.find(")", at)) > 0:
                extra, at = {"url": source[at + 1 : stop]}, stop + 1
            if start < len(text) and (mark != "[" or extra):
                entities.append(entity(kind, text, start, len(text), **extra))
        else:
            text, at = text + char, at + 1
    return text, entities
