"""The storages of the original API by their names: in memory, in a file, in Redis; for threads and for event loops."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from ..errors import BadArgument
from .abc import Records
from .blocking_states import BlockingStates
from .memory_states import Cache, MemoryStates
from .states import RecordedStates
from .values import VALUES, Codec, Values

if TYPE_CHECKING:
    import redis.asyncio
    from typing_extensions import Self

    AsyncClient = redis.asyncio.Redis | redis.asyncio.RedisCluster

__all__ = [
    "AsyncFileStateStorage",
    "AsyncMemoryStateStorage",
    "AsyncRedisStateStorage",
    "FileStateStorage",
    "MemoryStateStorage",
    "RedisStateStorage",
]

Durability = Literal["full", "process"]


class AsyncMemoryStateStorage(MemoryStates):
    """States and data in this process's memory, for an event loop.

    Args:
        cache: where to keep them: a new dict, or any ``MutableMapping``, such as ``cachetools.TTLCache(1000, 60)``.
        ex: how long they stay, in seconds or a ``timedelta``; None: until they are deleted.
        sliding: let *ex* begin again whenever something is read.
        per_chat: keep a state for a user in each chat.
        strict: take only what every storage takes, so that the bot can move to another; otherwise also whatever
            ``copy.deepcopy`` can copy.
    """

    def __init__(
        self,
        cache: Cache | None = None,
        ex: float | timedelta | None = None,
        *,
        values: Values = VALUES,
        sliding: bool = False,
        per_chat: bool = False,
        strict: bool = True,
    ) -> None:
        super().__init__(cache, values=values, ex=ex, sliding=sliding, per_chat=per_chat, strict=strict)


class MemoryStateStorage(BlockingStates):
    """States and data in this process's memory, for threads, and wherever nothing is awaited.

    Args:
        cache: where to keep them: a new dict, or any ``MutableMapping``, such as ``cachetools.TTLCache(1000, 60)``.
        ex: how long they stay, in seconds or a ``timedelta``; None: until they are deleted.
        sliding: let *ex* begin again whenever something is read.
        per_chat: keep a state for a user in each chat.
        strict: take only what every storage takes, so that the bot can move to another; otherwise also whatever
            ``copy.deepcopy`` can copy.
    """

    def __init__(
        self,
        cache: Cache | None = None,
        ex: float | timedelta | None = None,
        *,
        values: Values = VALUES,
        sliding: bool = False,
        per_chat: bool = False,
        strict: bool = True,
    ) -> None:
        states = AsyncMemoryStateStorage(cache, ex, values=values, sliding=sliding, per_chat=per_chat, strict=strict)
        super().__init__(states)
        self.cache = states.cache


class AsyncFileStateStorage(RecordedStates):
    """States and data in a SQLite file, whatever it is called, for an event loop.

    A file that the original wrote is read once, and kept beside the new one.

    Args:
        path: the file; it is made when it is first needed.
        ex: how long things stay, in seconds or a ``timedelta``; None: until they are deleted.
        durability: "full": what was written survives a loss of power; "process": the end of the process.
        options: those of ``SqliteRecords``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        ex: float | timedelta | None = None,
        *,
        durability: Durability = "full",
        values: Codec = VALUES,
        sliding: bool = False,
        per_chat: bool = False,
        space: str | int | None = None,
        **options: Any,
    ) -> None:
        from .original_file import put_into
        from .sqlite import SqliteRecords

        options.setdefault("adopt", partial(put_into, values=values, per_chat=per_chat, space=space))
        records = SqliteRecords(path, durability=durability, **options)
        super().__init__(
            records, values=values, ex=ex, sliding=sliding, per_chat=per_chat, space=space, owns_records=True
        )


