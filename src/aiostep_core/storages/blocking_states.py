"""States and data for threads: the same storages, run without an event loop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, TypeVar, overload

from ..errors import BadArgument
from .abc import BlockingStateStorage, StateContext
from .memory_states import MemoryStates
from .records import settle
from .states import RecordedStates

__all__ = ["BlockingStates"]

T = TypeVar("T")


class BlockingStates(BlockingStateStorage):
    """The face for threads of states in memory, or of states on records for threads."""

    def __init__(self, states: MemoryStates | RecordedStates) -> None:
        if isinstance(states, RecordedStates) and not states.records.is_blocking:
            raise BadArgument("states", states, "states on records for threads: RecordedStates(records.blocking())")
        self._states = states
        self.per_chat = states.per_chat
        self.ex = states.ex

    @property
    def records(self) -> Any:
        """The ``Records`` beneath."""
        return self._states.records

    def set_state(
        self,
        user_id: int | str,
        state: str | Enum,
        callback: Any = None,
        chat_id: int | str | None = None,
        ex: float | timedelta | None = None,
    ) -> None:
        settle(self._states.set_state(user_id, state, callback, chat_id, ex))

    @overload
    def get_state(
        self, user_id: int | str, default: None = None, chat_id: int | str | None = None
    ) -> StateContext[Any] | None: ...
    @overload
    def get_state(self, user_id: int | str, default: T, chat_id: int | str | None = None) -> StateContext[Any] | T: ...
    def get_state(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        return settle(self._states.get_state(user_id, default, chat_id))

    @overload
    def delete_state(
        self, user_id: int | str, default: None = None, chat_id: int | str | None = None
    ) -> StateContext[Any] | None: ...
    @overload
    def delete_state(
        self, user_id: int | str, default: T, chat_id: int | str | None = None
    ) -> StateContext[Any] | T: ...
    def delete_state(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        return settle(self._states.delete_state(user_id, default, chat_id))

    def set_data(
        self,
        user_id: int | str,
        data: Mapping[Any, Any] | None = None,
        ex: float | timedelta | None = None,
        chat_id: int | str | None = None,
        **more: Any,
    ) -> None:
        settle(self._states.set_data(user_id, data, ex, chat_id, **more))

    @overload
    def get_data(
        self, user_id: int | str, default: None = None, chat_id: int | str | None = None
    ) -> dict[Any, Any] | None: ...
    @overload
    def get_data(self, user_id: int | str, default: T, chat_id: int | str | None = None) -> dict[Any, Any] | T: ...
    def get_data(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        return settle(self._states.get_data(user_id, default, chat_id))

    def update_data(
        self,
        user_id: int | str,
        data: Mapping[Any, Any] | None = None,
        ex: float | timedelta | None = None,
        chat_id: int | str | None = None,
        **more: Any,
    ) -> dict[Any, Any]:
        return settle(self._states.update_data(user_id, data, ex, chat_id, **more))

    @overload
    def delete_data(
        self, user_id: int | str, default: None = None, chat_id: int | str | None = None
    ) -> dict[Any, Any] | None: ...
    @overload
    def delete_data(self, user_id: int | str, default: T, chat_id: int | str | None = None) -> dict[Any, Any] | T: ...
    def delete_data(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        return settle(self._states.delete_data(user_id, default, chat_id))

    def close(self) -> None:
        settle(self._states.close())
