"""What is in a storage, for people: who waits for what, and how much there is. It only ever reads.

Arguments of steps, questions, answers and data of users are not shown, only how large they are. No name that is stored
is imported.
"""

from __future__ import annotations

import argparse
import importlib
import sqlite3
import sys
import time
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import anyio

from .durable.flows import flow_for
from .durable.journals import DONE, FAILED, PARK
from .durable.journals import KIND as CONVERSATION
from .errors import AiostepError, BadArgument, StorageDamaged, StorageUnavailable
from .named import filters, named
from .storages.abc import Found, Journal, RecordKey
from .storages.opening import open_records
from .storages.owners import is_gone
from .storages.sqlite_file import MIGRATIONS
from .storages.sqlite_operations import journal, scan
from .storages.sqlite_operations import place as row_of
from .storages.sqlite_paths import APPLICATION_ID
from .storages.step_fields import KIND, place_of

__all__ = ["KINDS", "Reader", "main", "reader_of", "report"]

#: What may be in a storage, and what to call it.
KINDS: Final = {
    KIND: "next steps",
    CONVERSATION: "durable conversations, without their journals",
    "state": "states",
    "data": "data of users",
    "aiogram-state": "states of aiogram",
    "aiogram-data": "data of aiogram",
    "aiogram-lock": "locks of aiogram",
    "ptb-user": "user data of python-telegram-bot",
    "ptb-chat": "chat data of python-telegram-bot",
    "ptb-bot": "bot data of python-telegram-bot",
    "ptb-callbacks": "callback data of python-telegram-bot",
    "ptb-conversation": "conversations of python-telegram-bot",
    "telebot-state": "states of pyTelegramBotAPI",
    "telebot-handler": "next steps of pyTelegramBotAPI",
}
_PAGE: Final = 500
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Reader(Protocol):
    """What is done to a storage here."""

    async def scan(self, kind: str, *, after: RecordKey | None = None, limit: int = 500) -> list[Found]:
        """Return records of a kind; see ``Records.scan``."""
        ...

    async def journal(self, key: RecordKey) -> Journal | None:
        """Return a record with its journal; see ``Records.journal``."""
        ...


