"""Awaiting what asynchronous filters say, while the updates behind them queue."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING

from .engine import Decision, Outcome

if TYPE_CHECKING:
    from .lanes import Lane
    from .runtime import Runtime

__all__ = ["Filtering"]


class Filtering:
    """What a runtime does with decisions that are not made yet."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def settle(self, decision: Decision) -> Decision:
        """Await filters, and earlier updates of the same key, until the decision is made."""
        while True:
            if decision.outcome is Outcome.HELD:
                decision = await self._queue(decision)
            elif decision.outcome is Outcome.FILTERING:
                decision = await self._filter(decision)
            else:
                return decision

    async def read(self, reading: Decision) -> None:
        """Ask the filter of a wait about one update of its mailbox after the other.

        If that raises, ``stop`` is to be called, after the wait has ended: it must not get those who queued.
        """
        decision: Decision | None = reading
        while decision is not None and decision.verdict is not None:
            accepted = bool(await decision.verdict)
            decision = self._runtime.engine.resume_reading(decision, accepted, self._runtime.now())
        if decision is not None:
            self._runtime.perform(decision.changes)
        self.release(reading.lane)

    def stop(self, decision: Decision | None) -> None:
        """Make sure that nobody is held for a filter that is not awaited any more."""
        if decision is not None and decision.outcome is Outcome.FILTERING:
            if inspect.iscoroutine(decision.verdict):
                decision.verdict.close()
            self.release(decision.lane)
        elif decision is not None and decision.held is not None:
            decision.held.future.cancel()
        elif decision is not None and decision.outcome is Outcome.PASS and decision.delivery is not None:
            self._runtime.steps.let_go(decision.delivery)

    def release(self, lane: Lane | None) -> None:
        """Decide, in order and at once, about those who queued: whoever arrives next must find them decided."""
        for held in self._runtime.engine.release(lane) if lane is not None else ():
            if held.future.cancelled():
                continue
            try:
                held.future.set_result(self._runtime.meet(held.delivery))
            except Exception as error:  # noqa: BLE001 - its own handler must have it
                held.future.set_exception(error)

    async def _filter(self, decision: Decision) -> Decision:
        """Await a filter; the updates behind it go on when the last filter for this one has answered."""
        assert decision.verdict is not None
        lane = decision.lane
        try:
            accepted = bool(await decision.verdict)
            decision = self._runtime.engine.resume(decision, accepted, self._runtime.now())
            self._runtime.perform(decision.changes)
        except BaseException:
            self.release(lane)
            raise
        if decision.outcome is Outcome.PASS and decision.delivery is not None:
            self._runtime.steps.hold(decision.delivery, lane)
        elif decision.outcome is not Outcome.FILTERING:
            self.release(lane)
        return decision

    async def _queue(self, decision: Decision) -> Decision:
        assert decision.held is not None
        future: asyncio.Future[Decision] = decision.held.future
        try:
            return await future
        except BaseException:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.stop(future.result())
            raise
