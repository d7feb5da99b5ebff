"""Menus: what is shown, and what clicks and words come to."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiostep_core.errors import BadArgument
from aiostep_core.keyboards import is_ours, new_token, pressed
from aiostep_core.menus import Answer, Menu, Option, options_of
from aiostep_core.texts import Saying


def menu(options: Any, **more: Any) -> Menu:
    """Make a menu of *options*."""
    return Menu(options_of(options), **more)


def texts(made: Menu) -> list[list[str]]:
    """Return what is on the buttons, row by row."""
    return [[button.text for button in row] for row in made.keyboard().rows]


def click(made: Menu, text: str) -> Any:
    """Click the button that says *text*."""
    for row in made.keyboard().rows:
        for button in row:
            if button.text == text:
                press = pressed(button.data)
                assert press is not None
                assert press.token == made.token
                return made.press(press.code)
    raise AssertionError(f"no button {text!r}: {texts(made)}")


def test_options_are_laid_out_in_columns() -> None:
    """Options stand in rows, in their order; the last row may be shorter."""
    assert texts(menu("abcde".split() + list("bcde"), columns=2)) == [["abcde", "b"], ["c", "d"], ["e"]]


def test_pages_go_round_within_bounds() -> None:
    """Pages turn in both directions and stop at the ends; the page that is shown has its own options only."""
    made = menu(range(7), page_size=3)
    assert texts(made) == [["0"], ["1"], ["2"], ["◀", "1/3", "▶"]]
    assert click(made, "◀") is Answer.TURNED
    assert made.page == 0
    for _ in range(4):
        click(made, "▶")
    assert texts(made) == [["6"], ["◀", "3/3", "▶"]]
    assert click(made, "6") == Option("6", 6)


def test_several_are_marked_and_counted() -> None:
    """Marks come and go by clicks; too few and too many are told apart; the result keeps the order of the options."""
    made = menu(["a", "b", "c"], many=True, minimum=1, maximum=2, chosen=["c"])
    assert texts(made) == [["a"], ["b"], ["✓ c"], ["Done"]]
    assert click(made, "✓ c") is Answer.TURNED
    assert click(made, "Done") is Answer.TOO_FEW
    assert click(made, "c") is click(made, "a") is Answer.TURNED
    assert click(made, "b") is Answer.TOO_MANY
    assert click(made, "Done") == ["a", "c"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", Answer.TOO_FEW),
        ("C, a", ["a", "c"]),
        ("a,b,c", Answer.TOO_MANY),
        ("a and b", None),
        ("done", Answer.TOO_FEW),
        ("Cancel", Answer.CANCELLED),
        ("/skip", Answer.SKIPPED),
        ("назад", Answer.BACK),
        ("", None),
    ],
)
def test_words_do_what_buttons_do(text: str, found: Any) -> None:
    """Labels with commas between choose several; the other buttons have words too, in any language."""
    made = menu(["a", "b", "c"], many=True, minimum=2, maximum=2, extras=("cancel", "back", "skip"))
    assert made.typed(text) == found


def test_what_a_button_says_comes_from_the_catalogue() -> None:
    """A label may be a sentence, in the person's language, and other words may mean it too."""
    made = Menu(
        [Option(Saying("yes"), True, frozenset({"jep"})), Option(Saying("no"), False)],
        say=lambda saying: saying.name.upper(),
    )
    assert texts(made) == [["YES"], ["NO"]]
    assert [made.typed(text) for text in ("yes", "Jep!", "yep")] == [
        Option(Saying("yes"), True, frozenset({"jep"})),
        Option(Saying("yes"), True, frozenset({"jep"})),
        None,
    ]


class Size(Enum):
    SMALL = "Small one"
    EXTRA_LARGE = 2


@pytest.mark.parametrize(
    ("options", "label", "found"),
    [
        (Size, None, [("Small one", Size.SMALL), ("Extra large", Size.EXTRA_LARGE)]),
        ({"S": "Small"}, None, [("Small", "S")]),
        ({"S": "Small"}, str.lower, [("s", "S")]),
        ([1, 2.5, "x"], None, [("1", 1), ("2.5", 2.5), ("x", "x")]),
        ([(1, 2)], lambda pair: f"{pair[0]}-{pair[1]}", [("1-2", (1, 2))]),
    ],
)
def test_anything_with_a_name_can_be_offered(options: Any, label: Any, found: Any) -> None:
    """Lists, dictionaries, enumerations, and any objects with a function for their labels."""
    assert [one[:2] for one in options_of(options, label)] == found


