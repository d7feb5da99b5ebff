"""What ask() can turn an answer into. One module per family; add yours to ``_BUILT_IN``."""

from __future__ import annotations

from typing import Any

from ..abc import Question
from ..errors import BadArgument
from .base import AnyMessage as AnyMessage
from .base import Retry as Retry
from .numbers import Decimals as Decimals
from .numbers import Wholes as Wholes
from .text import Text as Text

__all__ = ["AnyMessage", "Decimals", "Retry", "Text", "Wholes", "question_for"]

_BUILT_IN: dict[object, Question[Any]] = {
    None: AnyMessage(),
    str: Text(),
    int: Wholes(),
    float: Decimals(),
}


def question_for(as_: Any) -> Question[Any]:
    """Return the question that *as_* stands for: a question itself, or a type that has one.

    Raises:
        BadArgument: nobody knows how to make that of an answer.
    """
    if hasattr(as_, "parse") and hasattr(as_, "kinds"):
        question: Question[Any] = as_
        return question
    try:
        return _BUILT_IN[as_]
    except (KeyError, TypeError):
        known = ", ".join(sorted(one.__name__ for one in _BUILT_IN if isinstance(one, type)))
        raise BadArgument("as_", as_, f"one of {known}, or an object with kinds and parse(delivery)") from None
