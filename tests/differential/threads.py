"""A clock for bots made of threads: time passes when no thread has anything to do, which is known by counting."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
from collections.abc import Callable
from typing import Any

from aiostep_core.threads import ThreadRuntime
from aiostep_testing.bounded import bounded

__all__ = ["Clockwork", "Pool", "VirtualThreads"]

#: Real seconds that all threads together may take until nothing is left to do.
PATIENCE = 20.0


class Pool:
    """What some threads have to do; only the clockwork changes it.

    Attributes:
        queued: work that is waiting for a thread.
        running: work that has one.
        paused: that of it which lets time pass, and keeps its thread.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.queued = self.running = self.paused = 0

    @property
    def busy(self) -> int:
        """How much can be done before time passes."""
        return self.running - self.paused + min(self.queued, max(0, self.threads - self.running))


class _Here(threading.local):
    """To which pool the work of this thread belongs; to none if it waited and gave its place to another."""

    pool: Pool | None = None


class Clockwork:
    """Counts the work that is under way, and lets hours pass between.

    Work counts from the moment that it is handed to a pool with a free thread, or a sleeping thread is woken; not when
    that thread gets round to it. So when the count is zero, nothing more happens by itself.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self._lock = threading.Lock()
        self._here = _Here()
        self._pools: list[Pool] = []
        self._awake = 0
        self._timers: list[tuple[float, int, _Timer]] = []
        self._numbers = itertools.count()
        self._loop = asyncio.get_running_loop()
        self._idle = asyncio.Event()
        self._idle.set()

    # Counting.

    def pool(self, threads: int) -> Pool:
        """Count what so many threads do."""
        self._pools.append(pool := Pool(threads))
        return pool

    def work(self, pool: Pool, call: Callable[..., Any]) -> Callable[..., Any]:
        """Count *call* as work of *pool* from now on until it has been called."""
        with self._lock:
            pool.queued += 1

        def counted(*args: Any, **kwargs: Any) -> Any:
            self._here.pool = pool
            with self._lock:
                pool.queued -= 1
                pool.running += 1
            try:
                return call(*args, **kwargs)
            finally:
                self.leave()

        return counted

    def leave(self) -> None:
        """Count this thread no more: it is done, or waits and gives its place in the pool to another."""
        pool, self._here.pool = self._here.pool, None
        with self._lock:
            if pool is not None:
                pool.running -= 1
            else:
                self._awake -= 1
            self._look()

    def wake(self) -> None:
        """Count a thread that waited."""
        with self._lock:
            self._awake += 1

    def _look(self) -> None:
        if self._is_idle:
            self._loop.call_soon_threadsafe(self._idle.set)

    @property
    def _is_idle(self) -> bool:
        return self._awake + sum(pool.busy for pool in self._pools) == 0

    # Time.

    def call_later(self, delay: float, call: Callable[[], object]) -> _Timer:
        """Make *call* when so much time has passed."""
        timer = _Timer(call)
        with self._lock:
            heapq.heappush(self._timers, (self.now + delay, next(self._numbers), timer))
        return timer

    def sleep(self, seconds: float) -> None:
        """Let time pass in this thread, which keeps its place in the pool.

        Raises:
            TimeoutError: nobody lets it pass.
        """
        pool, woken = self._here.pool, threading.Event()

        def wake() -> None:
            self._pause(pool, -1)
            woken.set()

        self.call_later(seconds, wake)
        self._pause(pool, 1)
        if not woken.wait(PATIENCE):
            raise TimeoutError("nobody lets the time pass")

    def _pause(self, pool: Pool | None, change: int) -> None:
        with self._lock:
            if pool is not None:
                pool.paused += change
            else:
                self._awake -= change
            self._look()

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everything happen that happens meanwhile.

        Raises:
            TimeoutError: a thread does not come to rest.
        """
        until = self.now + seconds
        while True:
            await self._rest()
            with self._lock:
                if not self._timers or self._timers[0][0] > until:
                    break
                self.now, _, timer = heapq.heappop(self._timers)
            timer.fire()
        self.now = until

    async def _rest(self) -> None:
        while True:
            with self._lock:
                if self._is_idle:
                    return
                self._idle.clear()
            await bounded(self._idle.wait(), PATIENCE)


class _Timer:
    """A later call; ``cancel`` takes it back."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call: Callable[[], object] | None = call

    def cancel(self) -> None:
        self._call = None

    def fire(self) -> None:
        if self._call is not None:
            self._call()


class Signal(threading.Event):
    """An event whose thread counts as idle while it waits, and as busy again from when it is set."""

    def __init__(self, clockwork: Clockwork) -> None:
        super().__init__()
        self._clockwork = clockwork
        self._one_by_one = threading.Lock()
        self._is_waited_for = False

    def set(self) -> None:
        with self._one_by_one:
            if self._is_waited_for and not self.is_set():
                self._clockwork.wake()
            super().set()

    def wait(self, timeout: float | None = None) -> bool:
        with self._one_by_one:
            if not self.is_set():
                self._is_waited_for = True
                self._clockwork.leave()
        return super().wait(PATIENCE)


class VirtualThreads(ThreadRuntime):
    """The runtime of synchronous bots on such a clock; a subclass has it in ``clockwork``."""

    clockwork: Clockwork

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._helpers = self.clockwork.pool(2)

    def now(self) -> float:
        return self.clockwork.now

    def call_later(self, delay: float, call: Callable[..., object], *args: Any) -> Any:
        def locked() -> None:
            with self.lock:
                call(*args)

        return self.clockwork.call_later(delay, locked)

    def aside(self, call: Callable[..., object], *args: Any) -> None:
        super().aside(self.clockwork.work(self._helpers, call), *args)

    def signal(self) -> threading.Event:
        return Signal(self.clockwork)