class _File:
    """An SQLite file that is only read, and neither created nor changed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def scan(self, kind: str, *, after: RecordKey | None = None, limit: int = 500) -> list[Found]:
        bound = None if after is None else (after.space, after.name)
        return scan(self._connection.cursor(), time.time(), kind, None, bound, limit)

    async def journal(self, key: RecordKey) -> Journal | None:
        return journal(self._connection.cursor(), time.time(), row_of(key))


def main(argv: Sequence[str]) -> int:
    """Run the command ``inspect`` and return its exit status."""
    about = "Show who waits for what in a storage, and how much is in it; nothing is changed."
    parser = argparse.ArgumentParser(prog="python -m aiostep inspect", description=about)
    parser.add_argument("url", help="where the bot keeps things: sqlite:///bot.db, redis://localhost/0, ...")
    parser.add_argument("--prefix", help="what the bot's keys in Redis begin with, if not aiostep")
    parser.add_argument(
        "--import",
        dest="modules",
        action="append",
        default=[],
        metavar="MODULE",
        help="import this module first, and tell which stored names it does not define",
    )
    options = parser.parse_args(argv)
    for module in options.modules:
        importlib.import_module(module)
    try:
        lines = anyio.run(_look, options.url, options.prefix, bool(options.modules))
    except AiostepError as error:
        sys.stderr.write(f"inspect: {error}\n")
        return 1
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


async def _look(url: str, prefix: str | None, knows_names: bool) -> list[str]:
    async with reader_of(url, **({} if prefix is None else {"prefix": prefix})) as reader:
        return await report(reader, time.time(), knows_names=knows_names)


@asynccontextmanager
async def reader_of(url: str, **options: Any) -> AsyncGenerator[Reader, None]:
    """Open the storage at *url* for reading.

    Raises:
        StorageUnavailable: it is not there, or cannot be reached.
        StorageDamaged: it is none of ours, or of another version.
        BadArgument: nobody knows *url*.
    """
    if url.lower().startswith("sqlite:"):
        with _opened(url.partition("://")[2].partition("?")[0][1:]) as file:
            yield file
        return
    if url.lower().startswith("memory:"):
        raise BadArgument(
            "url", url, "one that outlives a process; what a bot has in memory, aiostep.pending() tells it"
        )
    records = open_records(url, **options).asynchronous()
    try:
        yield records
    finally:
        await records.close()


@contextmanager
def _opened(name: str) -> Generator[_File, None, None]:
    path = Path(name).absolute()
    if not path.is_file():
        raise StorageUnavailable(str(path), "is not there", "give the URL that the bot has; nothing was created")
    # Without a log beside it nobody has it open, and to read it as it is leaves no file behind.
    mode = "mode=ro" if Path(f"{path}-wal").exists() else "mode=ro&immutable=1"
    connection = sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, isolation_level=None)
    try:
        (ours,) = connection.execute("pragma application_id").fetchone()
        (version,) = connection.execute("pragma user_version").fetchone()
        if ours != APPLICATION_ID or version != len(MIGRATIONS):
            problem = "is no storage of ours" if ours != APPLICATION_ID else f"is of version {version}"
            raise StorageDamaged(
                str(path), problem, "nothing was changed; look at it with the aiostep that the bot has"
            )
        yield _File(connection)
    except sqlite3.Error as error:
        raise StorageDamaged(str(path), f"cannot be read: {error}", "nothing was changed") from error
    finally:
        connection.close()


async def report(reader: Reader, now: float, *, knows_names: bool) -> list[str]:
    """Return what there is, line by line.

    Args:
        now: seconds since the epoch.
        knows_names: whether the modules were imported in which the steps are.
    """
    found = {kind: await _all(reader, kind) for kind in KINDS}
    found[KIND] = [one for one in found[KIND] if one.fields.get("id")]
    if not any(found.values()):
        return ["There is nothing here."]
    open_ones = [one for one in found[CONVERSATION] if one.fields.get("status") != DONE]
    waiting = sorted([*found[KIND], *open_ones], key=lambda one: float(one.fields.get("opened") or 0))
    lines = ["Who waits for what:" if waiting else "Nobody waits for anything."]
    describe = {KIND: _step, CONVERSATION: _conversation}
    lines += _indented(_aligned([describe[one.key.kind](one, now, knows_names=knows_names) for one in waiting]))
    if waiting and not knows_names:
        lines.append("  Whether all these names are known is told with --import MODULE, the bot's.")
    lines += ["How much there is:", *_indented(_aligned([_amount(kind, found[kind]) for kind in KINDS if found[kind]]))]
    return lines


async def _all(reader: Reader, kind: str) -> list[Found]:
    found = page = await reader.scan(kind, limit=_PAGE)
    while len(page) == _PAGE:
        page = await reader.scan(kind, after=page[-1].key, limit=_PAGE)
        found = found + page
    return found


def _step(found: Found, now: float, *, knows_names: bool) -> tuple[str, ...]:
    fields = found.fields
    notes = [_running(fields, now), *(_unknown(fields) if knows_names else ())]
    size = sum(len(fields[name].encode("utf-8", "surrogatepass")) for name in ("args", "kwargs"))
    return (fields["name"], *_whom(found), *_times(fields, "expires", now), f"{size} bytes", _joined(notes))


def _conversation(found: Found, now: float, *, knows_names: bool) -> tuple[str, ...]:
    fields = found.fields
    name = fields["name"] if fields.get("version") in (None, "1") else f"{fields['name']}, version {fields['version']}"
    notes = [_going_on(fields, now)]
    if knows_names and isinstance(problem := flow_for(fields, ()), str):
        notes.append(problem)
    return (name, *_whom(found), *_times(fields, "due", now), "durable", _joined(notes))


def _whom(found: Found) -> tuple[str, str]:
    place = place_of(found.key)
    parts = [f"{name} {value}" for name, value in place.key._asdict().items() if name != "bot_id" and value is not None]
    return f"{place.scope.value}: {', '.join(parts) or 'anybody'}", f"bot {place.key.bot_id}"


def _times(fields: Mapping[str, str], end: str, now: float) -> tuple[str, str]:
    """Say since when something waits, and how long it still does."""
    ends = float(fields[end]) if fields.get(end) else None
    left = "for ever" if ends is None else f"{_span(ends - now)} left" if ends > now else "time is up"
    return f"since {_span(now - float(fields.get('opened') or now))}", left


def _running(fields: Mapping[str, str], now: float) -> str:
    """Say what has become of a step's last run."""
    if not fields["owner"]:
        return f"raised {fields['failures']} times" if fields["failures"] != "0" else ""
    return "runs" if float(fields["until"]) > now and not is_gone(fields["owner"]) else "was cut off"


def _going_on(fields: Mapping[str, str], now: float) -> str:
    """Say what a durable conversation does, unless it just waits."""
    if fields.get("status") in (PARK, FAILED):
        return "failed" if fields["status"] == FAILED else ""
    is_alive = float(fields.get("until") or 0) > now and not is_gone(fields.get("owner", ""))
    return "runs" if is_alive else "was cut off"


def _joined(notes: Iterable[str]) -> str:
    return "; ".join(filter(None, notes))


def _unknown(fields: Mapping[str, str]) -> list[str]:
    steps = [name for name in (fields["name"], fields["on_timeout"]) if name and named(name) is None]
    missing = [f"no function is called {name}" for name in steps]
    if fields["filter"] and filters.get(fields["filter"]) is None:
        missing.append(f"no filter is called {fields['filter']}")
    return missing


def _amount(kind: str, found: Sequence[Found]) -> tuple[str, ...]:
    size = sum(len(text.encode("utf-8", "surrogatepass")) for one in found for text in one.fields.values())
    ending = sum(one.ttl is not None for one in found)
    return (f"{len(found)}", KINDS[kind], f"{size:,} bytes", f"{ending} with an end" if ending else "")


def _span(seconds: float) -> str:
    """Write a time in the largest unit that it has one of."""
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return "0 s"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]
