"""What a durable conversation keeps that waits for an answer: in memory, and when it was taken out of it.

Each row is measured in a process of its own, as the growth of its resident memory; the journals are in a SQLite file.
In memory a conversation keeps the handler that began it, which is most of what it takes: hence the handler that awaits
a future. So many as an engine keeps in memory by default; the others are only in the file.

    python benchmarks/durable_memory.py [--quick]
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from _measure import versions
from _talk import Talk, durable, questions
from memory import resident

from aiostep_core.durable.conversations import MAX_LIVE
from aiostep_core.storages.sqlite import SqliteRecords
from aiostep_core.storages.steps import RecordedSteps

if TYPE_CHECKING:
    from aiogram.types import Message

FUTURE, ORDINARY = "a future in a handler", "an ordinary question"
LIVE, EVICTED, FILE = "durable, in memory", "durable, taken out of it", "durable, in the file"
PARKED = 100_000
ROWS = {FUTURE: MAX_LIVE, ORDINARY: MAX_LIVE, LIVE: MAX_LIVE, EVICTED: PARKED}


async def grow(row: str, count: int) -> tuple[int, int]:
    """Have *count* people asked something; return the bytes that each takes, in memory and in the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bot.db"
        records = SqliteRecords(path, durability="process")
        talk = await talking(row, records).begin_many(100)  # what is made only once
        before = resident()
        await talk.begin_many(count)
        spent = resident() - before
        await talk.leave()
        await records.close()
        return spent // count, path.stat().st_size // (count + 100) if path.exists() else 0


def talking(row: str, records: SqliteRecords) -> Talk:
    if row == FUTURE:
        talk = Talk(asked_for_ever)
    elif row == ORDINARY:
        talk = Talk(questions)
    else:
        talk = Talk(durable("parked"), RecordedSteps(records))
        talk.durables.max_live = PARKED if row == LIVE else 0
    return talk


async def asked_for_ever(message: Message) -> None:
    await message.answer("More?")
    await asyncio.get_running_loop().create_future()


def measured(row: str, count: int) -> tuple[int, int]:
    """Measure one row in a fresh process."""
    command = [sys.executable, __file__, "--row", row, "--count", str(count)]
    memory, file = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return int(memory), int(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of them")
    parser.add_argument("--markdown", action="store_true", help="print only the table, for benchmarks/README.md")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.row:
        print(*asyncio.run(grow(given.row, given.count)))
        return
    if not Path("/proc/self/statm").exists():
        raise SystemExit("resident memory is read from /proc, which this system does not have")
    if not given.markdown:
        print(versions())
    report(10 if given.quick else 1, given.markdown)


def report(part: int, markdown: bool) -> None:
    """Measure every row and print the table."""
    form = "| {} | {} |" if markdown else "{:<40}  {:>7}"
    print("\n" + form.format("a conversation that waits", "bytes"))
    print("|---|--:|" if markdown else f"{'-' * 40}  {'-' * 7}")
    for row, count in ROWS.items():
        memory, file = measured(row, count // part)
        print(form.format(f"{row} ({count // part:,})", f"{memory:,}"), flush=True)
    print(form.format(f"{FILE} ({count // part:,})", f"{file:,}"), flush=True)


if __name__ == "__main__":
    main()
