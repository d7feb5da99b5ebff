"""What SQLite's errors mean for whoever uses the storage."""

from __future__ import annotations

import sqlite3

from ..errors import BadArgument, StorageDamaged, StorageError, StorageUnavailable

__all__ = ["concerns_all", "damaged", "is_busy", "is_damage", "translated"]

# SQLite's primary result codes. The module has names for them from Python 3.11 on only.
_PERM, _BUSY, _LOCKED, _NOMEM, _READONLY, _IOERR, _CORRUPT = 3, 5, 6, 7, 8, 10, 11
_FULL, _CANTOPEN, _PROTOCOL, _TOOBIG, _NOTADB = 13, 14, 15, 18, 26

# Python 3.10 tells the code only by its text.
_CODES = {
    "access permission denied": _PERM,
    "database is locked": _BUSY,
    "database table is locked": _LOCKED,
    "database schema is locked": _LOCKED,
    "out of memory": _NOMEM,
    "attempt to write a readonly database": _READONLY,
    "disk I/O error": _IOERR,
    "database disk image is malformed": _CORRUPT,
    "malformed database schema": _CORRUPT,
    "database or disk is full": _FULL,
    "unable to open database file": _CANTOPEN,
    "locking protocol": _PROTOCOL,
    "string or blob too big": _TOOBIG,
    "file is not a database": _NOTADB,
}

_PROBLEMS = {
    _PERM: ("cannot be accessed", "make the file and its directory readable and writable for this user"),
    _READONLY: ("is read-only", "make the file and its directory writable for this user"),
    _IOERR: ("failed to read or write", "look at the disk and at what the system logged about it"),
    _FULL: ("has no space left", "free some; what was acknowledged before is kept"),
    _CANTOPEN: ("cannot be opened", "make the file and its directory readable and writable for this user"),
    _NOMEM: ("ran out of memory", "give the process more"),
}


def is_busy(error: Exception) -> bool:
    """Tell whether another process has the file at the moment."""
    return _code(error) in (_BUSY, _LOCKED, _PROTOCOL)


def is_damage(error: Exception) -> bool:
    """Tell whether the file itself is broken."""
    return _code(error) in (_CORRUPT, _NOTADB)


def concerns_all(error: Exception) -> bool:
    """Tell whether what went wrong is not about one operation of a transaction, but about the file."""
    return _code(error) in _PROBLEMS or is_busy(error) or is_damage(error)


def translated(error: Exception, where: str, timeout: float) -> Exception:
    """Return what to raise for *error*; what is no error of SQLite's stays as it is."""
    code = _code(error)
    if is_busy(error):
        problem = f"is locked by another process for more than {timeout:g} s"
        fix = "end the program that has it open in a transaction, or give a longer timeout"
        return StorageUnavailable(where, problem, fix)
    if is_damage(error):
        return damaged(where, str(error))
    if code in _PROBLEMS:
        return StorageUnavailable(where, *_PROBLEMS[code])
    if code == _TOOBIG or isinstance(error, OverflowError):
        return BadArgument("a record", "too large for SQLite", "at most a thousand million bytes")
    if isinstance(error, sqlite3.Error) and not isinstance(error, StorageError):
        return StorageUnavailable(where, f"refused the operation: {error}")
    return error


def damaged(where: str, problem: str) -> StorageDamaged:
    """Return the error for a file that was ours and cannot be read any more."""
    return StorageDamaged(
        where,
        f"is damaged ({problem})",
        "stop the bot, copy the file and those beside it with -wal and -shm to a safe place, then put back a backup "
        'or what `sqlite3 FILE .recover` finds; on_damage="recreate" sets a damaged file aside and starts empty',
    )


def _code(error: Exception) -> int | None:
    if not isinstance(error, sqlite3.Error):
        return None
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF
    text = str(error)
    return next((found for start, found in _CODES.items() if text.startswith(start)), None)
