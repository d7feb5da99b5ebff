"""Answers that are numbers, in the digits of any script, as people write them."""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Final

from ..facts import KINDS, Delivery
from .base import say_again, text_of

__all__ = ["Decimals", "Exact", "Wholes", "plain_digits"]

#: More digits than this are a joke or an attack: converting them takes time that grows with their square.
_LONGEST: Final = 100
_MINUS: Final = str.maketrans("\u2212\u2013\ufe63\uff0d\uff0b\uff0c\uff0e\uff1a\uff0f", "----+,.:/")
# What may stand between groups of three digits; a comma or point there is told apart from a decimal one by the rest.
_SPACES: Final = re.compile(r"(?<=\d)[\u0020\u00a0\u202f\u2009'’٬](?=\d{3}(?!\d))")
_NUMBER: Final = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)


class Wholes:
    """A whole number."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> int:
        """Return the number: "1 000", "1,000" and "1.000" are a thousand."""
        text = delivery.text or ""
        if len(text) <= _LONGEST and text.isascii() and text.isdigit():  # nearly all answers, in a tenth of the time
            return int(text)
        problem = say_again("whole_number")
        digits = plain_digits(text_of(delivery, problem))
        for mark in ",.":
            if re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}(\{mark}\d{{3}})+", digits):
                digits = digits.replace(mark, "")
        if len(digits) > _LONGEST or not re.fullmatch(r"[+-]?\d+", digits):
            raise problem
        return int(digits)


class Decimals:
    """A number, with a decimal point or comma."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> float:
        """Return the number; it is never infinite or NaN."""
        number = float(_number(delivery))
        if not math.isfinite(number):
            raise say_again("number")
        return number


class Exact:
    """A number, exactly as it was written."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> Decimal:
        """Return the number; it is never infinite or NaN."""
        try:
            return Decimal(_number(delivery))
        except InvalidOperation:
            raise say_again("number") from None


def plain_digits(text: str) -> str:
    """Return *text* with ASCII digits for those of any script, one minus for all, and no spaces in numbers."""
    if not text.isascii():
        seen = (one for one in text if unicodedata.category(one) != "Cf")  # marks of the direction of writing
        text = "".join(str(unicodedata.decimal(one, one)) for one in seen).translate(_MINUS).replace("٫", ",")
    return _SPACES.sub("", text)


def _number(delivery: Delivery) -> str:
    """Return the number in an answer as Python writes it.

    Of a point and a comma the last one is the decimal one. One alone is the decimal one too: "1,234" is a bit over
    one, as "1.234" is. Only several of the same kind can but be marks between thousands.
    """
    problem = say_again("number")
    text = plain_digits(text_of(delivery, problem))
    if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
        raise problem
    last = max(text.rfind("."), text.rfind(","))
    if last < 0:
        return text
    mark = text[last]
    other = "," if mark == "." else "."
    if text.count(mark) > 1:
        if other in text or not re.fullmatch(rf"[+-]?\d{{1,3}}(\{mark}\d{{3}})+", text):
            raise problem
        return text.replace(mark, "")
    if other in text and not re.fullmatch(rf"[+-]?\d{{1,3}}(\{other}\d{{3}})+", text[:last]):
        raise problem
    return text.replace(other, "").replace(mark, ".")
