"""An asyncio event loop whose clock jumps to the next timer when there is nothing else to do."""

from __future__ import annotations

import asyncio
import math
import selectors
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["Deadlock", "VirtualLoop", "settle"]


class Deadlock(RuntimeError):
    """Nothing is ready and no timer is set: the test would wait for ever."""


class _Clockwork(selectors.DefaultSelector):
    """Looks at the sockets, and lets the time that it was to wait for them pass at once."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise Deadlock("nothing is ready and no timer is set")
        self.loop.now += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs timers of hours in no time, and knows what is left behind.

    Attributes:
        now: what ``time()`` says.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self._handles: list[asyncio.TimerHandle] = []
        self._futures: weakref.WeakSet[asyncio.Future[Any]] = weakref.WeakSet()
        clockwork = _Clockwork()
        clockwork.loop = self
        super().__init__(clockwork)

    def time(self) -> float:
        return round(self.now, 6)

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        taken = {one.when() for one in self.timers}
        while when in taken:  # of two timers for one moment the older fires first
            when = math.nextafter(when, math.inf)
        handle = super().call_at(when, callback, *args, context=context)
        self._handles.append(handle)
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        future = super().create_future()
        self._futures.add(future)
        return future

    @property
    def timers(self) -> list[asyncio.TimerHandle]:
        """The timers that have yet to fire."""
        self._handles = [one for one in self._handles if not one.cancelled() and one.when() > self.now]
        return list(self._handles)

    @property
    def futures(self) -> list[asyncio.Future[Any]]:
        """The futures that nobody has completed, tasks not counted."""
        return [one for one in self._futures if not one.done()]


async def settle() -> None:
    """Let everything happen that can happen without any time passing."""
    for _ in range(50):
        await asyncio.sleep(0)
