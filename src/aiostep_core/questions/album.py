"""Answers of several messages that Telegram shows as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..errors import BadArgument
from ..facts import Delivery
from .base import say_again
from .known import question_for

__all__ = ["Album"]

#: Telegram puts no more than ten into one.
LARGEST: Final = 10


class Album:
    """Several media at once; one alone is an album too.

    Args:
        kind: what each of them is, such as ``Photo`` or ``Photo | Video``.
        min, max: how many there may be.

    Raises:
        BadArgument: no album can be like that.
    """

    def __init__(self, kind: Any, *, min: int = 1, max: int = LARGEST) -> None:
        if not 1 <= min <= max <= LARGEST:
            raise BadArgument("min and max", f"{min} and {max}", f"1 <= min <= max <= {LARGEST}")
        self._each = question_for(kind)
        self._min, self._max = min, max
        self.kinds = self._each.kinds

    def parse(self, delivery: Delivery) -> list[Any]:
        """Return the list of what came alone."""
        return self.parse_album([delivery])

    def parse_album(self, deliveries: Sequence[Delivery]) -> list[Any]:
        """Return what the messages of an album carry, in the order in which they are shown."""
        found = [self._each.parse(one) for one in sorted(deliveries, key=lambda one: one.facts.message_id or 0)]
        if len(found) < self._min:
            raise say_again("few", min=self._min)
        if len(found) > self._max:
            raise say_again("many", max=self._max)
        return found
