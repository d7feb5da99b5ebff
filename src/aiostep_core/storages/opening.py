"""From what a user writes, a URL or a client, to the storage that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from ..errors import BadArgument
from .abc import BlockingStateStorage, Records, StateStorage, StepStorage
from .blocking_states import BlockingStates
from .memory import MemorySteps
from .memory_records import MemoryRecords
from .memory_states import MemoryStates
from .states import RecordedStates
from .values import VALUES, Codec, Values

__all__ = ["open_blocking_storage", "open_records", "open_steps", "open_storage"]

EXPECTED: Final = (
    '"memory://", "sqlite:///bot.db", "redis://host:6379/0", "rediss://...", "unix:///path/of/socket", '
    "the URL of a plugin's storage, Records, or a client of redis-py"
)
_REDIS: Final = ("redis", "rediss", "unix")


def open_storage(
    where: object,
    *,
    values: Codec = VALUES,
    ex: float | timedelta | None = None,
    sliding: bool = False,
    per_chat: bool = False,
    space: str | int | None = None,
    **options: Any,
) -> MemoryStates | RecordedStates:
    """Open the storage at *where*, for an event loop. It is connected to when it is first used.

    Its ``records`` serve everything else; ``install(storage=...)`` takes it as it is.

    Args:
        where: ``memory://``; ``sqlite:///bot.db`` (from here) or ``sqlite:////var/bot.db`` (from the root); ``redis://``,
            ``rediss://`` or ``unix://``; the URL of a plugin's storage; a client of redis-py, also of a cluster or of a
            sentinel's service; or ``Records``.
        values: writes and reads the data.
        ex: how long states and data stay, in seconds or a ``timedelta``.
        sliding: let *ex* begin again whenever something is read.
        per_chat: keep a state for a user in each chat.
        space: what to keep together and apart from others, such as a bot's id.
        options: those of the place, such as ``durability`` or ``prefix``.

    Raises:
        BadArgument: nobody knows *where*, or an option makes no sense.
        MissingRequirement: what the storage needs is not installed.
    """
    if where == "memory://":
        if options:
            raise _unknown(options, "memory://")
        memory = values if isinstance(values, Values) else VALUES
        return MemoryStates(values=memory, ex=ex, sliding=sliding, per_chat=per_chat)
    return RecordedStates(
        open_records(where, **options).asynchronous(),
        values=values,
        ex=ex,
        sliding=sliding,
        per_chat=per_chat,
        space=space,
        owns_records=not isinstance(where, Records),
    )


def open_blocking_storage(
    where: object,
    *,
    values: Codec = VALUES,
    ex: float | timedelta | None = None,
    sliding: bool = False,
    per_chat: bool = False,
    space: str | int | None = None,
    **options: Any,
) -> BlockingStates:
    """Open the storage at *where*, for threads; see ``open_storage``.

    Raises:
        BadArgument: nobody knows *where*, or an option makes no sense.
        MissingRequirement: what the storage needs is not installed.
    """
    kept: dict[str, Any] = {"ex": ex, "sliding": sliding, "per_chat": per_chat}
    if where == "memory://":
        return BlockingStates(open_storage(where, values=values, **kept, **options))
    records = open_records(where, is_blocking=True, **options)
    owns = not isinstance(where, Records)
    return BlockingStates(RecordedStates(records, values=values, space=space, owns_records=owns, **kept))


def open_records(where: object, *, is_blocking: bool = False, **options: Any) -> Records:
    """Open records at *where*; see ``open_storage``. Nothing is connected to yet.

    Raises:
        BadArgument: nobody knows *where*, or an option makes no sense.
        MissingRequirement: what the storage needs is not installed.
    """
    records = _open(where, is_blocking, options)
    return records.blocking() if is_blocking else records


def open_steps(storage: object) -> StepStorage:
    """Return where to keep steps, for ``install(storage=...)``.

    Raises:
        BadArgument: *storage* stands for none.
        MissingRequirement: what the storage needs is not installed.
    """
    if storage is None or storage == "memory://" or isinstance(storage, MemoryStates):
        return MemorySteps()
    if isinstance(storage, StepStorage):
        return storage
    records = getattr(storage, "records", None)
    if isinstance(records, Records):
        return _recorded(records)
    if isinstance(storage, (StateStorage, BlockingStateStorage)):
        raise BadArgument("storage", storage, "a storage with records, such as open_storage(url)")
    if isinstance(storage, str) and _scheme(storage) not in _BUILT_IN:
        found = _of_plugin(storage, {})
        return found if isinstance(found, StepStorage) else _recorded(_records_of(found, storage))
    if not isinstance(storage, (str, Records)):
        return _recorded(open_records(storage))
    if isinstance(storage, str):
        open_records(storage)  # refused here rather than by the first update
    return _recorded(storage)


def _recorded(storage: Records | str) -> StepStorage:
    from .steps import RecordedSteps

    return RecordedSteps(storage)


def _open(where: object, is_blocking: bool, options: dict[str, Any]) -> Records:
    if isinstance(where, str):
        scheme = _scheme(where)
        if (opens := _BUILT_IN.get(scheme)) is not None:
            return opens(where, is_blocking, options)
        return _records_of(_of_plugin(where, options), where)
    if isinstance(where, Records):
        if options:
            raise _unknown(options, "records that are open already")
        return where
    if any(base.__module__.partition(".")[0] == "redis" for base in type(where).__mro__):
        from .redis import RedisRecords

        return RedisRecords(where, **options)
    raise BadArgument("storage", where, EXPECTED)


def _scheme(url: str) -> str:
    """Return the part before ``://``. The rest may hold a password, so no error shows it."""
    scheme, found, _ = url.partition("://")
    if not found or not scheme:
        raise BadArgument("storage", "a text without ://", EXPECTED)
    return scheme.lower()


