"""Waiting with a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def bounded(work: Coroutine[Any, Any, T], timeout: float) -> T:
    """Await *work* for at most *timeout* seconds.

    Not `asyncio.wait_for`: before Python 3.12 it swallows a cancellation that comes together with the result, and then
    the loop around it never ends.

    Raises:
        TimeoutError: of asyncio, which is the builtin one only from Python 3.11 on.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=timeout)
        if not done:
            raise asyncio.TimeoutError
        return task.result()
    finally:
        task.cancel()
