"""From what is written as the second argument of ``ask`` to the question that it stands for."""

from __future__ import annotations

import dataclasses
import functools
import re
import sys
import types
from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Union, cast, get_args, get_origin

from ..abc import Question
from ..errors import BadArgument
from ..facts import KINDS
from .base import AnyMessage
from .choices import of_enum, of_literal
from .click import Click
from .composed import Constrained, Either, Optionally, Validated, constraints
from .contact import Email, Emails, Phone, Phones, Url, Urls
from .dates import Dates, Datetimes, Durations, Times
from .media import MEDIA, MediaQuestion
from .numbers import Decimals, Exact, Wholes
from .text import Pattern, Text, YesOrNo

__all__ = ["either", "is_spec", "question_for"]

_BUILT_IN: Final[dict[object, Question[Any]]] = {
    None: AnyMessage(),
    str: Text(),
    bool: YesOrNo(),
    int: Wholes(),
    float: Decimals(),
    Decimal: Exact(),
    date: Dates(),
    datetime: Datetimes(),
    time: Times(),
    timedelta: Durations(),
    Click: Click(),
    Email: Emails(),
    Phone: Phones(),
    Url: Urls(),
    **{kind: MediaQuestion(kind) for kind in MEDIA},
}

#: Libraries know these; no text that a person writes is one.
_COLLECTIONS: Final = frozenset({dict, list, tuple, set, frozenset, bytes, object, type(None)})
_FUNCTIONS: Final = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, functools.partial)


def question_for(as_: Any) -> Question[Any]:
    """Return the question that *as_* stands for: a question itself, a type, or a regular expression.

    Raises:
        BadArgument: nobody knows how to make that of an answer.
    """
    if _is_question(as_):
        question: Question[Any] = as_
        return question
    try:
        hash(as_)
    except TypeError:
        return _unknown(as_)
    return _question_for(as_)


def is_spec(value: Any) -> bool:
    """Tell whether *value* says what is waited for, rather than whom."""
    return isinstance(value, (type, re.Pattern)) or get_origin(value) is not None or _is_question(value)


def either(one: Any, other: Any) -> Question[Any]:
    """Return the question that takes what *one* or *other* takes."""
    return Either([question_for(one), question_for(other)])


def _is_question(as_: Any) -> bool:
    # A filter such as aiogram's F has an attribute of any name.
    return not isinstance(as_, type) and hasattr(as_, "parse") and isinstance(getattr(as_, "kinds", None), Collection)


@lru_cache(256)
def _question_for(as_: Any) -> Question[Any]:
    found = _BUILT_IN.get(as_) or _typing_form(as_)
    if found is not None:
        return found
    kind: Any = as_  # what comes after a check for a type, no checker need guess
    if isinstance(as_, type) and issubclass(as_, Enum):
        return of_enum(as_)
    if (get_origin(as_) or as_) in _COLLECTIONS:
        return _unknown(as_)
    if (from_plugin := _from_plugins(as_)) is not None:
        return from_plugin
    if _has_fields(as_):
        expected = "a type of one answer: for several at once there is fill(), and for the whole message no type"
        raise BadArgument("as_", kind, expected)
    if isinstance(as_, _FUNCTIONS):  # the libraries would call it with what somebody writes
        raise BadArgument("as_", kind, "a type: a function goes into check=, or into filter=")
    return _from_libraries(as_) or _unknown(as_)


def _typing_form(as_: Any) -> Question[Any] | None:
    """Return the question of what is no class but is written in the place of one."""
    if isinstance(as_, (str, re.Pattern)):
        return _pattern(cast("str | re.Pattern[str]", as_))
    origin = get_origin(as_)
    if origin is Literal:
        return of_literal(as_)
    if origin is Annotated:
        return _annotated(as_)
    if origin in (Union, types.UnionType):
        return _union(get_args(as_))
    for name in ("__supertype__", "__value__"):  # NewType; type X = ...
        if not isinstance(as_, type) and (stands_for := getattr(as_, name, None)) is not None:
            return question_for(stands_for)
    return None


def _pattern(as_: str | re.Pattern[str]) -> Question[Any]:
    try:
        return Pattern(re.compile(as_), as_text=isinstance(as_, str))
    except re.error as error:
        raise BadArgument("as_", as_, f"a type, or a regular expression ({error})") from error


def _annotated(as_: Any) -> Question[Any]:
    kind, *metadata = get_args(as_)
    for one in metadata:
        if _is_question(one):
            question: Question[Any] = one
            return question
    if any(type(one).__module__ == "pydantic.functional_validators" for one in metadata):
        return _from_libraries(as_) or _unknown(as_)
    checks = tuple(constraints(metadata))
    return Constrained(question_for(kind), checks) if checks else question_for(kind)


def _union(kinds: Iterable[Any]) -> Question[Any]:
    questions = [question_for(kind) for kind in kinds if kind not in (None, type(None))]
    whole = questions[0] if len(questions) == 1 else Either(questions)
    return Optionally(whole) if type(None) in kinds or None in kinds else whole


def _has_fields(as_: Any) -> bool:
    names = ("model_fields", "__attrs_attrs__", "__struct_fields__")
    return dataclasses.is_dataclass(as_) or any(hasattr(as_, name) for name in names)


def _from_plugins(as_: Any) -> Question[Any] | None:
    from ..plugins import default_plugins

    return default_plugins().make_question(as_)


def _from_libraries(as_: Any) -> Question[Any] | None:
    """Ask pydantic, or else msgspec, if the bot uses them."""
    if "pydantic" in sys.modules and (validate := _pydantic(as_)) is not None:
        from pydantic import ValidationError

        return Validated(validate, (ValidationError,), lambda error: error.errors()[0]["msg"], KINDS["message"])
    if "msgspec" in sys.modules:
        import msgspec

        try:
            is_known = not isinstance(msgspec.inspect.type_info(as_), msgspec.inspect.CustomType)
        except TypeError:
            is_known = False
        if not is_known:
            return None

        def convert(text: str) -> Any:
            return msgspec.convert(text, as_, strict=False)

        return Validated(convert, (msgspec.ValidationError,), str, KINDS["message"])
    return None


def _pydantic(as_: Any) -> Callable[[str], Any] | None:
    from pydantic import PydanticUserError, TypeAdapter

    try:
        return TypeAdapter(as_).validate_python
    except PydanticUserError:
        return None


def _unknown(as_: Any) -> Question[Any]:
    known = ", ".join(sorted(one.__name__ for one in _BUILT_IN if isinstance(one, type)))
    raise BadArgument(
        "as_",
        as_,
        f"one of {known}, an Enum, a Literal, an Annotated or a union of these, a regular expression, or an "
        "object with kinds and parse(delivery)",
    ) from None
