"""What type checkers must make of storages; never run, checked by mypy and pyright."""

from __future__ import annotations

from typing import Any

import redis.asyncio
from typing_extensions import assert_type

from aiostep import FileStateStorage, MemoryStateStorage, RedisStateStorage, StateContext, open_storage, storable, sync
from aiostep.asyncio import AsyncFileStateStorage, AsyncMemoryStateStorage, AsyncRedisStateStorage
from aiostep.utils import IsState


@storable("usage.order")
class Order(tuple[int, int]):
    """What a decorator must leave as it is."""

    __slots__ = ()


assert_type(Order((1, 2)), Order)

memory = MemoryStateStorage()
assert_type(memory.get_state(1), StateContext[Any] | None)
assert_type(memory.get_state(1, "none"), StateContext[Any] | str)
assert_type(memory.delete_state(1), StateContext[Any] | None)
assert_type(memory.get_data(1), dict[Any, Any] | None)
assert_type(memory.get_data(1, default=0), dict[Any, Any] | int)
assert_type(memory.update_data(1, {"a": 1}, b=2), dict[Any, Any])
assert_type(memory.delete_data(1, chat_id=5), dict[Any, Any] | None)
assert_type(FileStateStorage("x.json", ex=200).get_data(1), dict[Any, Any] | None)
assert_type(RedisStateStorage(host="x").get_state(1), StateContext[Any] | None)
IsState("A", memory)


class Named(RedisStateStorage):
    """A class of one's own makes its own."""


assert_type(Named(host="x"), Named)
assert_type(RedisStateStorage(redis.Redis(), ex=5), RedisStateStorage)


async def of_an_asynchronous_client() -> None:
    handed: AsyncRedisStateStorage = RedisStateStorage(redis.asyncio.Redis(), ex=200)
    assert_type(await handed.get_state(1), StateContext[Any] | None)
    assert_type(await RedisStateStorage(redis.asyncio.RedisCluster(host="x")).get_data(1), dict[Any, Any] | None)


async def asynchronous() -> None:
    for storage in (AsyncMemoryStateStorage(), AsyncFileStateStorage("x.json"), AsyncRedisStateStorage(host="x")):
        assert_type(await storage.get_state(1), StateContext[Any] | None)
        assert_type(await storage.get_state(1, 5), StateContext[Any] | int)
        assert_type(await storage.get_data(1), dict[Any, Any] | None)
        assert_type(await storage.update_data(1, a=1), dict[Any, Any])
        IsState("A", storage)
    async with open_storage("sqlite:///x.db", ex=5) as opened:
        assert_type(await opened.get_data(1), dict[Any, Any] | None)
    with sync.open_storage("sqlite:///x.db") as blocking:
        assert_type(blocking.get_data(1), dict[Any, Any] | None)
