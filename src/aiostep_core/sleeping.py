"""How a task sleeps in a wait: a future, a deadline and nothing else, since a hundred thousand may sleep at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from .abc import Timer
    from .deadlines import Deadlines
    from .waits import Wait

__all__ = ["Sleep", "fall_asleep", "over", "rouse", "wake"]


class Sleep(Awaitable[None], Protocol):
    """What a handler awaits while it waits; an ``asyncio.Future``, unless its adapter has something better."""

    def done(self) -> bool:
        """Tell whether it is over."""
        ...

    def set_result(self, result: None, /) -> object:
        """End it: whoever awaits it goes on soon, not before this returns."""
        ...


_Sleeper: TypeAlias = "Sleep | tuple[Sleep, Timer]"


def fall_asleep(wait: Wait, deadlines: Deadlines, make: Callable[[Wait], Sleep] | None = None) -> Sleep:
    """Start the time limit of *wait*; return what is done when it has ended."""
    sleep: Sleep = asyncio.get_running_loop().create_future() if make is None else make(wait)
    wait.sleeper = sleep if wait.timeout is None else (sleep, deadlines.add(wait, wait.timeout))
    return sleep


def wake(wait: Wait) -> None:
    """Wake whoever sleeps in *wait*. Again is harmless."""
    sleep = rouse(wait)
    if sleep is not None and not sleep.done():
        try:
            sleep.set_result(None)
        except RuntimeError:
            # Nobody goes on in a loop that was closed before its tasks had ended; whoever ends the wait does.
            if not (isinstance(sleep, asyncio.Future) and sleep.get_loop().is_closed()):
                raise


def rouse(wait: Wait) -> Sleep | None:
    """Return what whoever sleeps in *wait* awaits, for the caller to end; None if nobody does, or not any more."""
    sleeper: _Sleeper | None
    sleeper, wait.sleeper = wait.sleeper, None
    if not isinstance(sleeper, tuple):
        return sleeper
    sleep, timer = sleeper
    timer.cancel()
    return sleep


async def over() -> None:
    """Be over at once: for a wait that ended before anybody slept."""
