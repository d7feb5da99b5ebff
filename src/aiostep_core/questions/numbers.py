"""Answers that are numbers."""

from __future__ import annotations

import math

from ..facts import KINDS, Delivery
from .base import Retry
from .text import Text

__all__ = ["Decimals", "Wholes"]

#: More digits than this are a joke or an attack: converting them takes time that grows with their square.
_LONGEST = 100
_text = Text()


class Wholes:
    """A whole number, in the digits of any script."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> int:
        """Return the number."""
        try:
            return int(_digits(delivery))
        except ValueError:
            raise Retry("Please answer with a whole number.") from None


class Decimals:
    """A number, with a decimal point or comma."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> float:
        """Return the number; it is never infinite or NaN."""
        try:
            number = float(_digits(delivery).replace(",", "."))
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise Retry("Please answer with a number.")
        return number


def _digits(delivery: Delivery) -> str:
    text = _text.parse(delivery)
    if len(text) > _LONGEST or "_" in text:
        raise ValueError
    return text
