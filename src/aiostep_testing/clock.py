"""Where the world gets its time from."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time of day in seconds since the epoch."""

    def time(self) -> float: ...


class RealClock:
    """Tell the machine's time."""

    def time(self) -> float:
        return time.time()


class ManualClock:
    """Tell a time that stands still until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def time(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the time forward.

        Raises:
            ValueError: *seconds* is negative.
        """
        if seconds < 0:
            raise ValueError(f"the clock cannot go back (got {seconds} seconds); pass zero or more")
        self.now += seconds
