"""The same random conversations on all bot classes: whatever the process dies of and whenever, people see the same.

HYPOTHESIS_PROFILE=long looks longer.
"""

from __future__ import annotations

import os
from typing import Final

import pytest
from hypothesis import example, given, settings

from tests.durable.everywhere.bots import BOTS
from tests.durable.everywhere.playing import Transcript
from tests.durable.everywhere.programs import (
    Ask,
    Both,
    Choose,
    Click,
    Confirm,
    Pass,
    Program,
    Restart,
    Tell,
    Turn,
    programs,
)

EXAMPLES: Final = 2000 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 60

#: Found by this test. A task that was cancelled, as by Ctrl-C, took away the buttons that were to be pressed later.
BUTTONS: Final = Program(ops=(Choose(),), turns=(Turn(Tell("Ann", "/step")), Turn(Click("Ann", 1), Restart())))
#: The buttons of a conversation that was replaced after a restart stayed.
REPLACED: Final = Program(
    ops=(Confirm(),), turns=(Turn(Tell("Ann", "/step")), Turn(Tell("Ann", "/turn"), Restart(is_later=True)))
)
#: The last answer that was no good was not known to be taken: delivered again, it answered the next question.
TOO_MANY: Final = Program(
    ops=(Ask(as_number=True), Ask()),
    turns=(
        Turn(Tell("Ann", "/step")),
        Turn(Tell("Ann", "old")),
        Turn(Tell("Ann", "older")),
        Turn(Pass(7), Restart(delivers_again=True)),
    ),
)
#: Of two that wait for the same, the one that was asked first after a restart got what was the other's.
OLDEST: Final = Program(
    ops=(Both(is_turned=True),),
    turns=(Turn(Tell("Ann", "/step")), Turn(Tell("Ann", "33")), Turn(Tell("Ann", "0"), Restart())),
)


@pytest.mark.timeout(900)  # if it fails, for the search of a smaller program
@settings(max_examples=EXAMPLES)
@example(BUTTONS)
@example(REPLACED)
@example(TOO_MANY)
@example(OLDEST)
@given(programs())
def test_restarts_make_no_difference_to_any_bot(program: Program) -> None:
    """A transcript with restarts anywhere is the one without, on every bot class, and the same on all."""
    expected = BOTS["aiogram"](program.without_restarts)
    assert expected[-1] == []

    found = {name: differences(expected, play(program)) for name, play in BOTS.items()}

    assert found == {name: [] for name in BOTS}, f"without restarts: {expected}"


def differences(expected: Transcript, found: Transcript) -> list[str]:
    """Say in which turns *found* is something else."""
    pairs = enumerate(zip(expected, found, strict=True))
    return [f"turn {number}: {other} instead of {one}" for number, (one, other) in pairs if one != other]
