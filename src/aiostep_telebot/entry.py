"""Where updates come in: in the place of ``process_new_updates``, which polling and every webhook call.

Each update is decided about as it comes in, before telebot sorts a batch by kind: it awaits one kind after the other,
so a handler that waits would keep the answer, if that is a click of the same batch, from ever being looked at. An
update that telebot alone would await in a task of its own goes on right there. Any other gets a task, and whoever
awaits ``process_new_updates`` comes back when the handlers are done or wait: a webhook must answer Telegram's request
before Telegram sends that chat's next update.
"""

from __future__ import annotations

import asyncio
import functools
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from telebot import types

from aiostep_core.bot_api import is_about_message, may_be_loss
from aiostep_core.context import Turn, current_turn
from aiostep_core.engine import Decision, Outcome
from aiostep_core.errors import WaitEnded
from aiostep_core.steps import Step

from .facts import key_of_update
from .turns import Sink

if TYPE_CHECKING:
    from .adapter import AsyncTelebotAdapter

__all__ = ["Entry"]

Process = Callable[[list[types.Update]], Awaitable[Any]]
Arrival = tuple[Turn, Decision | Exception | None]
Started = tuple["asyncio.Future[None]", "asyncio.Task[None]"]
_SETTLING = (Outcome.HELD, Outcome.FILTERING)