class FileStateStorage(BlockingStates):
    """States and data in a SQLite file, whatever it is called, for threads, and wherever nothing is awaited.

    A file that the original wrote is read once, and kept beside the new one.

    Args:
        path: the file; it is made when it is first needed.
        ex: how long things stay, in seconds or a ``timedelta``; None: until they are deleted.
        durability: "full": what was written survives a loss of power; "process": the end of the process.
        options: those of ``SqliteRecords``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        ex: float | timedelta | None = None,
        *,
        durability: Durability = "full",
        values: Codec = VALUES,
        sliding: bool = False,
        per_chat: bool = False,
        space: str | int | None = None,
        **options: Any,
    ) -> None:
        from .original_file import put_into
        from .sqlite import SqliteRecords

        options.setdefault("adopt", partial(put_into, values=values, per_chat=per_chat, space=space))
        records = SqliteRecords(path, durability=durability, is_blocking=True, **options)
        super().__init__(
            RecordedStates(
                records, values=values, ex=ex, sliding=sliding, per_chat=per_chat, space=space, owns_records=True
            )
        )


class AsyncRedisStateStorage(RecordedStates):
    """States and data in Redis or Valkey, for an event loop.

    Args:
        redis: a client of redis-py, which is not closed here; also of a cluster or a sentinel's service.
        url: ``redis://``, ``rediss://`` or ``unix://``, in place of the arguments before.
        ex: how long things stay, in seconds or a ``timedelta``; None: until they are deleted.
        prefix: what all keys begin with.
        options: others of ``redis.Redis``.
    """

    def __init__(
        self,
        redis: Any = None,
        host: str = "localhost",
        port: int = 6379,
        db: int = 0,
        password: str | None = None,
        ex: float | timedelta | None = None,
        *,
        url: str | None = None,
        prefix: str = "aiostep",
        values: Codec = VALUES,
        sliding: bool = False,
        per_chat: bool = False,
        space: str | int | None = None,
        **options: Any,
    ) -> None:
        place = {"host": host, "port": port, "db": db, "password": password}
        records = _redis_records(redis, url, place, options, prefix, is_blocking=False)
        super().__init__(
            records, values=values, ex=ex, sliding=sliding, per_chat=per_chat, space=space, owns_records=True
        )


class RedisStateStorage(BlockingStates):
    """States and data in Redis or Valkey, for threads, and wherever nothing is awaited.

    Handed a client of ``redis.asyncio`` this makes an ``AsyncRedisStateStorage``.

    Args:
        redis: a client of redis-py, which is not closed here; also of a cluster or a sentinel's service.
        url: ``redis://``, ``rediss://`` or ``unix://``, in place of the arguments before.
        ex: how long things stay, in seconds or a ``timedelta``; None: until they are deleted.
        prefix: what all keys begin with.
        options: others of ``redis.Redis``.
    """

    # pyright takes what a class makes from __new__, mypy from the self of __init__.
    @overload
    def __new__(cls, redis: AsyncClient, *args: Any, **options: Any) -> _AsyncRedisStateStorage: ...
    @overload
    def __new__(cls, *args: Any, **options: Any) -> Self: ...
    def __new__(cls, redis: Any = None, *args: Any, **options: Any) -> Any:
        if _is_asynchronous(redis):
            return AsyncRedisStateStorage(redis, *args, **options)
        return super().__new__(cls)

    @overload
    def __init__(  # type: ignore[misc]
        self: _AsyncRedisStateStorage, redis: AsyncClient, *args: Any, **options: Any
    ) -> None: ...
    @overload
    def __init__(
        self,
        redis: Any = None,
        host: str = "localhost",
        port: int = 6379,
        db: int = 0,
        password: str | None = None,
        ex: float | timedelta | None = None,
        *,
        url: str | None = None,
        prefix: str = "aiostep",
        values: Codec = VALUES,
        sliding: bool = False,
        per_chat: bool = False,
        space: str | int | None = None,
        **options: Any,
    ) -> None: ...
    def __init__(
        self,
        redis: Any = None,
        host: str = "localhost",
        port: int = 6379,
        db: int = 0,
        password: str | None = None,
        ex: float | timedelta | None = None,
        *,
        url: str | None = None,
        prefix: str = "aiostep",
        values: Codec = VALUES,
        sliding: bool = False,
        per_chat: bool = False,
        space: str | int | None = None,
        **options: Any,
    ) -> None:
        place = {"host": host, "port": port, "db": db, "password": password}
        records = _redis_records(redis, url, place, options, prefix, is_blocking=True)
        super().__init__(
            RecordedStates(
                records, values=values, ex=ex, sliding=sliding, per_chat=per_chat, space=space, owns_records=True
            )
        )


if TYPE_CHECKING:

    class _AsyncRedisStateStorage(AsyncRedisStateStorage, RedisStateStorage):  # type: ignore[misc]
        """What an asynchronous client makes: mypy lets a class make only what it takes for its own instances."""


def _redis_records(
    client: Any, url: str | None, place: dict[str, Any], options: dict[str, Any], prefix: str, *, is_blocking: bool
) -> Records:
    """Return records on *client*, or else at *url*, or else at *place*."""
    from .redis import RedisRecords

    grace = {name: options.pop(name) for name in ("grace", "timeout") if name in options}
    if client is not None and url is not None:
        raise BadArgument("url", f"{url.partition('://')[0]}://...", "a client or a URL, not both")
    if client is not None:
        if options:
            raise BadArgument("options", sorted(options), "none: the client that was passed has its own")
        records = RedisRecords(client, prefix=prefix, **grace)
    elif url is not None:
        records = RedisRecords.from_url(url, is_blocking=is_blocking, prefix=prefix, **grace, **options)
    else:
        records = RedisRecords.from_options(is_blocking=is_blocking, prefix=prefix, **grace, **place, **options)
    return records.blocking() if is_blocking else records.asynchronous()


def _is_asynchronous(client: Any) -> bool:
    aio = sys.modules.get("redis.asyncio")  # who has such a client has imported it
    return aio is not None and isinstance(client, (aio.Redis, aio.RedisCluster))
