"""Types of answers that a plugin brings."""

from __future__ import annotations

import importlib
from dataclasses import make_dataclass
from typing import Annotated, Any

import pytest

from aiostep_core.errors import BadArgument, PluginError
from aiostep_core.facts import Delivery, Facts
from aiostep_core.forms import Form
from aiostep_core.questions import Retry, question_for
from tests.plugins.sources import Site, info

CHESS = """
from dataclasses import dataclass

from aiostep_core.questions import Retry


@dataclass(frozen=True)
class Square:
    column: str
    row: int


class Piece:
    ...


class Squares:
    kinds = frozenset({"message"})

    def parse(self, delivery):
        text = (delivery.facts.text or "").strip().lower()
        if len(text) != 2 or text[0] not in "abcdefgh" or text[1] not in "12345678":
            raise Retry("A square, please, such as e4.")
        return Square(text[0], int(text[1]))
"""

PLUGIN = (
    info("chess")
    + """
asked = []

@hookimpl
def aiostep_make_question(annotation):
    import chess_types

    asked.append(annotation)
    return chess_types.Squares() if annotation is chess_types.Square else None
"""
)


@pytest.fixture
def chess(site: Site) -> Any:
    """A package with a type of answer, and the plugin that announces it."""
    site.module("chess_types", CHESS)
    site.plugin("chess", PLUGIN)
    return importlib.import_module("chess_types")


def message(text: str) -> Delivery:
    return Delivery(Facts(bot_id=1, kind="message", chat_id=5, user_id=5, text=text), object())


def test_a_plugin_makes_a_question_of_its_type(chess: Any) -> None:
    """The type of a plugin is one like any other: it is parsed, and what it refuses is asked for again."""
    question = question_for(chess.Square)

    assert question.parse(message("E4")) == chess.Square("e", 4)
    with pytest.raises(Retry, match="such as e4"):
        question.parse(message("e9"))


def test_a_plugin_s_type_can_be_a_part(chess: Any) -> None:
    """Unions, annotations and fields of a form take it, too."""
    either = question_for(chess.Square | int)
    (field,) = Form(make_dataclass("Move", [("start", chess.Square)])).fields

    assert field.question is question_for(chess.Square)
    assert either.parse(message("12")) == 12
    assert either.parse(message("a1")) == chess.Square("a", 1)
    assert question_for(Annotated[chess.Square, "a note"]).parse(message("h8")) == chess.Square("h", 8)


def test_a_plugin_is_asked_once_for_a_type_and_never_for_those_that_are_built_in(chess: Any) -> None:
    """What it made is kept."""
    for kind in (int, chess.Square, chess.Square, str):
        question_for(kind)

    assert importlib.import_module("chess_plugin").asked == [chess.Square]


def test_what_no_plugin_knows_is_refused(chess: Any) -> None:
    """A type that the plugins leave alone is an error that says what there is."""
    with pytest.raises(BadArgument, match=r"Piece.*one of"):
        question_for(chess.Piece)


def test_two_plugins_for_one_type_are_an_error(chess: Any, site: Site) -> None:
    """The message names both, and nothing is chosen silently."""
    site.plugin("checkers", PLUGIN.replace("chess", "checkers").replace("checkers_types", "chess_types"))

    with pytest.raises(PluginError, match=r"che\w+.*che\w+"):
        question_for(chess.Square)


def test_a_plugin_that_returns_no_question_is_an_error(chess: Any, site: Site) -> None:
    """Something without kinds and parse is refused when it is made, and not when the first answer comes."""
    wrong = PLUGIN.replace("chess_types.Squares()", '"a square"').replace("'chess'", "'wrong'")
    site.plugin(
        "wrong", wrong.replace('name="chess"', 'name="wrong"').replace("chess_types.Square ", "chess_types.Piece ")
    )

    with pytest.raises(PluginError, match="wrong"):
        question_for(chess.Piece)