class Entry:
    """Decides about the updates of one bot.

    Args:
        go_on: the bot's own ``process_new_updates``.
    """

    def __init__(self, adapter: AsyncTelebotAdapter, go_on: Process) -> None:
        engine = adapter.runtime.engine
        self._adapter = adapter
        self._bot: Any = adapter.target
        self._bot_id = adapter.bot_id
        self._runtime = adapter.runtime
        # Asked about every update, so without a call or a chain in between.
        self._is_new = engine.updates.of(adapter.bot_id).add
        self._waits, self._albums, self._held = engine.signs_of_life
        self._scopes = adapter.runtime.steps.storage.scopes
        self._go_on = go_on
        self._sink = Sink(adapter)
        self._gate = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._entering = 0
        self._unread: deque[types.Update] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def process(self, updates: list[types.Update], turn: Turn | None = None) -> None:
        """Handle *updates* in their order, each as far as it goes by itself.

        With *turn* the only one goes on, as the turn that waits of its handlers belong to. That is not a function of
        its own because each coroutine around telebot's costs as much as all that is asked here.
        """
        adapter, runtime = self._adapter, self._runtime
        if turn is None:
            begun = self._begin(updates)
            if not isinstance(begun, Turn):
                return await begun if begun is not None else None
            turn = begun
        if self._bot.exception_handler is not adapter.ends:
            adapter.guard_errors()
        token = current_turn.set(turn)
        raised: BaseException | None = None
        try:
            await self._go_on(updates)
        except WaitEnded as ended:
            raised = ended  # in a middleware
        except BaseException as error:
            raised = error
            # It was not handled: a webhook that answers with an error has it delivered again.
            runtime.forget_update(self._bot_id, turn.carrier.update_id)
            raise
        finally:
            turn.is_over = True
            if adapter.raised:
                raised = adapter.raised.pop(turn, raised)
            if turn.conversations is not None:  # clicks are answers: who has some has conversations
                await runtime.end_turn(turn, raised)
            current_turn.reset(token)

    def _begin(self, updates: list[types.Update]) -> Turn | Awaitable[None] | None:
        """Return the turn of the only update if nobody can wait for it, or else what is to be awaited."""
        if self._runtime.closed_for is not None:
            self._adapter.reopen()
        # To look for the running loop would take as long again.
        task = asyncio.current_task(self._loop)
        if (
            len(updates) != 1
            or task is None
            or getattr(task.get_coro(), "cr_code", None) is not _PROCESS  # somebody awaits us
            or self._entering
            or self._unread
            or self._adapter.detach
        ):
            return self._process_apart(updates) if updates else None
        if self._waits or self._albums or self._held or self._scopes:
            arrival = self._arrive(updates[0])
            return self._run(*arrival) if arrival is not None else None
        update = updates[0]
        if not self._is_new(update.update_id):
            return None
        if update.callback_query is not None and self._adapter.refuse_late(update):
            return None
        return Turn(self._runtime, self._adapter, update)

    def _is_idle(self) -> bool:
        """Tell whether no update can concern anybody."""
        return not (self._waits or self._albums or self._held or self._scopes)

    def process_again(self, updates: Iterable[types.Update]) -> None:
        """Have updates that a conversation did not read handled before any that comes now."""
        for update in updates:
            self._runtime.forget_update(self._bot_id, update.update_id)
            self._unread.append(update)
        self._runtime.start(self._process_apart(()))

    async def _process_apart(self, updates: Sequence[types.Update]) -> None:
        """Give each update a task of its own; come back when all are done or wait, with the first error."""
        loop, started = asyncio.get_running_loop(), list[Started]()
        if self._loop is not loop:
            self._loop, self._gate, self._entering = loop, asyncio.Lock(), 0
        begun, mine = _Begun(), deque(updates)
        self._entering += 1
        try:
            await self._gate.acquire()
        except BaseException:
            self._entering -= 1
            raise
        try:
            while queue := self._unread or mine:
                if begun.has(queue[0]):
                    # Once for our task and once for that in which telebot runs the handler: what it waits for must
                    # be known when the next update is decided about. There may be one that it did not read, too.
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                    continue
                update = queue.popleft()
                arrival = self._arrive(update)
                if arrival is None:
                    continue
                if mine or self._unread:
                    begun.add(update)
                if queue is mine:
                    started.append(self._start(loop, *arrival))
                else:
                    self._runtime.start(self._run(*arrival))
        finally:
            loop.call_soon(loop.call_soon, self._leave, self._gate)  # when these have begun, as above
        await _all_of(started)

    def _leave(self, gate: asyncio.Lock) -> None:
        self._entering -= 1
        gate.release()

    def _start(self, loop: asyncio.AbstractEventLoop, turn: Turn, decision: Decision | Exception | None) -> Started:
        """Run an update in a task; the future has a result when it is done or waits."""
        parking: asyncio.Future[None] = loop.create_future()
        turn.park = functools.partial(_park, parking)
        task = loop.create_task(self._run_apart(turn, decision, parking))
        self._tasks.add(task)
        task.add_done_callback(functools.partial(self._finish, parking))
        return parking, task

    async def _run_apart(
        self, turn: Turn, decision: Decision | Exception | None, parking: asyncio.Future[None]
    ) -> None:
        await self._run(turn, decision)
        _park(parking)  # the callback of the task comes a round of the loop later

    def _finish(self, parking: asyncio.Future[None], task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if not parking.done():
            parking.set_exception(error if error is not None else RuntimeError("it came to no end"))
        elif error is not None and not task.cancelled():
            what = {"message": "a handler that waited has failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(what)

    def _arrive(self, update: types.Update) -> Arrival | None:
        """Decide about an update at once, as far as that is possible; None: it goes no further."""
        if not self._is_new(update.update_id):
            return None
        turn = Turn(self._runtime, self._adapter, update)
        if self._is_idle() or not self._concerns(update):
            return None if self._adapter.refuse_late(update) else (turn, None)
        try:
            decision = self._runtime.meet(turn.delivery)
        except Exception as error:  # noqa: BLE001 - a filter raised; the updates behind this one are not to blame
            return turn, error
        if decision.outcome in _SETTLING or not self._consume(decision, turn):
            return turn, decision
        return None

    def _consume(self, decision: Decision, turn: Turn) -> bool:
        if decision.outcome is Outcome.NOT_YOURS:
            self._runtime.clicks.refuse(turn.delivery)
        return decision.outcome is not Outcome.PASS

    def _concerns(self, update: types.Update) -> bool:
        key = key_of_update(update, self._bot_id)
        return may_be_loss(update) or self._runtime.concerns(key, about_message=is_about_message(update))

    async def _run(self, turn: Turn, decision: Decision | Exception | None) -> None:
        """Await filters and earlier updates, take the step, and let the update go on."""
        if decision is None:
            return await self.process([turn.carrier], turn)
        try:
            if isinstance(decision, Exception):
                raise decision
            if decision.outcome in _SETTLING:
                decision = await self._runtime.settle(decision)
                if self._consume(decision, turn):
                    return None
            step = await self._runtime.steps.take(turn.delivery)
        except BaseException as error:
            # A filter raised: the update may be delivered again.
            self._runtime.forget_update(self._adapter.bot_id, turn.carrier.update_id)
            if isinstance(error, Exception) and await self._adapter.ends.handle(error):
                return None
            raise
        if step is not None:
            return await self._run_step(step, turn)
        return None if self._adapter.refuse_late(turn.carrier) else await self.process([turn.carrier], turn)

    async def _run_step(self, step: Step, turn: Turn) -> None:
        """Send the update through the middlewares to the step; give the step back if one of them keeps it."""
        self._runtime.open_for_step(step, turn)
        self._sink.expect(turn, step)
        try:
            await self.process([turn.carrier], turn)
        finally:
            if self._sink.forget(turn) is not None:
                await self._runtime.steps.give_back(step)


class _Begun:
    """Updates of a batch that have no chat and no person in common: none can be an answer to another's question."""

    def __init__(self) -> None:
        self._ids: set[int | None] = set()

    def has(self, update: types.Update) -> bool:
        """Tell whether one of these is from the same chat or person; if so, forget them all."""
        if not self._ids or self._ids.isdisjoint(key_of_update(update, 0)[1:3]):
            return False
        self._ids.clear()
        return True

    def add(self, update: types.Update) -> None:
        """Add an update."""
        self._ids.update(key_of_update(update, 0)[1:3])


def _park(parking: asyncio.Future[None]) -> None:
    if not parking.done():
        parking.set_result(None)


async def _all_of(started: Sequence[Started]) -> None:
    """Wait until all are done or wait; raise the first error."""
    errors: list[BaseException] = []
    for parking, _ in started:
        try:
            await parking
        except BaseException as error:
            if parking.cancelled():  # we are, not the handler
                for other, task in started:
                    if other.cancelled() or not other.done():
                        task.cancel()
                raise
            errors.append(error)
    if errors:
        raise errors[0]


_PROCESS = Entry.process.__code__
