"""The shell around the engine for bots without an event loop: the same coroutines, driven by threads.

A coroutine of aiostep runs under the runtime's one lock, from one stop to the next. It stops in two ways only: it
awaits ``Outside``, for what may take long and must not hold the lock, such as a request, or the end of a wait.
Whoever drives it decides what the latter means: ``block`` lets the thread sleep, ``Detached`` lets go of it and is
called again by whoever ends the wait.
"""

from __future__ import annotations

import contextvars
import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .engine import Engine
from .errors import WouldDeadlock
from .runtime import Runtime

if TYPE_CHECKING:
    from .abc import StepStorage
    from .context import Turn
    from .waits import Conversation, Wait

__all__ = ["Detached", "Outside", "Sleeper", "ThreadRuntime"]

T = TypeVar("T")
logger = logging.getLogger("aiostep")

#: Threads for what happens beside the handlers: reminders, answers to clicks.
_ASIDE = 2


class Outside(Generic[T]):
    """A call that is made without the lock; awaiting gives its result."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], T]) -> None:
        self.call = call

    def __await__(self) -> Generator[Any, Any, T]:
        try:
            result: T = yield self
        except RuntimeError as error:
            if not str(error).startswith("Task got bad yield"):
                raise
            # What asyncio says when it is not one of our threads that runs this: asyncio.run(ask(...)) in a handler.
            fix = "call the function of the same name in aiostep.sync, without await"
            raise WouldDeadlock("an event loop runs this, and the bot has threads", fix) from error
        return result


class Sleeper:
    """What a coroutine awaits until its wait has ended. Everything here happens under the lock, but ``block``."""

    __slots__ = ("_is_done", "_wake")

    def __init__(self) -> None:
        self._is_done = False
        self._wake: Callable[[], object] | None = None

    def __await__(self) -> Generator[Any, Any, None]:
        if not self._is_done:
            yield self

    def done(self) -> bool:
        """Tell whether the wait has ended."""
        return self._is_done

    def set_result(self, _: None) -> None:
        """Note that it has."""
        self._is_done = True
        if self._wake is not None:
            self._wake()

    def then(self, wake: Callable[[], object]) -> None:
        """Call *wake* when it has, which may be now."""
        if self._is_done:
            wake()
        else:
            self._wake = wake


class _Timer:
    """A later call; ``cancel`` lets go of it at once, as it may hold much."""

    __slots__ = ("_timers", "call")

    def __init__(self, timers: _Timers, call: Callable[[], object]) -> None:
        self._timers = timers
        self.call: Callable[[], object] | None = call

    def cancel(self) -> None:
        if self.call is not None:
            self.call = None
            self._timers.note_cancelled()


class _Timers:
    """One thread for all timers, which begins with the first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Timer]] = []
        self._cancelled = 0
        self._numbers = itertools.count()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, at: float, call: Callable[[], object]) -> _Timer:
        timer = _Timer(self, call)
        with self._news:
            heapq.heappush(self._heap, (at, next(self._numbers), timer))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="aiostep-timers", daemon=True)
                self._thread.start()
            elif self._heap[0][2] is timer:
                self._news.notify()
        return timer

    def note_cancelled(self) -> None:
        """Forget the cancelled ones once they are the greater part: waits are answered long before their time."""
        with self._news:
            self._cancelled += 1
            if self._cancelled > len(self._heap) // 2 + 64:
                self._heap = [entry for entry in self._heap if entry[2].call is not None]
                heapq.heapify(self._heap)
                self._cancelled = 0

    def _run(self) -> None:
        while True:
            timer = self._next()
            call, timer.call = timer.call, None
            if call is not None:
                try:
                    call()
                except Exception:
                    logger.exception("a timer failed")

    def _next(self) -> _Timer:
        """Wait for the next timer whose time is up."""
        with self._news:
            while True:
                while self._heap and self._heap[0][2].call is None:
                    heapq.heappop(self._heap)
                    self._cancelled = max(0, self._cancelled - 1)
                left = self._heap[0][0] - time.monotonic() if self._heap else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._heap)[2]
                self._news.wait(left)


def _sleep(woken: threading.Event) -> None:
    woken.wait()


