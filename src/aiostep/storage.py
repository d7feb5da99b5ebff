"""States and data of users, without ``await``; ``aiostep.asyncio`` has the same for an event loop.

The names of the original API. In memory nothing is ever awaited, so these serve asynchronous bots too; a file or Redis
makes an event loop wait with them.
"""

from aiostep_core.storages.abc import BlockingStateStorage as BaseStorage
from aiostep_core.storages.abc import StateContext as StateContext
from aiostep_core.storages.state_storages import FileStateStorage as FileStateStorage
from aiostep_core.storages.state_storages import MemoryStateStorage as MemoryStateStorage
from aiostep_core.storages.state_storages import RedisStateStorage as RedisStateStorage

__all__ = ["BaseStorage", "FileStateStorage", "MemoryStateStorage", "RedisStateStorage", "StateContext"]
