"""The language: what a durable conversation does, and what people do meanwhile. Plain values, and how to draw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from hypothesis import strategies as st

__all__ = [
    "Ask",
    "Block",
    "Both",
    "Choose",
    "Click",
    "Collect",
    "Confirm",
    "Draw",
    "Fail",
    "Fill",
    "Hear",
    "Op",
    "Part",
    "Pass",
    "Program",
    "Restart",
    "Run",
    "Say",
    "Tell",
    "Turn",
    "programs",
]

Limit: TypeAlias = float | None


@dataclass(frozen=True)
class Ask:
    """Ask for a text or a number. "back" goes back a question, "again" to the beginning, "anew" begins anew."""

    as_number: bool = False
    limit: Limit = None


@dataclass(frozen=True)
class Choose:
    """Ask with two buttons."""

    limit: Limit = None


@dataclass(frozen=True)
class Confirm:
    """Ask for a yes or a no."""


@dataclass(frozen=True)
class Fill:
    """Have a form filled in, of a name and an age."""


@dataclass(frozen=True)
class Hear:
    """Wait for a message that is no "0"."""

    limit: Limit = None


@dataclass(frozen=True)
class Say:
    """Say what is known so far."""


@dataclass(frozen=True)
class Fail:
    """Send what Telegram refuses, and tell the error."""


@dataclass(frozen=True)
class Run:
    """Do something; perhaps it raises."""

    raises: bool = False


@dataclass(frozen=True)
class Draw:
    """Look at the clock, chance and an id."""


@dataclass(frozen=True)
class Both:
    """Wait for two numbers, one after the other, and ask with two buttons: for all, or for what comes first.

    The other way round the buttons come first, and a third number is waited for.
    """

    is_race: bool = False
    is_turned: bool = False


@dataclass(frozen=True)
class Collect:
    """Go through the next two messages."""

    limit: Limit = None


@dataclass(frozen=True)
class Block:
    """Ask two things in a block that has a time limit."""

    limit: Limit = None


@dataclass(frozen=True)
class Part:
    """Do all that as a part of its own."""

    ops: tuple[Op, ...]


Op: TypeAlias = "Ask | Choose | Confirm | Fill | Hear | Say | Fail | Run | Draw | Both | Collect | Block | Part"


@dataclass(frozen=True)
class Tell:
    """Write a text."""

    who: str
    text: str


@dataclass(frozen=True)
class Click:
    """Press a button of the newest keyboard that there is."""

    who: str
    number: int


@dataclass(frozen=True)
class Pass:
    """Let time pass."""

    seconds: int


Action: TypeAlias = Tell | Click | Pass


@dataclass(frozen=True)
class Restart:
    """The bot's process is killed, and another one started.

    Attributes:
        is_later: only when the person has acted: their update waits until the bot is there again.
        delivers_again: the update before that had not been confirmed, and comes once more.
    """

    is_later: bool = False
    delivers_again: bool = False


@dataclass(frozen=True)
class Turn:
    """What happens at one time."""

    action: Action
    restart: Restart | None = None


@dataclass(frozen=True)
class Program:
    """A conversation, where it takes place, and what happens."""

    ops: tuple[Op, ...]
    where: Literal["private", "group"] = "private"
    turns: tuple[Turn, ...] = ()

    @property
    def without_restarts(self) -> Program:
        """The same in one process."""
        return Program(self.ops, self.where, tuple(Turn(turn.action) for turn in self.turns))


_COMMANDS: Final = ("/turn", "/step", "/intent")
_TEXTS: Final = ("Ann", "33", "0", "old", "back", "again", "anew", "A", "yes", "/cancel", *_COMMANDS)
_limits: Any = st.sampled_from([None, None, 40.5, 90.5])
_questions: st.SearchStrategy[Op] = st.one_of(
    st.builds(Ask, st.booleans(), _limits),
    st.builds(Choose, _limits),
    st.just(Confirm()),
    st.builds(Hear, _limits),
    st.builds(Both, st.booleans(), st.booleans()),
    st.builds(Collect, _limits),
    st.builds(Block, _limits),
)
_simple: st.SearchStrategy[Op] = st.one_of(
    _questions, st.just(Say()), st.just(Fail()), st.builds(Run, st.booleans()), st.just(Draw()), st.just(Fill())
)
_parts: st.SearchStrategy[Op] = st.lists(_simple, min_size=1, max_size=3).map(lambda ops: Part(tuple(ops)))
_ops = st.tuples(_questions, st.lists(_simple | _simple | _parts, max_size=5)).map(lambda parts: (parts[0], *parts[1]))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw a program with at least one restart."""
    people: Any = st.sampled_from(draw(st.sampled_from([("Ann",), ("Ann",), ("Ann", "Bob")])))
    texts = st.builds(Tell, people, st.sampled_from(_TEXTS))
    clicks = st.builds(Click, people, st.integers(0, 1))
    passing = st.sampled_from([7, 14, 35, 63]).map(Pass)
    actions = draw(st.lists(st.one_of(texts, texts, texts, clicks, passing), min_size=1, max_size=9))
    first = Tell(draw(people), draw(st.sampled_from(_COMMANDS)))
    restarts = st.none() | st.builds(Restart, st.booleans(), st.booleans())
    turns = [Turn(first), *[Turn(action, draw(restarts)) for action in actions]]
    if not any(turn.restart for turn in turns):
        turns[-1] = Turn(turns[-1].action, Restart())
    return Program(draw(_ops), draw(st.sampled_from(["private", "group"])), tuple(turns))
