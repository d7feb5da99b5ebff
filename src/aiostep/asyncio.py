"""States and data of users, for an event loop: the names of the original API."""

from aiostep_core.storages.abc import StateContext as StateContext
from aiostep_core.storages.abc import StateStorage as BaseAsyncStorage
from aiostep_core.storages.state_storages import AsyncFileStateStorage as AsyncFileStateStorage
from aiostep_core.storages.state_storages import AsyncMemoryStateStorage as AsyncMemoryStateStorage
from aiostep_core.storages.state_storages import AsyncRedisStateStorage as AsyncRedisStateStorage

__all__ = [
    "AsyncFileStateStorage",
    "AsyncMemoryStateStorage",
    "AsyncRedisStateStorage",
    "BaseAsyncStorage",
    "StateContext",
]
