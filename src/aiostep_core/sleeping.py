"""How a task sleeps in a wait: a future and a timer, and nothing else, since a hundred thousand may sleep at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .abc import Timer
    from .waits import Wait

__all__ = ["fall_asleep", "over", "wake"]

_Sleeper: TypeAlias = "asyncio.Future[None] | tuple[asyncio.Future[None], Timer]"


def fall_asleep(wait: Wait, expire: Callable[[Wait], object]) -> asyncio.Future[None]:
    """Start the time limit of *wait*; return what is done when it has ended."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(wait.timeout, expire, wait) if wait.timeout is not None else None
    wait.sleeper = future if timer is None else (future, timer)
    return future


def wake(wait: Wait) -> None:
    """Wake whoever sleeps in *wait*. Again is harmless."""
    sleeper: _Sleeper | None
    sleeper, wait.sleeper = wait.sleeper, None
    if sleeper is None:
        return
    future, timer = sleeper if isinstance(sleeper, tuple) else (sleeper, None)
    if timer is not None:
        timer.cancel()
    if not future.done():
        future.set_result(None)


async def over() -> None:
    """Be over at once: for a wait that ended before anybody slept."""
