"""What a package promises in `__all__` is there and says what it is."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

import pytest

from tests.repository.sources import packages


def undocumented(module: ModuleType) -> list[str]:
    """Name the classes and functions of `__all__` that say nothing about themselves."""
    return [name for name in module.__all__ if not has_docstring(getattr(module, name))]


def has_docstring(thing: object) -> bool:
    """Tell whether a class or function has a docstring of its own; other values need none."""
    if inspect.isclass(thing):
        own = thing.__dict__.get("__doc__") or ""
        return bool(own) and not own.startswith(f"{thing.__name__}(")  # which is what a dataclass makes up
    return bool(inspect.getdoc(thing)) if inspect.isroutine(thing) else True


@pytest.mark.parametrize("package", packages())
def test_public_names_exist_and_are_documented(package: str) -> None:
    """Every name of `__all__` exists, is there once, and has a docstring."""
    module = importlib.import_module(package)

    assert len(set(module.__all__)) == len(module.__all__)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert undocumented(module) == []
    assert (module.__doc__ or "").strip()


def test_a_silent_name_is_seen() -> None:
    """The check sees a function, a class and a dataclass without words."""
    module = ModuleType("example")
    code = """
from dataclasses import dataclass
def f(): ...
class C: ...
@dataclass
class D:
    x: int
def g(): 'Say hello.'
__all__ = ["C", "D", "f", "g"]
"""
    exec(compile(code, "example", "exec", dont_inherit=True), module.__dict__)

    assert undocumented(module) == ["C", "D", "f"]
