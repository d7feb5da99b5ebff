"""Conversations on a ``TeleBot``, the synchronous kind of bot."""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from telebot import TeleBot, apihelper, types, util

from aiostep_core.abc import Address, Failure, Sent
from aiostep_core.context import Turn, current_turn
from aiostep_core.errors import AlreadyInstalled, BadArgument, WouldDeadlock
from aiostep_core.facts import Delivery
from aiostep_core.keyboards import Keyboard
from aiostep_core.reports import TimedOut
from aiostep_core.runtime import Runtime
from aiostep_core.sending import change_of
from aiostep_core.setting import seconds
from aiostep_core.steps import Step
from aiostep_core.threads import Detached, Outside, ThreadRuntime

from . import sending
from .base import BotAdapter
from .callbacks import call_step
from .durable import begin_without_loop
from .threaded_entry import ThreadedEntry

__all__ = ["TelebotAdapter"]

T = TypeVar("T")


class TelebotAdapter(BotAdapter[TeleBot]):
    """The translation for one ``TeleBot``.

    A handler that waits keeps its thread, so the bot's pool gets another worker in its place.

    Args:
        max_waiting: how many threads may wait at once.
        grace: seconds that handlers have in ``stop_bot`` to take leave.
    """

    runtime_class: type[Runtime] | None = ThreadRuntime
    requests = apihelper

    def __init__(self, target: TeleBot, *, max_waiting: int = 1000, grace: float = 5.0) -> None:
        super().__init__(target, {"max_waiting": max_waiting, "grace": grace}, _DEFAULTS)
        if isinstance(max_waiting, bool) or not isinstance(max_waiting, int) or max_waiting < 1:
            raise BadArgument("max_waiting", max_waiting, "how many threads may wait at once, from 1")
        self.max_waiting = max_waiting
        self.grace = seconds("grace", grace) or 0.0
        self.runtime: ThreadRuntime
        self.entry: ThreadedEntry
        self._blocking = threading.local()
        self._waiting = 0
        self._is_closing = False

    # Installing.

    def install(self, runtime: Runtime) -> None:
        bot: Any = self.target
        if isinstance(getattr(bot.process_new_updates, "__self__", None), ThreadedEntry):
            raise AlreadyInstalled(bot)
        if not isinstance(runtime, ThreadRuntime):
            raise BadArgument("engine", runtime.engine, "an engine of synchronous bots: this one runs on an event loop")
        self.runtime = runtime
        self.entry = ThreadedEntry(self)
        self._get_updates, self._stop_bot = bot.get_updates, bot.stop_bot
        self._answer_callback_query = bot.answer_callback_query
        self.replace("process_new_updates", self.entry.process_each if bot.threaded else self.entry.process)
        if bot.threaded:
            self.replace("_exec_task", self.entry.execute_task)
        self.replace("get_updates", self._on_get_updates)
        self.replace("stop_bot", self._on_stop_bot)
        self.replace("answer_callback_query", self._on_answer_callback_query)
        self.follow_conversations()
        self._undo.append(begin_without_loop(self))
        self.entry.guard_errors()
        self._undo.append(self.entry.unguard_errors)

    def _on_get_updates(self, *args: Any, **kwargs: Any) -> list[types.Update]:
        self.note_subscription(args, kwargs)
        if self.runtime.closed_for is not None and not self._is_closing:
            self.runtime.reopen()  # a bot without threads may be started again
        self.runtime.steps.begin()
        updates: list[types.Update] = self._get_updates(*args, **kwargs)
        return updates

    def _on_stop_bot(self) -> None:
        """End the waits first: telebot joins its workers, and would wait for those that wait."""
        self._is_closing = True
        try:
            self.runtime.close(self.grace)
            self._stop_bot()
        finally:
            self._is_closing = False

    async def call_timeout(self, step: Step, timed_out: TimedOut) -> None:
        call = replace(step, fn=step.on_timeout or step.fn)
        try:
            await Outside(lambda: call_step(call, timed_out, None, self.target))
        except Exception as error:
            if not await Outside(functools.partial(self.entry.handle_error, error)):
                raise

    async def handle_error(self, turn: Turn, error: Exception) -> None:
        if not await Outside(functools.partial(self.entry.handle_error, error)):
            raise error

    def learn_name(self) -> None:
        self.runtime.aside(self._learn_name)

    def _learn_name(self) -> None:
        with contextlib.suppress(Exception):  # whatever is wrong with the network, others will say it
            self._learned = self.target.get_me().username

    # Waiting.

    def compile_filter(self, filter: Any) -> Callable[[Delivery], object]:
        accepts = super().compile_filter(filter)
        call = getattr(filter, "check", filter)
        if _is_async(call):
            raise BadArgument("filter", filter, _PLAIN)
        return accepts

    def check_wait(self, turn: Turn | None, kinds: frozenset[str]) -> None:
        super().check_wait(turn, kinds)
        if not getattr(self._blocking, "is_set", False):
            return
        if self.entry.is_entrance:
            raise WouldDeadlock(
                "this thread is the one that brings the updates in, as with threaded=False",
                "make the handler a generator with @aiostep.sync.conversation and `yield ask(...)`, or use a TeleBot "
                "with threaded=True",
            )
        if self._waiting >= self.max_waiting:
            raise WouldDeadlock(
                f"{self._waiting} threads wait already",
                "make the handler a generator with @aiostep.sync.conversation, which needs none, or pass a greater "
                "max_waiting to install()",
            )

    def block(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run *coroutine*, which waits, in this thread; its worker's work is handed over for as long as it sleeps."""
        self._blocking.is_set = True
        try:
            return self.runtime.block(coroutine, self._sleep)
        finally:
            self._blocking.is_set = False

    def _sleep(self, woken: threading.Event) -> None:
        with self.runtime.lock:
            self._waiting += 1
            self._hand_over()
        turn, awake = current_turn.get(), self.entry.awake
        was_awake = turn in awake
        try:
            _close_session()
            if turn is not None:
                awake.discard(turn)
            woken.wait()
        finally:
            if turn is not None and was_awake:
                awake.add(turn)
            with self.runtime.lock:
                self._waiting -= 1

    def _hand_over(self) -> None:
        """Put a new worker in the place of this one, which ends after its task."""
        thread: Any = threading.current_thread()
        pool: Any = getattr(self.target, "worker_pool", None)
        if pool is None or self.runtime.closed_for is not None or thread not in pool.workers:
            return
        worker: Any = util.WorkerThread
        pool.workers.append(worker(pool.on_exception, pool.tasks))
        pool.workers.remove(thread)
        thread.stop()

    def detach(self, turn: Turn, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run *coroutine* as the handler of *turn*, without a thread of its own."""
        self.entry.detached.add(turn)
        finish = functools.partial(self.entry.finish, turn)

        def execute(call: Callable[[], object]) -> None:
            self.execute(functools.partial(self.entry.resume, turn, call))

        Detached(self.runtime, coroutine, execute, finish).go()

    def execute(self, call: Callable[[], object]) -> None:
        """Have a call made soon where handlers run: in the pool, or by the thread that brings updates in."""
        bot: Any = self.target
        if bot.threaded:
            bot.worker_pool.put(call)
        elif not self.entry.later(call):
            self.runtime.aside(call)

    # Updates and prompts.

    def redispatch(self, deliveries: Sequence[Delivery]) -> None:
        self.entry.process_again(delivery.carrier for delivery in deliveries)

    async def send(
        self, to: Address, prompt: Any, *, keyboard: Any = None, force_reply: Any = "auto", **send: Any
    ) -> Sent:
        if callable(prompt):
            call = prompt
        elif isinstance(prompt, str):
            given = sending.options_of(to, prompt, keyboard, force_reply, send)
            call = functools.partial(self.target.send_message, to.key.chat_id or 0, prompt, **given)
        else:
            raise BadArgument("prompt", type(prompt).__name__, "a text, or a function that sends a message")
        return sending.sent_of(await Outside(call))

    async def edit(
        self, to: Address, sent: Sent, *, text: str | None = None, keyboard: Keyboard | None = None
    ) -> Failure | None:
        method, given = change_of(to, sent, text, None if keyboard is None else sending.keyboard(keyboard))
        try:
            await Outside(functools.partial(getattr(self.target, method), **given))
        except sending.REFUSALS as error:
            return self.failure_of(error)
        return None

    async def answer_click(self, delivery: Delivery, text: str | None = None, *, alert: bool = False) -> None:
        if self.clicks.take(delivery.update.id, text):
            answer = functools.partial(
                self._answer_callback_query, delivery.update.id, text=text, show_alert=alert or None
            )
            with contextlib.suppress(*sending.REFUSALS):
                await Outside(answer)

    def _on_answer_callback_query(self, callback_query_id: Any, *args: Any, **kwargs: Any) -> bool:
        self.clicks.note(callback_query_id)
        return bool(self._answer_callback_query(callback_query_id, *args, **kwargs))

    def compile_step(self, step: Step) -> None:
        super().compile_step(step)
        if _is_async(step.fn):
            raise BadArgument("the step", step.name, _PLAIN)


_PLAIN: Final = "a plain function: a synchronous TeleBot has no event loop; AsyncTeleBot has one"
_DEFAULTS: Final = {"max_waiting": 1000, "grace": 5.0}


def _is_async(fn: Any) -> bool:
    unwrapped = inspect.unwrap(fn)
    call = getattr(unwrapped, "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(unwrapped) or inspect.iscoroutinefunction(call)


def _close_session() -> None:
    """Close this thread's connections to Telegram, which it would keep while it waits; they come back by themselves."""
    session = getattr(util.thread_local, "req_session", None)
    if session is not None and session is not apihelper.session:
        session.close()
