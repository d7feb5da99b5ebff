"""Read the code of a page, and the chats its author promises: see "How docs look" in CONTRIBUTING.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from textwrap import dedent

FENCE = re.compile(r"^(?P<indent>\s*)(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")
PLAY = re.compile(r"<!--\s*play:(?P<script>.*?)-->", re.DOTALL)
ACTION = re.compile(
    r"(?P<who>\w+)(?: in (?P<place>\w+(?:/\w+)?)| to (?P<to>\w+))? (?:(?P<sign>[<>]) (?P<text>.+)|\[(?P<button>.+)\])"
)
PAUSE = re.compile(r"(?P<seconds>\d+) seconds pass")
MORE = re.compile(r"\s+<(?: (?P<text>.*))?")
BUTTONS = re.compile(r"(?P<text>.*?)(?P<buttons>(?: \[[^]]+\])*)", re.DOTALL)
SPECIAL = re.compile(r"\((?P<what>[a-z ]+)\)(?: (?P<rest>.+))?", re.DOTALL)
SENT = frozenset({"sticker", "photo", "album", "contact", "location", "reply", "edit", "block"})
SEEN = frozenset({"edit", "toast"})


class PageError(ValueError):
    """A page says something that nobody would run; the message names the line."""


@dataclass(frozen=True)
class Code:
    """One fenced python block; `line` is where its first line stands on the page."""

    line: int
    text: str


class Verb(Enum):
    """What happens in one line of a play."""

    SEND = "send"
    CLICK = "click"
    SEE = "see"
    PAUSE = "pause"


@dataclass(frozen=True)
class Action:
    """One line of a play: a person sends or clicks something, or sees what the bot says.

    Attributes:
        place: a group, or a forum and its topic, `Forum/Topic`; empty is the private chat.
        to: who sees it, if not the person who spoke last.
    """

    who: str
    verb: Verb
    text: str
    place: str = ""
    to: str = ""

    @property
    def buttons(self) -> tuple[str, list[str]]:
        """The text, and the buttons that stand behind it."""
        match = BUTTONS.fullmatch(self.text)
        assert match is not None
        return match["text"], re.findall(r"\[(.+?)\]", match["buttons"])

    @property
    def special(self) -> tuple[str, str]:
        """What stands in parentheses in front of the text, if anything, and the text."""
        text = self.buttons[0] if self.verb is Verb.SEE else self.text
        match = SPECIAL.fullmatch(text)
        return (match["what"], match["rest"] or "") if match else ("", text)

    @property
    def pattern(self) -> str:
        """The text as a regular expression, where `...` stands for anything."""
        return "^" + "(?s:.*)".join(re.escape(part) for part in self.special[1].split("...")) + "$"


@dataclass(frozen=True)
class Play:
    """A chat that must go as written; `line` is where the comment begins."""

    line: int
    actions: tuple[Action, ...]


def read_page(text: str) -> list[Code | Play]:
    """Find the python blocks and the plays of a page, in order; a play is a comment or a block called `chat`.

    Raises:
        PageError: a block is python under another name (so that it would not run), is never closed, or a
            play has a line that is no action.
    """
    found: list[Code | Play] = [*read_code(text), *read_chats(text)]
    hidden = blank_fences(text)
    for match in PLAY.finditer(hidden):
        line = hidden.count("\n", 0, match.start()) + 1
        found.append(Play(line, tuple(read_actions(match["script"], line))))
    if hidden.count("play:") != len(PLAY.findall(hidden)):
        message = "a play is not written as <!-- play: ... -->"
        raise PageError(message)
    return sorted(found, key=lambda item: item.line)


def fences(text: str) -> Iterator[tuple[int, int, str]]:
    """Find fenced blocks: the indices of their first and their closing line, and what the fence says."""
    lines = text.splitlines()
    opened: tuple[int, re.Match[str]] | None = None
    for index, line in enumerate(lines):
        match = FENCE.match(line)
        if match is None:
            continue
        if opened is None:
            opened = index, match
        elif match["fence"].startswith(opened[1]["fence"]) and not match["info"].strip():
            yield opened[0] + 1, index, opened[1]["info"].strip()
            opened = None
    if opened is not None:
        message = f"line {opened[0] + 1}: this block is never closed"
        raise PageError(message)


def read_code(text: str) -> Iterator[Code]:
    """Yield the python blocks; refuse what looks like python and would not run."""
    lines = text.splitlines()
    for start, end, info in fences(text):
        if info == "python":
            yield Code(start + 1, dedent("\n".join(lines[start:end])) + "\n")
        elif re.search(r"\bpy(thon\d?|con)?\b", info):
            message = f'line {start}: a block of "{info}" never runs; write "python", or "text" if it is no program'
            raise PageError(message)


def read_chats(text: str) -> Iterator[Play]:
    """Yield the chats that the page shows."""
    lines = text.splitlines()
    for start, end, info in fences(text):
        if info == "chat":
            yield Play(start + 1, tuple(read_actions("\n".join(lines[start:end]), start + 1)))


def blank_fences(text: str) -> str:
    """Empty the fenced blocks, so that what they show is not taken for a comment of the page."""
    lines = text.splitlines()
    for start, end, _ in fences(text):
        lines[start:end] = [""] * (end - start)
    return "\n".join(lines)


def read_actions(script: str, line: int) -> Iterator[Action]:
    """Read the lines of a play, or its parts between bars; "    < text" goes on with what the bot says."""
    found = list[Action]()
    for written in re.split(r"\n|\s\|\s", script):
        more = MORE.fullmatch(written)
        if more is not None and found and found[-1].verb is Verb.SEE:
            found[-1] = replace(found[-1], text=f"{found[-1].text}\n{more['text'] or ''}")
        elif said := written.strip():
            found.append(read_action(said, line))
    yield from found


def read_action(said: str, line: int) -> Action:
    """Read one line of a play."""
    if pause := PAUSE.fullmatch(said):
        return Action("", Verb.PAUSE, pause["seconds"])
    match = ACTION.fullmatch(said)
    is_bot = match is not None and match["who"] == "bot"
    if match is None or is_bot != (match["sign"] == "<") or (match["to"] and not is_bot) or (match["place"] and is_bot):
        message = f'line {line}: "{said}" is none of: "Ann > text", "Ann [Button]", "bot < text", "60 seconds pass"'
        raise PageError(message)
    verb = Verb.CLICK if match["button"] else Verb.SEE if is_bot else Verb.SEND
    action = Action(match["who"], verb, match["button"] or match["text"], match["place"] or "", match["to"] or "")
    if verb is not Verb.CLICK and action.special[0] not in (SEEN if is_bot else SENT) | {""}:
        known = ", ".join(f"({name})" for name in sorted(SEEN if is_bot else SENT))
        message = f'line {line}: "({action.special[0]})" is none of {known}'
        raise PageError(message)
    return action
