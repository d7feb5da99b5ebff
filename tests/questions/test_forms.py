"""Forms: what is asked next, and how back, skip and corrections change that."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass, make_dataclass
from dataclasses import field as field_of
from datetime import date
from typing import Any, Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiostep_core.errors import BadArgument
from aiostep_core.forms import Form, Progress, field, form, shown


@dataclass
class Order:
    item: Literal["tea", "coffee"] = field("What?")
    milk: bool = field("Milk?", when=lambda so_far: so_far["item"] == "coffee", default=False)
    sugar: int = field("Sugar?", when=lambda so_far: so_far.get("milk", False), default=0)
    note: str | None = field(lambda so_far: f"A note on your {so_far['item']}?", default=None)


def names(progress: Progress) -> list[str]:
    """Return the fields that are answered."""
    return list(progress.answers)


def test_fields_depend_on_earlier_answers() -> None:
    """A field that does not apply is not asked, and comes back when an answer changes."""
    progress = Progress(Form.of(Order))
    progress.answer("item", "tea")
    assert progress.next is not None
    assert (progress.next.name, progress.next.prompt(progress.answers)) == ("note", "A note on your tea?")
    assert progress.position == (2, 2)
    progress.skip("note")
    assert progress.next is None

    progress.answer("item", "coffee")
    assert progress.next is not None
    assert progress.next.name == "milk"
    progress.answer("milk", True)
    assert progress.position == (4, 4)
    progress.answer("sugar", 2)
    assert Form.of(Order).make(progress.answers) == Order("coffee", True, 2, None)

    progress.answer("item", "tea")
    assert Form.of(Order).make(progress.answers) == Order("tea", False, 0, None)


@given(st.lists(st.sampled_from(["answer", "skip", "back"]), max_size=30), st.data())
def test_back_undoes_one_answer(actions: list[str], data: st.DataObject) -> None:
    """However somebody goes back and forth, what is known is a beginning of the form, and back asks the last again."""
    progress = Progress(Form.of(Order))
    for action in actions:
        one = progress.next
        if action == "back":
            if not progress.can_go_back:
                assert progress.answers == {}
                continue
            before = names(progress)
            progress.back()
            assert names(progress) == before[:-1]
            assert progress.next is not None
            assert progress.next.name == before[-1]
        elif one is None:
            continue
        elif action == "skip" and one.is_optional:
            progress.skip(one.name)
        else:
            values: dict[str, Any] = {"item": ["tea", "coffee"], "milk": [True, False], "sugar": [1], "note": ["x"]}
            progress.answer(one.name, data.draw(st.sampled_from(values[one.name])))
        number, count = progress.position
        assert number - 1 == len(progress.answers) <= count <= 4
    assert not progress.can_go_back or progress.answers


def test_known_values_are_not_asked_for() -> None:
    """What stood before is not asked; a name that is no field is refused."""
    progress = Progress(Form.of(Order), {"item": "tea"})
    assert progress.next is not None
    assert progress.next.name == "note"
    assert not progress.can_go_back
    with pytest.raises(BadArgument, match="fields of the form"):
        Progress(Form.of(Order), {"itme": "tea"})


def test_a_form_is_refused_at_import() -> None:
    """The decorator reads the class at once: an annotation that nobody knows is an error there and then."""
    with pytest.raises(BadArgument, match=r"Bad\.thing is <class 'object'>"):

        @form
        @dataclass
        class Bad:
            thing: object

    with pytest.raises(BadArgument, match="a dataclass, a class of attrs"):
        Form.of(int)
    with pytest.raises(BadArgument, match=r"Form is 'Order'; expected the class itself"):
        Form.of(cast("Any", "Order"))
    with pytest.raises(BadArgument, match=r"Several\.numbers is .*several of what can be chosen: an Enum, a Literal"):
        Form.of(make_dataclass("Several", [("numbers", list[int])]))
    assert form(Order) is Order


@pytest.mark.parametrize(
    ("value", "text"), [(None, "—"), ([], "—"), (["a", "b"], "a, b"), (5, "5"), ("x", "x"), (1.5, "1.5")]
)
def test_values_are_shown_as_people_read_them(value: Any, text: str) -> None:
    """On the review page a value stands as a person would write it."""
    assert shown(value) == text


def test_a_form_goes_with_its_class() -> None:
    """A form is read once, not taken over by a subclass, and keeps no class alive that nobody else does."""

    @dataclass
    class Passing:
        name: str

    @dataclass
    class Further(Passing):
        age: int

    known = weakref.ref(Passing)
    assert Form.of(Passing) is Form.of(Passing)
    assert [one.name for one in Form.of(Further).fields] == ["name", "age"]

    del Passing, Further
    gc.collect()
    assert known() is None


@pytest.mark.parametrize(("annotation", "default"), [(int, "three"), (Literal["a", "b"], "c"), (date, "2026-04-03")])
def test_a_default_of_another_type_is_refused(annotation: Any, default: Any) -> None:
    """Who skips the field would be given it; it is said when the class is read."""
    kind = make_dataclass("Form", [("thing", annotation, field_of(default=default))])
    with pytest.raises(BadArgument, match=r"Form\.thing"):
        Form.of(kind)


@pytest.mark.parametrize(("annotation", "default"), [(float, 1), (str, None), (int | None, 3), (Literal["a"], "a")])
def test_a_default_that_fits_is_taken(annotation: Any, default: Any) -> None:
    """None is what many write for "not known"; a whole number is a number."""
    kind = make_dataclass("Form", [("thing", annotation, field_of(default=default))])
    assert Form.of(kind).fields[0].default == default
