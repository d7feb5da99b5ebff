"""Files that the original's ``FileStateStorage`` wrote: read once, put into a database in their place, and kept."""

from __future__ import annotations

import contextlib
import json
import locale
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from ..errors import StorageDamaged, StorageUnavailable
from .abc import Records
from .records import settle
from .sqlite_paths import free_name, identity_of, owned
from .states import MAX_EX, RecordedStates

__all__ = ["Adopt", "OriginalData", "OriginalState", "adopt_original", "put_into", "read_original"]

logger = logging.getLogger("aiostep")


class OriginalState(NamedTuple):
    """The state of a user, as the original kept it.

    Attributes:
        user_id: a text if the bot used one.
        callback: the name of a function.
        expires_at: seconds since the epoch, or None.
    """

    user_id: int | str
    state: str
    callback: str | None
    chat_id: int | str | None
    expires_at: float | None


class OriginalData(NamedTuple):
    """The data of a user, as the original kept them."""

    user_id: int | str
    data: dict[str, Any]
    expires_at: float | None


Original = OriginalState | OriginalData
_STATE = ("current_state", "chat_id", "callback")
#: No time that the original noted is so long ago: a smaller number is something of the bot's.
_NO_TIME = 1e9
#: Puts what the original kept into records, given what time it is.
Adopt = Callable[[Records, Sequence[Original], float], None]


def read_original(text: str) -> list[Original]:
    """Read what the original wrote: one JSON object, with a member for each state and for each user's data.

    Raises:
        ValueError: the text is something else.
    """
    content: Any = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    return [_entry(name, value) for name, value in cast("dict[str, Any]", content).items()]


def adopt_original(
    path: Path, make: Callable[[Path], Records], adopt: Adopt, timeout: float, clock: Callable[[], float]
) -> None:
    """Put a database with what is in the file at *path* in its place, and keep the file beside it.

    At every moment there is one of the two under the name: this may be interrupted, and is then done anew.

    Args:
        make: makes a database, with the face for threads.

    Raises:
        StorageDamaged: it is another sort of file.
        StorageUnavailable: it cannot be replaced.
    """
    where = f"file {path}"
    identity = identity_of(path)
    try:
        entries = read_original(_text(path))
    except (ValueError, RecursionError) as error:
        raise StorageDamaged(
            where,
            f"is neither a SQLite file nor one that aiostep 0.3 wrote to its end ({error})",
            "it was not touched; give another path, or put back a backup of it",
        ) from error
    now = clock()
    alive = [entry for entry in entries if entry.expires_at is None or entry.expires_at > now]
    try:
        with owned(path, identity, timeout) as is_there:
            if is_there:
                backup = _replace(path, make, lambda records: adopt(records, alive, now))
                message = "%s was written by aiostep 0.3: a database with its %d states and data is there now, it is %s"
                logger.warning(message, path, len(alive), backup)
    except OSError as error:
        problem = f"was written by aiostep 0.3 and cannot be replaced by a database: {error}"
        raise StorageUnavailable(where, problem, "make its directory writable for this user") from error


def put_into(records: Records, entries: Sequence[Original], now: float, **options: Any) -> None:
    """Put what the original kept into *records*, for ``RecordedStates`` with the same *options* to find."""
    states = RecordedStates(records, **options)
    for entry in entries:
        ex = None if entry.expires_at is None or entry.expires_at - now > MAX_EX else entry.expires_at - now
        if isinstance(entry, OriginalData):
            settle(states.set_data(entry.user_id, entry.data, ex))
        else:
            callback = None if entry.callback is None else _stand_in(entry.callback)
            settle(states.set_state(entry.user_id, entry.state, callback, entry.chat_id, ex))


def _replace(path: Path, make: Callable[[Path], Records], fill: Callable[[Records], None]) -> Path:
    made = free_name(path, "new")
    try:
        records = make(made)
        try:
            # It is made when it is first needed, which it must be also if there is nothing to put into it.
            settle(records.read_many([]))
            fill(records)
        finally:
            # This moves everything into the one file, and onto the disk.
            settle(records.close())
        backup = free_name(path, "original")
        try:
            os.link(path, backup)
        except OSError:
            # Not every file system knows a file by two names.
            shutil.copy2(path, backup)
        made.replace(path)
        _sync_names(path.parent)
        return backup
    finally:
        made.unlink(missing_ok=True)


def _stand_in(name: str) -> Callable[[], None]:
    """Return a function of this name: it is not kept as the name of a step, which might be another function's."""

    def function() -> None: ...

    function.__name__ = name
    return function


def _entry(name: str, value: Any) -> Original:
    kind, _, user = name.partition(":")
    if kind not in ("state", "data") or not isinstance(value, dict):
        raise ValueError(f"{name!r} is neither a state nor data of a user")
    user_id = int(user) if user.isascii() and user.removeprefix("-").isdecimal() else user
    members = cast("dict[str, Any]", value)
    return _state(name, user_id, members) if kind == "state" else _data(name, user_id, members)


def _state(name: str, user_id: int | str, members: dict[str, Any]) -> OriginalState:
    if not {*_STATE} <= members.keys() <= {*_STATE, "expire"}:
        raise ValueError(f"{name!r} has other members than a state")
    state, chat_id, callback = (members[member] for member in _STATE)
    if not isinstance(state, str) or not isinstance(callback, str | None):
        raise ValueError(f"{name!r} has no name of a state, or none of a function")
    if isinstance(chat_id, bool) or not isinstance(chat_id, int | str | None):
        raise ValueError(f"{name!r} has no chat id but {type(chat_id).__name__}")
    return OriginalState(user_id, state, callback, chat_id, _time(name, members.get("expire")))


def _data(name: str, user_id: int | str, members: dict[str, Any]) -> OriginalData:
    if isinstance(members.get("data"), dict) and members.keys() <= {"data", "ex"}:
        return OriginalData(user_id, members["data"], _time(name, members.get("ex")))
    # Up to 0.3.4, or a little later, the time was put among the data.
    expires_at = members.get("expire")
    if isinstance(expires_at, float) and expires_at > _NO_TIME:
        del members["expire"]
        return OriginalData(user_id, members, expires_at)
    return OriginalData(user_id, members, None)


def _time(name: str, expires_at: object) -> float | None:
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float | None):
        raise ValueError(f"{name!r} ends at no time but {type(expires_at).__name__}")
    return expires_at


def _text(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode()
    except UnicodeDecodeError:
        # The original wrote in whatever encoding the system had.
        return content.decode(locale.getpreferredencoding(do_setlocale=False))


def _sync_names(directory: Path) -> None:
    # Else a power cut may bring the old file back, when the new one has been written to.
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
