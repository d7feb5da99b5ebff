"""What waits to be written, how many at a time are written in one transaction, and how whoever waits is told."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar, cast

from ..errors import StorageUnavailable
from .sqlite_errors import concerns_all, translated

__all__ = ["Job", "Operation", "Transaction", "deliver", "do", "fail"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Operation(Protocol[T_co]):
    """What is done within a transaction, given what time it is. It may be done again after a rollback."""

    def __call__(self, cursor: sqlite3.Cursor, now: float, /) -> T_co: ...


class Job(Generic[T]):
    """An operation on its way, and then how it went.

    Attributes:
        is_single: it needs no transaction around it: it is one statement, or only reads.
        future: done together with the job, for who waits in an event loop.
    """

    __slots__ = ("error", "future", "is_done", "is_single", "operation", "result")

    def __init__(self, operation: Operation[T], *, is_single: bool = False) -> None:
        self.operation = operation
        self.is_single = is_single
        self.is_done = False
        self.error: Exception | None = None
        self.result: T | None = None
        self.future: asyncio.Future[None] | None = None

    def outcome(self) -> T:
        """Return the result or raise the error."""
        error, self.error = self.error, None
        if error is not None:
            try:
                raise error
            finally:
                # Its traceback knows this frame: they would keep each other alive.
                del error
        return cast(T, self.result)


def do(jobs: Sequence[Job[Any]], cursor: sqlite3.Cursor, now: float) -> None:
    """Do jobs in one transaction; one that is no good fails alone.

    Raises:
        Exception: nothing at all was done.
    """
    try:
        _together(jobs, cursor, now)
    except Exception as error:
        # It costs to be able to undo each job alone, and hardly ever one must be: hence only now.
        if concerns_all(error) or len(jobs) == 1:
            raise
        _apart(jobs, cursor, now)


def fail(jobs: Sequence[Job[Any]], error: BaseException, where: str, timeout: float) -> None:
    """Have all of *jobs* fail because of *error*."""
    for job in jobs:
        if not isinstance(error, Exception):
            job.error = StorageUnavailable(where, f"was interrupted ({type(error).__name__}) while it wrote")
        else:
            job.error = translated(error, where, timeout)
        if job.error is error:
            job.error = _copied(job.error)
        else:
            job.error.__cause__ = error


def deliver(jobs: Sequence[Job[Any]]) -> None:
    """Tell those who wait for *jobs* that they are done."""
    waiting: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for job in jobs:
        job.is_done = True
        if job.future is not None:
            waiting.setdefault(job.future.get_loop(), []).append(job.future)
    for loop, futures in waiting.items():
        # A loop that was closed waits for nothing.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_finish, futures)


class Transaction:
    """Commits at the end, or has nothing done.

    By default it is one that writes from its first moment on. One that begins with reading fails at once when it
    comes to write if another process has written meanwhile, and no timeout helps.
    """

    __slots__ = ("_begin", "_connection")

    def __init__(self, connection: sqlite3.Connection, begin: str = "begin immediate") -> None:
        self._connection = connection
        self._begin = begin

    def __enter__(self) -> None:
        self._connection.execute(self._begin)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._connection.execute("commit")
        finally:
            # Some errors, a full disk is one, have rolled back already.
            if self._connection.in_transaction:
                self._connection.execute("rollback")


def _together(jobs: Sequence[Job[Any]], cursor: sqlite3.Cursor, now: float) -> None:
    if len(jobs) == 1 and jobs[0].is_single:
        jobs[0].result = jobs[0].operation(cursor, now)
        return
    with Transaction(cursor.connection):
        for job in jobs:
            job.result = job.operation(cursor, now)


def _apart(jobs: Sequence[Job[Any]], cursor: sqlite3.Cursor, now: float) -> None:
    with Transaction(cursor.connection):
        for job in jobs:
            cursor.execute("savepoint job")
            try:
                job.result = job.operation(cursor, now)
            except Exception as error:
                if concerns_all(error):
                    raise
                cursor.execute("rollback to job")
                job.error = error
            cursor.execute("release job")


def _finish(futures: Sequence[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


def _copied(error: Exception) -> Exception:
    """Return an error like *error*: its traceback grows wherever it is raised, so everybody gets an own one."""
    copy = error.__class__.__new__(error.__class__, *error.args)
    copy.__dict__.update(error.__dict__)
    copy.__cause__ = error.__cause__
    return copy