class ThreadRuntime(Runtime):
    """Performs what the engine decides, for waits of threads.

    Attributes:
        lock: held for every call of the engine; whoever holds it must not wait for anything.
    """

    def __init__(self, engine: Engine, steps: StepStorage | None = None) -> None:
        super().__init__(engine, None if steps is None else steps.blocking())
        self.lock = threading.RLock()
        self._timers = _Timers()
        self._aside: ThreadPoolExecutor | None = None
        self._at_rest = threading.Condition(self.lock)

    def reopen(self) -> None:
        self.closed_for = None  # time-outs are looked after from the first update on: until then it may be forked

    def now(self) -> float:
        return time.monotonic()

    def call_later(self, delay: float, call: Callable[..., object], *args: Any) -> _Timer:
        def locked() -> None:
            with self.lock:
                call(*args)

        return self._timers.add(time.monotonic() + delay, locked)

    def end_all(self, which: Callable[[Conversation], bool], reason: str) -> int:
        with self.lock:  # a bot cancels from any thread
            return super().end_all(which, reason)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        # A durable conversation may wait in it for long, and must not keep one of the few threads.
        self.aside(Detached(self, coroutine, self.aside, _raise).go)

    def consult(self, function: Callable[..., Any], *args: Any) -> Any:
        return Outside(lambda: function(*args))

    def aside(self, call: Callable[..., object], *args: Any) -> None:
        """Call in a thread of ours, beside the handlers; what it raises is logged."""
        with self.lock:
            if self._aside is None:
                self._aside = ThreadPoolExecutor(_ASIDE, thread_name_prefix="aiostep-aside")
            context = contextvars.copy_context()
            self._aside.submit(context.run, _logged, call, *args)

    def _expect_end(self, turn: Turn) -> None:
        self._turns.add(turn)

    def _fall_asleep(self, wait: Wait) -> Any:
        sleeper: Any = Sleeper()
        timer = self.call_later(wait.timeout, self._expire, wait) if wait.timeout is not None else None
        wait.sleeper = sleeper if timer is None else (sleeper, timer)
        return sleeper

    # Driving coroutines.

    def advance(self, coroutine: Coroutine[Any, Any, Any]) -> Sleeper:
        """Run *coroutine* until it sleeps.

        Raises:
            StopIteration: it is done; the exception has its result.
            Exception: what it raised.
        """
        value: Any = None
        error: BaseException | None = None
        while True:
            with self.lock:
                stop = coroutine.send(value) if error is None else coroutine.throw(error)
            value = error = None
            if isinstance(stop, Sleeper):
                return stop
            if not isinstance(stop, Outside):
                error = TypeError(f"awaited {stop!r}, for which there is no event loop in a synchronous bot")
                continue
            call: Callable[[], Any] = stop.call
            try:
                value = call()
            except BaseException as raised:  # noqa: BLE001 - it belongs to the coroutine
                error = raised

    def block(self, coroutine: Coroutine[Any, Any, T], sleep: Callable[[threading.Event], object] = _sleep) -> T:
        """Run *coroutine* to its end in this thread, which does *sleep* until it is woken."""
        try:
            while True:
                sleeper, woken = self.advance(coroutine), self.signal()
                with self.lock:
                    sleeper.then(woken.set)
                sleep(woken)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            with self.lock:
                coroutine.close()

    def signal(self) -> threading.Event:
        """Return what a thread sleeps on; a test may count who does."""
        return threading.Event()

    def close(self, grace: float) -> None:
        """End every wait with "shutdown", refuse new ones, and give the handlers *grace* seconds to finish."""
        with self._at_rest:
            self.closed_for = "shutdown"
            self.end_all(lambda _: True, "shutdown")
            self._at_rest.wait_for(lambda: not any(not turn.is_over for turn in self._turns), grace)
        self.block(self.steps.close())

    def note_end(self) -> None:
        """Tell ``close`` that a turn has ended."""
        with self._at_rest:
            self._at_rest.notify_all()


class Detached:
    """A coroutine that needs a thread only while it runs.

    Args:
        execute: has a call made soon, in a thread where handlers may run.
        finish: called with what the coroutine raised, or None, when it is done; what it raises, the thread gets.
    """

    __slots__ = ("_context", "_coroutine", "_execute", "_finish", "_runtime")

    def __init__(
        self,
        runtime: ThreadRuntime,
        coroutine: Coroutine[Any, Any, Any],
        execute: Callable[[Callable[[], object]], object],
        finish: Callable[[BaseException | None], object],
    ) -> None:
        self._runtime = runtime
        self._coroutine = coroutine
        self._execute = execute
        self._finish = finish
        self._context = contextvars.copy_context()

    def go(self) -> None:
        """Run on until the coroutine sleeps again, or is done."""
        self._context.run(self._go)

    def _go(self) -> None:
        try:
            sleeper = self._runtime.advance(self._coroutine)
        except StopIteration:
            self._finish(None)
        except BaseException as error:  # noqa: BLE001 - whoever finishes decides
            self._finish(error)
        else:
            with self._runtime.lock:
                sleeper.then(self._wake)

    def _wake(self) -> None:
        self._execute(self.go)


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error


def _logged(call: Callable[..., object], *args: Any) -> None:
    try:
        call(*args)
    except Exception:
        logger.exception("a call beside the handlers failed")
