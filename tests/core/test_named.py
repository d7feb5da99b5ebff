"""Steps and filters by name."""

from __future__ import annotations

import functools
import runpy
from pathlib import Path
from typing import Any

import pytest

from aiostep_core.errors import BadArgument
from aiostep_core.named import filters, name_of, named, step, step_filter


class Truthy:
    """Compares like a magic filter: everything is equal to it, and it has no hash."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> Any:
        return self


def test_a_step_stays_the_function_it_was() -> None:
    """@step returns the function itself, which is then found by its name."""

    def got_name(message: object) -> None: ...

    decorated = step("named.plain")(got_name)

    assert decorated is got_name
    assert named("named.plain") is got_name
    assert name_of(got_name) == "named.plain"


def test_what_has_no_name_has_none() -> None:
    """An undecorated function, a method of a decorated one's class, and a wrapper around it have no name."""

    class Shop:
        @step("named.method")
        def got_name(self, message: object) -> None: ...

    @functools.wraps(Shop.got_name)
    def wrapper(*args: Any) -> None: ...

    assert name_of(print) is None
    assert name_of(Shop().got_name) is None
    assert name_of(wrapper) is None
    assert named("named.nobody") is None


def test_a_bound_method_can_be_named_itself() -> None:
    """A bound method that was registered is known by its name however often it is asked for."""

    class Shop:
        def got_name(self, message: object) -> None: ...

    shop = Shop()
    step("named.bound")(shop.got_name)

    assert name_of(shop.got_name) == "named.bound"
    assert name_of(Shop().got_name) is None


def test_a_name_belongs_to_one_function() -> None:
    """A second function with the name of another is refused, and the first one stays."""

    @step("named.taken")
    def first(message: object) -> None: ...

    def second(message: object) -> None: ...

    with pytest.raises(BadArgument, match="first"):
        step("named.taken")(second)
    assert named("named.taken") is first


def test_a_module_may_be_loaded_again(tmp_path: Path) -> None:
    """The functions and filters of a module that is loaded anew, even under another name, take the old ones' place."""
    script = tmp_path / "bot.py"
    script.write_text(
        "from aiostep import step, step_filter\n"
        "@step('named.reloaded')\n"
        "def got(message): ...\n"
        "kept = step_filter('named.reloaded')(object())\n"
    )

    first = runpy.run_path(str(script), run_name="__main__")
    second = runpy.run_path(str(script), run_name="bot")

    assert named("named.reloaded") is second["got"] is not first["got"]
    assert name_of(first["got"]) is None
    assert filters.get("named.reloaded") is second["kept"]


@pytest.mark.parametrize("name", ["", "two words", "line\nbreak", "x" * 101])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """A name is short and has no spaces."""
    with pytest.raises(BadArgument, match="expected a short text"):
        step(name)(print)


def test_a_decorator_without_its_name_is_refused() -> None:
    """@step without parentheses says how it is written."""
    with pytest.raises(BadArgument, match=r'@step\("'):
        step(print)  # type: ignore[arg-type]


def test_filters_are_told_apart_by_identity() -> None:
    """A filter that is equal to everything has only its own name."""
    one, other = Truthy(), Truthy()

    assert step_filter("named.truthy")(one) is one
    assert filters.name_of(one) == "named.truthy"
    assert filters.name_of(other) is None
    with pytest.raises(BadArgument):
        step_filter("named.truthy")(other)
