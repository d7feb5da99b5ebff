"""The functions of ``aiostep.sync`` as type checkers see them with telebot; at run time they are those very ones.

In a generator handler they give what is to be yielded; what the ``yield`` gives has any type: annotate it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from re import Match, Pattern
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, overload

from aiostep_core import blocking
from aiostep_core.blocking import Questions as Questions
from aiostep_core.blocking import Stream as Stream
from aiostep_core.blocking import cancel as cancel
from aiostep_core.blocking import choose as choose
from aiostep_core.blocking import choose_many as choose_many
from aiostep_core.blocking import clear as clear
from aiostep_core.blocking import confirm as confirm
from aiostep_core.blocking import conversation as conversation
from aiostep_core.blocking import fill as fill
from aiostep_core.blocking import next_step as next_step
from aiostep_core.blocking import pending as pending
from aiostep_core.blocking import register_next_step as register_next_step
from aiostep_core.blocking import unregister_steps as unregister_steps

if TYPE_CHECKING:
    from telebot.types import CallbackQuery, Message
    from typing_extensions import TypeForm

    from aiostep_core.abc import Question
    from aiostep_core.keys import MessageScope, Scope

__all__ = [
    "Questions",
    "Stream",
    "ask",
    "cancel",
    "choose",
    "choose_many",
    "clear",
    "confirm",
    "conversation",
    "fill",
    "next_step",
    "pending",
    "register_next_step",
    "stream",
    "unregister_steps",
    "wait_for",
]

T = TypeVar("T")
D = TypeVar("D")
Seconds = float | timedelta | None


class _WaitFor(Protocol):
    # Values first: a type is an object too, which a target may be.
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
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
    def __call__(
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
    def __call__(
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
    def __call__(
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
    ) -> Message: ...
    @overload
    def __call__(
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
    ) -> CallbackQuery: ...
    @overload
    def __call__(
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
    ) -> Message | D: ...
    @overload
    def __call__(
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
    ) -> CallbackQuery | D: ...
    @overload
    def __call__(
        self,
        target: Any = None,
        timeout: Seconds = None,
        *,
        kinds: str | Collection[str],
        filter: Any = None,
        scope: Scope | MessageScope | None = None,
        default: Any = ...,
        on_conflict: str = "replace",
        fresh: bool = False,
        commands: str = "pass",
    ) -> Any: ...


class _Ask(Protocol):
    # Those with a default come first: the others would take it for an option of the framework's method.
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self,
        prompt: Any,
        as_: None = None,
        *,
        to: Any = None,
        check: Callable[[Message], Any] | None = None,
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
    ) -> Message | D: ...
    @overload
    def __call__(
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
    def __call__(
        self,
        prompt: Any,
        as_: None = None,
        *,
        to: Any = None,
        check: Callable[[Message], Any] | None = None,
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
    ) -> Message: ...
    @overload
    def __call__(
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
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self,
        prompt: Any,
        as_: Pattern[str],
        *,
        check: Callable[[Match[str]], Any] | None = None,
        default: D,
        **options: Any,
    ) -> Match[str] | D: ...
    @overload
    def __call__(
        self, prompt: Any, as_: Pattern[str], *, check: Callable[[Match[str]], Any] | None = None, **options: Any
    ) -> Match[str]: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self, prompt: Any, as_: str, *, check: Callable[[str], Any] | None = None, default: D, **options: Any
    ) -> str | D: ...
    @overload
    def __call__(self, prompt: Any, as_: str, *, check: Callable[[str], Any] | None = None, **options: Any) -> str: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self, prompt: Any, as_: TypeForm[T], *, check: Callable[[T], Any] | None = None, default: D, **options: Any
    ) -> T | D: ...
    @overload
    def __call__(
        self, prompt: Any, as_: TypeForm[T], *, check: Callable[[T], Any] | None = None, **options: Any
    ) -> T: ...


class _Stream(Protocol):
    @overload
    def __call__(self, kinds: Literal["message", "edited_message"] = "message", **options: Any) -> Stream[Message]: ...
    @overload
    def __call__(self, kinds: Literal["callback_query"], **options: Any) -> Stream[CallbackQuery]: ...
    @overload
    def __call__(self, kinds: str | Collection[str], **options: Any) -> Stream[Any]: ...
    @overload
    def __call__(self, kinds: type[T] | Question[T], **options: Any) -> Stream[T]: ...
    @overload
    def __call__(self, kinds: Any, **options: Any) -> Stream[Any]: ...


wait_for: _WaitFor = blocking.wait_for
ask: _Ask = blocking.ask
stream: _Stream = blocking.stream
