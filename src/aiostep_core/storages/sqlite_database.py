"""One database for threads and event loops alike: who reads, who writes, and when it is committed.

There are two connections. Reading is done on the spot, on one that may only read: with a write-ahead log it never
waits for whoever writes. What writes is a job, and jobs queue for the other one. Whoever gets the lock of that one
commits all the jobs in the queue in one transaction, those of others too; so while one commit is on its way to the
disk, the jobs for the next one gather. Threads do this themselves. For event loops a thread does it, except that
commits which need not reach the disk are made on the spot, unless that would mean to wait.

Whatever takes its time, and is not for somebody who happens to come by, is that thread's business as well: opening the
file, waiting for other processes, removing what has expired, moving the log into the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from ..errors import StorageClosed, StorageUnavailable
from . import sqlite_operations as operations
from .sqlite_errors import is_busy, is_damage, translated
from .sqlite_file import Connections, DatabaseFile
from .sqlite_forks import watch
from .sqlite_jobs import Job, Operation, deliver, do, fail

__all__ = ["LATER", "Database", "Later"]

T = TypeVar("T")

#: How many jobs one transaction takes at most.
_BATCH = 512
#: After so many jobs expired records are looked for, and up to _PURGED of them removed at a time.
_PURGE_EVERY = 64
_PURGED = 128
#: Where there are only reads, expired records are looked for so often, in seconds.
_TIDY = 60.0
#: Where commits are made on the spot the log is moved into the file after so many of them, or once it grew by so many
#: bytes; how much it grew is looked at now and then.
_CHECKPOINT_EVERY = 400
_LOG_GROWTH = 4_000_000
_MEASURE_EVERY = 20
#: A file that lost its name is noticed within so many seconds.
_LOOK_EVERY = 1.0
#: How much longer than others are waited for a fork waits for a commit.
_GRACE = 1.0

# Connections that a child process found open. It must not even close them: they are kept as they are.
_inherited: list[object] = []


class Later:
    """Says that something cannot be done on the spot."""


LATER: Final = Later()


class Database:
    """A database that is opened when it is first needed.

    Args:
        clock: the time by which records expire, in seconds since the epoch.
    """

    def __init__(self, file: DatabaseFile, clock: Callable[[], float]) -> None:
        self.file = file
        self.is_closed = False
        self._clock = clock
        # In memory nobody waits for a disk, nor for other processes.
        self._commits_here = not file.is_synced or file.is_in_memory
        self._connections: Connections | None = None
        self._writer: sqlite3.Cursor | None = None
        self._reader: sqlite3.Cursor | None = None
        self._patience = 0.0
        self._jobs_done = 0
        self._commits = 0
        self._log_limit = _LOG_GROWTH
        self._tidy_at = 0.0
        self._looked_at = 0.0
        self._is_lost = False
        self._has_expired = False
        self._begins_log = False
        self._was_open_at_fork = False
        self._make_locks()
        watch(self)

    # For everybody: reading and changing, on the spot or soon.

    def read(self, operation: Operation[T]) -> T | Later:
        """Read without waiting for anybody; ``LATER`` if that cannot be."""
        now = self._clock()
        with self._read_lock:
            if self._reader is None or self._looks_lost(now):
                return LATER
            try:
                result = operation(self._reader, now)
                if now >= self._tidy_at:
                    self._tidy_at = now + _TIDY
                    self._has_expired = operations.has_expired(self._reader, now)
            except sqlite3.Error as error:
                if is_busy(error) or is_damage(error):
                    # As a job it may wait, and finds the damage where it can be dealt with.
                    return LATER
                raise translated(error, self.file.where, self.file.timeout) from error
        self._look_after()
        return result

    def change(self, operation: Operation[T], *, is_single: bool = False) -> T:
        """Do it and commit, or wait for somebody else to have done that."""
        job = Job(operation, is_single=is_single)
        if not self._change_here(job):
            self._queue.append(job)
            while not job.is_done:
                with self._lock:
                    if not job.is_done:
                        self._commit()
                    if self._is_log_full():
                        self._checkpoint()
        self._look_after()
        return job.outcome()

    async def change_soon(self, operation: Operation[T], *, is_single: bool = False) -> T:
        """Do it and commit, without keeping the event loop waiting."""
        job = Job(operation, is_single=is_single)
        if not (self._commits_here and self._change_here(job)):
            job.future = asyncio.get_running_loop().create_future()
            self._enqueue(job)
            await job.future
        self._look_after()
        return job.outcome()

    def close(self) -> None:
        """Commit what is in the queue, then close for good."""
        self.is_closed = True
        with self._lock:
            self._finish()
        self._wake.set()

    async def close_soon(self) -> None:
        """Do the same without keeping the event loop waiting."""
        self.is_closed = True
        if self._connections is not None or self._queue:
            await asyncio.get_running_loop().run_in_executor(None, self.close)
        self._wake.set()

    def abandon(self) -> None:
        """Close when nobody is left to use it. The garbage collector calls this, anywhere: it must not wait."""
        self.is_closed = True
        self._wake.set()
        if self._thread is None and self._lock.acquire(blocking=False):
            try:
                self._finish()
            finally:
                self._lock.release()

    # Forks: see sqlite_forks.

    def before_fork(self) -> None:
        self._has_locks = self._lock.acquire(timeout=self.file.timeout + _GRACE)
        if self._has_locks:
            if not self.file.is_in_memory:
                self._disconnect()
            self._read_lock.acquire()

    def after_fork(self) -> None:
        if self._has_locks:
            self._read_lock.release()
            self._lock.release()

    def after_fork_in_child(self) -> None:
        # What is in memory was copied with it, and has no locks.
        if self._connections is not None and not (self.file.is_in_memory and self._has_locks):
            self._was_open_at_fork = True
            _inherited.append((self._connections, self._writer, self._reader))
            self._connections = self._writer = self._reader = None
        self._make_locks()

    def _make_locks(self) -> None:
        """Begin without a thread, and with nobody waiting."""
        self._queue = deque[Job[Any]]()
        # For the connection that writes, and for opening and closing; then, inside of it, for the one that reads.
        self._lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._has_locks = False
        self._thread: threading.Thread | None = None
        self._thread_lock = threading.Lock()
        self._wake = threading.Event()

    # Writing. All of this is done with the lock held.

    def _commit(self) -> None:
        """Do the jobs in the queue, as many as go into one transaction."""
        jobs = [self._queue.popleft() for _ in range(min(len(self._queue), _BATCH))]
        try:
            self._do(jobs)
        except BaseException as error:
            fail(jobs, error, self.file.where, self.file.timeout)
            if not isinstance(error, Exception):
                raise
        finally:
            deliver(jobs)

    def _do(self, jobs: list[Job[Any]]) -> None:
        try:
            do(jobs, self._opened(), self._clock())
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            connections = self._connections
            self._disconnect()
            self.file.suspect(str(error), connections)
            do(jobs, self._opened(), self._clock())
        self._begins_log = False
        for job in jobs:
            if job.error is not None:
                fail([job], job.error, self.file.where, self.file.timeout)
        self._count(len(jobs), self._clock())

    def _change_here(self, job: Job[Any]) -> bool:
        """Do a job on the spot; False if that would mean to wait for somebody."""
        if self._queue or not self._lock.acquire(blocking=False):
            return False
        try:
            now = self._clock()
            if self._writer is None or self._begins_log or self._looks_lost(now):
                return False
            if self._is_log_full():
                # Whoever always comes first would keep the thread from getting at it.
                return False
            self._wait_at_most(0)
            do([job], self._writer, now)
            self._count(1, now)
        except sqlite3.Error as error:
            if is_busy(error) or is_damage(error):
                return False
            raise translated(error, self.file.where, self.file.timeout) from error
        finally:
            self._lock.release()
        return True

    def _opened(self) -> sqlite3.Cursor:
        """Return a cursor that writes, and waits for other processes."""
        if self._looks_lost(self._clock()):
            self._disconnect()
        if self._writer is None:
            self._connect()
        assert self._writer is not None
        self._wait_at_most(self.file.timeout)
        return self._writer

    def _connect(self) -> None:
        if self.is_closed:
            raise StorageClosed(self.file.where)
        if self._was_open_at_fork:
            problem = "was in use when this process was forked, so this process cannot use it safely"
            raise StorageUnavailable(self.file.where, problem, "open the storage after the fork")
        connections = self._connections = self.file.open()
        self._writer = connections.writer.cursor()
        self._patience = self.file.timeout
        if self._commits_here:
            # Whoever commits on the spot must not have to do this in between, as it syncs the disk;
            self._writer.execute("pragma wal_autocheckpoint = 0")
            # and so does who writes first to a new log.
            self._begins_log = not self.file.is_in_memory
        with self._read_lock:
            self._reader = None if connections.reader is None else connections.reader.cursor()

    def _disconnect(self) -> None:
        with self._read_lock:
            connections, self._connections, self._writer, self._reader = self._connections, None, None, None
            self._is_lost = False
            if connections is not None:
                connections.close()

    def _finish(self) -> None:
        while self._queue:
            self._commit()
        self._disconnect()

    def _wait_at_most(self, seconds: float) -> None:
        if self._patience != seconds and self._writer is not None:
            self._writer.execute(f"pragma busy_timeout = {int(seconds * 1000)}")
            self._patience = seconds

    def _count(self, jobs: int, now: float) -> None:
        self._commits += 1
        if self._commits_here and not self._commits % _MEASURE_EVERY and self.file.log_size() > self._log_limit:
            self._commits = _CHECKPOINT_EVERY
        self._jobs_done += jobs
        if self._jobs_done >= _PURGE_EVERY and self._writer is not None:
            self._jobs_done = 0
            # The jobs are done, whatever becomes of this.
            with contextlib.suppress(sqlite3.Error):
                self._has_expired = operations.has_expired(self._writer, now)

    def _looks_lost(self, now: float) -> bool:
        """Tell whether the file has lost its name: what is written to it then, nobody will find."""
        if abs(now - self._looked_at) >= _LOOK_EVERY:
            self._looked_at = now
            connections = self._connections
            self._is_lost = connections is not None and self.file.is_moved(connections)
        return self._is_lost

    # The thread.

    def _enqueue(self, job: Job[Any]) -> None:
        self._queue.append(job)
        if self.is_closed:
            # The thread may be gone. Who closes takes what is in the queue, so perhaps it has this job.
            with contextlib.suppress(ValueError):
                self._queue.remove(job)
                raise StorageClosed(self.file.where)
        self._rouse()

    def _rouse(self) -> None:
        if self._thread is None and not self.is_closed:
            with self._thread_lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._serve, name="aiostep-sqlite", daemon=True)
                    self._thread.start()
        self._wake.set()

    def _serve(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                if self.is_closed:
                    self._finish()
                    return
                while self._queue:
                    self._commit()
                self._tidy()

    def _look_after(self) -> None:
        """Have the thread do what is to be done now and then."""
        if self._has_expired or self._is_log_full():
            self._rouse()

    def _is_log_full(self) -> bool:
        return self._commits >= _CHECKPOINT_EVERY and self._commits_here

    def _tidy(self) -> None:
        if self._has_expired:
            job = Job(partial(operations.purge, most=_PURGED), is_single=True)
            self._queue.append(job)
            self._commit()
            self._has_expired = bool(job.result)
            if self._has_expired:
                self._wake.set()
        if self._is_log_full():
            self._checkpoint()

    def _checkpoint(self) -> None:
        """Move the log into the file, so that it can be used anew."""
        self._commits = 0
        if self._writer is None or self.file.is_in_memory:
            return
        # What is wrong now will be wrong for whoever writes next, and is said to them.
        with contextlib.suppress(sqlite3.Error):
            self._writer.execute("pragma wal_checkpoint(passive)")
        self._begins_log = True
        # It stays as large as it ever was.
        self._log_limit = self.file.log_size() + _LOG_GROWTH
