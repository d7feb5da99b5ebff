"""The pictures of the docs follow the tables of the code."""

from __future__ import annotations

import importlib.util
import inspect
import re
from enum import Enum
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from aiostep_core.errors import AiostepError
from aiostep_core.facts import Facts
from aiostep_core.keys import Key, Scope
from aiostep_core.waits import TRANSITIONS, Signal, WaitState
from aiostep_testing.recorded import RecordingDamaged

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


@pytest.fixture(scope="module")
def diagrams() -> ModuleType:
    """Load docs/diagrams.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("diagrams", DOCS / "diagrams.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words(svg: str) -> list[str]:
    """Return the texts of a picture, in order of appearance."""
    return [one.text or "" for one in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_every_state_and_signal_is_in_the_picture(diagrams: ModuleType) -> None:
    """The picture of the waits has a box for each state and an arrow for each transition, and nothing else."""
    svg = diagrams.draw(TRANSITIONS, "waits")
    signals = [signal.value for ways in TRANSITIONS.values() for signal in ways]

    assert sorted(words(svg)) == sorted([state.name for state in WaitState] + signals)
    assert svg.count("marker-end") == len(signals)


def test_the_picture_changes_with_the_table(diagrams: ModuleType) -> None:
    """A transition more is an arrow more, and one taken away is gone."""
    more = {**TRANSITIONS, WaitState.CLAIMED: {Signal.CANCEL: WaitState.CANCELLED}}
    less = {**TRANSITIONS, WaitState.PENDING: {Signal.ANSWER: WaitState.CLAIMED}}
    arrows = [diagrams.draw(table, "").count("marker-end") for table in (less, TRANSITIONS, more)]

    assert arrows == [1, 3, 4]
    assert len({diagrams.describe(table) for table in (less, TRANSITIONS, more)}) == 3


def test_states_stand_in_order_of_their_distance(diagrams: ModuleType) -> None:
    """States are sorted by the steps from the first one, each of them once, unreachable ones last."""
    Light = Enum("Light", "RED GREEN AMBER BROKEN")
    Turn = Enum("Turn", "ON")
    table = {
        Light.RED: {Turn.ON: Light.GREEN},
        Light.GREEN: {Turn.ON: Light.AMBER},
        Light.AMBER: {Turn.ON: Light.RED},
        Light.BROKEN: {},
    }

    assert diagrams.layers(table) == [[Light.RED], [Light.GREEN], [Light.AMBER], [Light.BROKEN]]


def test_the_page_on_words_names_them_all() -> None:
    """The reference of Key, Scope and Facts has a row for each part, and scopes in the order of their rank."""
    rows = re.findall(r"^\| `(\w+)`", (DOCS / "reference/words.md").read_text("utf-8"), re.MULTILINE)
    expected = [*Key._fields, *(scope.name for scope in Scope), *inspect.signature(Facts).parameters]

    assert rows == expected


def test_the_page_on_errors_names_them_all() -> None:
    """The reference of errors has a heading or an entry for every class of the tree."""
    page = (DOCS / "reference/errors.md").read_text("utf-8")
    assert issubclass(RecordingDamaged, AiostepError)  # what is imported nowhere is in no tree

    def tree(cls: type) -> list[str]:
        ours = [one for one in cls.__subclasses__() if one.__module__.startswith("aiostep")]
        return [cls.__name__, *(name for one in ours for name in tree(one))]

    missing = {name for name in tree(AiostepError) if not re.search(rf"\b{name}\b", page)}
    assert missing == set()
