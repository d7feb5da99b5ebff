"""The time limits of all waits of a runtime, with one timer of the event loop: for the one that ends first.

A timer of its own for each wait would be the greater part of what a wait with a time limit takes, and nearly all of
them are answered long before. So one that is not needed any more is let go of at once, but its place in the heap is
given up only when such places are the greater part, and the loop's timer is left to ring for nothing.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .waits import Wait

__all__ = ["Deadline", "Deadlines"]

#: How many places in the heap may be given up without a look at how many there are.
_FEW: Final = 64
#: Seconds after which the loop's timer rings at the latest: so long it stays when nobody waits any more.
_GLANCE: Final = 60.0


class Deadline:
    """When the time of one wait is up; ``cancel`` lets go of the wait at once."""

    __slots__ = ("_deadlines", "wait")

    def __init__(self, deadlines: Deadlines, wait: Wait) -> None:
        self._deadlines = deadlines
        self.wait: Wait | None = wait

    def cancel(self) -> None:
        """Do not end the wait. Again is harmless."""
        if self.wait is not None:
            self.wait = None
            self._deadlines.note_cancelled()


class Deadlines:
    """Calls *expire* with each wait whose time is up.

    All its methods belong to the thread of the event loop. It may be another loop than before: nobody waits in that.
    """

    def __init__(self, expire: Callable[[Wait], object]) -> None:
        self._expire = expire
        self._heap: list[tuple[float, int, Deadline]] = []
        self._cancelled = 0
        self._numbers = itertools.count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0

    def add(self, wait: Wait, timeout: float) -> Deadline:
        """Have *wait* end in so many seconds."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._timer, self._heap, self._cancelled = loop, None, [], 0
        now = loop.time()
        at = now + timeout
        deadline = Deadline(self, wait)
        heapq.heappush(self._heap, (at, next(self._numbers), deadline))
        if self._timer is None or at < self._rings_at:
            self._ring_at(at, now)
        return deadline

    def note_cancelled(self) -> None:
        """Give up places in the heap once they are the greater part."""
        self._cancelled += 1
        if self._cancelled > len(self._heap) // 2 + _FEW:
            self._heap = [place for place in self._heap if place[2].wait is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def _ring_at(self, at: float, now: float) -> None:
        assert self._loop is not None
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = min(at, now + _GLANCE)
        # Weakly: a timer that rings for nothing keeps nobody alive.
        reference: weakref.ref[Deadlines] = weakref.ref(self)
        self._timer = self._loop.call_at(self._rings_at, _ring, reference)

    def ring(self) -> None:
        """End the waits whose time is up."""
        assert self._loop is not None
        self._timer = None
        # A loop rings a little early, by as much as its clock is coarse.
        now = max(self._loop.time(), self._rings_at)
        try:
            while self._heap and (self._heap[0][0] <= now or self._heap[0][2].wait is None):
                self._end(heapq.heappop(self._heap)[2])
        finally:  # if one of them raises, the others are still to come
            if self._heap and self._timer is None:
                self._ring_at(self._heap[0][0], now)

    def _end(self, deadline: Deadline) -> None:
        wait, deadline.wait = deadline.wait, None
        if wait is not None:
            self._expire(wait)
        else:
            self._cancelled -= 1


def _ring(reference: weakref.ref[Deadlines]) -> None:
    deadlines = reference()
    if deadlines is not None:
        deadlines.ring()
