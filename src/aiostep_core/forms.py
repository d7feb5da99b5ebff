"""What a form asks, read from a class, and how far somebody is in it. Pure: questions come out, answers go in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from enum import Enum
from typing import Any, Final, Generic, TypeVar

from .errors import BadArgument
from .form_fields import Asks as Asks
from .form_fields import Factory, FormField, fields_of
from .form_fields import field as field
from .questions.media import Media
from .texts import Saying

__all__ = ["Asks", "Form", "FormField", "Progress", "field", "form"]

T = TypeVar("T")
ClassT = TypeVar("ClassT", bound=type[Any])
#: Where a class keeps its form.
_FORM: Final = "__aiostep_form__"


class Form(Generic[T]):
    """The fields of a class, in order.

    Raises:
        BadArgument: it is no class with fields, or has one that nobody knows how to ask for.
    """

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind
        self.fields = tuple(fields_of(kind))
        if not self.fields:
            raise BadArgument("Form", kind, "a class with at least one field")

    @staticmethod
    def of(kind: type[Any]) -> Form[Any]:
        """Return the form of a class, read once.

        Raises:
            BadArgument: it is no class, or as ``Form``.
        """
        if not isinstance(kind, type):
            raise BadArgument("Form", kind, "the class itself: fill(Order)")
        found: Form[Any] | None = vars(kind).get(_FORM)
        if found is None:
            found = Form(kind)
            # On the class itself: a table, even one with weak keys, would keep it for ever, as its form names it.
            with contextlib.suppress(AttributeError, TypeError):
                setattr(kind, _FORM, found)
        return found

    def make(self, answers: Mapping[str, Any]) -> T:
        """Make the object. What its class raises for values that do not go together passes through."""
        return self.kind(**answers)


class Progress:
    """Which field comes next, and what was answered.

    Attributes:
        answers: the values by field, of those that apply.
        known: those that stood before anything was asked: they are not asked for, but can be corrected.
    """

    def __init__(self, form: Form[Any], known: Mapping[str, Any] | None = None) -> None:
        self._form = form
        self._fields = {one.name: one for one in form.fields}
        unknown = set(known or {}) - set(self._fields)
        if unknown:
            raise BadArgument("initial", sorted(unknown), f"fields of the form: {', '.join(self._fields)}")
        self._given: dict[str, Any] = dict(known or {})
        self._asked: list[str] = []

    @property
    def answers(self) -> dict[str, Any]:
        """The values by field, of those that apply, in order."""
        found: dict[str, Any] = {}
        for one in self._form.fields:
            if one.name in self._given and one.applies(found):
                found[one.name] = self._given[one.name]
        return found

    @property
    def next(self) -> FormField | None:
        """The first field that applies and has no value."""
        found: dict[str, Any] = {}
        for one in self._form.fields:
            if not one.applies(found):
                continue
            if one.name not in self._given:
                return one
            found[one.name] = self._given[one.name]
        return None

    @property
    def position(self) -> tuple[int, int]:
        """The number of the next field, from 1, and how many there are as far as is known."""
        answers = self.answers
        missing = [one for one in self._form.fields if one.name not in answers and _may_apply(one, answers)]
        return len(answers) + 1, len(answers) + len(missing)

    @property
    def can_go_back(self) -> bool:
        """Whether anything was answered yet."""
        return any(name in self._given for name in self._asked)

    def answer(self, name: str, value: Any) -> None:
        """Take the value of a field."""
        self._given[name] = value
        self._asked = [*(one for one in self._asked if one != name), name]

    def skip(self, name: str) -> None:
        """Leave a field out: it gets its default."""
        default = self._fields[name].default
        self.answer(name, default() if isinstance(default, Factory) else default)

    def back(self) -> None:
        """Forget the value that was answered last: its field is the next one again."""
        while self._asked:
            if self._given.pop(self._asked.pop(), Factory) is not Factory:
                return

    def field(self, name: str) -> FormField:
        """Return a field by its name."""
        return self._fields[name]


def form(kind: ClassT) -> ClassT:
    """Read the form of a class at once, so that a field that nobody knows how to ask for is an error at import.

    Raises:
        BadArgument: see ``Form``.
    """
    Form.of(kind)
    return kind


def shown(value: Any) -> str | Saying:
    """Return how a value is shown on the review page."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return Saying("yes" if value else "no")
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, str) else value.name.replace("_", " ").capitalize()
    if isinstance(value, (list, tuple, set, frozenset)):
        parts: Iterable[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return ", ".join(str(shown(one)) for one in parts) or "—"  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return "✓" if isinstance(value, Media) else str(value)


def _may_apply(one: FormField, answers: dict[str, Any]) -> bool:
    try:
        return one.applies(answers)
    except LookupError:  # it asks for an answer that is not there yet
        return True
