"""Where updates come in to a ``TeleBot``, and where its handlers run.

The thread that brings the updates in, that of polling or of a web server, decides about each one at once: with all
workers of the pool waiting, nobody else could. A handler runs in a worker, or with ``threaded=False`` in that very
thread, which therefore must never wait.
"""

from __future__ import annotations

import functools
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import get_ident
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, cast

from telebot import types

from aiostep_core.bot_api import is_about_message, may_be_loss
from aiostep_core.context import Turn, current_turn
from aiostep_core.engine import Outcome
from aiostep_core.errors import WaitEnded
from aiostep_core.steps import Step

from .facts import key_of_update
from .threaded_turns import ThreadedEnds, ThreadedSink

if TYPE_CHECKING:
    from .threaded import TelebotAdapter

__all__ = ["ThreadedEntry"]

#: Seconds that a handler has to begin to wait before the same chat's next update is looked at.
_PATIENCE: Final = 0.05
_NOTHING: Final[dict[str, Any]] = {}
_SETTLING: Final = (Outcome.HELD, Outcome.FILTERING)


class _Here:
    """What a thread that brings updates in is at, for a bot that gives its handlers others.

    Attributes:
        update, turn: the update that telebot is going through, and the turn for its handler until that begins.
        begun: set when the handler has begun to wait, or is done, if that matters to the update behind.
    """

    __slots__ = ("begun", "turn", "update")

    def __init__(self) -> None:
        self.update: types.Update | None = None
        self.turn: Turn | None = None
        self.begun: threading.Event | None = None


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
        engine = adapter.runtime.engine
        self._adapter = adapter
        self._bot_id = adapter.bot_id
        self._runtime = adapter.runtime
        # Asked about every update, so without a chain in between.
        self._recent = engine.updates.of(adapter.bot_id)
        self._waits, self._albums, self._held = engine.signs_of_life
        self._scopes = adapter.runtime.steps.storage.scopes
        self._is_durable = adapter.runtime.steps.storage.is_durable
        self._recent_lock = threading.Lock()
        # With all but the update in its class, and no function to be called for it, a turn takes half the time.
        ours: dict[str, Any] = {"runtime": adapter.runtime, "adapter": adapter, "__init__": object.__init__}
        self._make_turn: Callable[[], Turn] = cast("Any", type("ThreadedTurn", (Turn,), ours))
        self._lock = adapter.runtime.lock
        self._bot = bot
        self._go_on = bot.process_new_updates
        self._execute_task = bot._exec_task
        self._threads = _Threads()
        self._sink = ThreadedSink(adapter)
        self._raised: dict[Turn, BaseException] = {}
        self._ends = ThreadedEnds(None, self._raised)
        self.detached: set[Turn] = set()
        self.awake: set[Turn] = set()
        self._unread: deque[types.Update] = deque()
        self._later: dict[int, deque[Callable[[], object]]] = {}

    @property
    def is_entrance(self) -> bool:
        """Whether this thread is bringing updates in right now; the stack knows, so that no update has to say."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code in _ENTRANCES and frame.f_locals.get("self") is self:
                return True
            frame = frame.f_back
        return False

    def later(self, call: Callable[[], object]) -> bool:
        """Have *call* made by this thread when it is done with the update, if it brings any in."""
        is_entrance = self.is_entrance
        if is_entrance:
            self._later.setdefault(get_ident(), deque()).append(call)
        return is_entrance

    def process(self, updates: list[types.Update]) -> None:
        """Be the ``process_new_updates`` of a bot whose handlers run in here."""
        if len(updates) != 1 or self._waits or self._albums or self._held or self._scopes or self.awake or self._unread:
            return self.process_each(updates)
        # Nobody can wait for it. What follows is ``_call`` at half its cost.
        update = updates[0]
        number, recent = update.update_id, self._recent
        with self._recent_lock:
            if number == recent.end:
                recent.end, is_new = number + 1, True
            else:
                is_new = recent.add(number)
        if not is_new or (update.callback_query is not None and self._adapter.refuse_late(update)):
            return self._skip(update)
        if self._bot.exception_handler is not self._ends:
            self.guard_errors()
        turn = self._make_turn()
        turn.carrier = update
        self.awake.add(turn)
        token = current_turn.set(turn)
        raised: BaseException | None = None
        try:
            self._go_on(updates)
        except BaseException as error:
            raised = error
            if not isinstance(error, WaitEnded):
                raise
        finally:
            current_turn.reset(token)
            self.awake.discard(turn)
            if raised is None and turn.conversations is None and not self._raised:
                turn.is_over = True
            else:
                self._leave(turn, raised)
        return self._catch_up([]) if self._later else None

    def process_again(self, updates: Iterable[types.Update]) -> None:
        """Have updates that a conversation did not read handled before any that comes now."""
        for update in updates:
            self._forget(update)
            self._unread.append(update)
        self._adapter.execute(functools.partial(self.process_each, ()))

    def process_each(self, updates: Sequence[types.Update]) -> None:
        """Handle *updates* in their order; one that fails does not take the others with it."""
        here, mine, errors = self._threads.here, deque(updates), list[Exception]()
        while mine or self._unread:
            if self.awake and mine and mine[0].callback_query is not None:
                self._let_ask(mine[0])
            begun = here.begun = self._begun(mine) if len(mine) > 1 and self._bot.threaded else None
            try:
                self._handle(mine, here)
            except Exception as error:  # noqa: BLE001 - raised when the others have had their turn
                errors.append(error)
            if begun is not None:
                begun.wait(_PATIENCE)
            if self._later:
                self._catch_up(errors, is_last=False)
        self._catch_up(errors)

    def _catch_up(self, errors: list[Exception], *, is_last: bool = True) -> None:
        """Do what was put off until telebot is through with an update; raise the first error when it is the last."""
        me = get_ident()
        while later := self._later.pop(me, None):
            for call in later:
                try:
                    self._execute_task(call)
                except Exception as error:  # noqa: BLE001 - as above
                    errors.append(error)
        if is_last and errors:
            raise errors[0]

    def _begun(self, updates: Sequence[types.Update]) -> threading.Event | None:
        """Return what is to be waited for if the first one's chat has more: its handler may be about to ask."""
        first, *others = (key_of_update(one, 0).chat_id for one in updates)
        return threading.Event() if first in others else None

    def _handle(self, updates: deque[types.Update], here: _Here) -> None:
        """Handle the first of *updates*, or of those that a conversation did not read."""
        if self._bot.exception_handler is not self._ends:
            self.guard_errors()
        with self._lock:
            queue = self._unread or updates
            if not queue:
                return
            update = queue.popleft()
            turn = Turn(self._runtime, self._adapter, update)
            with self._recent_lock:
                is_new = self._recent.add(update.update_id)
            step, goes_on = self._decide(turn) if is_new and not self._runtime.is_idle else (None, is_new)
        if goes_on and self._is_durable:  # it may take long, and others need the lock
            step, goes_on = self._guarded(self._take, turn)
        if not goes_on or (step is None and self._adapter.refuse_late(update)):
            self._skip(update)
            if here.begun is not None:
                here.begun.set()
            return
        if step is not None:
            self._sink.expect(turn, step)
        try:
            if self._bot.threaded:
                self._pass_on(turn, update, here)
            else:  # the handler runs in here
                self._call(turn, None, self._go_on, ([update],), _NOTHING)
        finally:
            if step is not None:
                self._sink.forget(turn)

    def _skip(self, update: types.Update) -> None:
        """Have polling ask for what comes after an update that telebot never sees."""
        self._bot.last_update_id = max(self._bot.last_update_id, update.update_id)

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
        return self._guarded(self._meet, turn) if self._concerns(turn.carrier) else (None, True)

    def _guarded(self, look: Callable[[Turn], tuple[Step | None, bool]], turn: Turn) -> tuple[Step | None, bool]:
        """Have what a filter or the storage raises go where telebot has errors go."""
        try:
            return look(turn)
        except Exception as error:
            self._forget(turn.carrier)
            if not self._ends.handle(error):
                raise
            return None, False

    def _meet(self, turn: Turn) -> tuple[Step | None, bool]:
        runtime, delivery = self._runtime, turn.delivery
        decision = runtime.meet(delivery)
        if decision.outcome in _SETTLING:
            decision = runtime.block(runtime.settle(decision))
        if decision.outcome is Outcome.NOT_YOURS:
            runtime.clicks.refuse(delivery)
        if decision.outcome is not Outcome.PASS:
            return None, False
        return (None, True) if self._is_durable else self._take(turn)

    def _take(self, turn: Turn) -> tuple[Step | None, bool]:
        runtime = self._runtime
        step = runtime.block(runtime.steps.take(turn.delivery))
        if step is not None:
            with self._lock:
                runtime.open_for_step(step, turn)
        return step, True

    def _concerns(self, update: types.Update) -> bool:
        key = key_of_update(update, self._bot_id)
        return may_be_loss(update) or self._runtime.concerns(key, about_message=is_about_message(update))

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
        except BaseException as error:
            raised = error
            if not isinstance(error, WaitEnded):  # a conversation that ended is no error of the bot
                raise
        finally:
            current_turn.reset(token)
            self.awake.discard(turn)
            self._leave(turn, raised)
            if begun is not None:
                begun.set()

    def _leave(self, turn: Turn, raised: BaseException | None) -> None:
        """Note that a handler is done, or goes on without a thread."""
        if raised is not None and not isinstance(raised, WaitEnded):
            self._forget(turn.carrier)  # it was not handled: a webhook that answers with an error gets it again
        if turn not in self.detached:
            self._end(turn, raised)

    def _forget(self, update: types.Update) -> None:
        """Let an update be delivered again."""
        with self._recent_lock:
            self._recent.discard(update.update_id)

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
        runtime, step = self._runtime, self._sink.take(turn) if self._sink.steps else None
        if turn.conversations is not None or turn.clicks:
            runtime.block(runtime.end_turn(turn, raised))
            runtime.note_end()
        if step is not None:  # a middleware kept the update for itself
            runtime.block(runtime.steps.give_back(step))

    # Errors.

    def guard_errors(self) -> None:
        """Stand before the bot's exception handler, also if it was set after us."""
        if self._bot.exception_handler is not self._ends:
            self._ends = ThreadedEnds(self._bot.exception_handler, self._raised)
            self._bot.exception_handler = self._ends

    def handle_error(self, error: Exception) -> Any:
        """Let the bot's exception handler have what no update has led to; return whether it took it."""
        return self._ends.handle(error)

    def unguard_errors(self) -> None:
        """Undo ``guard_errors``."""
        if self._bot.exception_handler is self._ends:
            self._bot.exception_handler = self._ends.inner


_ENTRANCES: Final = frozenset({ThreadedEntry.process.__code__, ThreadedEntry.process_each.__code__})
