"""What becomes of a message that could not be sent: Telegram has its limits, and the network its moments.

A message is sent again only if that cannot show it twice, so it must be certain that the first one was not shown:

* 429: Telegram says so itself, and when to come back;
* the connection could not be made: nothing was sent.

After a 5xx, or when the connection breaks off, nobody knows. That is a reason only for what does no harm when it is
done twice, such as taking buttons away.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from .errors import WaitCancelled, WaitTimeout
from .waits import Wait, WaitState

if TYPE_CHECKING:
    from .abc import Address, Sent
    from .engine import Decision
    from .sending import Failure
    from .setting import Setting

__all__ = ["LIMIT", "TRIES", "Patience", "is_repeatable", "pause_after", "send_in_time", "take_away"]

logger = logging.getLogger("aiostep")

#: How often one message is tried at most.
TRIES: Final = 5
#: Seconds that it may take altogether, if nothing else limits it.
LIMIT: Final = 60.0
#: By which part a pause is longer at most, so that all those who were refused do not come back in one moment.
_SPREAD: Final = 0.25
_NOTHING: Final = frozenset[str]()


class Patience:
    """Decides whether and when one message is tried again. Pure.

    Args:
        limit: seconds that it may take altogether.
        is_harmless: it may be done twice.
    """

    __slots__ = ("_is_harmless", "_left", "_tries")

    def __init__(self, limit: float = LIMIT, *, is_harmless: bool = False) -> None:
        self._left = limit
        self._is_harmless = is_harmless
        self._tries = 0

    def pause_after(self, failure: Failure | None, took: float, chance: float) -> float | None:
        """Return how many seconds to wait before the next try; None: there is none.

        Args:
            failure: what the adapter makes of the error; None: it was neither Telegram's nor the network's.
            took: the seconds of the call that failed.
            chance: a number from 0 to 1, for the pauses of many to differ.
        """
        self._tries += 1
        self._left -= took
        wanted = None if failure is None else self._wanted(failure, took)
        if wanted is None or self._tries >= TRIES or wanted > self._left:
            return None
        pause = min(wanted * (1 + _SPREAD * chance), self._left)
        self._left -= pause
        return pause

    def _wanted(self, failure: Failure, took: float) -> float | None:
        backoff = 2.0 ** (self._tries - 1)
        if failure.retry_after is not None:
            # A call that took so long has waited itself: a limiter of the framework's, or a middleware. It has given
            # up, and waiting once more would take twice as long.
            seconds = max(1.0, failure.retry_after)
            return None if took >= seconds else seconds
        if failure.is_unsent or failure.status == 429:
            return backoff
        is_passing = failure.status is None or failure.status >= 500
        return backoff if self._is_harmless and is_passing else None


def is_repeatable(prompt: Any) -> bool:
    """Tell whether a prompt can be sent once more: what can be awaited only once cannot."""
    return not (inspect.iscoroutine(prompt) or asyncio.isfuture(prompt))


def pause_after(setting: Setting, patience: Patience, error: BaseException, began: float) -> float | None:
    """Return how many seconds to wait after a call that began then and raised *error*; None: it is not tried again."""
    failure, took = setting.adapter.failure_of(error), setting.runtime.now() - began
    return patience.pause_after(failure, took, _chance())


async def send_in_time(
    setting: Setting, wait: Wait, reading: Decision | None, limit: float, send: Callable[[], Awaitable[Sent]]
) -> tuple[Sent, Decision | None]:
    """Send a prompt, if need be more than once; in between, *wait* may be ended as at any other time.

    Args:
        reading: the decision of a filter that is to be awaited over the mailbox; returned unless that is done.

    Raises:
        WaitCancelled: *wait* was ended.
        Exception: what the framework raised at last.
    """
    patience, runtime = Patience(limit), setting.runtime
    while True:
        began = runtime.now()
        try:
            return await send(), reading
        except Exception as error:
            pause = pause_after(setting, patience, error, began)
            if pause is None:
                raise
            logger.info("a question could not be sent (%s); again in %.1f s", type(error).__name__, pause)
        await _rest(setting, wait, reading, pause)
        reading = None


async def take_away(setting: Setting, to: Address, sent: Sent, patience: Patience | None = None) -> None:
    """Take the buttons of a message away, if need be later; nobody waits for that."""
    runtime, patience = setting.runtime, patience or Patience(is_harmless=True)
    began = runtime.now()
    failure = await setting.adapter.edit(to, sent)
    pause = patience.pause_after(failure, runtime.now() - began, _chance())
    if pause is not None:
        runtime.call_later(pause, _take_away_later, setting, to, sent, patience)


def _take_away_later(setting: Setting, to: Address, sent: Sent, patience: Patience) -> None:
    if setting.runtime.closed_for is None:  # its bot may be closed too
        setting.runtime.start(take_away(setting, to, sent, patience))


async def _rest(setting: Setting, wait: Wait, reading: Decision | None, seconds: float) -> None:
    """Pause as a wait of the same conversation: what ends that ends the pause, and nothing is held meanwhile.

    An answer does not: as with a slow network, it may be one to what the person is about to be asked.
    """
    runtime, conversation = setting.runtime, wait.conversation
    if wait.state in (WaitState.CANCELLED, WaitState.TIMED_OUT):
        runtime.answer(wait, setting.turn, None)  # raises
    if (reason := conversation.reason) is not None:  # it was ended after the answer came
        conversation.reason = None
        raise WaitCancelled(reason)
    now, is_cancellable = runtime.now(), wait.is_cancellable
    pause = Wait(conversation, _NOTHING, opened_at=now, timeout=seconds, is_cancellable=is_cancellable, is_ready=False)
    runtime.open_wait(pause, now, fresh=True)
    with contextlib.suppress(WaitTimeout):
        await runtime.outcome(pause, setting.turn, reading)


def _chance() -> float:
    return random.random()  # noqa: S311 - it is no secret
