"""What a plugin says it needs, "aiogram>=3.4,<4", against what is installed. Compares release numbers only."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Requirement", "installed_version"]

Release = tuple[int, ...]

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_NAME: Final = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(.*)", re.DOTALL)
_BOUND: Final = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)\s*")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A distribution and the bounds of its version; ``text`` is what the author wrote."""

    text: str
    name: str
    bounds: tuple[tuple[str, Release], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read *text*.

        Raises:
            ValueError: it is not a name with bounds of plain numbers.
        """
        named = _NAME.fullmatch(text)
        parts = named[2].split(",") if named is not None and named[2] else []
        bounds = [_BOUND.fullmatch(part) for part in parts]
        if named is None or None in bounds:
            raise ValueError(f"{text!r} is no requirement such as 'aiogram>=3.4,<4'")
        return cls(text, named[1], tuple((bound[1], _release(bound[2])) for bound in bounds if bound is not None))

    def admits(self, version: str) -> bool:
        """Tell whether *version* is within the bounds. One without a number, as of a local build, is."""
        numbers = re.match(r"v?(?:\d+!)?(\d+(?:\.\d+)*)", version)
        if numbers is None:
            return True
        release = _release(numbers[1])
        return all(_COMPARE[sign](release, bound) for sign, bound in self.bounds)


def installed_version(name: str) -> str | None:
    """Return the version of the distribution *name*, or None if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _release(numbers: str) -> Release:
    """Drop the zeros at the end: 3 and 3.0 are the same version."""
    parts = [int(number) for number in numbers.split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