@pytest.mark.parametrize(
    ("options", "more", "problem"),
    [
        ([], {}, "options is '0 options'"),
        (range(10_001), {}, "options is '10001 options'"),
        (range(300), {"is_inline": False}, 'style="inline"'),
        (["a", " A "], {}, "labels that differ"),
        (["x" * 129], {}, "labels of 1 to 128"),
        ([" "], {}, "labels of 1 to 128"),
        (["a"], {"columns": 9}, "columns is 9"),
        (["a"], {"page_size": 0}, "page_size is 0"),
        (["a"], {"many": True, "minimum": 2}, "min and max"),
        ("abc", {}, "options is 'abc'"),
        (5, {}, "options is 5"),
        ([object()], {}, "label="),
        ({"Small": 1}, {}, "a label of options is 1; expected a text; a dictionary has labels by value"),
    ],
)
def test_what_nobody_could_choose_is_refused(options: Any, more: dict[str, Any], problem: str) -> None:
    """Nothing, too much, two alike, labels that do not fit: refused before anything is sent."""
    with pytest.raises(BadArgument) as caught:
        menu(options, **more)
    assert problem in str(caught.value)


def test_data_are_short_and_say_nothing() -> None:
    """What a button brings back fits into 64 bytes, names no option, and has a token that nobody can guess."""
    made = menu([f"secret {number}" for number in range(10_000)], page_size=90)
    made.page = 111
    data = [button.data for row in made.keyboard().rows for button in row if button.data is not None]

    assert len(data) == 13
    assert all(len(one.encode()) <= 64 and is_ours(one) and "secret" not in one for one in data)
    assert len({new_token() for _ in range(1000)}) == 1000


@given(st.text())
def test_strange_data_are_no_clicks_of_ours(data: str) -> None:
    """Whatever a client sends as data, it is a click on one of our buttons or none."""
    press = pressed(data)
    assert press is None
    press = pressed(f"as:{'x' * 12}:{data}")
    assert press is None or press.code == data


@given(st.text(max_size=12), st.booleans())
def test_no_code_breaks_a_menu(code: str, many: bool) -> None:
    """Whatever code comes with a good token, the menu has an answer to it."""
    made = menu(range(20), many=many, extras=("cancel",))
    assert isinstance(made.press(code), (Option, Answer, list))
    assert made.keyboard().rows


def test_a_label_with_a_comma_can_be_written() -> None:
    """What is a label as a whole is that label, and not several."""
    made = menu(["Salt, pepper", "Oil"], many=True)
    assert made.typed("salt,  pepper") == ["Salt, pepper"]
    assert made.typed("oil") == ["Oil"]


def test_marks_may_come_from_anything_that_can_be_gone_through() -> None:
    """Also from what can be gone through only once."""
    made = menu(["a", "b", "c"], many=True, chosen=iter(["a", "c"]))
    assert click(made, "Done") == ["a", "c"]


class Compared:
    """A value that counts how often any of its kind is compared."""

    times = 0

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return hash(self.number)

    def __eq__(self, other: object) -> bool:
        Compared.times += 1
        return isinstance(other, Compared) and other.number == self.number


def test_marks_are_found_without_comparing_all_with_all() -> None:
    """Of many options all may be marked, by equal values: each is compared about once."""
    Compared.times = 0
    options = [Option(str(number), Compared(number)) for number in range(500)]
    made = Menu(options, many=True, chosen=[Compared(number) for number in range(500)])

    assert click(made, "Done") == [one.value for one in options]
    assert Compared.times < 5_000


@pytest.mark.parametrize("chosen", [["a", [1]], [[1]], ["a"]])
def test_marks_may_be_values_without_a_hash(chosen: list[Any]) -> None:
    """Values are compared where they cannot be hashed, on either side."""
    made = Menu([Option("A", "a"), Option("B", "b"), Option("L", [1])], many=True, chosen=chosen)

    assert click(made, "Done") == chosen
