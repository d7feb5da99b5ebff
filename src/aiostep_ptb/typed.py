"""``ask`` and ``wait_for`` as type checkers see them here; at run time they are the core's own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from aiostep_core import asking

if TYPE_CHECKING:
    from telegram import Update

    from aiostep_core.abc import Question
    from aiostep_core.keys import MessageScope, Scope

__all__ = ["ask", "wait_for"]

T = TypeVar("T")
D = TypeVar("D")
Seconds = float | timedelta | None


class _WaitFor(Protocol):
    @overload
    async def __call__(
        self,
        target: Any = None,
        timeout: Seconds = None,
        *,
        kinds: str | Collection[str] = "message",
        filter: Any = None,
        scope: Scope | MessageScope | None = None,
        on_conflict: str = "replace",
        fresh: bool = False,
        commands: str = "pass",
    ) -> Update: ...
    @overload
    async def __call__(
        self,
        target: Any = None,
        timeout: Seconds = None,
        *,
        kinds: str | Collection[str] = "message",
        filter: Any = None,
        scope: Scope | MessageScope | None = None,
        default: D,
        on_conflict: str = "replace",
        fresh: bool = False,
        commands: str = "pass",
    ) -> Update | D: ...


class _Ask(Protocol):
    @overload
    async def __call__(
        self,
        prompt: Any,
        as_: None = None,
        *,
        to: Any = None,
        check: Callable[[Update], Any] | None = None,
        retry: str | Callable[..., Any] | None = None,
        attempts: int | None = 3,
        timeout: Seconds = None,
        remind: Mapping[float, Any] | None = None,
        cancel: bool = True,
        keyboard: Any = None,
        force_reply: bool | str = "auto",
        scope: Scope | MessageScope | None = None,
        filter: Any = None,
        on_conflict: str = "replace",
        fresh: bool = False,
        **send: Any,
    ) -> Update: ...
    @overload
    async def __call__(
        self,
        prompt: Any,
        as_: type[T] | Question[T],
        *,
        to: Any = None,
        check: Callable[[T], Any] | None = None,
        retry: str | Callable[..., Any] | None = None,
        attempts: int | None = 3,
        timeout: Seconds = None,
        remind: Mapping[float, Any] | None = None,
        cancel: bool = True,
        keyboard: Any = None,
        force_reply: bool | str = "auto",
        scope: Scope | MessageScope | None = None,
        filter: Any = None,
        on_conflict: str = "replace",
        fresh: bool = False,
        **send: Any,
    ) -> T: ...


wait_for: _WaitFor = asking.wait_for
ask: _Ask = asking.ask
