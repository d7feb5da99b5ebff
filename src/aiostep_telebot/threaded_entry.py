"""Where updates come in to a ``TeleBot``, and where its handlers run.

The thread that brings the updates in, that of polling or of a web server, decides about each one at once: with all
workers of the pool waiting, nobody else could. A handler runs in a worker, or with ``threaded=False`` in that very
thread, which therefore must never wait.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from telebot import types

from aiostep_core.context import Turn, current_turn
from aiostep_core.engine import Outcome
from aiostep_core.errors import WaitEnded
from aiostep_core.facts import KINDS
from aiostep_core.steps import Step
from aiostep_core.threads import Outside

from .base import NOT_YOURS
from .callbacks import call_step
from .facts import event_of, key_of_update

if TYPE_CHECKING:
    from .threaded import TelebotAdapter

__all__ = ["ThreadedEntry"]

#: Seconds that a handler has to begin to wait before the same chat's next update is looked at.
_PATIENCE: Final = 0.05
_LISTS: Final = {kind: f"{kind}_handlers" for kind in KINDS["message"]}
_NOTHING: Final[dict[str, Any]] = {}
_SETTLING: Final = (Outcome.HELD, Outcome.FILTERING)


class _Here:
    """What a thread that brings updates in is at.

    Attributes:
        is_inside: whether it brings some in right now.
        update, turn: the update that telebot is going through, and the turn for its handler until that begins.
        begun: set when the handler has begun to wait, or is done, if that matters to the update behind.
        later: what is to be done when telebot is through.
    """

    __slots__ = ("begun", "is_inside", "later", "turn", "update")

    def __init__(self) -> None:
        self.is_inside = False
        self.update: types.Update | None = None
        self.turn: Turn | None = None
        self.begun: threading.Event | None = None
        self.later: deque[Callable[[], object]] = deque()


class _Threads(threading.local):
    """Each thread's ``_Here``. One look-up costs as much as all the rest about an object."""

    def __init__(self) -> None:
        self.here = _Here()


