"""Taking, running and giving back registered steps; and what happens when their time is up."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .decisions import Glance
from .durable.opening import conversations_in
from .durable.resumption import Resumption
from .errors import StorageError, WaitCancelled, WaitEnded
from .keys import PERSONAL, Key, Place, Scope, places_of, project
from .named import filters
from .reports import TimedOut
from .steps import ATTEMPTS, Step

if TYPE_CHECKING:
    from .abc import StepStorage, Timer
    from .facts import Delivery, Facts
    from .lanes import Lane
    from .runtime import Runtime
    from .targets import Aim

__all__ = ["Stepping"]

T = TypeVar("T")
logger = logging.getLogger("aiostep")

#: Seconds until a storage is asked again: it may say only some of what is overdue, so that it does not run all at once.
_PATIENCE: Final = 1.0
# Looking a member up in its enumeration takes as long as three look-ups in a dictionary, until Python 3.12.
_NOBODY: Final = Glance.NOBODY
_UNCLEAR: Final = Glance.UNCLEAR


class Stepping:
    """What a runtime does with the steps in *storage*."""

    def __init__(self, runtime: Runtime, storage: StepStorage) -> None:
        self._runtime = runtime
        self.durables, self.storage = conversations_in(runtime, storage)
        self._lanes: dict[Delivery, Lane] = {}
        self._timer: Timer | None = None
        self._rings_at = 0.0
        self._is_tended = self._has_timeouts = False

    def concerns(self, key: Key, about_message: bool) -> bool:
        """Tell quickly whether there may be a step for an update with *key*. False is certain."""
        return any(
            (scope is Scope.REPLY and about_message) or self.storage.may_have(Place(scope, project(scope, key)))
            for scope in self.storage.scopes
        )

    # An update arrives.

    def take_at_a_glance(
        self, bot_id: int, chat_id: int, user_id: int | None, thread_id: int | None, update_id: int
    ) -> Step | Glance:
        """Take the step that a text runs; see ``StepTable.take_at_a_glance``. In a storage it is never clear."""
        table = self.storage.table
        if table is not None:
            return table.take_at_a_glance(bot_id, chat_id, user_id, thread_id, update_id)
        return _UNCLEAR if self.concerns(Key(bot_id, chat_id, user_id, thread_id), False) else _NOBODY

    def hold(self, delivery: Delivery, lane: Lane | None = None) -> None:
        """Hold what arrives behind an update of which ``take`` is about to be asked, if that may suspend.

        Args:
            lane: that in which they are held already.
        """
        if lane is None and self.storage.suspends and self._may_run(delivery.facts):
            places = [one for one in places_of(delivery.facts, self.storage.scopes) if one.scope is not Scope.ANY]
            lane = self._runtime.engine.lanes.hold(*places)
        if lane is not None:
            self._lanes[delivery] = lane

    def let_go(self, delivery: Delivery) -> None:
        """Do not hold anybody for an update that goes no further."""
        self._runtime.filtering.release(self._lanes.pop(delivery, None))

    async def take(self, delivery: Delivery) -> Step | None:
        """Take the step that the update runs, if there is one; most specific first.

        Whoever calls this has the handler begin, and before that the conversation of the step, without awaiting
        anything in between: then those are let go who are held behind the update.
        """
        lane = self._lanes.pop(delivery, None)
        if not self._is_tended and self.storage.is_durable:
            self.begin()
        try:
            if delivery.facts.gone is not None:
                await self.storage.lose(delivery.facts)
            return await self._take(delivery) if self._may_run(delivery.facts) else None
        finally:
            if lane is not None:
                # Some frameworks begin a handler in a task of its own.
                loop = asyncio.get_running_loop()
                loop.call_soon(loop.call_soon, self._runtime.filtering.release, lane)

    def _may_run(self, facts: Facts) -> bool:
        """Tell whether an update of this sort can run a step, or leave one."""
        is_answer = not facts.is_own and facts.gone is None
        return is_answer and (self.storage.is_kind(facts) or self._runtime.engine.is_cancel(facts))

    async def _take(self, delivery: Delivery) -> Step | None:
        facts, scopes = delivery.facts, self.storage.scopes
        if not scopes:
            return None
        places = places_of(facts, scopes)
        if self._runtime.engine.is_cancel(facts):
            return await self._leave(places, self._runtime.now())
        step = await self._take_first(places, delivery)
        if step is not None and not isinstance(step, Resumption):  # that may want all parts
            self._runtime.engine.albums.add(facts, self._runtime.now())
        return step

    async def _take_first(self, places: Sequence[Place], delivery: Delivery) -> Step | None:
        for step in await self.storage.find(places, self._runtime.now()):
            if step.filter is None and step.filter_name is not None:
                step.filter = delivery.adapter.compile_filter(filters.get(step.filter_name))
            # The clock is asked anew: filters take their time.
            if not step.admits(delivery.facts, self._runtime.now()):
                continue
            verdict = True if step.filter is None else step.filter(delivery)
            if inspect.isawaitable(verdict):
                if await self._take_if_meant(step, verdict):
                    return step
                if step.place in places and not isinstance(step, Resumption):
                    # While the filter thought, handlers may have registered and dropped what stands behind it.
                    return await self._take_first(places[places.index(step.place) + 1 :], delivery)
            elif verdict and await self.storage.take(step):
                return step
        return None

    # A step runs.

    async def run(self, step: Step, call: Callable[[], Awaitable[T]]) -> T:
        """Run a taken step. One that raises is kept, so that the person can answer again, but not for ever.

        One that is cut off, because the bot stops or its task is cancelled, is kept too, and was not to blame.
        """
        try:
            result = await call()
        except BaseException as error:
            await self.note_failure(step, error)
            raise
        await self._confirm(step)
        return result

    async def note_failure(self, step: Step, error: BaseException) -> None:
        """Do with a taken step what its end with *error* asks for; see ``run``."""
        if isinstance(error, asyncio.CancelledError):
            await self.give_back(step)
        elif isinstance(error, WaitEnded):
            is_cut_off = isinstance(error, WaitCancelled) and error.reason == "shutdown" and self.storage.is_durable
            await (self.give_back(step) if is_cut_off else self._confirm(step))
        elif isinstance(error, Exception):
            step.failures += 1
            if step.failures < ATTEMPTS:
                await self.give_back(step)
            else:
                logger.warning("step %s raised %d times and is dropped", step.name, step.failures)
                await self._confirm(step)

    async def give_back(self, step: Step) -> None:
        """Put a step back that did not run to its end."""
        try:
            await self.storage.give_back(step, self._runtime.now())
        except StorageError as error:  # what the step has raised matters more
            logger.warning("step %s is kept, but only later: %s", step.name, error)

    async def _confirm(self, step: Step) -> None:
        try:
            await self.storage.confirm(step)
        except StorageError as error:  # the step has run, and nobody who called it has done anything wrong
            logger.warning("step %s has run, but may run again: that could not be stored: %s", step.name, error)

    # Registering and dropping.

    async def put(self, step: Step) -> None:
        """Keep *step*.

        Raises:
            NotDurable, NotStorable, StorageUnavailable: see ``StepStorage.put``.
        """
        await self.storage.put(step, self._runtime.now())
        if step.on_timeout is not None and step.expires_at is not None:
            self._has_timeouts = True
            self._ring_at(step.expires_at)

    async def drop(self, aim: Aim) -> int:
        """Drop the steps of the place, the person or the chat aimed at; return how many those were.

        A person's are not those of everybody in the chat.
        """
        scopes = [one for one in self.storage.scopes if (one in PERSONAL) is (aim.key.user_id is not None)]
        mine = [one for one in scopes if one not in (Scope.ANY, Scope.REPLY, Scope.BUTTONS)]
        places = {aim.place, *(Place(scope, project(scope, aim.key)) for scope in mine)}
        return await self._drop(places, self._runtime.now())

    async def _leave(self, places: Iterable[Place], now: float) -> Step | None:
        """Drop the steps that wait for this person alone: they want to leave.

        A durable conversation takes the word itself, as it would if it were in memory.
        """
        there = [place for place in places if place.scope in PERSONAL and self.storage.may_have(place)]
        leaving: Step | None = None
        for step in await self.storage.find(there, now):
            if isinstance(step, Resumption):
                leaving = leaving or step.leaving()
            else:
                await self.storage.discard(step)
        return leaving

    async def _drop(self, places: Iterable[Place], now: float) -> int:
        there = [place for place in places if self.storage.may_have(place)]
        return sum([await self.storage.discard(step) for step in await self.storage.find(there, now)])

    async def _take_if_meant(self, step: Step, verdict: Awaitable[Any]) -> bool:
        """Take *step* if its filter says so; the later updates of its place queue while the filter thinks."""
        lanes = self._runtime.engine.lanes
        lane = None if lanes.find((step.place,)) else lanes.hold(step.place)
        try:
            return bool(await verdict) and await self.storage.take(step)
        finally:
            self._runtime.filtering.release(lane)

    # Time.

    def begin(self) -> None:
        """Look after time-outs from now on: some may be overdue since before the bot was started."""
        if self._is_tended or not (self.storage.is_durable or self._has_timeouts):
            return
        with contextlib.suppress(RuntimeError):  # no event loop runs yet; a framework that starts calls again
            self._ring_at(self._runtime.now())

    async def close(self) -> None:
        """Let go of the storage; it is opened again when it is needed."""
        self.stop()
        await self.storage.close()

    def stop(self) -> None:
        """Look after time-outs no longer."""
        self._is_tended = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring_at(self, at: float) -> None:
        """Tend the storage at this time, if not before."""
        if self._timer is not None and self._rings_at <= at:
            return
        self.stop()
        self._is_tended, self._rings_at = True, at
        self._timer = self._runtime.call_later(max(0.0, at - self._runtime.now()), self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._runtime.closed_for is None and self._runtime.adapters:
            self._runtime.start(self._tend())

    async def _tend(self) -> None:
        runtime, overdue, at = self._runtime, list[Step](), None
        try:
            overdue = await self.storage.tend(runtime.bot_ids(), runtime.now())
            at = await self.storage.next_tending(runtime.bot_ids(), runtime.now())
        except StorageError as error:
            logger.warning("time-outs of steps are late: %s", error)
            at = runtime.now() + 10 * _PATIENCE
        if at is None:
            self._is_tended = False
        elif runtime.closed_for is None and runtime.adapters:
            self._ring_at(max(at, runtime.now() + _PATIENCE))
        for step in overdue:
            runtime.start(self._time_out(step))

    async def _time_out(self, step: Step) -> None:
        adapter = self._runtime.adapter_for(step.place.key.bot_id)
        try:
            await adapter.call_timeout(step, TimedOut(step, adapter))
        finally:
            await self._confirm(step)
