"""What a durable conversation keeps that waits for an answer: in memory, and when it was taken out of it. And what a
bot takes to start again, when very many wait with a time limit.

Each row is measured in a process of its own, as the growth of its resident memory; the journals are in a SQLite file.
In memory a conversation keeps the handler that began it, which is most of what it takes: hence the handler that awaits
a future. So many as an engine keeps in memory by default; the others are only in the file, and what grows with them in
memory is aiogram's own: a record in its state storage for whoever has written.

    python benchmarks/durable_memory.py [--quick]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from _measure import versions
from _talk import Talk, durable, questions
from memory import resident

from aiostep import ask
from aiostep_core.durable.conversations import MAX_LIVE
from aiostep_core.storages.sqlite import SqliteRecords
from aiostep_core.storages.steps import RecordedSteps

if TYPE_CHECKING:
    from aiogram.types import Message

FUTURE, ORDINARY = "a future in a handler", "an ordinary question"
LIVE, EVICTED, FILE = "durable, in memory", "durable, taken out of it", "durable, in the file"
PARKED = 100_000
ROWS = {FUTURE: MAX_LIVE, ORDINARY: MAX_LIVE, LIVE: MAX_LIVE, EVICTED: PARKED}
#: So many who wait when a bot starts again, and how many of them answer then.
FEW, ANSWERS = PARKED // 100, 200
#: The first of the people of a talk.
FIRST = 1_000


async def grow(row: str, count: int, path: Path) -> tuple[int, int]:
    """Have *count* people asked something; return the bytes that each takes, in memory and in the file."""
    records = SqliteRecords(path, durability="process")
    talk = await talking(row, records).begin_many(100)  # what is made only once
    before = resident()
    await talk.begin_many(count)
    spent = resident() - before
    await talk.leave()
    await records.close()
    return spent // count, size_of(path) // (count + 100)


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


async def again(count: int, path: Path) -> tuple[int, int]:
    """Start a bot with that file; return the microseconds until it has seen what is due, and those of an answer."""
    began = time.perf_counter()
    records = SqliteRecords(path, durability="process")
    talk = talking(EVICTED, records)
    await talk.durables.tend((talk.bot.id,))
    await talk.durables.next_tending((talk.bot.id,))
    ready = time.perf_counter()
    spent = [await talk.answered(who) for who in random.sample(range(FIRST, FIRST + count), min(ANSWERS, count))]
    await talk.leave()
    await records.close()
    return int((ready - began) * 1e6), sorted(spent)[len(spent) // 10] // 1000


def talking(row: str, records: SqliteRecords) -> Talk:
    if row == FUTURE:
        talk = Talk(asked_for_ever)
    elif row == ORDINARY:
        talk = Talk(questions)
    else:
        talk = Talk(durable("parked", patient), RecordedSteps(records))
        talk.durables.max_live = PARKED if row == LIVE else 0
    return talk


async def asked_for_ever(message: Message) -> None:
    await message.answer("More?")
    await asyncio.get_running_loop().create_future()


async def patient(message: Message) -> None:
    while True:
        await ask("More?", str, timeout=86_400)


def measured(row: str, count: int, folder: str, *, is_again: bool = False) -> tuple[int, int]:
    """Measure one row in a fresh process."""
    command = [sys.executable, __file__, "--row", row, "--count", str(count), "--file", f"{folder}/{count}.db"]
    command += ["--again"] * is_again
    one, other = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return int(one), int(other)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of them")
    parser.add_argument("--markdown", action="store_true", help="print only the table, for benchmarks/README.md")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--again", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.row:
        measure = again(given.count, given.file) if given.again else grow(given.row, given.count, given.file)
        print(*asyncio.run(measure))
        return
    if not Path("/proc/self/statm").exists():
        raise SystemExit("resident memory is read from /proc, which this system does not have")
    if not given.markdown:
        print(versions())
    report(10 if given.quick else 1, given.markdown)


def report(part: int, markdown: bool) -> None:
    """Measure every row and print the table."""
    form = "| {} | {} |" if markdown else "{:<40}  {:>9}"

    def say(name: str, figure: object) -> None:
        print(form.format(name, f"{figure:,}" if isinstance(figure, int) else figure), flush=True)

    def head(name: str, unit: str) -> None:
        print("\n" + form.format(name, unit))
        print("|---|--:|" if markdown else f"{'-' * 40}  {'-' * 9}")

    head("a conversation that waits", "bytes")
    many, few = PARKED // part, FEW // part
    with tempfile.TemporaryDirectory() as folder:
        for row, count in ROWS.items():
            memory, file = measured(row, count // part, tempfile.mkdtemp(dir=folder) if row != EVICTED else folder)
            say(f"{row} ({count // part:,})", memory)
        say(f"{FILE} ({many:,})", file)
        measured(EVICTED, few, folder)
        head("a bot starts again, with so many who wait", "µs")
        for count in (few, many):
            ready, answer = measured(EVICTED, count, folder, is_again=True)
            say(f"to see what is due, {count:,}", ready)
            say(f"an answer to one of them, {count:,}", answer)


if __name__ == "__main__":
    main()
