"""An event loop that reaches nobody: code under replay may ask it for the time, and for nothing that has an effect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeVar

__all__ = ["OfflineError", "offline"]

T = TypeVar("T")

_ROUNDS = 100
"""Of the loop, that code has to end in; each `await` on the way out takes one or two."""


class OfflineError(RuntimeError):
    """Code that is being replayed wants to reach somebody by a way that is not in the journal."""

    def __init__(self) -> None:
        super().__init__("a replay reaches nobody: what the code wants to know from outside goes through run(...)")


class _Offline(asyncio.SelectorEventLoop):
    def _refuse(self, *args: Any, **options: Any) -> NoReturn:
        raise OfflineError

    getaddrinfo = create_connection = sock_connect = run_in_executor = _refuse  # type: ignore[assignment]
    create_unix_connection = create_datagram_endpoint = subprocess_exec = subprocess_shell = _refuse


def offline(call: Callable[[], T]) -> T:
    """Return what *call* does, called where such a loop runs."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _called(call)
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(_called, call).result()


def _called(call: Callable[[], T]) -> T:
    async def main() -> T:
        return call()

    loop = _Offline()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.run_until_complete(_ended())
        loop.close()


async def _ended() -> None:
    """End what the code has begun and has not come to; what resists that is left where it is."""
    begun = asyncio.all_tasks() - {asyncio.current_task()}
    for task in begun:
        task.cancel()
    for _ in range(_ROUNDS):
        if not asyncio.all_tasks() - {asyncio.current_task()}:
            return
        await asyncio.sleep(0)  # an error is handed on from task to task, one round each
