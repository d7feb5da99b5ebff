"""Databases and the end of the process, or its doubling.

A connection to SQLite must not cross a fork, not even unused: the child would believe that it holds the locks of its
parent, also with connections of its own to the same file, and nothing would keep other processes from deleting the log
under it. So before a fork all files are closed, and opened again by whoever needs them, on either side.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from typing import Protocol

from ..errors import StorageError

__all__ = ["Watched", "watch"]


class Watched(Protocol):
    """A database as the end of the process and forks concern it."""

    def close(self) -> None:
        """Close it for good."""
        ...

    def before_fork(self) -> None:
        """Close the file; let nobody open it."""
        ...

    def after_fork(self) -> None:
        """Let the file be opened again."""
        ...

    def after_fork_in_child(self) -> None:
        """Forget what belongs to the parent; let the file be opened again."""
        ...


_watched = weakref.WeakSet[Watched]()


def watch(database: Watched) -> None:
    """Tell *database* of forks and the end of the process, as long as it exists."""
    _watched.add(database)


def _close_all() -> None:
    for database in list(_watched):
        # The process is going; nobody is left to be told.
        with contextlib.suppress(StorageError):
            database.close()


def _before_fork() -> None:
    for database in list(_watched):
        database.before_fork()


def _after_fork() -> None:
    for database in list(_watched):
        database.after_fork()


def _after_fork_in_child() -> None:
    for database in list(_watched):
        database.after_fork_in_child()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
