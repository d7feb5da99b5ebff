"""What a typed line means: who speaks where, whether it is text, a press of a button, or about the process. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast, get_args

HELP: Final = (
    "Type to write. [1] or [Save] presses a button. '@bob: hi' writes as Bob, '#team bob: hi' as Bob in the "
    "group 'team'; '@bob' or '#team bob' alone stays there. '!kill' ends the bot as kill -9 does, '!start' starts it "
    "again. A backslash in front sends a line as it is. Ctrl-D ends."
)

Command: TypeAlias = Literal["!kill", "!start"]

_SPEAKER: Final = re.compile(r"(?:#(?P<group>[^\s:]+)\s+@?|@)(?P<name>\w+)\s*(?::\s*(?P<rest>.*))?", re.DOTALL)
_PRESS: Final = re.compile(r"\[\s*(?P<button>\S.*?)\s*\]")
_NUMBERED: Final = re.compile(r"(?P<number>\d+)(?:\s.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One typed line.

    name: who speaks, if the line says so; group: where, None is the private chat.
    text: what is sent; button: what is pressed; command: what happens to the bot's process; none of them: only switch
    to the speaker.
    """

    name: str | None = None
    group: str | None = None
    text: str | None = None
    button: str | None = None
    command: Command | None = None


def parse_line(line: str) -> Line:
    """Understand a line without its line break."""
    if line.strip() in get_args(Command):
        return Line(command=cast("Command", line.strip()))
    name = group = None
    rest: str | None = line
    speaker = _SPEAKER.fullmatch(line)
    if speaker:
        name, group, rest = speaker["name"], speaker["group"], speaker["rest"]
    if not rest:
        return Line(name=name, group=group)
    press = _PRESS.fullmatch(rest)
    if press:
        return Line(name=name, group=group, button=press["button"])
    return Line(name=name, group=group, text=rest.removeprefix("\\"))


def choose(button: str, texts: list[str]) -> int | None:
    """Find the button that `[button]` means: by its text, else by its number, as in `[1]` or `[1 Save]`."""
    if button in texts:
        return texts.index(button)
    numbered = _NUMBERED.fullmatch(button)
    if numbered and 1 <= int(numbered["number"]) <= len(texts):
        return int(numbered["number"]) - 1
    return None
