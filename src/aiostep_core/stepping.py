"""Taking, running and giving back registered steps."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from .errors import WaitEnded
from .keys import PERSONAL, Key, Place, Scope, places_of, project
from .steps import ATTEMPTS, Step

if TYPE_CHECKING:
    from .abc import StepStorage
    from .facts import Delivery
    from .runtime import Runtime
    from .targets import Aim

__all__ = ["Stepping"]

T = TypeVar("T")
logger = logging.getLogger("aiostep")


class Stepping:
    """What a runtime does with the steps in *storage*."""

    def __init__(self, runtime: Runtime, storage: StepStorage) -> None:
        self._runtime = runtime
        self.storage = storage

    def concerns(self, key: Key, about_message: bool) -> bool:
        """Tell quickly whether there may be a step for an update with *key*. False is certain."""
        return any(
            (scope is Scope.REPLY and about_message) or self.storage.may_have(Place(scope, project(scope, key)))
            for scope in self.storage.scopes
        )

    async def take(self, delivery: Delivery) -> Step | None:
        """Take the step that the update runs, if there is one; most specific first."""
        facts, scopes = delivery.facts, self.storage.scopes
        if not scopes:
            return None
        places = places_of(facts, scopes)
        if self._runtime.engine.is_cancel(facts):
            await self._leave(places, self._runtime.now())
            return None
        for step in await self.storage.find(places, self._runtime.now()):
            # The clock is asked anew: filters take their time.
            if step.admits(facts, self._runtime.now()) and await self._take_if_meant(step, delivery):
                self._runtime.engine.albums.add(facts, self._runtime.now())
                return step
        return None

    async def run(self, step: Step, call: Callable[[], Awaitable[T]]) -> T:
        """Run a taken step. One that raises is kept, so that the person can answer again, but not for ever."""
        try:
            return await call()
        except WaitEnded:
            raise
        except Exception:
            step.failures += 1
            if step.failures < ATTEMPTS:
                await self.give_back(step)
            else:
                logger.warning("step %s raised %d times and is dropped", step.name, step.failures)
            raise

    async def give_back(self, step: Step) -> None:
        """Put a step back that did not run to its end."""
        await self.storage.give_back(step, self._runtime.now())

    async def drop(self, aim: Aim) -> int:
        """Drop the steps of the place, the person or the chat aimed at; return how many those were.

        A person's are not those of everybody in the chat.
        """
        scopes = [one for one in self.storage.scopes if (one in PERSONAL) is (aim.key.user_id is not None)]
        places = {aim.place, *(Place(scope, project(scope, aim.key)) for scope in scopes if scope is not Scope.ANY)}
        return await self._drop(places, self._runtime.now())

    async def _leave(self, places: Iterable[Place], now: float) -> None:
        """Drop the steps that wait for this person alone: they want to leave."""
        await self._drop([place for place in places if place.scope in PERSONAL], now)

    async def _drop(self, places: Iterable[Place], now: float) -> int:
        there = [place for place in places if self.storage.may_have(place)]
        return sum([await self.storage.take(step) for step in await self.storage.find(there, now)])

    async def _take_if_meant(self, step: Step, delivery: Delivery) -> bool:
        """Take *step* if its filter says so; the later updates of its place queue while the filter thinks."""
        verdict = True if step.filter is None else step.filter(delivery)
        if not inspect.isawaitable(verdict):
            return bool(verdict) and await self.storage.take(step)
        lanes = self._runtime.engine.lanes
        lane = None if lanes.find((step.place,)) else lanes.hold(step.place)
        try:
            return bool(await verdict) and await self.storage.take(step)
        finally:
            self._runtime.filtering.release(lane)
