"""Checks that people need all the time, for ``ask(..., check=...)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import BadArgument
from .questions.bounds import out_of_bounds
from .texts import Saying

__all__ = ["between"]


def between(least: Any, most: Any) -> Callable[[Any], bool | Saying]:
    """Make a check that a value is from *least* to *most*; what is wrong is said in the person's language.

    Raises:
        BadArgument: nothing is in between.
    """
    if least > most:
        raise BadArgument("least and most", f"{least} and {most}", "the smaller one first")

    def check(value: Any) -> bool | Saying:
        try:
            return out_of_bounds("low", value, least) or out_of_bounds("high", value, most) or True
        except TypeError as error:
            got, wanted, bounds = type(value).__name__, type(least).__name__, f"between({least!r}, {most!r})"
            # No BadArgument: a ValueError of a check is what is wrong with the answer.
            problem = f"{bounds} was given a value of type {got}; ask for {wanted}: ask(..., {wanted}, check={bounds})"
            raise TypeError(problem) from error

    return check
