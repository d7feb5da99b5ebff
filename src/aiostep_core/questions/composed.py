"""Questions made of questions: with constraints, one of several kinds, or as a library of types has it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from ..abc import Question
from ..errors import BadArgument
from ..facts import Delivery
from ..texts import Saying, words
from .base import Retry, say_again
from .bounds import is_multiple, out_of_bounds
from .prefetching import slow_of

__all__ = ["Constrained", "Either", "Optionally", "Validated", "constraints"]

Check = Callable[[Any], "Saying | None"]

_BOUNDS: Final[dict[str, Callable[[Any, Any], Saying | None]]] = {
    "ge": partial(out_of_bounds, "low"),
    "gt": partial(out_of_bounds, "above"),
    "le": partial(out_of_bounds, "high"),
    "lt": partial(out_of_bounds, "below"),
    "multiple_of": lambda value, step: None if is_multiple(value, step) else Saying("number_step", {"step": step}),
    "min_length": lambda value, limit: (
        None if len(value) >= limit else Saying("text_short" if isinstance(value, str) else "few", {"min": limit})
    ),
    "max_length": lambda value, limit: (
        None if len(value) <= limit else Saying("text_long" if isinstance(value, str) else "many", {"max": limit})
    ),
    "pattern": lambda value, pattern: None if re.search(pattern, value[:256]) else Saying("pattern"),
    "func": lambda value, holds: None if holds(value) else Saying("again"),
}


class Constrained:
    """A question whose value must keep to constraints."""

    def __init__(self, question: Question[Any], checks: Iterable[Check]) -> None:
        self.kinds = question.kinds
        self.slow = slow_of([question])
        self._question = question
        self._checks = tuple(checks)

    def parse(self, delivery: Delivery) -> Any:
        """Return the value."""
        value = self._question.parse(delivery)
        return self._later(value) if inspect.isawaitable(value) else self._checked(value)

    async def _later(self, value: Any) -> Any:
        return self._checked(await value)

    def _checked(self, value: Any) -> Any:
        for check in self._checks:
            problem = check(value)
            if problem is not None:
                raise Retry(problem)
        return value


def constraints(metadata: Iterable[object]) -> Iterator[Check]:
    """Read what ``Annotated`` says about a value: annotated-types, and whatever has the same attributes.

    Groups, such as ``Interval`` and ``Len``, give their parts when they are iterated; of the rest, ``Field(...)`` of
    pydantic keeps a list.
    """
    for one in metadata:
        if isinstance(one, str):
            continue
        inner = getattr(one, "metadata", None)
        if isinstance(inner, (list, tuple)) or isinstance(one, Iterable):
            yield from constraints(inner if isinstance(inner, (list, tuple)) else one)  # type: ignore[arg-type]
            continue
        for name, check in _BOUNDS.items():
            limit = getattr(one, name, None)
            if limit is not None:
                if name == "multiple_of" and not limit:
                    raise BadArgument("multiple_of", limit, "anything but zero")
                yield lambda value, check=check, limit=limit: check(value, limit)  # type: ignore[misc]


class Either:
    """The first of several questions that the answer fits."""

    def __init__(self, questions: Iterable[Question[Any]]) -> None:
        self._questions = tuple(questions)
        self.slow = slow_of(self._questions)
        self.kinds = frozenset[str]().union(*(one.kinds for one in self._questions))

    def __or__(self, other: Any) -> Either:
        from .known import question_for

        return Either([*self._questions, question_for(other)])

    def parse(self, delivery: Delivery) -> Any:
        """Return the value of the first question that it fits."""
        problems = list[str | Saying]()
        fitting = [one for one in self._questions if delivery.facts.kind in one.kinds]
        for number, question in enumerate(fitting):
            try:
                value = question.parse(delivery)
            except Retry as retry:
                problems.append(retry.problem)
                continue
            if inspect.isawaitable(value):
                return self._later(value, delivery, fitting[number + 1 :], problems)
            return value
        raise Retry(_one_or_other(problems))

    async def _later(
        self, value: Any, delivery: Delivery, others: Sequence[Question[Any]], problems: list[str | Saying]
    ) -> Any:
        for question in (None, *others):
            try:
                found = value if question is None else question.parse(delivery)
                return await found if inspect.isawaitable(found) else found
            except Retry as retry:
                problems.append(retry.problem)
        raise Retry(_one_or_other(problems))


def _one_or_other(problems: Sequence[str | Saying]) -> str | Saying:
    if not problems:
        return Saying("other")
    first, *rest = problems
    return first if not rest else Saying("either", {"first": first, "second": _one_or_other(rest)})


class Optionally:
    """A question that can be skipped, by a word for that."""

    def __init__(self, question: Question[Any]) -> None:
        self.kinds = question.kinds
        self.slow = slow_of([question])
        self._question = question

    def parse(self, delivery: Delivery) -> Any:
        """Return the value, or None."""
        if (delivery.text or "").strip().casefold() in words("skip") | {"-"}:
            return None
        return self._question.parse(delivery)


class Validated:
    """A text that a library of types makes a value of.

    Args:
        validate: makes the value, or raises one of *errors*.
        explain: makes a sentence of such an error.
    """

    def __init__(
        self,
        validate: Callable[[str], Any],
        errors: tuple[type[Exception], ...],
        explain: Callable[[Any], str | Saying],
        kinds: frozenset[str],
    ) -> None:
        self.kinds = kinds
        self._validate = validate
        self._errors = errors
        self._explain = explain

    def parse(self, delivery: Delivery) -> Any:
        """Return the value."""
        text = (delivery.text or "").strip()
        if not text:
            raise say_again("text")
        try:
            return self._validate(text)
        except self._errors as error:
            raise Retry(self._explain(error)) from None