class ThreadedEntry:
    """Decides about the updates of one bot, and stands around its handlers.

    Attributes:
        detached: turns whose handlers go on without a thread.
        awake: turns whose handlers run and do not wait.
    """

    def __init__(self, adapter: TelebotAdapter) -> None:
        bot: Any = adapter.target
        self._adapter = adapter
        self._runtime = adapter.runtime
        self._lock = adapter.runtime.lock
        self._bot = bot
        self._go_on = bot.process_new_updates
        self._execute_task = bot._exec_task
        self._threads = _Threads()
        self._sink = _Sink(adapter)
        self._raised: dict[Turn, BaseException] = {}
        self._ends = _QuietEnds(None, self._raised)
        self.detached: set[Turn] = set()
        self.awake: set[Turn] = set()

    @property
    def is_entrance(self) -> bool:
        """Whether this thread is bringing updates in right now."""
        return self._threads.here.is_inside

    def later(self, call: Callable[[], object]) -> bool:
        """Have *call* made by this thread when it is done with the update, if it brings any in."""
        here = self._threads.here
        if here.is_inside:
            here.later.append(call)
        return here.is_inside

    def process(self, updates: Sequence[types.Update]) -> None:
        """Handle *updates* in their order; one that fails does not take the others with it."""
        here, errors = self._threads.here, None
        was_inside, here.is_inside = here.is_inside, True
        is_batch = len(updates) > 1 and self._bot.threaded
        try:
            for index, update in enumerate(updates):
                begun = here.begun = self._begun(update, updates[index + 1 :]) if is_batch else None
                try:
                    self._handle(update, here)
                except Exception as error:  # noqa: BLE001 - raised when the others have had their turn
                    errors = [*(errors or ()), error]
                if here.later:
                    errors = self._catch_up(here, errors)
                if begun is not None:
                    begun.wait(_PATIENCE)
        finally:
            here.is_inside = was_inside
        if errors:
            raise errors[0]

    def _catch_up(self, here: _Here, errors: list[Exception] | None) -> list[Exception] | None:
        while here.later:
            try:
                self._execute_task(here.later.popleft())
            except Exception as error:  # noqa: BLE001 - as above
                errors = [*(errors or ()), error]
        return errors

    def _begun(self, update: types.Update, rest: Sequence[types.Update]) -> threading.Event | None:
        """Return what is to be waited for if the same chat has more: its handler may be about to ask."""
        if not rest:
            return None
        chat_id = key_of_update(update, 0).chat_id
        return threading.Event() if any(key_of_update(one, 0).chat_id == chat_id for one in rest) else None

    def _handle(self, update: types.Update, here: _Here) -> None:
        bot, runtime = self._bot, self._runtime
        if bot.exception_handler is not self._ends:
            self.guard_errors()
        turn = Turn(runtime, self._adapter, update)
        if update.callback_query is not None and self.awake:
            self._let_ask(update)
        with self._lock:
            is_new = not runtime.is_duplicate(self._adapter.bot_id, update.update_id)
            step, goes_on = (None, is_new) if not is_new or runtime.is_idle else self._decide(turn)
        if not goes_on:
            # Polling asks for what comes after the last update that telebot has seen, and it never sees this one.
            bot.last_update_id = max(bot.last_update_id, update.update_id)
            if here.begun is not None:
                here.begun.set()
            return
        if step is not None:
            self._sink.expect(turn, step)
        try:
            if bot.threaded:
                self._pass_on(turn, update, here)
            else:  # the handler runs in here
                self._call(turn, None, self._go_on, ([update],), _NOTHING)
        finally:
            if step is not None:
                self._sink.forget(turn)

    def _pass_on(self, turn: Turn, update: types.Update, here: _Here) -> None:
        """Let telebot put the handler into its pool; see ``execute_task``."""
        here.update, here.turn = update, turn
        try:
            self._go_on([update])
        finally:
            here.update = None
            if here.turn is not None:
                self._end_unhandled(turn, here)

    def _let_ask(self, update: types.Update) -> None:
        """Give a handler the time to ask: a click can be here before the thread that has sent the button goes on."""
        chat_id, until = key_of_update(update, 0).chat_id, time.monotonic() + 2 * _PATIENCE
        while time.monotonic() < until:
            if all(key_of_update(turn.carrier, 0).chat_id != chat_id for turn in tuple(self.awake)):
                return
            time.sleep(_PATIENCE / 10)

    def _end_unhandled(self, turn: Turn, here: _Here) -> None:
        """End the turn of an update for which telebot ran no handler."""
        here.turn = None
        self._end(turn, None)
        if here.begun is not None:
            here.begun.set()

    def _decide(self, turn: Turn) -> tuple[Step | None, bool]:
        """Return the step that the update runs, and whether telebot shall have it."""
        if not self._concerns(turn.carrier):
            return None, True
        try:
            return self._meet(turn)
        except Exception as error:
            self._runtime.forget_update(self._adapter.bot_id, turn.carrier.update_id)
            if not self._ends.handle(error):  # a filter raised
                raise
            return None, False

    def _meet(self, turn: Turn) -> tuple[Step | None, bool]:
        runtime, delivery = self._runtime, turn.delivery
        decision = runtime.meet(delivery)
        if decision.outcome in _SETTLING:
            decision = runtime.block(runtime.settle(decision))
        if decision.outcome is Outcome.NOT_YOURS:
            runtime.start(self._adapter.answer_click(delivery, NOT_YOURS))
        if decision.outcome is not Outcome.PASS:
            return None, False
        step = runtime.block(runtime.steps.take(delivery))
        if step is not None:
            runtime.open_for_step(step, turn)
        return step, True

    def _concerns(self, update: types.Update) -> bool:
        message: Any = update.message
        if message is None:
            is_about_message, is_loss = True, update.my_chat_member is not None or update.chat_member is not None
        else:
            is_about_message = message.reply_to_message is not None or message.media_group_id is not None
            is_loss = message.left_chat_member is not None or message.migrate_to_chat_id is not None
        key = key_of_update(update, self._adapter.bot_id)
        return is_loss or self._runtime.concerns(key, about_message=is_about_message)

    # Handlers.

    def execute_task(self, task: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Stand in the place of ``_exec_task`` of a bot with threads: have a handler, or the like, run as a turn."""
        here = self._threads.here
        turn = here.turn
        if here.update is None:
            self._execute_task(task, *args, **kwargs)
        elif turn is not None and "handlers" in kwargs:
            here.turn = None
            self._execute_task(self._call, turn, here.begun, task, args, kwargs)
        else:  # a listener or a step of telebot's own, perhaps beside a handler
            turn = Turn(self._runtime, self._adapter, here.update)
            self._execute_task(self._call, turn, None, task, args, kwargs)

    def _call(
        self,
        turn: Turn,
        begun: threading.Event | None,
        task: Callable[..., object],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        if begun is not None:
            turn.park = begun.set
        self.awake.add(turn)
        token = current_turn.set(turn)
        raised: BaseException | None = None
        try:
            task(*args, **kwargs)
        except WaitEnded as ended:
            raised = ended  # a conversation that ended is no error of the bot
        except BaseException as error:
            raised = error
            # It was not handled: a webhook that answers with an error has it delivered again.
            self._runtime.forget_update(self._adapter.bot_id, turn.carrier.update_id)
            raise
        finally:
            current_turn.reset(token)
            self.awake.discard(turn)
            if turn not in self.detached:
                self._end(turn, raised)
            if begun is not None:
                begun.set()

    def resume(self, turn: Turn, call: Callable[[], object]) -> None:
        """Let a handler go on that needed no thread while it waited."""
        self.awake.add(turn)
        try:
            call()
        finally:
            self.awake.discard(turn)

    def finish(self, turn: Turn, error: BaseException | None) -> None:
        """End the turn of a handler that needed no thread while it waited."""
        self.detached.discard(turn)
        self._end(turn, error)
        if error is not None and not isinstance(error, WaitEnded):
            raise error

    def _end(self, turn: Turn, raised: BaseException | None) -> None:
        if turn.is_over:
            return
        turn.is_over = True
        if self._raised:
            raised = self._raised.pop(turn, raised)
        runtime, step = self._runtime, self._sink.take(turn) if self._sink.has_any else None
        if turn.conversations is not None or turn.clicks:
            runtime.block(runtime.end_turn(turn, raised))
            runtime.note_end()
        if step is not None:  # a middleware kept the update for itself
            runtime.block(runtime.steps.give_back(step))

    # Errors.

    def guard_errors(self) -> None:
        """Stand before the bot's exception handler, also if it was set after us."""
        if self._bot.exception_handler is not self._ends:
            self._ends = _QuietEnds(self._bot.exception_handler, self._raised)
            self._bot.exception_handler = self._ends

    def unguard_errors(self) -> None:
        """Undo ``guard_errors``."""
        if self._bot.exception_handler is self._ends:
            self._bot.exception_handler = self._ends.inner


class _QuietEnds:
    """Stands before a bot's exception handler; see ``turns.QuietEnds``."""

    def __init__(self, inner: Any, raised: dict[Turn, BaseException]) -> None:
        self.inner = inner
        self._raised = raised

    def handle(self, exception: Exception) -> Any:
        turn = current_turn.get()
        if turn is not None and not turn.is_over:
            self._raised[turn] = exception
        if isinstance(exception, WaitEnded):
            return True
        return self.inner.handle(exception) if self.inner is not None else False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _Sink:
    """The first handler for messages, while a step is on its way to a handler's place; see ``turns.Sink``."""

    def __init__(self, adapter: TelebotAdapter) -> None:
        self._adapter = adapter
        self._lock = adapter.runtime.lock
        self._steps: dict[int, Step] = {}
        self._expected: dict[str, int] = {}
        self._handler = {"function": self._run, "pass_bot": False, "filters": {"func": self._is_expected}}

    def expect(self, turn: Turn, step: Step) -> None:
        """Be the first handler for this kind of update."""
        kind = turn.facts.kind
        with self._lock:
            self._steps[id(event_of(turn.carrier))] = step
            self._expected[kind] = self._expected.get(kind, 0) + 1
            self._set(kind, [self._handler])

    def forget(self, turn: Turn) -> None:
        """Leave, if no other step is on its way; whoever runs the handlers has a list with us in it by now."""
        kind = turn.facts.kind
        with self._lock:
            self._expected[kind] -= 1
            if not self._expected[kind]:
                self._set(kind, [])

    def take(self, turn: Turn) -> Step | None:
        """Return the step of this update if it did not run."""
        return self._steps.pop(id(event_of(turn.carrier)), None)

    @property
    def has_any(self) -> bool:
        """Whether any step is on its way."""
        return bool(self._steps)

    def _set(self, kind: str, first: list[Any]) -> None:
        bot, name = self._adapter.target, _LISTS[kind]
        setattr(bot, name, first + [one for one in getattr(bot, name) if one is not self._handler])

    def _is_expected(self, event: Any) -> bool:
        return id(event) in self._steps

    def _run(self, event: Any, data: Any = None) -> Any:
        runtime, step = self._adapter.runtime, self._steps.pop(id(event))
        return runtime.block(runtime.steps.run(step, lambda: self._call(step, event, data)))

    async def _call(self, step: Step, event: Any, data: Any) -> Any:
        return await Outside(lambda: call_step(step, event, data, self._adapter.target))
