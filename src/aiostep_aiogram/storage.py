"""aiogram's states and data in a storage of ours: usable without anything else of aiostep.

::

    dispatcher = Dispatcher(storage=AiostepStorage("sqlite:///bot.db", ttl=timedelta(days=7)))
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseStorage, StorageKey

from aiostep_core.errors import BadArgument
from aiostep_core.storages.abc import RecordKey
from aiostep_core.storages.documents import Documents
from aiostep_core.storages.records import record_key
from aiostep_core.storages.source import RecordsLike, RecordsSource
from aiostep_core.storages.states import seconds
from aiostep_core.storages.values import VALUES, Codec

if TYPE_CHECKING:

    class DataNotDictLikeError(Exception):
        """aiogram's own; older versions have none."""

else:
    try:
        from aiogram.exceptions import DataNotDictLikeError
    except ImportError:
        DataNotDictLikeError = TypeError

__all__ = ["AiostepStorage", "DataNotDictLikeError", "key_of"]

T = TypeVar("T")

_STATE: Final = "aiogram-state"
_DATA: Final = "aiogram-data"


class AiostepStorage(BaseStorage):
    """States and data in a file, a server or memory, for ``Dispatcher(storage=...)``.

    Everything that tells one conversation from another is always part of the key, also the bot, the topic, the business
    connection and the destiny, so scenes need no special builder. ``update_data`` loses nothing that others write at
    the same time. Data are what ``Values`` can write down, and come back as they were; a change of what ``get_data``
    returned changes nothing that is stored.

    Args:
        storage: a URL, or ``Records`` that you close yourself.
        ttl: how long a conversation is kept after it was last read or written, its state and its data together;
            None: until it is cleared.
        values: how data are written down.
    """

    def __init__(self, storage: RecordsLike, *, ttl: float | timedelta | None = None, values: Codec = VALUES) -> None:
        self._source = RecordsSource(storage)
        self._ttl = None if ttl is None else seconds("ttl", ttl)
        self._documents = Documents(values)

    async def set_state(self, key: StorageKey, state: str | State | None = None) -> None:
        """Set the state; None removes it.

        Raises:
            BadArgument: *state* is neither a text nor a ``State``.
        """
        name = state.state if isinstance(state, State) else state
        if name is not None and not isinstance(name, str):
            raise BadArgument("state", state, "a text, a State, or None")
        fields = {} if name is None else {"state": name}
        await self._both(self._source.records.write(key_of(_STATE, key), fields, ttl=self._ttl), key_of(_DATA, key))

    async def get_state(self, key: StorageKey) -> str | None:
        """Return the name of the state."""
        fields = await self._read(key_of(_STATE, key), key_of(_DATA, key))
        return fields.get("state")

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """Put *data* in the place of all data.

        Raises:
            DataNotDictLikeError: (aiogram's) *data* is no dictionary.
            NotStorable: a value cannot be written down; nothing was changed.
        """
        fields = self._documents.write(_checked(data)) if data or not isinstance(data, Mapping) else {}
        await self._both(self._source.records.write(key_of(_DATA, key), fields, ttl=self._ttl), key_of(_STATE, key))

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        """Return all data."""
        return self._documents.read(await self._read(key_of(_DATA, key), key_of(_STATE, key)))

    async def get_value(self, storage_key: StorageKey, dict_key: str, default: Any = None) -> Any:
        """Return one of the data."""
        return (await self.get_data(storage_key)).get(dict_key, default)

    async def update_data(self, key: StorageKey, data: Mapping[str, Any]) -> dict[str, Any]:
        """Put *data* into the data, nothing lost that others put there; return all data then.

        Raises:
            DataNotDictLikeError, NotStorable: as for ``set_data``.
        """
        if not _checked(data):
            return await self.get_data(key)
        merge = self._source.records.merge(key_of(_DATA, key), self._documents.write(data), ttl=self._ttl)
        return self._documents.read(await self._both(merge, key_of(_STATE, key)))

    async def close(self) -> None:
        """Close what was opened here; it is opened again when it is needed."""
        await self._source.close()

    async def _read(self, key: RecordKey, other: RecordKey) -> dict[str, str]:
        return await self._both(self._source.records.read(key, touch=self._ttl), other)

    async def _both(self, operation: Coroutine[Any, Any, T], other: RecordKey) -> T:
        """Do *operation*, and keep the other half of the conversation for as long."""
        if self._ttl is None:
            return await operation
        done: T
        done, _ = await asyncio.gather(operation, self._source.records.read(other, touch=self._ttl))
        return done


def key_of(kind: str, key: StorageKey) -> RecordKey:
    """Return the key of the record that keeps one *kind* of thing for *key*."""
    business_id = getattr(key, "business_connection_id", None)  # since aiogram 3.5
    return record_key(kind, key.bot_id, business_id, key.chat_id, key.thread_id, key.user_id, key.destiny)


def _checked(data: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise DataNotDictLikeError(f"Data must be a dict or dict-like object, got {type(data).__name__}")
    return data
