"""Waiting for several things at once: a task for each, of which the first that is over is the next operation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .journals import PARK, key_of, names_of
from .kept import Kept
from .values import Entry, Operation, Outcome

if TYPE_CHECKING:
    from ..facts import Delivery
    from ..waits import Wait
    from .run import Run
    from .tasks import Task, Tasks

__all__ = ["Several"]


class Several:
    """The waits of one conversation that are open at once."""

    def __init__(self, run: Run, tasks: Tasks) -> None:
        self._run = run
        self._beside = tasks
        self._tasks: dict[Operation, Task] = {}
        self._kept: dict[Operation, _KeptOne] = {}
        self.lock = tasks.lock

    async def next(self, operation: Operation) -> tuple[Entry, Outcome, Kept]:
        """Wait for the first of the branches; return its entry, its outcome with its number, and its question.

        Raises:
            Exception: what is not the conversation's business.
        """
        branches: list[tuple[int, Operation]] = operation.options
        new = [(number, one) for number, one in branches if one not in self._tasks]
        self._run.hold_back()
        for number, one in sorted(new, key=_asked_at):  # the oldest first: an answer to two of them is its
            kept = self._kept[one] = _KeptOne(self._run, one, self, number)
            self._tasks[one] = self._beside.start(self._ask(one, kept))
        if not new:
            await self.park()
        await self._beside.first([self._tasks[one] for _, one in branches])
        await self._run.deliver()
        number, over = next((number, one) for number, one in branches if self._tasks[one].done())
        task, kept = self._tasks.pop(over), self._kept.pop(over)
        entry, outcome = task.result()
        return entry._replace(name=f"{number} {over.name}"), Outcome((number, outcome)), kept

    async def _ask(self, operation: Operation, kept: _KeptOne) -> tuple[Entry, Outcome]:
        return await self._run.ask(operation, kept)

    def close(self, but: set[Operation]) -> None:
        """Let go of the waits that nobody is interested in any more."""
        for one in set(self._tasks) - but:
            self._tasks.pop(one).cancel()
            self._kept.pop(one)

    @property
    def kept(self) -> list[Kept]:
        """The questions that are out."""
        return list(self._kept.values())

    @property
    def waits(self) -> list[Wait]:
        """The waits that are open."""
        return [kept.wait for kept in self._kept.values() if kept.wait is not None]

    async def park(self) -> None:
        """Write down what the conversation waits for."""
        asked = {str(kept.number): [kept.name, kept.state] for kept in self._kept.values() if kept.state is not None}
        ends = [kept.deadline for kept in self._kept.values() if kept.deadline is not None]
        home, places = self._run.stored.place, {wait.conversation.place for wait in self.waits}
        for place in places - {home}:
            await self._run.hint(place)  # more than once, if need be: it is only a hint
        fields = {
            "status": PARK,
            "asked": self._run.encode(["several", asked]),
            "kinds": names_of(frozenset(kind for wait in self.waits for kind in wait.kinds)),
            "takes": " ".join(name for name in ("commands", "service") if any(_takes(one, name) for one in self.waits)),
            "due": repr(min(ends)) if ends else "",
            "at": "" if places == {home} else "\n".join(sorted(key_of(place).name for place in places)),
        }
        await self._run.save(fields, due=min(ends, default=None))


class _KeptOne(Kept):
    """The keeper of one of several questions."""

    def __init__(self, run: Run, operation: Operation, several: Several, number: int) -> None:
        super().__init__(run, operation)
        self.number = number
        self.deadline: float | None = None
        self._several = several

    async def asked(self, wait: Wait, state: dict[str, Any], *, reading: object = None, anew: bool = False) -> None:
        self.wait, wall = wait, self._run.wall()
        self.deadline = None if wait.timeout is None else wall + wait.timeout
        if self.state is None or anew:
            self.state = {**state, "at": wall if self.state is None else self.state["at"], "again": wall}
            await self._several.park()
        if all(one.wait is not None for one in self._several.kept):
            self._run.waits_for_all()
            await self._run.deliver()

    async def refused(self, delivery: Delivery, state: dict[str, Any]) -> None:
        assert self.state is not None
        self.state = {**state, "at": self.state["at"]}
        await self._run.save(self._run.seen_too(delivery))
        await self._several.park()


def _asked_at(branch: tuple[int, Operation]) -> float:
    """Return when a question was asked last; those that are new come last, in their order."""
    state = branch[1].state
    return math.inf if state is None else float(state.get("again", state["at"]))


def _takes(wait: Wait, name: str) -> bool:
    return wait.takes_commands if name == "commands" else wait.takes_service
