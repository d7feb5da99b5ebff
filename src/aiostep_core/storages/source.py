"""Where every storage on records begins: records that were passed in, or a URL that is opened when it is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from ..errors import BadArgument
from .abc import Records
from .records import settle

__all__ = ["RecordsLike", "RecordsSource"]

#: What stands for records: themselves, their URL, or what opens them.
RecordsLike: TypeAlias = "Records | str | Callable[[], Records]"


class RecordsSource:
    """Opens records when they are first needed, with the face that is needed, and closes only what it opened.

    Args:
        given: what the user passed.
        blocking: whether the face for threads is wanted.

    Raises:
        BadArgument: *given* stands for no records.
    """

    def __init__(self, given: RecordsLike, *, blocking: bool = False) -> None:
        if not isinstance(given, (Records, str)) and not callable(given):
            raise BadArgument("storage", given, 'the URL of a storage, such as "sqlite:///bot.db", or Records')
        self.given = given
        self._blocking = blocking
        self._opened: Records | None = None
        self._lock = threading.Lock()

    @property
    def records(self) -> Records:
        """The records, opened now if they were not."""
        opened = self._opened
        if opened is None:
            with self._lock:
                opened = self._opened = self._opened or self._open()
        return opened

    def _open(self) -> Records:
        given = self.given
        if isinstance(given, str):
            from .opening import open_records

            given = open_records(given)
        found = given if isinstance(given, Records) else given()
        return found.blocking() if self._blocking else found.asynchronous()

    @property
    def is_owner(self) -> bool:
        """Whether closing is up to us."""
        return not isinstance(self.given, Records)

    async def close(self) -> None:
        """Close what was opened here; it is opened again when it is needed. Again is harmless."""
        opened, self._opened = self._opened, None
        if opened is not None and self.is_owner:
            await opened.close()

    def close_now(self) -> None:
        """Do the same without an event loop, of a blocking face."""
        settle(self.close())
