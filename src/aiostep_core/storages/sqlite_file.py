"""A database file: what is there is looked at before it is touched, made, upgraded, checked, or set aside."""

from __future__ import annotations

import logging
import pkgutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import StorageDamaged, StorageUnavailable
from .sqlite_errors import damaged, is_busy, is_damage
from .sqlite_jobs import Transaction
from .sqlite_paths import (
    APPLICATION_ID,
    Identity,
    Look,
    held,
    identity_of,
    let_go,
    log_size,
    look_at,
    set_aside,
)

__all__ = ["IN_MEMORY", "MIGRATIONS", "Connections", "DatabaseFile"]

#: The path of a database that is gone with its connection.
IN_MEMORY: Final = ":memory:"

#: What brings a file from one version to the next; a file's version is how many of them it has had.
MIGRATIONS: tuple[str, ...] = ("sql/sqlite_1.sql",)

#: The first version that can replace a record, or else insert it, in one statement.
_OLDEST_SQLITE = (3, 24)
_ATTEMPTS = 3
_PAUSE = 0.005

logger = logging.getLogger("aiostep")


class _Broken(Exception):
    """The file was a database and is none any more."""


@dataclass(frozen=True, slots=True)
class Connections:
    """A file that is open. Without a *reader* the one connection does both."""

    writer: sqlite3.Connection
    reader: sqlite3.Connection | None = None
    identity: Identity | None = None

    def close(self) -> None:
        # The one that may write last: it moves the log into the file and removes it, which marks a clean end.
        if self.reader is not None:
            self.reader.close()
        self.writer.close()
        if self.identity is not None:
            let_go(self.identity)


