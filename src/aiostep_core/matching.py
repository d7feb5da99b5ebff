"""Filters made of other things: of what an update can be made into, and of what is not meant."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from .abc import Question
from .facts import Delivery
from .questions import Retry

__all__ = ["Matching", "both", "but_not"]

Accepts = Callable[[Delivery], object]


class Matching:
    """A filter that an update passes if a question can make a value of it, and that keeps the value."""

    def __init__(self, question: Question[Any]) -> None:
        self.kinds = question.kinds
        self._question = question
        self._only: Accepts | None = None
        self._found: tuple[Delivery, Any] | None = None

    def only(self, accepts: Accepts) -> None:
        """Ask *accepts* first."""
        self._only = accepts

    def __call__(self, delivery: Delivery) -> object:
        verdict = True if self._only is None else self._only(delivery)
        if inspect.isawaitable(verdict):
            return self._later(verdict, delivery)
        return bool(verdict) and self._parse(delivery)

    def value_of(self, delivery: Delivery) -> Any:
        """Return the value of the update that has passed."""
        assert self._found is not None
        assert self._found[0] is delivery
        return self._found[1]

    def parse(self, delivery: Delivery) -> Any:
        """Return the value of an update that has passed before."""
        return self._question.parse(delivery)

    async def _later(self, verdict: Awaitable[object], delivery: Delivery) -> bool:
        if not await verdict:
            return False
        found = self._parse(delivery)
        return bool(await found) if inspect.isawaitable(found) else bool(found)

    def _parse(self, delivery: Delivery) -> object:
        try:
            value = self._question.parse(delivery)
        except Retry:
            return False
        if inspect.isawaitable(value):
            return self._await(value, delivery)
        self._found = (delivery, value)
        return True

    async def _await(self, value: Awaitable[Any], delivery: Delivery) -> bool:
        try:
            self._found = (delivery, await value)
        except Retry:
            return False
        return True


def both(first: Callable[[Delivery], bool], accepts: Accepts | None) -> Accepts:
    """Make a filter that an update passes if *first* and *accepts* let it pass, asked in this order."""
    return first if accepts is None else lambda delivery: first(delivery) and accepts(delivery)


def but_not(escape: Accepts | None, accepts: Accepts | None, passed: Callable[[Delivery], object]) -> Accepts:
    """Make a filter that *accepts*, but neither commands nor what *escape* names; *passed* is called with those."""

    def verdict(delivery: Delivery) -> object:
        escapes = delivery.facts.command is not None or (escape is not None and escape(delivery))
        if inspect.isawaitable(escapes):
            return later(escapes, delivery)
        return passes(delivery) if escapes else accepts is None or accepts(delivery)

    async def later(escapes: Awaitable[object], delivery: Delivery) -> bool:
        if await escapes:
            return passes(delivery)
        accepted = accepts is None or accepts(delivery)
        return bool(await accepted) if inspect.isawaitable(accepted) else bool(accepted)

    def passes(delivery: Delivery) -> bool:
        passed(delivery)
        return False

    return verdict
