"""Answers that are one of a few: members of an ``Enum`` and values of a ``Literal``, typed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, get_args

from ..facts import KINDS, Delivery
from .base import say_again, text_of

__all__ = ["OneOf", "of_enum", "of_literal"]


class OneOf:
    """One of *options*: values by the texts that stand for them; upper and lower case are alike."""

    kinds = KINDS["message"]

    def __init__(self, options: Mapping[str, Any], also: Mapping[str, Any] | None = None) -> None:
        self._shown = ", ".join(options)
        self._values = {" ".join(text.split()).casefold(): value for text, value in {**(also or {}), **options}.items()}

    def parse(self, delivery: Delivery) -> Any:
        """Return the value."""
        problem = say_again("choice", options=self._shown)
        text = " ".join(text_of(delivery, problem).split()).casefold()
        if text not in self._values:
            raise problem
        return self._values[text]


def of_enum(kind: type[Enum]) -> OneOf:
    """Ask for a member of an enumeration, by its value if that is a text, or by its name."""
    named = {member.name.replace("_", " "): member for member in kind}
    shown = {member.value if isinstance(member.value, str) else name: member for name, member in named.items()}
    return OneOf(shown, {**named, **{member.name: member for member in kind}})


def of_literal(annotation: Any) -> OneOf:
    """Ask for a value of a ``Literal``."""
    return OneOf({value.name if isinstance(value, Enum) else str(value): value for value in get_args(annotation)})
