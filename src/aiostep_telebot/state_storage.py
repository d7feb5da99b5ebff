"""telebot's states in a storage of ours, for both kinds of bot: usable without anything else of aiostep.

::

    bot = TeleBot(TOKEN, state_storage=AiostepStateStorage("sqlite:///bot.db"))
    bot = AsyncTeleBot(TOKEN, state_storage=AsyncAiostepStateStorage("redis://localhost"))
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from types import TracebackType
from typing import Any, Final

from telebot import asyncio_handler_backends, handler_backends
from telebot.asyncio_storage import StateStorageBase as AsyncStateStorageBase
from telebot.storage import StateStorageBase

from aiostep_core.storages.abc import RecordKey
from aiostep_core.storages.documents import Documents, changes
from aiostep_core.storages.records import record_key, settle
from aiostep_core.storages.source import RecordsLike, RecordsSource
from aiostep_core.storages.states import seconds
from aiostep_core.storages.values import VALUES, Codec

__all__ = ["AiostepStateStorage", "AsyncAiostepStateStorage"]

# In older versions the two kinds of bot have States of their own, and there is no module for both.
_backends: tuple[Any, ...] = (handler_backends, asyncio_handler_backends)
_STATES: Final = (*(one.State for one in _backends), Enum)
_KIND: Final = "telebot-state"
#: The field of the state; those of data are written otherwise.
_STATE: Final = "state"


class _States:
    """What both storages do. A record without a state does not count: telebot keeps data only where there is one."""

    def __init__(self, source: RecordsSource, ttl: float | timedelta | None, values: Codec) -> None:
        self._source = source
        self._ttl = None if ttl is None else seconds("ttl", ttl)
        self._values = values
        self._documents = Documents(values)

    async def set_state(self, key: RecordKey, state: Any) -> bool:
        if isinstance(state, _STATES):
            state = state.name
        fields = {_STATE: self._values.encode(state, "state")}
        await self._source.records.merge(key, fields, ttl=self._ttl)
        return True

    async def get_state(self, key: RecordKey) -> Any:
        fields = await self.read(key)
        return self._values.decode(fields[_STATE]) if fields else None

    async def delete_state(self, key: RecordKey) -> bool:
        return bool(await self.read(key)) and await self._source.records.remove(key)

    async def set_data(self, key: RecordKey, name: Any, value: Any) -> bool:
        if not await self._merge(key, self._documents.write({name: value})):
            raise RuntimeError("there is no state to keep data for; call set_state() first")
        return True

    async def get_data(self, key: RecordKey) -> dict[Any, Any]:
        return self._documents.read(_without_state(await self.read(key)))

    async def reset_data(self, key: RecordKey) -> bool:
        return await self.save(key, {})

    async def save(self, key: RecordKey, data: Mapping[Any, Any]) -> bool:
        there = await self.read(key)
        return bool(there) and await self._merge(key, changes(_without_state(there), self._documents.write(data)))

    async def save_changes(self, key: RecordKey, before: Mapping[str, str], data: Mapping[Any, Any]) -> bool:
        """Write what was changed since *before*, and nothing else."""
        return await self._merge(key, changes(before, self._documents.write(data)))

    async def read(self, key: RecordKey) -> dict[str, str]:
        """Return the fields of a record that has a state."""
        fields = await self._source.records.read(key, touch=self._ttl)
        return fields if _STATE in fields else {}

    async def _merge(self, key: RecordKey, fields: Mapping[str, str]) -> bool:
        """Put *fields* into a record that has a state; return whether there was one."""
        if not await self.read(key):
            return False
        merged = await self._source.records.merge(key, fields, ttl=self._ttl)
        if _STATE in merged:
            return True
        await self._source.records.remove(key, where=merged)  # it was deleted just now, and must not come back
        return False

    async def snapshot(self, key: RecordKey) -> tuple[dict[str, str], dict[Any, Any]]:
        """Return the data as fields and as they are."""
        fields = _without_state(await self.read(key))
        return fields, self._documents.read(fields)


class AiostepStateStorage(StateStorageBase):
    """States and their data in a file, a server or memory, for ``TeleBot(state_storage=...)``.

    Everything that tells one conversation from another is always part of the key. A ``State`` comes back as its name,
    which is what telebot's filters compare; anything else as it was. Of the data that ``retrieve_data`` gives only what
    was changed is written, so blocks that overlap lose nothing.

    Args:
        storage: a URL, or ``Records`` that you close yourself.
        ttl: how long a state and its data are kept after they were last read or written; None: until they are deleted.
        values: how data are written down.
    """

    def __init__(self, storage: RecordsLike, *, ttl: float | timedelta | None = None, values: Codec = VALUES) -> None:
        super().__init__()
        self._source = RecordsSource(storage, blocking=True)
        self._states = _States(self._source, ttl, values)

    def set_state(self, chat_id: int, user_id: int, state: Any, *where: Any, **more: Any) -> bool:
        """Set the state."""
        return settle(self._states.set_state(_key(chat_id, user_id, *where, **more), state))

    def get_state(self, chat_id: int, user_id: int, *where: Any, **more: Any) -> Any:
        """Return the state, or None."""
        return settle(self._states.get_state(_key(chat_id, user_id, *where, **more)))

    def delete_state(self, chat_id: int, user_id: int, *where: Any, **more: Any) -> bool:
        """Delete the state and its data; return whether there was one."""
        return settle(self._states.delete_state(_key(chat_id, user_id, *where, **more)))

    def set_data(self, chat_id: int, user_id: int, key: Any, value: Any, *where: Any, **more: Any) -> bool:
        """Put one value into the data.

        Raises:
            RuntimeError: there is no state, as telebot's own storage says.
            NotStorable: the value cannot be written down.
        """
        return settle(self._states.set_data(_key(chat_id, user_id, *where, **more), key, value))

    def get_data(  # pyright: ignore[reportIncompatibleMethodOverride] - it is called with more than the base declares
        self, chat_id: int, user_id: int, *where: Any, **more: Any
    ) -> dict[Any, Any]:
        """Return a copy of the data."""
        return settle(self._states.get_data(_key(chat_id, user_id, *where, **more)))

    def reset_data(self, chat_id: int, user_id: int, *where: Any, **more: Any) -> bool:
        """Delete the data, not the state; return whether there is one."""
        return settle(self._states.reset_data(_key(chat_id, user_id, *where, **more)))

    def save(self, chat_id: int, user_id: int, data: Mapping[Any, Any], *where: Any, **more: Any) -> bool:
        """Put *data* in the place of all data; return whether there is a state."""
        return settle(self._states.save(_key(chat_id, user_id, *where, **more), data))

    def get_interactive_data(self, chat_id: int, user_id: int, *where: Any, **more: Any) -> _Data:
        """Return the data as a block: what is changed in it is written at its end."""
        return _Data(self._states, _key(chat_id, user_id, *where, **more))

    def close(self) -> None:
        """Close what was opened here; it is opened again when it is needed."""
        self._source.close_now()


class AsyncAiostepStateStorage(AsyncStateStorageBase):
    """The same for ``AsyncTeleBot(state_storage=...)``; see ``AiostepStateStorage``."""

    def __init__(self, storage: RecordsLike, *, ttl: float | timedelta | None = None, values: Codec = VALUES) -> None:
        super().__init__()
        self._source = RecordsSource(storage)
        self._states = _States(self._source, ttl, values)

    async def set_state(self, chat_id: int, user_id: int, state: Any, *where: Any, **more: Any) -> bool:
        """Set the state."""
        return await self._states.set_state(_key(chat_id, user_id, *where, **more), state)

    async def get_state(self, chat_id: int, user_id: int, *where: Any, **more: Any) -> Any:
        """Return the state, or None."""
        return await self._states.get_state(_key(chat_id, user_id, *where, **more))

    async def delete_state(self, chat_id: int, user_id: int, *where: Any, **more: Any) -> bool:
        """Delete the state and its data; return whether there was one."""
        return await self._states.delete_state(_key(chat_id, user_id, *where, **more))

    async def set_data(self, chat_id: int, user_id: int, key: Any, value: Any, *where: Any, **more: Any) -> bool:
        """Put one value into the data.

        Raises:
            RuntimeError: there is no state, as telebot's own storage says.
            NotStorable: the value cannot be written down.
        """
        return await self._states.set_data(_key(chat_id, user_id, *where, **more), key, value)

    async def get_data(  # pyright: ignore[reportIncompatibleMethodOverride] - as above
        self, chat_id: int, user_id: int, *where: Any, **more: Any
    ) -> dict[Any, Any]:
        """Return a copy of the data."""
        return await self._states.get_data(_key(chat_id, user_id, *where, **more))

    async def reset_data(self, chat_id: int, user_id: int, *where: Any, **more: Any) -> bool:
        """Delete the data, not the state; return whether there is one."""
        return await self._states.reset_data(_key(chat_id, user_id, *where, **more))

    async def save(self, chat_id: int, user_id: int, data: Mapping[Any, Any], *where: Any, **more: Any) -> bool:
        """Put *data* in the place of all data; return whether there is a state."""
        return await self._states.save(_key(chat_id, user_id, *where, **more), data)

    def get_interactive_data(self, chat_id: int, user_id: int, *where: Any, **more: Any) -> _AsyncData:
        """Return the data as a block: what is changed in it is written at its end."""
        return _AsyncData(self._states, _key(chat_id, user_id, *where, **more))

    async def close(self) -> None:
        """Close what was opened here; it is opened again when it is needed."""
        await self._source.close()


class _Data:
    """The data of a state for the length of a block."""

    def __init__(self, states: _States, key: RecordKey) -> None:
        self._states = states
        self._key = key
        self._before: dict[str, str] = {}
        self.data: dict[Any, Any] = {}

    def __enter__(self) -> dict[Any, Any]:
        self._before, self.data = settle(self._states.snapshot(self._key))
        return self.data

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # Also when the block raised, as telebot's own storages do.
        settle(self._states.save_changes(self._key, self._before, self.data))


class _AsyncData:
    """The same for a storage that is awaited."""

    def __init__(self, states: _States, key: RecordKey) -> None:
        self._states = states
        self._key = key
        self._before: dict[str, str] = {}
        self.data: dict[Any, Any] = {}

    async def __aenter__(self) -> dict[Any, Any]:
        self._before, self.data = await self._states.snapshot(self._key)
        return self.data

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._states.save_changes(self._key, self._before, self.data)


def _key(
    chat_id: int,
    user_id: int,
    business_connection_id: str | None = None,
    message_thread_id: int | None = None,
    bot_id: int | None = None,
) -> RecordKey:
    return record_key(_KIND, bot_id, business_connection_id, message_thread_id, chat_id, user_id)


def _without_state(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in fields.items() if name != _STATE}
