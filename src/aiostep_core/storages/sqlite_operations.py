"""What is done to records in SQLite: one function for each operation, given a cursor and what time it is.

Each is called within a transaction, or as the only statement outside of one, and may be called a second time after a
rollback. Keys come as ``place`` makes them. No statement uses ``RETURNING``: older systems' SQLite has none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .abc import Found, Journal, RecordKey
from .sqlite_texts import fields_of, readable, storable_text, text_of

__all__ = [
    "Append",
    "Place",
    "append",
    "due",
    "has_expired",
    "journal",
    "merge",
    "next_due",
    "place",
    "purge",
    "read",
    "read_many",
    "remove",
    "scan",
    "take",
    "touch",
    "write",
    "write_new",
]

#: kind, space, name of a key
Place = tuple[str, str, str]


class Append(NamedTuple):
    """What is asked of ``append``, as ``Records.append`` has it."""

    revision: int | None
    entries: Sequence[str]
    fields: Mapping[str, str]
    keep: int | None
    ttl: float | None
    due: float | None


_ONE = "kind = ? and space = ? and name = ?"
_ALIVE = "(expires_at is null or expires_at > ?)"
_FOUND = "kind, space, name, fields, expires_at, due"

#: place -> fields, expires_at
_READ = f"select fields, expires_at from records where {_ONE}"  # noqa: S608
#: place -> id, fields, expires_at, revision
_READ_ALL = f"select id, fields, expires_at, revision from records where {_ONE}"  # noqa: S608
#: place, fields, expires_at, due
_WRITE = (
    "insert into records (kind, space, name, fields, expires_at, due) values (?, ?, ?, ?, ?, ?) "
    "on conflict (kind, space, name) do update "
    "set fields = excluded.fields, expires_at = excluded.expires_at, due = excluded.due, revision = 0"
)
#: expires_at, place, now
_TOUCH = f"update records set expires_at = ? where {_ONE} and expires_at > ?"  # noqa: S608
#: fields, expires_at, place
_CHANGE = f"update records set fields = ?, expires_at = ? where {_ONE}"  # noqa: S608
#: place
_DELETE = f"delete from records where {_ONE}"  # noqa: S608
#: place, now
_DELETE_ALIVE = f"{_DELETE} and {_ALIVE}"
#: now, limit
_PURGE = (
    "delete from records where id in (select id from records "
    "where expires_at is not null and expires_at <= ? order by expires_at limit ?)"
)
#: now
_EXPIRED = "select 1 from records where expires_at is not null and expires_at <= ? limit 1"
#: kind, what the bound asks for, now, limit
_SCAN = f"select {_FOUND} from records where kind = ? %s and {_ALIVE} order by space, name limit ?"  # noqa: S608
_SCANS = {
    bound: _SCAN % bound for bound in ("", "and space = ?", "and (space, name) > (?, ?)", "and space = ? and name > ?")
}
#: kind, space, until, now, limit
_DUE = (
    f"select {_FOUND} from records "  # noqa: S608
    f"where kind = ? and space = ? and due is not null and due <= ? and {_ALIVE} order by due limit ?"
)
#: kind, space, now. Not min(): it does not use the partial index.
_NEXT_DUE = (
    f"select due from records where kind = ? and space = ? and due is not null and {_ALIVE} order by due limit 1"  # noqa: S608
)
#: place, fields, expires_at, due
_START_JOURNAL = (
    "insert into records (kind, space, name, fields, expires_at, due, revision) values (?, ?, ?, ?, ?, ?, 1)"
)
#: fields, expires_at, due, id
_ADVANCE_JOURNAL = "update records set fields = ?, expires_at = ?, due = ?, revision = revision + 1 where id = ?"
#: record -> the number of the next entry
_LENGTH = "select coalesce(max(number) + 1, 0) from entries where record = ?"
#: record, number
_CUT = "delete from entries where record = ? and number >= ?"
#: record, number, entry
_ADD = "insert into entries (record, number, entry) values (?, ?, ?)"
#: record
_ENTRIES = "select entry from entries where record = ? order by number"


def place(key: RecordKey) -> Place:
    """Return a key as the tables have it."""
    return storable_text(key.kind), storable_text(key.space), storable_text(key.name)


def read(cursor: sqlite3.Cursor, now: float, at: Place) -> tuple[dict[str, str], float | None]:
    """Return the fields of a record, and when it expires."""
    row = cursor.execute(_READ, at).fetchone()
    if row is None or (row[1] is not None and row[1] <= now):
        return {}, None
    return fields_of(row[0]), row[1]


def read_many(cursor: sqlite3.Cursor, now: float, places: Sequence[Place]) -> list[dict[str, str]]:
    """Return the fields of several records at one moment."""
    with _Moment(cursor):
        return [read(cursor, now, at)[0] for at in places]


def write(cursor: sqlite3.Cursor, now: float, at: Place, text: str, ttl: float | None, due: float | None) -> None:
    """Put a record in place of whatever was there."""
    cursor.execute(_WRITE, (*at, text, _until(now, ttl), due))


def write_new(
    cursor: sqlite3.Cursor, now: float, at: Place, fields: Mapping[str, str], ttl: float | None, due: float | None
) -> bool:
    """Put a record where there is none; return whether the one there now is this."""
    row = _alive(cursor, now, at)
    if row is not None:
        return fields_of(row[1]) == fields
    if fields:
        write(cursor, now, at, text_of(fields), ttl, due)
    return True


def merge(
    cursor: sqlite3.Cursor, now: float, at: Place, fields: Mapping[str, str], ttl: float | None
) -> dict[str, str]:
    """Put *fields* into a record; return all its fields then."""
    row = _alive(cursor, now, at)
    if row is None:
        if fields:
            write(cursor, now, at, text_of(fields), ttl, None)
        return dict(fields)
    merged = {**fields_of(row[1]), **fields}
    cursor.execute(_CHANGE, (text_of(merged), row[2] if ttl is None else now + ttl, *at))
    return merged


def touch(cursor: sqlite3.Cursor, now: float, at: Place, ttl: float) -> dict[str, str]:
    """Give a record that expires *ttl* from now on; return its fields."""
    cursor.execute(_TOUCH, (now + ttl, *at, now))
    return read(cursor, now, at)[0]


def remove(cursor: sqlite3.Cursor, now: float, at: Place) -> bool:
    """Remove a record; return whether there was one."""
    return cursor.execute(_DELETE_ALIVE, (*at, now)).rowcount > 0


def take(cursor: sqlite3.Cursor, now: float, at: Place, where: Mapping[str, str]) -> dict[str, str] | None:
    """Remove a record if it has the fields in *where*; return its fields, None if it was not removed."""
    row = _alive(cursor, now, at)
    if row is None:
        return None
    fields = fields_of(row[1])
    if any(fields.get(name) != value for name, value in where.items()):
        return None
    cursor.execute(_DELETE, at)
    return fields


def scan(
    cursor: sqlite3.Cursor, now: float, kind: str, space: str | None, after: tuple[str, str] | None, limit: int
) -> list[Found]:
    """Return records of a kind, those after a space and name, ordered."""
    bound, given = "", tuple[str, ...]()
    if space is not None and after is not None and after[0] >= space:
        # What comes after another space's last record is nothing of this one.
        bound, given = "and space = ? and name > ?", (space, after[1])
        if after[0] > space:
            return []
    elif space is not None:
        bound, given = "and space = ?", (space,)
    elif after is not None:
        bound, given = "and (space, name) > (?, ?)", after
    rows = cursor.execute(_SCANS[bound], (storable_text(kind), *map(storable_text, given), now, limit)).fetchall()
    return [_found(row, now) for row in rows]


def due(cursor: sqlite3.Cursor, now: float, kind: str, space: str, until: float, limit: int) -> list[Found]:
    """Return the records that are due, the most overdue first."""
    return [
        _found(row, now)
        for row in cursor.execute(_DUE, (storable_text(kind), storable_text(space), until, now, limit)).fetchall()
    ]


def next_due(cursor: sqlite3.Cursor, now: float, kind: str, space: str) -> float | None:
    """Return when the next record is due."""
    row = cursor.execute(_NEXT_DUE, (storable_text(kind), storable_text(space), now)).fetchone()
    return None if row is None else row[0]


def journal(cursor: sqlite3.Cursor, now: float, at: Place) -> Journal | None:
    """Return a journal with its entries."""
    with _Moment(cursor):
        row = cursor.execute(_READ_ALL, at).fetchone()
        if row is None or (row[2] is not None and row[2] <= now):
            return None
        entries = cursor.execute(_ENTRIES, (row[0],)).fetchall() if row[3] else []
        return Journal(fields_of(row[1]), [readable(entry) for (entry,) in entries], row[3])


def append(cursor: sqlite3.Cursor, now: float, at: Place, given: Append) -> int | None:
    """Append to a journal that is at a revision; return its new one, None if it is not there."""
    row = _alive(cursor, now, at)
    found = 0 if row is None else row[3]
    if given.revision is not None and given.revision != found:
        return None
    until = _until(now, given.ttl)
    if row is None:
        record = cursor.execute(_START_JOURNAL, (*at, text_of(given.fields), until, given.due)).lastrowid
    else:
        record = row[0]
        text = text_of({**fields_of(row[1]), **given.fields}) if given.fields else row[1]
        cursor.execute(_ADVANCE_JOURNAL, (text, until, given.due, record))
        if given.keep is not None:
            cursor.execute(_CUT, (record, given.keep))
    if given.entries:
        first = cursor.execute(_LENGTH, (record,)).fetchone()[0]
        cursor.executemany(
            _ADD, [(record, number, storable_text(one)) for number, one in enumerate(given.entries, first)]
        )
    return found + 1


def has_expired(cursor: sqlite3.Cursor, now: float) -> bool:
    """Tell whether there are records whose time is up."""
    return cursor.execute(_EXPIRED, (now,)).fetchone() is not None


def purge(cursor: sqlite3.Cursor, now: float, most: int) -> bool:
    """Remove at most so many records whose time is up; return whether there may be more."""
    return cursor.execute(_PURGE, (now, most)).rowcount >= most


class _Moment:
    """Everything read inside is of one moment; inside of a transaction or not."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def __enter__(self) -> None:
        self._cursor.execute("savepoint moment")

    def __exit__(self, *_: object) -> None:
        self._cursor.execute("release moment")


def _alive(cursor: sqlite3.Cursor, now: float, at: Place) -> tuple[int, str, float | None, int] | None:
    """Return a record to be changed, as id, fields, expires_at, revision; clear the place of one whose time is up."""
    row: tuple[int, str, float | None, int] | None = cursor.execute(_READ_ALL, at).fetchone()
    if row is not None and row[2] is not None and row[2] <= now:
        cursor.execute(_DELETE, at)
        return None
    return row


def _until(now: float, ttl: float | None) -> float | None:
    return None if ttl is None else now + ttl


def _found(row: tuple[str, str, str, str, float | None, float | None], now: float) -> Found:
    kind, space, name, fields, expires_at, due = row
    key = RecordKey(readable(kind), readable(space), readable(name))
    return Found(key, fields_of(fields), None if expires_at is None else expires_at - now, due)
