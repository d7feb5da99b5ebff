"""Programs at random: scripts of a few operations, and what people may do to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.differential.scenario import (
    Action,
    Again,
    Album,
    Ask,
    Busy,
    Choose,
    Click,
    Hear,
    Moment,
    Op,
    Program,
    Say,
    Then,
)

__all__ = ["programs"]

_LIMITS: Any = st.sampled_from([None, None, 90, 150])
_POLICIES: Any = st.sampled_from(["replace", "replace", "queue", "reject"])
_NUMBERS = st.sampled_from(["7", "8"])
_WORDS = st.sampled_from(["7", "8", "x"])
# Not "/one@else_bot": to telebot's own filter of commands that is "/one".
_COMMANDS = st.sampled_from(["/one", "/one", "/two", "/one@test_bot", "/other", "/other@else_bot", "/cancel"])

_questions: st.SearchStrategy[Op] = st.one_of(
    st.builds(Ask, st.booleans(), _LIMITS, st.booleans(), _POLICIES),
    st.builds(Choose, _LIMITS),
    st.builds(Hear, _LIMITS, st.booleans()),
)


def _narrowing(ops: tuple[Op, ...]) -> tuple[Op, ...]:
    """Let only the first questions be for anybody: before such a question others are not spoken to."""
    first = next((at for at, op in enumerate(ops) if not (isinstance(op, Ask) and op.anybody)), len(ops))
    return ops[:first] + tuple(replace(op, anybody=False) if isinstance(op, Ask) else op for op in ops[first:])


#: Nothing is done before the first question; see ``programs``.
_scripts = st.tuples(
    st.one_of(_questions, _questions, _questions, st.just(Then())),
    st.lists(st.one_of(_questions, st.just(Busy()), st.just(Then())), max_size=3),
).map(lambda parts: _narrowing((parts[0], *parts[1])))


#: Of whom and where the most can be told: nobody else, somebody else, an administrator whom nobody knows.
_CASTS = [("Ann",), ("Ann", "Bob"), ("Ann", "Ann", "Bob"), ("Ann", "Anon")]
_SETS = [("private",), ("group",), ("here",), ("here", "there"), ("here", "general"), ("private", "group")]


class _Cast:
    """Some of the people in some of the places: in all of them they would hardly ever meet."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.people: Any = st.sampled_from(draw(st.sampled_from(_CASTS)))
        self.places: Any = st.sampled_from(draw(st.sampled_from(_SETS)))

    def answers(self, words: st.SearchStrategy[str]) -> st.SearchStrategy[Action]:
        """Return what may or may not answer a question."""
        say = st.builds(Say, self.people, self.places, words, st.booleans())
        own_click = st.tuples(self.people, self.places).map(lambda both: Click(both[0], both[1], both[0]))
        click = st.builds(Click, self.people, self.places, self.people, st.booleans())
        album = st.builds(Album, self.people, self.places)
        return st.one_of(say, say, say, own_click, own_click, click, st.builds(Again, st.integers(1, 4)), album)

    def commands(self) -> st.SearchStrategy[Action]:
        """Return what may begin a script or end one."""
        return st.builds(Say, self.people, self.places, _COMMANDS)


def _without_haste(actions: list[Action]) -> list[Action]:
    """Leave out what somebody does in the same place right before or after a click.

    Between a question with buttons and one without, a handler waits for nothing that is written. And a person may have
    several keyboards: of the handlers that wait there, two that are woken at once may go on in any order.
    """
    seen: set[tuple[str, str]] = set()
    clicked: set[tuple[str, str]] = set()
    left: list[Action] = []
    for action in actions:
        if not isinstance(action, Again):
            here = (action.who, action.where)
            if here in clicked or (isinstance(action, Click) and here in seen):
                continue
            seen.add(here)
            if isinstance(action, Click):
                clicked.add(here)
        left.append(action)
    return left


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw a program. A command has its moment to itself.

    Before a handler's first question nobody's words are its answer, and while a handler is busy a newer one may take
    its place: which of two updates that come at once is handled first is the framework's business again.
    """
    cast, scripts = _Cast(draw), (draw(_scripts), draw(_scripts))
    moments = [Moment((Say(draw(cast.people), draw(cast.places), "/one"),))]
    for _ in range(draw(st.integers(1, 8))):
        if draw(st.sampled_from([False, False, False, True])):
            moments.append(Moment((draw(cast.commands()),)))
        else:
            moments.append(draw(_answers(cast, scripts)))
    return Program(*scripts, tuple(moments))


@st.composite
def _answers(draw: st.DrawFn, cast: _Cast, scripts: tuple[tuple[Op, ...], ...]) -> Moment:
    """Draw what people say and press.

    What a filter refuses goes on at once if it comes while a handler waits, and at the end of the handler if it came
    before; so where there are filters, it comes alone.
    """
    count = draw(st.integers(1, 4))
    has_filters = any(isinstance(op, Hear) for ops in scripts for op in ops)
    words = _NUMBERS if count > 1 and has_filters else _WORDS
    actions = draw(st.lists(cast.answers(words), min_size=count, max_size=count))
    return Moment(tuple(_without_haste(actions)), draw(st.booleans()))
