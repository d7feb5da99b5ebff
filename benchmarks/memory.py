"""What a pending wait costs in memory; each row is measured in a process of its own.

    python benchmarks/memory.py [N]        N waits, 1,000,000 by default

The figure is the growth of the process's resident memory, divided. Waits in plain tasks are compared with what
asyncio needs for that in any case: a task, and a future that it awaits. Waits in handlers are compared with aiogram's
handlers that await a future; an update in its handler takes many kilobytes with or without us, so there are a tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from _measure import versions

LIMIT = 1024
_DAY = 86400.0
#: Each row, and the row that holds what is not the library's.
ROWS = {
    "task and future": None,
    "aiostep in a task": "task and future",
    "task and future, timer": None,
    "aiostep in a task, timeout": "task and future, timer",
    "future in a handler": None,
    "aiostep in a handler": "future in a handler",
}


def resident() -> int:
    """Return the bytes of memory that this process has."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def grow(count: int, wait: Callable[[int], Awaitable[Any]]) -> int:
    """Have *count* tasks wait; return the bytes that each of them takes."""

    async def run(number: int) -> None:
        await wait(number)

    tasks = [asyncio.create_task(run(-number)) for number in range(1, 101)]  # what is made only once
    await _let_all_wait()
    before = resident()
    gc.disable()  # it would look at everybody again and again
    for number in range(count):
        tasks.append(asyncio.create_task(run(number)))
        if number % 1000 == 0:
            await asyncio.sleep(0)
    await _let_all_wait()
    spent = resident() - before
    assert not any(task.done() for task in tasks), next(task for task in tasks if task.done())
    return spent // count


async def _let_all_wait() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def future_wait(number: int) -> None:
    await asyncio.get_running_loop().create_future()


async def timed_wait(number: int) -> None:
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    timer = loop.call_later(_DAY, future.cancel)
    try:
        await future
    finally:
        timer.cancel()


def row(name: str) -> Callable[[int], Awaitable[Any]]:
    """Return what waits, by the name of the row."""
    if "aiostep" not in name and "handler" not in name:
        return timed_wait if "timer" in name else future_wait

    import _bots

    import aiostep

    if name.startswith("aiostep in a task"):
        host = _bots.Aiostep()
        timeout = _DAY if "timeout" in name else None
        return lambda number: aiostep.wait_for(aiostep.Key(42, 10_000 + number, 10_000 + number), timeout)

    host = _bots.Aiostep() if "aiostep" in name else _bots.Alone()
    host.timeout = None
    return lambda number: host.feed(host.update("wait", 10_000 + number))


def measured(name: str, count: int) -> int:
    """Measure one row in a fresh process."""
    command = [sys.executable, __file__, str(count), "--row", name]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="10,000 waits")
    parser.add_argument("--markdown", action="store_true", help="print only the table, for benchmarks/README.md")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.row:
        print(asyncio.run(grow(given.count, row(given.row))))
        return
    if not Path("/proc/self/statm").exists():
        raise SystemExit("resident memory is read from /proc, which this system does not have")
    count = 10_000 if given.quick else given.count
    if not given.markdown:
        print(versions())
    report(count, given.markdown)


def report(count: int, markdown: bool) -> None:
    """Measure every row and print the table."""
    title, form = f"{count:,} pending waits", "| {} | {} | {} |" if markdown else "{:<28}  {:>7}  {}"
    print("\n" + form.format(title, "bytes", "aiostep's own share"))
    print("|---|--:|---|" if markdown else f"{'-' * 28}  {'-' * 7}  {'-' * 40}")
    sizes: dict[str, int] = {}
    for name, rest in ROWS.items():
        some = count // 10 if "handler" in name else count
        sizes[name] = measured(name, some)
        share = ""
        if rest is not None:
            own = sizes[name] - sizes[rest]
            share = f"{own:,} (target {LIMIT:,}: {'ok' if own < LIMIT else 'MISSED'})"
        label = name if some == count else f"{name} ({some:,})"
        print(form.format(label, f"{sizes[name]:,}", share).rstrip(), flush=True)


if __name__ == "__main__":
    main()
