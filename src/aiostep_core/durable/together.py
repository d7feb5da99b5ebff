"""Several parts of a durable conversation at once: ``gather`` and ``first``.

The parts take turns in an order that a replay can repeat: each runs until it waits for somebody. When all wait, the
first answer to any of them is the next operation, and the part that got it goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Generator
from contextvars import copy_context
from typing import Any

from ..errors import BadArgument, WaitCancelled
from .journal import Machine, current_flow
from .values import Evicted, Kind, Operation, Outcome

__all__ = ["first", "gather"]


async def gather(*parts: Awaitable[Any]) -> list[Any]:
    """Run *parts* of a durable conversation at once; return their results, in their order.

    Raises:
        Exception: what a part raised first; the waits of the others end with ``WaitCancelled``.
    """
    branches: list[_Branch] = await _Together(parts, _flow("gather()"), wants_all=True)
    return [branch.result for branch in branches]


async def first(*parts: Awaitable[Any]) -> tuple[int, Any]:
    """Run *parts* of a durable conversation at once; return the number of the first that is over, and its result.

    The waits of the others end with ``WaitCancelled``.

    Raises:
        Exception: what that part raised.
    """
    if not parts:
        raise BadArgument("parts", parts, "at least one thing to await")
    branches: list[_Branch] = await _Together(parts, _flow("first()"), wants_all=False)
    return next((branch.number, branch.result) for branch in branches if branch.is_over)


class _Branch:
    """One part: what it waits for, or what it came to.

    Each has a context of its own, as a task would: the block that one is in is not around the others.
    """

    __slots__ = ("context", "error", "is_over", "iterator", "number", "operation", "result")

    def __init__(self, number: int, part: Awaitable[Any]) -> None:
        self.number = number
        self.context = copy_context()
        self.iterator: Any = part.__await__()
        self.operation: Operation | None = None
        self.is_over = False
        self.result: Any = None
        self.error: BaseException | None = None

    def close(self) -> None:
        """Let go of it; what it does in ``finally`` is not done."""
        with contextlib.suppress(Evicted):
            self.context.run(self.iterator.close)


class _Together:
    """Awaiting it runs all branches until enough of them are over."""

    def __init__(self, parts: tuple[Awaitable[Any], ...], flow: Machine, *, wants_all: bool) -> None:
        self._branches = [_Branch(number, part) for number, part in enumerate(parts)]
        self._flow = flow
        self._wants_all = wants_all

    def __await__(self) -> Generator[Operation, Any, list[_Branch]]:
        try:
            return (yield from self._run())
        finally:
            for branch in self._branches:  # they are over, or the conversation is taken out of memory
                branch.close()

    def _run(self) -> Generator[Operation, Any, list[_Branch]]:
        for branch in self._branches:
            yield from self._advance(branch, Outcome())
            if self._is_decided:
                break
        while not self._is_decided:
            waiting = [(one.number, one.operation) for one in self._branches if one.operation is not None]
            answered: tuple[int, Outcome] = yield self._flow.several(waiting)
            number, outcome = answered
            yield from self._advance(self._branches[number], outcome)
        over = [one for one in self._branches if one.is_over]
        self._flow.waiting = set()
        for branch in self._branches:
            yield from self._cancel(branch)
        failed = next((one.error for one in over if one.error is not None), None)
        if failed is not None:
            raise failed
        return over

    @property
    def _is_decided(self) -> bool:
        over = [one for one in self._branches if one.is_over]
        has_failed = any(one.error is not None for one in over)
        return has_failed or len(over) == len(self._branches) or (bool(over) and not self._wants_all)

    def _advance(self, branch: _Branch, outcome: Outcome) -> Generator[Operation, Any, None]:
        """Let a branch run until it waits, or is over."""
        branch.operation = None
        value, error = outcome
        while True:
            try:
                resume = branch.iterator.send if error is None else branch.iterator.throw
                step = branch.context.run(resume, error or value)
            except StopIteration as end:
                branch.is_over, branch.result = True, end.value
                return
            except Exception as raised:  # noqa: BLE001 - whoever awaits the whole gets it
                branch.is_over, branch.error = True, raised
                return
            if isinstance(step, Operation) and step.kind == Kind.WAIT:
                branch.operation = step
                return
            value, error = None, None
            try:
                if isinstance(step, Operation) and step.kind == Kind.SEVERAL:
                    raise BadArgument("parts", "gather() or first() inside of another", "one list of parts")
                value = yield step
            except Exception as raised:  # noqa: BLE001 - it belongs to the branch
                error = raised

    def _cancel(self, branch: _Branch) -> Generator[Operation, Any, None]:
        """End a branch that is not over; it may take leave, but not wait again."""
        if branch.is_over:
            return
        if branch.operation is not None:
            yield from self._advance(branch, Outcome(error=WaitCancelled("first", "another part was over first")))


def _flow(what: str) -> Machine:
    flow = current_flow.get()
    if flow is None:
        raise BadArgument("place", f"{what} outside of a durable conversation", "a handler with @durable(...)")
    return flow
