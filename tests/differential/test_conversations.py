"""The same conversations on all bot classes: what everybody sees is the same.

What comes at once may be handled in another order by another framework where nothing promises one; ``strategies.py``
says where that is, and keeps to the rest. HYPOTHESIS_PROFILE=long looks longer.
"""

from __future__ import annotations

import os
from typing import Final

import pytest
from hypothesis import example, given, settings

from tests.differential.bots import BOTS
from tests.differential.playing import Transcript
from tests.differential.scenario import Ask, Choose, Click, Hear, Moment, Program, Say
from tests.differential.strategies import programs

EXAMPLES: Final = 3000 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 150

#: Found by this test. An answer stayed with the first question, for anybody, while the second, for the person, waited.
WIDE_AND_NARROW: Final = Program(
    one=(Ask(anybody=True), Ask()),
    moments=(
        Moment((Say("Ann", "private", "/one"),)),
        Moment((Say("Ann", "private", "x"), Say("Ann", "private", "x"))),
    ),
)
#: A command to leave that came between a choice and a question was consumed, and nobody was told.
LEAVING_AFTER_A_CLICK: Final = Program(
    one=(Choose(), Hear()),
    moments=(
        Moment((Say("Ann", "group", "/one"),)),
        Moment((Click("Ann", "group", "Ann"), Say("Ann", "group", "/cancel"))),
    ),
)


@pytest.mark.timeout(900)  # if it fails, for the search of a smaller program
@settings(max_examples=EXAMPLES)
@example(WIDE_AND_NARROW)
@example(LEAVING_AFTER_A_CLICK)
@given(programs())
def test_every_bot_says_the_same(program: Program) -> None:
    """Whatever people do, and however a framework runs handlers, they see the same (all promises of section 3)."""
    first, *others = BOTS
    expected = BOTS[first](program)
    assert "problems" not in expected[-1], expected[-1]

    found = {name: differences(expected, BOTS[name](program)) for name in others}

    assert found == {name: [] for name in others}, f"{first} says {expected}"


def test_a_program_is_played_as_it_is_read() -> None:
    """The transcript tells, moment by moment, what each person's runs of the scripts said, and where."""
    program = Program(
        one=(Ask(timeout=90), Choose()),
        moments=(
            Moment((Say("Ann", "private", "/one"), Say("Bob", "group", "/one"))),
            Moment((Say("Ann", "private", "7"), Say("Bob", "private", "x"))),
            Moment((Click("Ann", "private", "Ann"),)),
        ),
    )
    expected = [
        {"group: Bob one 1": ["ask to '/one' force_reply selective"], "private: Ann one 1": ["ask"]},
        {
            "group: Bob one 1": ["WaitTimeout"],
            "private: Ann one 1": ["got '7'", "choose inline_keyboard  [A] [B]"],
            "private: Bob other ": ["x"],
        },
        {"private: Ann answer": [""], "private: Ann one 1": ["chose B", "end"]},
    ]

    for play in BOTS.values():
        transcript = play(program)
        assert transcript[:3] == expected
        assert not any(transcript[3:])


def differences(expected: Transcript, found: Transcript) -> list[str]:
    """Say in which moments *found* is something else."""
    pairs = enumerate(zip(expected, found, strict=False))
    wrong = [f"moment {number}: {other} instead of {one}" for number, (one, other) in pairs if one != other]
    return wrong + [str(one) for one in found[len(expected) :]]
