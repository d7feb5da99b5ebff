"""Going through what somebody sends, update by update."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AsyncExitStack
from datetime import timedelta
from types import TracebackType
from typing import Any, Generic, TypeVar

from .asking import conversation, wait_for
from .durable.blocks import block_kept
from .errors import BadArgument, WaitTimeout
from .facts import kinds_of
from .keeping import current_flow
from .keys import MessageScope, Scope
from .questions import is_spec, question_for
from .setting import Setting, seconds

__all__ = ["Stream", "stream"]

T_co = TypeVar("T_co", covariant=True)


def stream(
    kinds: Any = "message",
    *,
    to: Any = None,
    scope: Scope | MessageScope | None = None,
    filter: Any = None,
    timeout: float | timedelta | None = None,
    limit: int | None = None,
) -> Stream[Any]:
    """Go through what somebody sends.

    ::

        async with stream(scope=Scope.CHAT, timeout=60) as guesses:
            async for message in guesses:
                ...

    What comes while the loop is busy waits for its next turn. The loop ends when the time is up, or after *limit*
    updates.

    Args:
        kinds: Telegram's names of updates, or what ``ask`` takes as a type: ``stream(Photo | Location)``.
        to, scope, filter: as for ``wait_for``.
        timeout: seconds for all of it.

    Raises:
        WaitCancelled, AlreadyWaiting, WouldDeadlock, NoTarget, BadArgument: as for ``wait_for``.
    """
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise BadArgument("limit", limit, "a whole number from 1, or None")
    return Stream(kinds, to, scope, filter, seconds("timeout", timeout), limit)


class Stream(Generic[T_co]):
    """What ``stream`` returns: a block, and in it an iterator."""

    def __init__(
        self,
        kinds: str | Collection[str] | Any,
        to: Any,
        scope: Scope | MessageScope | None,
        filter: Any,
        timeout: float | None,
        limit: int | None,
    ) -> None:
        self._what: dict[str, Any] = {"target": kinds} if is_spec(kinds) else {"kinds": kinds}
        self._kinds = question_for(kinds).kinds if is_spec(kinds) else kinds_of(kinds)
        self._to, self._scope, self._filter = to, scope, filter
        self._timeout = timeout
        self._left = limit
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Stream[T_co]:
        if current_flow.get() is not None:
            setting = Setting.find(self._to, self._scope)
            await self._stack.enter_async_context(block_kept(setting, self._timeout, "replace", self._kinds))
            return self
        held = await self._stack.enter_async_context(conversation(self._to, scope=self._scope, timeout=self._timeout))
        held.kinds |= self._kinds  # from now on, not only from the first turn of the loop
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def __aiter__(self) -> Stream[T_co]:
        return self

    async def __anext__(self) -> T_co:
        if self._left == 0:
            raise StopAsyncIteration
        try:
            found: T_co = await wait_for(filter=self._filter, **self._what)
        except WaitTimeout:
            raise StopAsyncIteration from None
        if self._left is not None:
            self._left -= 1
        return found
