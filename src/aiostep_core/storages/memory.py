"""Steps in this process's memory: gone with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..keys import Place, Scope
from ..steps import Step, StepTable
from .abc import StepStorage

__all__ = ["MemorySteps"]


class MemorySteps(StepStorage):
    """The next-step table itself. Nothing here ever suspends."""

    def __init__(self) -> None:
        self.table = self._table = StepTable()
        self._has_timeouts = False

    @property
    def scopes(self) -> Collection[Scope]:
        return self._table.scopes

    def may_have(self, place: Place) -> bool:
        return place in self._table

    async def put(self, step: Step, now: float) -> Step | None:
        self._has_timeouts |= step.on_timeout is not None
        return self._table.put(step, now)

    async def find(self, places: Sequence[Place], now: float) -> list[Step]:
        return [step for place in places if (step := self._table.get(place, now)) is not None]

    async def take(self, step: Step) -> bool:
        return self._table.take(step)

    async def give_back(self, step: Step, now: float) -> bool:
        return self._table.give_back(step, now)

    async def steps(self, now: float) -> Iterable[Step]:
        self._table.expire(now)
        return list(self._table)

    async def clear(self) -> int:
        return self._table.clear()

    async def tend(self, bot_ids: Collection[int], now: float) -> list[Step]:
        self._table.expire(now)
        overdue, self._table.overdue = self._table.overdue, []
        return overdue

    async def next_tending(self, bot_ids: Collection[int], now: float) -> float | None:
        return self._table.next_timeout(now) if self._has_timeouts else None