def _open_memory(url: str, is_blocking: bool, options: dict[str, Any]) -> Records:
    if options or url != "memory://":
        raise _unknown(options, "memory://")
    return MemoryRecords()


def _open_sqlite(url: str, is_blocking: bool, options: dict[str, Any]) -> Records:
    from .sqlite import SqliteRecords

    place, _, query = url.partition("://")[2].partition("?")
    if place and not place.startswith("/"):
        expected = "three slashes before a path, as in sqlite:///bot.db, and four before one from the root"
        raise BadArgument("storage", "sqlite://...", expected)
    given: dict[str, Any] = {**dict(parse_qsl(query, keep_blank_values=True)), **options}
    try:
        if isinstance(given.get("timeout"), str):
            given["timeout"] = float(given["timeout"])
        return SqliteRecords(place[1:] or ":memory:", is_blocking=is_blocking, **given)
    except (TypeError, ValueError) as error:
        if isinstance(error, BadArgument):
            raise
        raise _unknown(given, "sqlite://") from error


def _open_redis(url: str, is_blocking: bool, options: dict[str, Any]) -> Records:
    from .redis import RedisRecords

    return RedisRecords.from_url(url, is_blocking=is_blocking, **options)


_BUILT_IN: Final[dict[str, Callable[[str, bool, dict[str, Any]], Records]]] = {
    "memory": _open_memory,
    "sqlite": _open_sqlite,
    **dict.fromkeys(_REDIS, _open_redis),
}


def _of_plugin(url: str, options: dict[str, Any]) -> object:
    from ..plugins import default_plugins

    return default_plugins().make_storage(url, options)


def _records_of(found: object, url: str) -> Records:
    records = getattr(found, "records", found)
    if not isinstance(records, Records):
        kept = "steps" if isinstance(found, StepStorage) else "states"
        raise BadArgument("storage", f"{_scheme(url)}://...", f"the URL of a storage for everything; this keeps {kept}")
    return records


def _unknown(options: dict[str, Any], what: str) -> BadArgument:
    return BadArgument("options", sorted(options), f"only options that {what} has")
