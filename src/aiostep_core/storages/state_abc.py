"""The contracts of states and data, for an event loop and for threads; ``abc`` shows where they belong."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["BlockingStateStorage", "StateContext", "StateStorage"]

CallbackT = TypeVar("CallbackT")


@dataclass(frozen=True, slots=True)
class StateContext(Generic[CallbackT]):
    """A state as ``get_state`` returns it.

    Attributes:
        current_state: the name that was set.
        callback: the function that was set with it, or the name it was stored under.
        chat_id: the chat that it was set in.
    """

    current_state: str
    callback: CallbackT | None = None
    chat_id: int | str | None = None


class StateStorage(ABC):
    """Keeps a state and a dictionary of data for each user.

    States are texts; of an ``Enum`` member the name is kept. Data are what the storage's codec can write down. What is
    put in cannot be changed from outside afterwards, nor by changing what was got out.

    Who names no chat means the chat with the user, whose id is the user's. Data are those of a user in a chat. A state
    is the user's, wherever: the chat is noted in it, and who names a chat when reading or deleting gets it if it was
    set there. With ``per_chat`` a user has a state in each chat.

    ``ex``, seconds or a ``timedelta``, is how long something stays; the storage has its own for when none is given.

    Raises:
        BadArgument: (every method) an id is no number or text, ``ex`` is not greater than zero, a state is no text or
            ``Enum``, data are no dictionary.
        NotStorable: (every method that writes) a value cannot be written down; nothing was changed.
        StorageUnavailable: (every method) the storage cannot be reached or will not have us.
        StorageClosed: (every method) it was closed.
    """

    #: Whether a user has a state in each chat.
    per_chat: bool = False

    @abstractmethod
    async def set_state(
        self,
        user_id: int | str,
        state: str | Enum,
        callback: Any = None,
        chat_id: int | str | None = None,
        ex: float | timedelta | None = None,
    ) -> None:
        """Set the state of a user.

        Args:
            callback: a function to find with the state, such as the handler of the step before. A storage that
                outlives the process keeps its name: that of its ``@step``, or else the function's own.
        """

    @abstractmethod
    async def get_state(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        """Return the ``StateContext`` of a user, or *default*."""

    @abstractmethod
    async def delete_state(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        """Delete the state of a user; return what it was, or *default*. Of several who delete it one gets it."""

    @abstractmethod
    async def set_data(
        self,
        user_id: int | str,
        data: Mapping[Any, Any] | None = None,
        ex: float | timedelta | None = None,
        chat_id: int | str | None = None,
        **more: Any,
    ) -> None:
        """Put *data* and *more* in place of the data of a user."""

    @abstractmethod
    async def get_data(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        """Return the data of a user, or *default*."""

    @abstractmethod
    async def update_data(
        self,
        user_id: int | str,
        data: Mapping[Any, Any] | None = None,
        ex: float | timedelta | None = None,
        chat_id: int | str | None = None,
        **more: Any,
    ) -> dict[Any, Any]:
        """Put *data* and *more* into the data of a user, nothing lost that others put there; return all of it then."""

    @abstractmethod
    async def delete_data(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        """Delete the data of a user; return what they were, or *default*. Of several who delete them one gets them."""

    async def clear_data(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        """Do what ``delete_data`` does, under its older name."""
        return await self.delete_data(user_id, default, chat_id)

    async def close(self) -> None:
        """Let go of what was opened here. Again is harmless."""
        return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class BlockingStateStorage(ABC):
    """A ``StateStorage`` for threads: the same methods, without ``await``."""

    per_chat: bool = False

    @abstractmethod
    def set_state(
        self,
        user_id: int | str,
        state: str | Enum,
        callback: Any = None,
        chat_id: int | str | None = None,
        ex: float | timedelta | None = None,
    ) -> None:
        """Set the state of a user."""

    @abstractmethod
    def get_state(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        """Return the ``StateContext`` of a user, or *default*."""

    @abstractmethod
    def delete_state(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        """Delete the state of a user; return what it was, or *default*. Of several who delete it one gets it."""

    @abstractmethod
    def set_data(
        self,
        user_id: int | str,
        data: Mapping[Any, Any] | None = None,
        ex: float | timedelta | None = None,
        chat_id: int | str | None = None,
        **more: Any,
    ) -> None:
        """Put *data* and *more* in place of the data of a user."""

    @abstractmethod
    def get_data(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        """Return the data of a user, or *default*."""

    @abstractmethod
    def update_data(
        self,
        user_id: int | str,
        data: Mapping[Any, Any] | None = None,
        ex: float | timedelta | None = None,
        chat_id: int | str | None = None,
        **more: Any,
    ) -> dict[Any, Any]:
        """Put *data* and *more* into the data of a user, nothing lost that others put there; return all of it then."""

    @abstractmethod
    def delete_data(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        """Delete the data of a user; return what they were, or *default*. Of several who delete them one gets them."""

    def clear_data(self, user_id: int | str, default: Any = None, chat_id: int | str | None = None) -> Any:
        """Do what ``delete_data`` does, under its older name."""
        return self.delete_data(user_id, default, chat_id)

    def close(self) -> None:
        """Let go of what was opened here. Again is harmless."""
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
