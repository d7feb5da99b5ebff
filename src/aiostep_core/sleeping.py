"""How a task sleeps in a wait: a future, a deadline and nothing else, since a hundred thousand may sleep at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from .context import Turn
from .facts import KINDS
from .waits import Wait

if TYPE_CHECKING:
    from .abc import Timer
    from .deadlines import Deadlines
    from .runtime import Runtime

__all__ = ["Sleep", "doze", "fall_asleep", "over", "rouse", "wake"]

_MESSAGES: Final = KINDS["message"]


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


def doze(turn: Turn, timeout: float | None) -> tuple[Runtime, Wait, Sleep] | None:
    """Open a wait of a handler for a message, from whoever is being handled, and fall asleep in it.

    This is what ``Setting.open`` and ``Runtime.end_of`` come to where there is nothing to decide, at a third of what
    they cost; None where there may be.

    Raises:
        WaitCancelled, WouldDeadlock: as for any other wait.
    """
    make, runtime = turn.sleep, turn.runtime
    if make is None or turn.is_over or turn.clicks or turn.park is not None:
        return None
    if turn.conversations is None:
        turn.adapter.check_wait(turn, _MESSAGES)
        conversation = runtime.open_conversation(turn.find_aim(), turn)
    elif len(turn.conversations) == 1 and runtime.closed_for is None:
        (conversation,) = turn.conversations.values()
        is_idle = conversation.is_open and not (conversation.waits or conversation.unread or conversation.is_silent)
        if not is_idle or turn.aim is None or conversation.place is not turn.aim.place:
            return None
    else:
        return None
    wait = Wait(conversation, _MESSAGES, None, turn.now(), timeout)
    runtime.engine.waits.add_wait(wait)
    turn.rest()
    return runtime, wait, fall_asleep(wait, runtime.deadlines, make)


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
