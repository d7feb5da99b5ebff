"""The timers of a runtime of threads."""

from __future__ import annotations

import threading
import time

from aiostep_core.threads import _Timers


def test_cancelled_timers_are_forgotten() -> None:
    """Waits that are answered long before their time do not pile up, and the others still come, in order."""
    timers, done, came = _Timers(), threading.Event(), list[str]()
    now = time.monotonic()
    timers.add(now + 0.02, lambda: came.append("first"))
    timers.add(now + 0.03, lambda: (came.append("second"), done.set()))
    for _ in range(10_000):
        timers.add(now + 3600, came.clear).cancel()

    assert len(timers._heap) < 200
    assert done.wait(5)
    assert came == ["first", "second"]


def test_a_timer_is_cancelled_in_time() -> None:
    """One that is cancelled, twice even, is not called; one that was called can be cancelled still."""
    timers, done, came = _Timers(), threading.Event(), list[str]()
    now = time.monotonic()
    cancelled = timers.add(now + 0.01, lambda: came.append("cancelled"))
    last = timers.add(now + 0.02, done.set)
    cancelled.cancel()
    cancelled.cancel()

    assert done.wait(5)
    last.cancel()
    assert came == []
