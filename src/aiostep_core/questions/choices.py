"""Answers that are one of a few: members of an ``Enum`` and values of a ``Literal``, typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, get_args

from ..errors import BadArgument
from ..facts import KINDS, Delivery
from .base import say_again, text_of

__all__ = ["OneOf", "listed", "of_enum", "of_literal"]


class OneOf:
    """One of *options*: values by the texts that stand for them; upper and lower case are alike, where they can be."""

    kinds = KINDS["message"]

    def __init__(self, options: Mapping[str, Any], also: Mapping[str, Any] | None = None) -> None:
        self._shown = listed(list(options))
        self._exact = {_plain(text): value for text, value in {**(also or {}), **options}.items()}
        cases = Counter(text.casefold() for text in {_plain(text) for text in options})
        folded = {text.casefold(): value for text, value in self._exact.items()}
        self._values = {text: value for text, value in folded.items() if cases[text] < 2}

    def parse(self, delivery: Delivery) -> Any:
        """Return the value."""
        problem = say_again("choice", options=self._shown)
        text = _plain(text_of(delivery, problem))
        if text in self._exact:
            return self._exact[text]
        if text.casefold() not in self._values:
            raise problem
        return self._values[text.casefold()]


def listed(labels: Sequence[str]) -> str:
    """Return *labels* for a sentence that lists them; not more than fit into a message, or than anybody reads."""
    shown = ", ".join(labels[:20])
    return shown if len(labels) <= 20 else f"{shown}, …"


def _plain(text: str) -> str:
    return " ".join(text.split())


def of_enum(kind: type[Enum]) -> OneOf:
    """Ask for a member of an enumeration, by its value if that is a text, or by its name."""
    named = {member.name.replace("_", " "): member for member in kind}
    shown = {member.value if isinstance(member.value, str) else name: member for name, member in named.items()}
    return OneOf(shown, {**named, **{member.name: member for member in kind}})


def of_literal(annotation: Any) -> OneOf:
    """Ask for a value of a ``Literal``."""
    values = get_args(annotation)
    labels = [value.name if isinstance(value, Enum) else str(value) for value in values]
    if len({_plain(label) for label in labels}) < len(labels):
        raise BadArgument("as_", annotation, "values that differ in how they are written")
    return OneOf(dict(zip(labels, values, strict=True)))