@dataclass(slots=True)
class DatabaseFile:
    """Opens the file at *path*, every time anew.

    Attributes:
        is_synced: each commit reaches the disk.
        recreates: a damaged file is set aside and a new one made.
        timeout: the seconds that other processes are waited for.
        adopt: makes a database of a file that the original wrote, in its place.
    """

    path: str
    is_synced: bool
    recreates: bool
    timeout: float
    adopt: Callable[[Path], None]
    _found: Identity | None = None
    _checked: Identity | None = None
    _is_suspect: bool = False

    @property
    def is_in_memory(self) -> bool:
        """Whether there is no file at all."""
        return self.path == IN_MEMORY

    @property
    def where(self) -> str:
        """What errors call it."""
        return "SQLite in memory" if self.is_in_memory else f"SQLite file {self.path}"

    def open(self) -> Connections:
        """Open the file; make it if there is none.

        Raises:
            StorageDamaged: it is damaged, not ours, or of a newer version.
            StorageUnavailable: it cannot be opened.
            sqlite3.Error: something else is wrong with it.
        """
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            problem = f"needs SQLite 3.24 or newer; this Python has {sqlite3.sqlite_version}"
            raise StorageUnavailable(self.where, problem, "use a Python that was built with a newer one")
        for _ in range(_ATTEMPTS):
            try:
                return self._open()
            except _Broken as broken:
                self._give_up(str(broken))
            except OSError as error:
                fix = "make the file and its directory readable and writable for this user"
                raise StorageUnavailable(self.where, f"cannot be opened: {error}", fix) from error
        raise StorageUnavailable(self.where, "was replaced again and again while it was opened")

    def is_moved(self, connections: Connections) -> bool:
        """Tell whether the file that is open has its name no more: somebody deleted, replaced or set it aside."""
        return connections.identity is not None and identity_of(Path(self.path)) != connections.identity

    def log_size(self) -> int:
        """Return the bytes that the write-ahead log takes."""
        return 0 if self.is_in_memory else log_size(self.path)

    def suspect(self, problem: str, connections: Connections | None) -> None:
        """Deal with damage that was found in use, of *connections*, which are closed by now.

        Raises:
            StorageDamaged: unless it was set aside, so that it can be opened anew.
        """
        self._is_suspect = True
        if connections is not None:
            self._found = connections.identity
        self._give_up(problem)

    def _open(self) -> Connections:
        if self.is_in_memory:
            writer = self._connect()
            self._prepare(writer)
            return Connections(writer)
        path = Path(self.path)
        self._found = identity_of(path)
        self._look(path)
        # The log is there after a crash, and while another process has the file. To check for nothing is harmless.
        if self._is_suspect or (log_size(self.path) and identity_of(path) != self._checked):
            self._check(path)
        writer = self._connect()
        try:
            self._prepare(writer)
            identity = self._checked = identity_of(path)
            self._is_suspect = False
            reader = self._connect()
            reader.execute("pragma query_only = on")
            # Reading never waits here: what would have to is done by the thread that writes.
            reader.execute("pragma busy_timeout = 0")
        except BaseException as error:
            writer.close()
            if isinstance(error, sqlite3.Error) and is_damage(error):
                raise _Broken(str(error)) from error
            raise
        if identity is not None:
            held(identity)
        return Connections(writer, reader, identity)

    def _look(self, path: Path) -> None:
        """Refuse what is not ours; adopt what the original wrote."""
        if path.is_dir():
            raise StorageUnavailable(self.where, "is a directory", "give the path of a file in it")
        if not path.parent.is_dir():
            raise StorageUnavailable(self.where, f"has no directory {path.parent}", "create it, or give another path")
        look = look_at(path)
        if look is Look.JSON:
            self.adopt(path)
        elif look is Look.OTHER:
            raise self._foreign("is no SQLite file, or one of another program")
        elif look is Look.BROKEN:
            raise _Broken("its first page is gone")

    def _connect(self) -> sqlite3.Connection:
        # Threads share connections, one at a time, under a lock.
        return sqlite3.connect(self.path, timeout=self.timeout, isolation_level=None, check_same_thread=False)

    def _prepare(self, writer: sqlite3.Connection) -> None:
        """Bring the tables up to date before anything else, then switch to the log.

        In this order our mark is in the file itself from its first transaction on, never only in the log.
        """
        # At one moment: another process may be about to make the tables.
        with Transaction(writer, "begin"):
            version = self._version(writer)
        if version < len(MIGRATIONS):
            self._upgrade(writer)
        if not self.is_in_memory:
            self._use_log(writer)
        writer.execute(f"pragma synchronous = {'full' if self.is_synced else 'normal'}")
        # Without this macOS says that data are on the disk when they are in its cache. Elsewhere it means nothing.
        writer.execute(f"pragma fullfsync = {'on' if self.is_synced else 'off'}")

    def _version(self, writer: sqlite3.Connection) -> int:
        version = int(writer.execute("pragma user_version").fetchone()[0])
        mark = int(writer.execute("pragma application_id").fetchone()[0])
        if mark != APPLICATION_ID and (mark or version or writer.execute("select 1 from sqlite_master").fetchone()):
            raise self._foreign("is a SQLite file of another program")
        if version > len(MIGRATIONS):
            problem = f"was written by a newer aiostep (version {version}; this one reads up to {len(MIGRATIONS)})"
            raise StorageDamaged(self.where, problem, "upgrade aiostep, or give another path")
        return version

    def _upgrade(self, writer: sqlite3.Connection) -> None:
        with Transaction(writer, "begin exclusive"):
            # Once more, now that nobody else can: another process may have been faster.
            for number in range(self._version(writer), len(MIGRATIONS)):
                for statement in _statements(MIGRATIONS[number]):
                    writer.execute(statement)
                writer.execute(f"pragma user_version = {number + 1}")
            writer.execute(f"pragma application_id = {APPLICATION_ID}")

    def _use_log(self, writer: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                (mode,) = writer.execute("pragma journal_mode = wal").fetchone()
                break
            except sqlite3.OperationalError as error:
                # SQLite itself does not wait here, as two who both want to switch would wait for each other.
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)
        if mode != "wal":
            problem = f"cannot keep a write-ahead log (journal mode {mode})"
            raise StorageUnavailable(self.where, problem, "put it on a local disk: network file systems lack the locks")

    def _check(self, path: Path) -> None:
        # Read-only: a connection that may write moves the log into the file when it is closed, damaged or not.
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=self.timeout, isolation_level=None)
        try:
            (answer,) = connection.execute("pragma quick_check(1)").fetchone()
        except sqlite3.Error as error:
            if is_damage(error):
                raise _Broken(str(error)) from error
            raise
        finally:
            connection.close()
        if answer != "ok":
            raise _Broken(" ".join(str(answer).split()))

    def _give_up(self, problem: str) -> None:
        if not self.recreates or self.is_in_memory:
            raise damaged(self.where, problem)
        try:
            aside = set_aside(Path(self.path), self._found, self.timeout)
        except OSError as error:
            raise StorageUnavailable(self.where, f"is damaged ({problem}) and cannot be set aside: {error}") from error
        self._is_suspect = False
        if aside is not None:
            logger.error("%s is damaged (%s); it was set aside as %s and a new one begun", self.where, problem, aside)

    def _foreign(self, problem: str) -> StorageDamaged:
        return StorageDamaged(self.where, problem, "it was not touched; give another path")


def _statements(name: str) -> Iterator[str]:
    """Yield the statements of a script one by one: to run it whole would end the transaction that it is run in."""
    script = pkgutil.get_data(__package__ or "", name)
    assert script is not None
    statement = ""
    for line in script.decode().splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
