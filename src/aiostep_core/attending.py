"""Awaiting what a check says: it is somebody else's code, which may never end, while the person wants to leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from .decisions import Changes
from .errors import WaitCancelled
from .waits import Signal, Wait

if TYPE_CHECKING:
    from .runtime import Runtime
    from .setting import Setting

__all__ = ["attend"]

_NOTHING = frozenset[str]()


async def attend(setting: Setting, awaitable: Awaitable[Any], timeout: float | None, *, is_cancellable: bool) -> Any:
    """Await it for as long as a wait of the question would last; then it is cancelled.

    Threads cannot leave the code that they run, so there it is merely awaited.

    Raises:
        WaitTimeout: the question's time is up.
        WaitCancelled: it was ended.
        Exception: what the awaitable raises.
    """
    if asyncio._get_running_loop() is None:  # the public one raises
        return await awaitable
    task = asyncio.ensure_future(awaitable)
    try:
        await asyncio.sleep(0)
        if not task.done():
            # Nothing answers this wait: what else comes stays in the mailbox meanwhile.
            options: dict[str, Any] = {"is_ready": False, "is_cancellable": is_cancellable}
            wait, _ = setting.open(_NOTHING, timeout=timeout, fresh=True, **options)
            task.add_done_callback(lambda task: _end(setting.runtime, wait, task))
            await setting.runtime.outcome(wait, setting.turn, None)
    except WaitCancelled:
        if not task.done():
            raise
    finally:
        task.cancel()
    return task.result()


def _end(runtime: Runtime, wait: Wait, task: asyncio.Future[Any]) -> None:
    if wait.take(Signal.CANCEL, reason="done"):
        runtime.perform(Changes(ended=[wait]))
    elif not task.cancelled():
        task.exception()  # nobody else looks at it any more
