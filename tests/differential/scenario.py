"""The language of the conversations: what a bot's scripts do, and what people do meanwhile. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "SLOT",
    "Action",
    "Again",
    "Album",
    "Ask",
    "Busy",
    "Choose",
    "Click",
    "Hear",
    "Moment",
    "Op",
    "Program",
    "Say",
    "Then",
]

#: Seconds between two moments. Time limits end between moments, so that no answer comes in the nick of time.
SLOT = 60

Person: TypeAlias = Literal["Ann", "Bob", "Anon"]
Place: TypeAlias = Literal["private", "group", "here", "there", "general"]
Limit: TypeAlias = Literal[90, 150] | None


@dataclass(frozen=True)
class Ask:
    """Ask, and tell the answer; perhaps of whoever is in the chat or topic."""

    as_number: bool = False
    timeout: Limit = None
    anybody: bool = False
    on_conflict: Literal["replace", "queue", "reject"] = "replace"


@dataclass(frozen=True)
class Choose:
    """Show two buttons, wait for a click on one of them, and tell which."""

    timeout: Limit = None


@dataclass(frozen=True)
class Hear:
    """Wait for a number, without a word; perhaps also for a command."""

    timeout: Limit = None
    commands: bool = False


@dataclass(frozen=True)
class Busy:
    """Do something else for a second."""


@dataclass(frozen=True)
class Then:
    """Register the rest of the script as the next step, and end."""


Op: TypeAlias = Ask | Choose | Hear | Busy | Then


@dataclass(frozen=True)
class Say:
    """Write a text; perhaps as a reply to the newest thing that the bot has said there."""

    who: Person
    where: Place
    text: str
    is_reply: bool = False


@dataclass(frozen=True)
class Album:
    """Send two photos at once, of which the first says "7"."""

    who: Person
    where: Place


@dataclass(frozen=True)
class Click:
    """Press a button of a keyboard that *whose* script has shown, if there is one: the newest, or the first of all."""

    who: Person
    where: Place
    whose: Person
    is_newest: bool = True


@dataclass(frozen=True)
class Again:
    """Deliver an update once more, counted from the last."""

    back: int = 1


Action: TypeAlias = Say | Album | Click | Again


@dataclass(frozen=True)
class Moment:
    """What happens at once, or within a second or two: while handlers are busy with what came first."""

    actions: tuple[Action, ...] = ()
    at_once: bool = True


@dataclass(frozen=True)
class Program:
    """A bot of two commands, and the people that use it."""

    one: tuple[Op, ...] = (Ask(),)
    two: tuple[Op, ...] = (Choose(),)
    moments: tuple[Moment, ...] = ()
