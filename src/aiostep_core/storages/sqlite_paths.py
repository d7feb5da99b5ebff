"""What is at a path, told without SQLite, and giving files other names."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

if sys.platform != "win32":
    import fcntl

__all__ = [
    "APPLICATION_ID",
    "Identity",
    "Look",
    "free_name",
    "held",
    "identity_of",
    "let_go",
    "log_size",
    "look_at",
    "owned",
    "set_aside",
]

#: Device and inode: what a file is, whatever its name.
Identity = tuple[int, int]

#: "aios": marks a database as ours, in its header.
APPLICATION_ID = 0x61696F73

_MAGIC = b"SQLite format 3\0"
_HEADER = 100
_PAUSE = 0.02

_held = Counter[Identity]()
_held_lock = threading.Lock()


class Look(Enum):
    """What a file looks like from its first bytes.

    Attributes:
        NEW: there is none, or it is empty.
        OURS: our mark is in it, or it may be a database with nothing in it yet.
        BROKEN: it was a database.
        JSON: a JSON object, so perhaps the original's.
        OTHER: anything else, so not ours to touch.
    """

    NEW = 1
    OURS = 2
    BROKEN = 3
    JSON = 4
    OTHER = 5


def look_at(path: Path) -> Look:
    """Tell what is at *path*.

    Raises:
        OSError: it cannot be read.
    """
    identity = identity_of(path)
    if identity is None:
        return Look.BROKEN if log_size(str(path)) else Look.NEW
    with _held_lock:
        if _held[identity]:
            # Closing any descriptor of a file drops all the locks that this process has on it: SQLite's, too.
            return Look.OURS
        with path.open("rb") as file:
            header = file.read(_HEADER)
    return _look(header, path)


def _look(header: bytes, path: Path) -> Look:
    if not header:
        # SQLite would delete the log of an empty file, and what is in it with it.
        return Look.BROKEN if log_size(str(path)) else Look.NEW
    if not header.strip(b"\0"):
        return Look.BROKEN
    if not header.startswith(_MAGIC):
        return Look.JSON if header.lstrip().startswith(b"{") else Look.OTHER
    if len(header) < _HEADER:
        return Look.BROKEN
    if int.from_bytes(header[68:72], "big") == APPLICATION_ID:
        return Look.OURS
    # To open a foreign database that has a log or a journal beside it may already change it.
    is_touchable = header[18] == 1 and not _beside(path, "-journal").exists() and not any(header[60:72])
    return Look.OURS if is_touchable else Look.OTHER


def identity_of(path: Path) -> Identity | None:
    """Tell which file has this name, None: none has."""
    try:
        found = os.stat(path)  # noqa: PTH116 (half the time of Path.stat, and this is done for every write)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def held(identity: Identity) -> None:
    """Note that this process has a database open, so that nobody else opens and closes its file."""
    with _held_lock:
        _held[identity] += 1


def let_go(identity: Identity) -> None:
    """Note that it was closed again."""
    with _held_lock:
        _held[identity] -= 1
        if not _held[identity]:
            del _held[identity]


@contextlib.contextmanager
def owned(path: Path, identity: Identity | None, timeout: float) -> Generator[bool]:
    """Keep others from replacing the file at *path*; False if it is no more the one it was.

    Args:
        identity: the file as it was found.

    Raises:
        TimeoutError: another process is at it for longer than *timeout*.
    """
    if sys.platform == "win32" or identity is None:
        # There a file that is open cannot be replaced; and one that is not there has no lock.
        yield identity_of(path) == identity
        return
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield False
        return
    with file:
        deadline = time.monotonic() + timeout
        while True:
            try:
                # The lock of the file, not of its name: who comes later waits, and then finds another file there.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"another process replaces {path}") from None
                time.sleep(_PAUSE)
        yield identity_of(path) == identity


def free_name(path: Path, word: str) -> Path:
    """Return a name beside *path* that no file has: with *word* and the time."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    name = _beside(path, f".{word}-{stamp}")
    number = 1
    while name.exists():
        number += 1
        name = _beside(path, f".{word}-{stamp}-{number}")
    return name


def set_aside(path: Path, identity: Identity | None, timeout: float) -> Path | None:
    """Give a database and its log other names; return the new one, None if somebody else has done it meanwhile."""
    with owned(path, identity, timeout) as is_there:
        if not is_there:
            return None
        aside = free_name(path, "damaged")
        # The log first: beside the database that comes next it would be taken for that one's.
        for end in ("-wal", "-shm", "-journal", ""):
            with contextlib.suppress(FileNotFoundError):
                _beside(path, end).rename(_beside(aside, end))
        return aside


def log_size(path: str) -> int:
    """Return the bytes of a database's log, which is there while the database is open and after a crash."""
    try:
        return os.stat(f"{path}-wal").st_size  # noqa: PTH116 (as in identity_of)
    except FileNotFoundError:
        return 0


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)
