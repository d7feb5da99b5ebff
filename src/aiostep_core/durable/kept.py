"""What a question tells the journal of the conversation that asks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..facts import Delivery
    from ..waits import Wait
    from .run import Run
    from .values import Operation

__all__ = ["Kept"]


class Kept:
    """The keeper of one question.

    Attributes:
        state: what was kept of the question when it was asked before, perhaps by another process; None: never.
        wait: the wait that is open for it.
        delivery: the update that answered it.
        made_of: the updates that the question can make the answer of once more.
        signal: the name of the wait that a signal has ended.
    """

    def __init__(self, run: Run, operation: Operation) -> None:
        self._run = run
        self.name = operation.name
        self.state: dict[str, Any] | None = operation.state
        self.wait: Wait | None = None
        self.delivery: Delivery | None = None
        self.made_of: Sequence[Delivery] = ()
        self.signal: str | None = None

    @property
    def is_leaving(self) -> bool:
        """Whether the question is only left here, and goes on elsewhere or later."""
        return self._run.is_leaving

    def cut(self) -> None:
        """Note that the task that asks is cancelled: as the journal stays, somebody else goes on."""
        self._run.cut()

    @property
    def age(self) -> float:
        """The seconds since the question was asked."""
        return 0.0 if self.state is None else max(0.0, self._run.wall() - self.state["at"])

    def left_of(self, timeout: float | None) -> float | None:
        """Return how much is left of so many seconds."""
        return None if timeout is None else max(0.0, timeout - self.age)

    async def asked(self, wait: Wait, state: dict[str, Any], *, reading: object = None, anew: bool = False) -> None:
        """Note that the question is out, and that *wait* is open for its answer.

        Args:
            reading: what ``Setting.open`` gave besides the wait.
            anew: it was asked once more; else what was kept before stays.
        """
        self.wait = wait
        if self.state is None or anew:
            wall = self._run.wall()
            self.state = {**state, "at": wall if self.state is None else self.state["at"]}
            await self._run.park(self, wait, None if wait.timeout is None else wall + wait.timeout)
        self._run.waits(wait, reading)

    async def refused(self, delivery: Delivery, state: dict[str, Any]) -> None:
        """Note that an answer was no good, before anybody is told."""
        assert self.state is not None
        self.state = {**state, "at": self.state["at"]}
        self.delivery = None
        await self._run.refuse(self, delivery)
