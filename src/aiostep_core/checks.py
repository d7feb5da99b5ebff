"""Checks that people need all the time, for ``ask(..., check=...)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import BadArgument
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
        if value < least:
            return Saying("number_low", {"min": least})
        return True if value <= most else Saying("number_high", {"max": most})

    return check
