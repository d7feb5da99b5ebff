"""``ask``, ``wait_for`` and ``stream`` as type checkers see them; each adapter fills in the types of its framework."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from re import Match, Pattern
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from .abc import Question
    from .keys import MessageScope, Scope
    from .streaming import Stream

__all__ = ["Ask", "Streaming", "WaitFor"]

T = TypeVar("T")
D = TypeVar("D")
MessageT = TypeVar("MessageT", covariant=True)
ClickT = TypeVar("ClickT", covariant=True)
AnyT = TypeVar("AnyT", covariant=True)
AnswerT = TypeVar("AnswerT", covariant=True)
Seconds = float | timedelta | None


class WaitFor(Protocol[MessageT, ClickT, AnyT]):
    """``wait_for`` of a framework, by what it gives for messages, for clicks and for all kinds of update."""

    # Values first: a type is an object too, which a target may be.
    @overload
    async def __call__(
        self,
        target: type[T] | Question[T],
        timeout: Seconds = None,
        *,
        filter: Any = None,
        scope: Scope | MessageScope | None = None,
        on_conflict: str = "replace",
        fresh: bool = False,
        commands: str = "pass",
    ) -> T: ...
    @overload
    async def __call__(
        self,
        target: type[T] | Question[T],
        timeout: Seconds = None,
        *,
        filter: Any = None,
        scope: Scope | MessageScope | None = None,
        default: D,
        on_conflict: str = "replace",
        fresh: bool = False,
        commands: str = "pass",
    ) -> T | D: ...
    @overload  # to mypy, ``Photo | Location`` is one of these
    async def __call__(
        self,
        target: UnionType | type[Any],
        timeout: Seconds = None,
        *,
        filter: Any = None,
        scope: Scope | MessageScope | None = None,
        default: Any = ...,
        on_conflict: str = "replace",
        fresh: bool = False,
        commands: str = "pass",
    ) -> Any: ...
    @overload
    async def __call__(
        self,
        target: Any = None,
        timeout: Seconds = None,
        *,
        kinds: Literal["message", "edited_message"] = "message",
        filter: Any = None,
        scope: Scope | MessageScope | None = None,
        on_conflict: str = "replace",
        fresh: bool = False,
        commands: str = "pass",
    ) -> MessageT: ...
    @overload
    async def __call__(
        self,
        target: Any = None,
        timeout: Seconds = None,
        *,
        kinds: Literal["callback_query"],
        filter: Any = None,
        scope: Scope | MessageScope | None = None,
        on_conflict: str = "replace",
        fresh: bool = False,
        commands: str = "pass",
    ) -> ClickT: ...
    @overload
    async def __call__(
        self,
        target: Any = None,
        timeout: Seconds = None,
        *,
        kinds: Literal["message", "edited_message"] = "message",
        filter: Any = None,
        scope: Scope | MessageScope | None = None,
        default: D,
        on_conflict: str = "replace",
        fresh: bool = False,
        commands: str = "pass",
    ) -> MessageT | D: ...
    @overload
    async def __call__(
        self,
        target: Any = None,
        timeout: Seconds = None,
        *,
        kinds: Literal["callback_query"],
        filter: Any = None,
        scope: Scope | MessageScope | None = None,
        default: D,
        on_conflict: str = "replace",
        fresh: bool = False,
        commands: str = "pass",
    ) -> ClickT | D: ...
    @overload
    async def __call__(
        self,
        target: Any = None,
        timeout: Seconds = None,
        *,
        kinds: str | Collection[str],
        filter: Any = None,
        scope: Scope | MessageScope | None = None,
        on_conflict: str = "replace",
        fresh: bool = False,
        commands: str = "pass",
    ) -> AnyT: ...
    @overload
    async def __call__(
        self,
        target: Any = None,
        timeout: Seconds = None,
        *,
        kinds: str | Collection[str],
        filter: Any = None,
        scope: Scope | MessageScope | None = None,
        default: D,
        on_conflict: str = "replace",
        fresh: bool = False,
        commands: str = "pass",
    ) -> AnyT | D: ...


class Ask(Protocol[AnswerT]):
    """``ask`` of a framework, by what its answers are if nothing is made of them."""

    # Those with a default come first: the others would take it for an option of the framework's method.
    @overload
    async def __call__(
        self,
        prompt: Any,
        as_: None = None,
        *,
        to: Any = None,
        check: Callable[[AnswerT], Any] | None = None,
        retry: str | Callable[..., Any] | None = None,
        attempts: int | None = 3,
        timeout: Seconds = None,
        remind: Mapping[float, Any] | None = None,
        default: D,
        cancel: bool = True,
        keyboard: Any = None,
        force_reply: bool | str = "auto",
        scope: Scope | MessageScope | None = None,
        filter: Any = None,
        escape: Any = None,
        again: bool | float = False,
        on_conflict: str = "replace",
        fresh: bool = False,
        **send: Any,
    ) -> AnswerT | D: ...
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
        default: D,
        cancel: bool = True,
        keyboard: Any = None,
        force_reply: bool | str = "auto",
        scope: Scope | MessageScope | None = None,
        filter: Any = None,
        escape: Any = None,
        again: bool | float = False,
        on_conflict: str = "replace",
        fresh: bool = False,
        **send: Any,
    ) -> T | D: ...
    @overload
    async def __call__(
        self,
        prompt: Any,
        as_: None = None,
        *,
        to: Any = None,
        check: Callable[[AnswerT], Any] | None = None,
        retry: str | Callable[..., Any] | None = None,
        attempts: int | None = 3,
        timeout: Seconds = None,
        remind: Mapping[float, Any] | None = None,
        cancel: bool = True,
        keyboard: Any = None,
        force_reply: bool | str = "auto",
        scope: Scope | MessageScope | None = None,
        filter: Any = None,
        escape: Any = None,
        again: bool | float = False,
        on_conflict: str = "replace",
        fresh: bool = False,
        **send: Any,
    ) -> AnswerT: ...
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
        escape: Any = None,
        again: bool | float = False,
        on_conflict: str = "replace",
        fresh: bool = False,
        **send: Any,
    ) -> T: ...
    # A regular expression; and what is written in the place of a class: ``Literal[...]``, ``Photo | Location``.
    @overload
    async def __call__(
        self,
        prompt: Any,
        as_: Pattern[str],
        *,
        check: Callable[[Match[str]], Any] | None = None,
        default: D,
        **options: Any,
    ) -> Match[str] | D: ...
    @overload
    async def __call__(
        self, prompt: Any, as_: Pattern[str], *, check: Callable[[Match[str]], Any] | None = None, **options: Any
    ) -> Match[str]: ...
    @overload
    async def __call__(
        self, prompt: Any, as_: str, *, check: Callable[[str], Any] | None = None, default: D, **options: Any
    ) -> str | D: ...
    @overload
    async def __call__(
        self, prompt: Any, as_: str, *, check: Callable[[str], Any] | None = None, **options: Any
    ) -> str: ...
    @overload
    async def __call__(
        self, prompt: Any, as_: TypeForm[T], *, check: Callable[[T], Any] | None = None, default: D, **options: Any
    ) -> T | D: ...
    @overload
    async def __call__(
        self, prompt: Any, as_: TypeForm[T], *, check: Callable[[T], Any] | None = None, **options: Any
    ) -> T: ...


class Streaming(Protocol[MessageT, ClickT, AnyT]):
    """``stream`` of a framework."""

    @overload
    def __call__(
        self,
        kinds: Literal["message", "edited_message"] = "message",
        *,
        to: Any = None,
        scope: Scope | MessageScope | None = None,
        filter: Any = None,
        timeout: Seconds = None,
        limit: int | None = None,
    ) -> Stream[MessageT]: ...
    @overload
    def __call__(
        self,
        kinds: Literal["callback_query"],
        *,
        to: Any = None,
        scope: Scope | MessageScope | None = None,
        filter: Any = None,
        timeout: Seconds = None,
        limit: int | None = None,
    ) -> Stream[ClickT]: ...
    @overload
    def __call__(
        self,
        kinds: str | Collection[str],
        *,
        to: Any = None,
        scope: Scope | MessageScope | None = None,
        filter: Any = None,
        timeout: Seconds = None,
        limit: int | None = None,
    ) -> Stream[AnyT]: ...
    @overload
    def __call__(
        self,
        kinds: type[T] | Question[T],
        *,
        to: Any = None,
        scope: Scope | MessageScope | None = None,
        filter: Any = None,
        timeout: Seconds = None,
        limit: int | None = None,
    ) -> Stream[T]: ...
    @overload
    def __call__(
        self,
        kinds: Any,
        *,
        to: Any = None,
        scope: Scope | MessageScope | None = None,
        filter: Any = None,
        timeout: Seconds = None,
        limit: int | None = None,
    ) -> Stream[Any]: ...
