"""From a storage to files: how far its durable conversations have come. The storage is only read."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Collection
from os import PathLike
from pathlib import Path
from typing import Any, Final

from aiostep_core.durable.journals import KIND, Stored
from aiostep_core.durable.replaying import is_open
from aiostep_core.errors import StorageDamaged
from aiostep_core.inspecting import Reader, reader_of
from aiostep_core.storages.opening import open_records

from .files import Recording
from .redacting import redacted

__all__ = ["export_journals"]

_PAGE: Final = 500


async def export_journals(
    storage: object,
    folder: str | PathLike[str],
    *,
    names: Collection[str] = (),
    limit: int | None = None,
    redact: bool = False,
    keep: Collection[str] = (),
    **options: Any,
) -> list[Path]:
    """Write the journal of each durable conversation that is going on into a file of its own; return the paths.

    The journals hold what people wrote and who they are: personal data, which has no place in a repository. *redact*
    masks texts and names, letter by letter, and gives people other ids; look at the result before you publish it.
    Code that looks at what was masked may take another way in the replay: name what it looks at in *keep*.

    Args:
        storage: what the bot has as its storage: a URL, or the storage itself.
        folder: is made if it is not there.
        names: of the durable conversations; none: all.
        limit: so many of each name at most.
        redact: whether to mask personal data.
        keep: what is not masked: the questions (their texts, or their ``key=``) and the functions given to ``run``
            whose results decide how the conversation goes on.
        options: of the storage, such as ``prefix``.

    Raises:
        StorageUnavailable, StorageDamaged: the storage cannot be read.
        BadArgument: *storage* is none.
    """
    folder = Path(folder)
    written: list[Path] = []
    counts: Counter[str] = Counter()
    async with _reader(storage, options) as reader:
        folder.mkdir(parents=True, exist_ok=True)
        for stored in await _all(reader):
            name = stored.get("name")
            if (names and name not in names) or (limit is not None and counts[name] >= limit):
                continue
            recording = _taken_down(stored)
            counts[name] += 1
            written.append((redacted(recording, keep) if redact else recording).write(folder))
    return written


@contextlib.asynccontextmanager
async def _reader(storage: object, options: dict[str, Any]) -> AsyncGenerator[Reader, None]:
    if isinstance(storage, str):
        async with reader_of(storage, **options) as reader:
            yield reader
    else:
        yield open_records(getattr(storage, "records", storage), **options).asynchronous()


async def _all(reader: Reader) -> list[Stored]:
    """Return the journals of what goes on."""
    found = page = await reader.scan(KIND, limit=_PAGE)
    while len(page) == _PAGE:
        page = await reader.scan(KIND, after=page[-1].key, limit=_PAGE)
        found = found + page
    journals: list[Stored] = []
    for one in found:
        journal = await reader.journal(one.key) if is_open(one.fields) else None
        if journal is not None and is_open(journal.fields):
            journals.append(Stored(one.key, dict(journal.fields), journal.entries, journal.revision))
    return journals


def _taken_down(stored: Stored) -> Recording:
    try:
        return Recording.of(stored)
    except ValueError as error:
        where = f"the journal of the durable conversation {stored.get('name')!r} at {stored.place}"
        raise StorageDamaged(where, f"cannot be read ({error})", "end_durable() ends it") from error
