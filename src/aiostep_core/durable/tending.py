"""Stored conversations that go on by themselves: their time is up, a signal came, or their process is dead."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from ..errors import StorageDamaged
from .custody import Custody
from .journals import LEASE, RUN, Stored

if TYPE_CHECKING:
    from ..storages.abc import RecordKey
    from .run import Run

__all__ = ["AT_ONCE", "Tending"]

#: Of each bot, how many go on by themselves at a time. ``tend`` is called each second at most: after a long time in
#: which no bot ran there may be thousands, Telegram takes some thirty messages a second, and people write as well.
AT_ONCE: Final = 10


class Tending(Custody):
    """Looks after the conversations of some bots.

    Attributes:
        live: those in memory, the one that went on longest ago first.
    """

    live: OrderedDict[RecordKey, Run]

    def __init__(self) -> None:
        super().__init__()
        self._tended: set[int] = set()

    @property
    @abstractmethod
    def is_used(self) -> bool:
        """Whether there can be any durable conversation."""

    @abstractmethod
    def wake(self, stored: Stored) -> None:
        """Go on with a conversation without an update."""

    async def tend(self, bot_ids: Collection[int]) -> None:
        """Go on with what is due: time limits, and conversations whose process is dead. Say which of ours are not."""
        if not self.is_used:
            return
        wall = self.wall_clock()
        for run in list(self.live.values()):
            if run.is_running and run.stored.revision:
                lease = run.lease()
                await self.journals.append(run.stored, [], lease, due=float(lease["until"]))
        for bot_id in bot_ids:
            if await self._wake_due(bot_id, wall):
                self._tended.add(bot_id)

    async def _wake_due(self, bot_id: int, wall: float) -> bool:
        """Go on with what is due of one bot, as much as may be at a time; return whether that was all."""
        left = AT_ONCE
        # A turn is due when its lease ends. At our start it is looked for before: its process may have died right here.
        ahead = 0.0 if bot_id in self._tended else LEASE
        for stored in await self.journals.due([bot_id], wall + ahead):
            is_early = stored.status != RUN and (stored.due or 0.0) > wall
            if is_early or self.is_held(stored):
                continue
            if (ours := self.live.get(stored.key)) is not None:
                await ours.look_for_signals()
            elif self.flow_of(stored.fields) is None or self.owner() in stored.get("tried").split():
                await self.put_off(stored)
            elif left:
                left -= await self._wake_or_set_aside(stored)
            else:
                return False
        return True

    async def _wake_or_set_aside(self, stored: Stored) -> bool:
        try:
            self.wake(stored)
        except StorageDamaged as error:
            self.report(str(error))
            await self.set_aside(stored, error)
            return False
        return True

    async def next_tending(self, bot_ids: Collection[int]) -> float | None:
        """Return the seconds until ``tend`` is to be called."""
        if not self.is_used:
            return None
        if not self._tended.issuperset(bot_ids):
            return 0.0
        due = await self.journals.next_due(bot_ids)
        return None if due is None else max(0.0, due - self.wall_clock())
