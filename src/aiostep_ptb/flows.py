"""One task for each update, which the framework gets back when the handler is done *or waits*.

The framework takes the next update when ``process_update`` returns. It returns here when the handlers of the update
have ended or wait for an answer, and the task of the handlers lives on. An answer is handed to whoever waits for it,
and ``process_update`` of the answer returns when *that* handler has ended or waits again: whoever runs has the baton,
so between two waits the bot is as sequential as it ever was.

With ``concurrent_updates`` the updates of one person would overtake each other. Here one of them is held until the
one before it has ended or waits; those of other people go on.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from telegram import Update

from aiostep_core.context import current_turn
from aiostep_core.engine import Decision, Glance, Outcome
from aiostep_core.facts import Delivery
from aiostep_core.keyboards import is_ours
from aiostep_core.steps import Step
from aiostep_core.waits import Wait

from .facts import key_of_update
from .flow import Flow
from .glances import Glances
from .steps import Handle
from .turns import Turns
from .workers import Workers

if TYPE_CHECKING:
    from aiostep_core.runtime import Runtime

    from .adapter import PTBAdapter

__all__ = ["Flows"]

Place: TypeAlias = tuple[int | None, int | None, str | None]
Lane: TypeAlias = "deque[tuple[Flow, asyncio.Future[None] | None]]"

logger: Final = logging.getLogger("aiostep")
#: How many updates of one person are held without holding one of the framework's slots as well.
HELD: Final = 64
# Looking a member up in its enumeration takes as long as three look-ups in a dictionary, until Python 3.12.
_NOBODY: Final = Glance.NOBODY
_SETTLING: Final = (Outcome.HELD, Outcome.FILTERING)


class Flows:
    """What becomes of each update of one application.

    Args:
        handle: what the application does with an update without us.
        ordered: hold updates of a person who has one under way, if the application handles several at once.
    """

    def __init__(self, adapter: PTBAdapter, runtime: Runtime, handle: Handle, *, ordered: bool) -> None:
        self._adapter = adapter
        self._runtime = runtime
        self._handle = handle
        self._target = weakref.ref(adapter.target)
        self._ordered = ordered
        self._bot_id = adapter.bot_id
        # Asked about every update, so without a call in between.
        self._is_new = runtime.engine.updates.of(adapter.bot_id).add
        # With all but the update in its class, and no function to be called for it, a flow takes half the time.
        ours: dict[str, Any] = {"runtime": runtime, "adapter": adapter, "__init__": object.__init__}
        ours["dozes"] = not adapter.target.persistence
        self._new_flow: Callable[[], Flow] = cast("Any", type("Flow", (Flow,), ours))
        self._lanes: dict[Place, Lane] = {}
        self._workers = Workers(self._finish)
        self.glances: Glances = Glances(adapter, handle, self._workers.begin, ours)
        self._under_way: set[Flow] = set()
        self.turns: Turns = Turns()
        self._quiet: list[asyncio.Future[None]] = []

    # Updates.

    def entry(self) -> Callable[[Any, object], Coroutine[Any, Any, None]]:
        """Return the ``process_update`` of the application's class.

        Every update goes through it, so what it needs is at hand in variables of its own.
        """
        is_new, handle, lanes, overdue = self._is_new, self._handle, self._lanes, self.turns.overdue
        conversations, albums, held, scopes = *self._runtime.engine.signs_of_life, self._runtime.steps.storage.scopes
        new_flow, begin, look, beginning = (
            self._new_flow,
            self._workers.begin,
            self.glances.look,
            self.glances.beginning,
        )

        async def process_update(application: Any, update: Any) -> None:
            is_known = isinstance(update, Update)
            if is_known and not is_new(update.update_id):
                return
            # A handler that dispatches an update itself waits for it, and must not be waited for.
            if (lanes or overdue) and current_turn.get() is None and await self._is_held(update):
                return
            if conversations or albums or held or scopes or beginning:
                found = look(update)
                if found is not _NOBODY:
                    rest = self._meet(application, found, update)
                    if rest is not None:
                        await rest
                    return
            if is_known and update.callback_query is not None and self._is_late(update):
                return
            flow = new_flow()
            flow.carrier = update
            if not begin(flow, handle(application, update)):
                await self._accompany(flow)

        return process_update

    def _meet(self, application: Any, found: Any, update: object) -> Coroutine[Any, Any, None] | None:
        """Let who was *found* have the update; return what the framework must wait for, if anything."""
        if isinstance(found, Wait):
            owner = self.glances.bring(found, update)
            return None if owner is None else self.turns.wait_for(owner)
        if isinstance(found, Step):
            flow = self.glances.begin_step(application, found, update)
            return None if flow is None else self._accompany(flow)
        return self._handle_unclear(self.make_flow(update))

    def make_flow(self, carrier: object) -> Flow:
        """Return the flow of an update or a job."""
        flow = self._new_flow()
        flow.carrier = carrier
        return flow

    def arrive_again(self, deliveries: Sequence[Delivery]) -> None:
        """Take updates that nobody wanted in the end; before all that are held."""
        for delivery in reversed(deliveries):
            flow, place = self.make_flow(delivery.carrier), self._place_of(delivery.carrier)
            lane = self._lanes.get(place)
            if lane is not None:
                lane.appendleft((flow, None))
            else:
                self._lanes[place] = deque([(flow, None)])
                self._runtime.start(self._work_off(place))

    async def _is_held(self, update: object) -> bool:
        """Wait for what must come before *update*; True if it was handled then."""
        await self.turns.made_up()
        lane = self._lanes.get(self._place_of(update)) if self._ordered and self._lanes else None
        if lane is None:
            return False
        await self._hold(self.make_flow(update), lane)
        return True

    async def _hold(self, flow: Flow, lane: Lane) -> None:
        """Let *flow* begin after those in *lane*; come back at once if the framework handles others meanwhile."""
        if self._adapter.is_concurrent and len(lane) < HELD:
            lane.append((flow, None))
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane.append((flow, done))
        try:
            await done
        except asyncio.CancelledError:
            if (flow, done) in lane:
                lane.remove((flow, done))
                self._forget(flow)
            raise

    async def _work_off(self, place: Place) -> None:
        """Let the next held flow of *place* begin."""
        current_turn.set(None)
        flow, done = self._lanes[place].popleft()
        try:
            await self._handle_unclear(flow)
        except BaseException as error:
            if done is None or done.done():
                raise
            done.set_exception(error)
        else:
            if done is not None and not done.done():
                done.set_result(None)
        finally:
            self._leave_lane(place)

    def _close_lane(self, place: Place) -> None:
        del self._lanes[place]
        if not self._lanes:
            quiet, self._quiet = self._quiet, []
            for future in quiet:
                if not future.done():
                    future.set_result(None)

    async def _handle_unclear(self, flow: Flow) -> None:
        """Do what is left to do of ``arrive`` when there may be somebody who waits for the update."""
        if await self._is_taken(flow) or self._workers.begin(flow, self._handle(self._target(), flow.carrier)):
            return
        await self._accompany(flow)

    async def _is_taken(self, flow: Flow) -> bool:
        """Decide about the update; True if its handlers must not see it."""
        runtime, delivery = self._runtime, flow.delivery
        try:
            decision = runtime.meet(delivery)
            if decision.outcome in _SETTLING:
                decision = await runtime.settle(decision)
            await self._pass_baton(decision)
            if decision.outcome is Outcome.PASS:
                flow.step = await runtime.steps.take(delivery)
        except Exception as error:  # noqa: BLE001 - of a filter, which is the bot author's
            await self._adapter.target.process_error(flow.carrier, error)
            return True
        except BaseException:
            self._forget(flow)
            raise
        if decision.outcome is Outcome.NOT_YOURS:
            runtime.clicks.refuse(delivery)
        if decision.outcome is not Outcome.PASS:
            return True
        if flow.step is None:
            return isinstance(flow.carrier, Update) and self._is_late(flow.carrier)
        runtime.open_for_step(flow.step, flow)
        self._adapter.handle_steps()
        return False

    def _is_late(self, update: Update) -> bool:
        """Answer a click on a button of ours that nobody waits for any more; no handler knows it."""
        query = update.callback_query
        if query is None or not is_ours(query.data):
            return False
        self._runtime.clicks.refuse(Delivery(None, update, update, self._adapter))
        return True

    async def _pass_baton(self, decision: Decision) -> None:
        """Wait until those handlers have ended or wait again that go on because of the update."""
        for wait in decision.changes.ended:
            owner = wait.conversation.owner
            if isinstance(owner, Flow) and owner is not current_turn.get():
                await self.turns.wait_for(owner)

    def _forget(self, flow: Flow) -> None:
        """Let an update be delivered again that was not handled: its webhook was interrupted, say."""
        if isinstance(flow.carrier, Update):
            self._runtime.forget_update(self._bot_id, flow.carrier.update_id)

    # The task of an update.

    async def _finish(self, flow: Flow, error: BaseException | None) -> None:
        """Do what is to be done when the handlers have ended.

        What they have raised is for whoever accompanies *flow*, if there still is somebody.
        """
        if flow.is_done:
            return
        try:
            if not flow.children:
                if flow.conversations is not None or flow.step is not None or flow.clicks:
                    await self._end(flow, error)
                else:
                    flow.is_over = True
        finally:
            flow.is_done = True
            flow.release()
            if flow.is_handed_back:
                self._take_leave(flow)
        if not flow.is_handed_back:
            flow.failure = error
        elif error is not None:
            if not isinstance(error, Exception):
                _keep_quiet(asyncio.current_task())
                raise error
            logger.error("an update could not be handled", exc_info=error)

    async def _end(self, flow: Flow, error: BaseException | None) -> None:
        flow.is_over = True
        step, flow.step = flow.step, None
        if step is not None:  # a handler before ours has ended the update
            await self._runtime.steps.give_back(step)
        if flow.conversations is not None or flow.clicks:
            await self._runtime.end_turn(flow, error or flow.error)
        flow.error = None  # its traceback leads back here

    def _take_leave(self, flow: Flow) -> None:
        self._under_way.discard(flow)
        self._adapter.mark(flow)
        flow.task = None

    async def _accompany(self, flow: Flow) -> None:
        """Wait until *flow* is idle; the updates of the same person are held meanwhile."""
        if not flow.is_idle:
            await self._hold_others(flow)
        if not flow.is_done:
            flow.is_handed_back = True
            self._under_way.add(flow)
            self._adapter.mark(flow)
        if flow.failure is not None:
            failure, flow.failure = flow.failure, None
            raise failure

    async def _hold_others(self, flow: Flow) -> None:
        place = self._place_of(flow.carrier) if self._ordered else None
        if place in self._lanes:
            place = None  # a handler has dispatched it
        if place is not None:
            self._lanes[place] = deque()
        try:
            await self.turns.wait_for(flow)
        except asyncio.CancelledError:
            self._forget(flow)
            if flow.task is not None:
                flow.task.cancel()
            await flow.idle()
            raise
        finally:
            if place is not None:
                self._leave_lane(place)

    def _leave_lane(self, place: Place) -> None:
        if self._lanes[place]:
            self._runtime.start(self._work_off(place))
        else:
            self._close_lane(place)

    def _place_of(self, update: object) -> Place:
        key = key_of_update(update, self._bot_id) if isinstance(update, Update) else self._adapter.facts(update).key
        return key.chat_id, key.user_id, key.business_id

    # Handlers that the framework does not wait for, and jobs.

    def follow(self, flow: Flow, task: asyncio.Task[Any]) -> None:
        """Let *flow* end with *task*, which is not ours."""
        flow.is_done = True
        self.add_child(flow, task)

    def add_child(self, flow: Flow, task: asyncio.Task[Any]) -> None:
        """Note that *flow* goes on in *task*: what the handler there asks belongs to it, and it ends with it."""
        flow.children += 1
        task.add_done_callback(functools.partial(self._child_done, flow))

    def _child_done(self, flow: Flow, task: asyncio.Task[Any]) -> None:
        flow.children -= 1
        error = None if task.cancelled() else task.exception()
        if flow.is_done and not flow.children:
            self._adapter.mark(flow)
            self._runtime.start(self._end(flow, error))

    # The end.

    async def quiet(self) -> None:
        """Wait until nobody is held."""
        while self._lanes:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._quiet.append(future)
            await future

    async def aclose(self, grace: float) -> None:
        """End all waits, give the handlers *grace* seconds to take leave, and cancel them then."""
        self._workers.stop()
        deadline = self._runtime.now() + grace
        await self._runtime.aclose(grace)
        tasks = {flow.task for flow in self._under_way if flow.task is not None}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=max(0.0, deadline - self._runtime.now()))
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _keep_quiet(task: asyncio.Task[Any] | None) -> None:
    """Have nobody complain that the end of *task* was not looked at: what ends the program has left the loop."""
    if task is not None:
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
