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
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from telebot import types

from aiostep_core.context import Turn, current_turn
from aiostep_core.engine import Decision, Outcome
from aiostep_core.errors import WaitEnded
from aiostep_core.steps import Step

from .base import NOT_YOURS
from .facts import key_of_update
from .turns import Sink

if TYPE_CHECKING:
    from .adapter import AsyncTelebotAdapter

__all__ = ["Entry"]

Process = Callable[[list[types.Update]], Awaitable[Any]]
Arrival = tuple[Turn, Decision | Exception | None]
_SETTLING = (Outcome.HELD, Outcome.FILTERING)


class Entry:
    """Decides about the updates of one bot.

    Args:
        go_on: the bot's own ``process_new_updates``.
    """

    def __init__(self, adapter: AsyncTelebotAdapter, go_on: Process) -> None:
        self._adapter = adapter
        self._runtime = adapter.runtime
        self._go_on = go_on
        self._sink = Sink(adapter)
        self._gate = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def process(self, updates: Sequence[types.Update]) -> None:
        """Handle *updates* in their order, each as far as it goes by itself."""
        if self._runtime.closed_for is not None:
            self._adapter.reopen()
        if len(updates) == 1 and not self._gate.locked() and self._is_alone():
            arrival = self._arrive(updates[0])
            if arrival is not None:
                await (self._handle(arrival[0]) if arrival[1] is None else self._run(*arrival))
        elif updates:
            await self._process_apart(updates)

    def _is_alone(self) -> bool:
        """Tell whether nobody awaits us: the task that runs has nothing else to do."""
        task = asyncio.current_task()
        code = getattr(task.get_coro(), "cr_code", None) if task is not None else None
        return code is _PROCESS and not self._adapter.detach

    async def _process_apart(self, updates: Sequence[types.Update]) -> None:
        """Give each update a task of its own; come back when all are done or wait, with the first error."""
        if not self._gate.locked():
            self._gate = asyncio.Lock()  # the other one belongs to the loop that it was used in
        parkings: list[asyncio.Future[None]] = []
        async with self._gate:
            for update in updates:
                arrival = self._arrive(update)
                if arrival is None:
                    continue
                parkings.append(self._start(*arrival))
                # Once for our task and once for that in which telebot runs the handler: what it waits for must be
                # known when the next update is decided about.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        errors = [error for error in await asyncio.gather(*parkings, return_exceptions=True) if error is not None]
        if errors:
            raise errors[0]

    def _start(self, turn: Turn, decision: Decision | Exception | None) -> asyncio.Future[None]:
        """Run an update in a task; the future has a result when it is done or waits."""
        loop = asyncio.get_running_loop()
        parking: asyncio.Future[None] = loop.create_future()
        turn.park = lambda: None if parking.done() else parking.set_result(None)
        task = loop.create_task(self._run(turn, decision))
        self._tasks.add(task)
        task.add_done_callback(functools.partial(self._finish, parking))
        parking.add_done_callback(lambda _: task.cancel() if parking.cancelled() else None)
        return parking

    def _finish(self, parking: asyncio.Future[None], task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if parking.done():
            if error is not None:
                what = {"message": "a handler that waited has failed", "exception": error, "task": task}
                task.get_loop().call_exception_handler(what)
        elif task.cancelled():
            parking.cancel()
        elif error is not None:
            parking.set_exception(error)
        else:
            parking.set_result(None)

    def _arrive(self, update: types.Update) -> Arrival | None:
        """Decide about an update at once, as far as that is possible; None: it goes no further."""
        runtime, bot_id = self._runtime, self._adapter.bot_id
        if runtime.is_duplicate(bot_id, update.update_id):
            return None
        turn = Turn(runtime, self._adapter, update)
        if runtime.is_idle or not self._concerns(update, bot_id):
            return turn, None
        try:
            decision = runtime.meet(turn.delivery)
        except Exception as error:  # noqa: BLE001 - a filter raised; the updates behind this one are not to blame
            return turn, error
        if decision.outcome in _SETTLING or not self._consume(decision, turn):
            return turn, decision
        return None

    def _consume(self, decision: Decision, turn: Turn) -> bool:
        if decision.outcome is Outcome.NOT_YOURS:
            self._runtime.start(self._adapter.answer_click(turn.delivery, NOT_YOURS))
        return decision.outcome is not Outcome.PASS

    def _concerns(self, update: types.Update, bot_id: int) -> bool:
        message: Any = update.message
        if message is None:
            is_about_message, is_loss = True, update.my_chat_member is not None or update.chat_member is not None
        else:
            is_about_message = message.reply_to_message is not None or message.media_group_id is not None
            is_loss = message.left_chat_member is not None or message.migrate_to_chat_id is not None
        return is_loss or self._runtime.concerns(key_of_update(update, bot_id), about_message=is_about_message)

    async def _run(self, turn: Turn, decision: Decision | Exception | None) -> None:
        """Await filters and earlier updates, take the step, and let the update go on."""
        if decision is None:
            return await self._handle(turn)
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
        return await (self._handle(turn) if step is None else self._run_step(step, turn))

    async def _run_step(self, step: Step, turn: Turn) -> None:
        """Send the update through the middlewares to the step; give the step back if one of them keeps it."""
        self._runtime.open_for_step(step, turn)
        self._sink.expect(turn, step)
        try:
            await self._handle(turn)
        finally:
            if self._sink.forget(turn) is not None:
                await self._runtime.steps.give_back(step)

    async def _handle(self, turn: Turn) -> None:
        """Let the update go on, as the turn that waits of its handlers belong to."""
        adapter, update = self._adapter, turn.carrier
        adapter.guard_errors()
        token = current_turn.set(turn)
        raised: BaseException | None = None
        try:
            await self._go_on([update])
        except WaitEnded as ended:
            raised = ended  # in a middleware
        except BaseException as error:
            raised = error
            # It was not handled: a webhook that answers with an error has it delivered again.
            self._runtime.forget_update(adapter.bot_id, update.update_id)
            raise
        finally:
            turn.is_over = True
            if adapter.raised:
                raised = adapter.raised.pop(turn, raised)
            if turn.conversations is not None or turn.clicks:
                await self._runtime.end_turn(turn, raised)
            current_turn.reset(token)


_PROCESS = Entry.process.__code__
