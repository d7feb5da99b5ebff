"""Answers that are clicks on the bot's own inline buttons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ..facts import Delivery
from .base import say_again

__all__ = ["Click"]

_KINDS: Final = frozenset({"callback_query"})


@dataclass(frozen=True)
class Click:
    """A click: what is waited for, ``Click("skip")`` or ``Click`` for any, and what comes of it.

    Attributes:
        data: what the button brought back.
        native: the framework's callback query.
    """

    data: str | None = None
    native: Any = field(default=None, repr=False, compare=False)

    @property
    def kinds(self) -> frozenset[str]:
        """The kind of update that a click is."""
        return _KINDS

    def parse(self, delivery: Delivery) -> Click:
        """Return the click."""
        data = delivery.facts.callback_data
        if self.data is not None and data != self.data:
            raise say_again("other")
        return Click(data, delivery.update)

    def __or__(self, other: Any) -> Any:
        from .known import either

        return either(self, other)

    def __ror__(self, other: Any) -> Any:
        from .known import either

        return either(other, self)
