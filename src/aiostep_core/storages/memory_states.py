"""States and data in this process's memory, or in whatever mapping somebody passes."""

from __future__ import annotations

import copy
import functools
import heapq
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, cast

from ..errors import BadArgument, StorageClosed
from .abc import StateContext
from .memory_records import MemoryRecords
from .records import record_name
from .states import StatesBody, Whose, check_keys
from .values import VALUES, Values

if TYPE_CHECKING:
    from .blocking_states import BlockingStates

__all__ = ["Cache", "MemoryStates"]


class Cache(Protocol):
    """A ``MutableMapping``, or one that does not say so, as those of cachebox."""

    def get(self, key: Any, default: Any = None, /) -> Any: ...
    def pop(self, key: Any, default: Any, /) -> Any: ...
    def __setitem__(self, key: Any, value: Any, /) -> None: ...
    def __len__(self) -> int: ...


class _Ends:
    """When which keys end. A key that is put off stays where it is in the heap until its turn comes."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def put(self, key: str, end: float | None) -> None:
        if end is None:
            self._ends.pop(key, None)
            return
        before = self._ends.get(key)
        self._ends[key] = end
        if before is not None and before <= end:
            return
        heapq.heappush(self._heap, (end, key))
        # Keys that were removed, or given a sooner end, have left entries behind.
        if len(self._heap) > 2 * len(self._ends) + 64:
            self._heap = [(end, key) for key, end in self._ends.items()]
            heapq.heapify(self._heap)

    def __contains__(self, key: str) -> bool:
        return key in self._ends

    def __len__(self) -> int:
        return len(self._heap)

    def has_until(self, now: float) -> bool:
        """Tell whether a key may have ended."""
        return bool(self._heap) and self._heap[0][0] <= now

    def pop_until(self, now: float) -> list[str]:
        """Remove and return the keys that have ended."""
        found = list[str]()
        while self._heap and self._heap[0][0] <= now:
            _, key = heapq.heappop(self._heap)
            end = self._ends.get(key)
            if end is not None and end <= now:
                del self._ends[key]
                found.append(key)
            elif end is not None:
                heapq.heappush(self._heap, (end, key))
        return found


class MemoryStates(StatesBody):
    """Gone with the process. Nothing here suspends, and a lock keeps threads apart.

    Callbacks are kept as they are. What has ended is removed by the next call, whoever it is for.

    Args:
        cache: where to keep it: a new dict, or any ``MutableMapping``, such as a ``cachetools.TTLCache``.
        strict: take only what every storage takes, so that the bot can move to another. Otherwise anything that
            ``copy.deepcopy`` can copy.
        clock: the seconds by which things end.
    """

    def __init__(
        self,
        cache: Cache | None = None,
        *,
        values: Values = VALUES,
        ex: float | timedelta | None = None,
        sliding: bool = False,
        per_chat: bool = False,
        strict: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(ex=ex, sliding=sliding, per_chat=per_chat)
        # An empty cache is false; and cachebox's are mappings that do not say so.
        if cache is not None and not all(callable(getattr(cache, one, None)) for one in ("get", "pop", "__setitem__")):
            raise BadArgument("cache", cache, "a dict or another MutableMapping, such as cachetools.TTLCache(1000, 60)")
        self.cache: Cache = dict[str, Any]() if cache is None else cache
        self._copy: Callable[[Any, str], Any] = values.copy if strict else _deep_copy
        self._is_strict = strict
        self._clock = clock
        self._lock = threading.RLock()
        self._ends = _Ends()
        self._has_ends = False
        self._is_closed = False

    @functools.cached_property
    def records(self) -> MemoryRecords:
        """Records for all the rest: steps, journals, timers."""
        return MemoryRecords()

    def blocking(self) -> BlockingStates:
        """Return the same states for threads."""
        from .blocking_states import BlockingStates

        return BlockingStates(self)

    async def close(self) -> None:
        with self._lock:
            self._is_closed = True
            await self.records.close()

    async def _put_state(self, whose: Whose, context: StateContext[Any], ttl: float | None) -> None:
        self._put(_name("state", whose), context, ttl)

    async def _state(self, whose: Whose) -> StateContext[Any] | None:
        return cast("StateContext[Any] | None", self._get(_name("state", whose)))

    async def _take_state(self, whose: Whose, chat: int | str | None) -> StateContext[Any] | None:
        name = _name("state", whose)
        with self._lock:
            found = self._get(name)
            if found is None or (chat is not None and found.chat_id != chat):
                return None
            return cast("StateContext[Any] | None", self._pop(name))

    async def _put_data(self, whose: Whose, data: dict[Any, Any], ttl: float | None) -> None:
        self._put(_name("data", whose), self._accepted(data), ttl)

    async def _data(self, whose: Whose) -> dict[Any, Any] | None:
        found = self._get(_name("data", whose))
        # What is in the cache is never changed, only replaced: so it may be copied without the lock.
        return None if found is None else self._copied(found)

    async def _merge_data(self, whose: Whose, data: dict[Any, Any], ttl: float | None) -> dict[Any, Any]:
        name, new = _name("data", whose), self._accepted(data)
        with self._lock:
            old: dict[Any, Any] | None = self._get(name)
            merged = {**(old or {}), **new}
            if merged or old is not None:
                self._put(name, merged, ttl, keep_end=ttl is None)
        return self._copied(merged)

    async def _take_data(self, whose: Whose) -> dict[Any, Any] | None:
        return cast("dict[Any, Any] | None", self._pop(_name("data", whose)))

    def _accepted(self, data: dict[Any, Any]) -> dict[Any, Any]:
        if self._is_strict:
            check_keys(data)
        return self._copied(data)

    def _copied(self, data: dict[Any, Any]) -> dict[Any, Any]:
        return cast("dict[Any, Any]", self._copy(data, "data"))

    def _put(self, name: str, value: object, ttl: float | None, *, keep_end: bool = False) -> None:
        with self._lock:
            self._tidy()
            self.cache[name] = value
            if ttl is not None:
                self._has_ends = True
                self._ends.put(name, self._clock() + ttl)
            elif not keep_end and self._has_ends:
                self._ends.put(name, None)

    def _get(self, name: str) -> Any:
        with self._lock:
            self._tidy()
            found = self.cache.get(name)
            if self._touch is not None and found is not None and name in self._ends:
                self._ends.put(name, self._clock() + self._touch)
            return found

    def _pop(self, name: str) -> Any:
        with self._lock:
            self._tidy()
            if self._has_ends:
                self._ends.put(name, None)
            return self.cache.pop(name, None)

    def _tidy(self) -> None:
        """Remove what has ended. With the lock held."""
        if self._is_closed:
            raise StorageClosed("memory://")
        if self._has_ends and self._ends.has_until(now := self._clock()):
            for name in self._ends.pop_until(now):
                self.cache.pop(name, None)


def _name(kind: str, whose: Whose) -> str:
    """Return the key in the cache: for a user alone as the original wrote it."""
    user, chat = whose
    if chat is None or chat == user:
        return f"{kind}:{user}" if isinstance(user, int) else f"{kind}:{record_name(user)}"
    return f"{kind}:{record_name(user, chat)}"


def _deep_copy(value: Any, path: str) -> Any:
    return copy.deepcopy(value)
