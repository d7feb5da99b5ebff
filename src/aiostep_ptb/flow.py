"""One update and its handlers, from their beginning until the last of them has ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiostep_core.context import Turn

from .naps import Nap

if TYPE_CHECKING:
    from aiostep_core.steps import Step
    from aiostep_core.waits import Wait

    from .adapter import PTBAdapter

__all__ = ["Flow"]


class Flow(Turn):
    """The handlers of one update.

    Attributes:
        step: the step that it shall run, until that begins.
        children: how many non-blocking handlers have not ended yet.
        naps: how many of its tasks wait for an answer right now.
        error: what a handler has raised; the framework has passed it to the error handlers.
        failure: what the framework itself has raised.
        is_done: all blocking handlers have ended.
        is_handed_back: the framework has gone on already.
        task: what the handlers run in, once that is theirs for good.
    """

    adapter: PTBAdapter

    # Defaults of the class, not slots: hardly any flow needs them, and every update makes one.
    step: Step | None = None
    children: int = 0
    naps: int = 0
    error: BaseException | None = None
    failure: BaseException | None = None
    is_done: bool = False
    is_handed_back: bool = False
    task: asyncio.Task[None] | None = None
    _gates: list[asyncio.Future[None]] | None = None

    def __init__(self, carrier: Any) -> None:  # runtime and adapter are the class's, see Flows
        self.carrier = carrier

    @property
    def is_idle(self) -> bool:
        """Whether the framework may go on."""
        return self.is_done or self.naps > 0

    async def idle(self) -> None:
        """Wait until the framework may go on."""
        while not self.is_idle:
            gate = asyncio.get_running_loop().create_future()
            self._gates = [*(self._gates or ()), gate]
            await gate

    def release(self) -> None:
        """Let those look again who wait for this to be idle."""
        gates, self._gates = self._gates, None
        for gate in gates or ():
            if not gate.done():
                gate.set_result(None)

    def sleep(self, wait: Wait) -> Nap:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Make what a handler awaits while it waits."""
        return Nap(self, wait)

    def go_on_in_turn(self, nap: Nap) -> None:
        """Let a task go on whose time is up; between two updates, if they are handled one by one."""
        adapter = self.adapter
        if adapter.is_concurrent or self.is_done:  # jobs and non-blocking handlers have no turns
            nap.go_on_soon()
        else:
            adapter.flows.turns.make_up_for(nap)

    def begin_nap(self) -> None:
        """Note that one of the tasks has stopped until an answer comes."""
        self.naps += 1
        if self._gates is not None:
            self.release()
