"""What an answer costs a conversation that has had many, beside grammY conversations, the only peer that replays.

grammY runs in a Node.js process of its own, and both are asked in turns, for a few updates each time. Neither has a
network, and both keep in memory what they store. `make bench` has npm install grammY where this looks for it.

    AIOSTEP_GRAMMY=<folder with node_modules>  python benchmarks/durable_peers.py [--quick]
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _measure import Goal, Options, clock, main, table
from _talk import Talk, durable

from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.steps import RecordedSteps

if TYPE_CHECKING:
    from aiogram.types import Message, Update

    from aiostep_core.storages.abc import RecordKey

HERE = Path(__file__).resolve().parent
MADE = HERE.parent / ".venvs" / "grammy"
GROUP, OPEN = -1001, 200
#: So many answers, and what part of grammY's time ours is to take at most.
TARGETS: Mapping[int, float | None] = {10: None, 100: 1 / 20, 1000: 1 / 100}
THEIRS, OURS, PLAIN, OTHERS = "grammY", "aiostep", "a handler that answers", f"{OPEN} others"
#: Updates at a time; fewer where each takes long.
SOME, FEW = 10, 2

#: What each of a few updates took: microseconds of the clock and of the processor.
Measured = Mapping[str, list[float]]
Sample = Callable[[], Awaitable[Measured]]


class Counting(MemoryRecords):
    """Records in memory that count what they are given."""

    bytes = 0

    async def append(self, key: RecordKey, revision: int | None, entries: Sequence[str], **how: Any) -> int | None:
        texts = [*entries, *(text for pair in (how.get("fields") or {}).items() for text in pair)]
        self.bytes += sum(len(text.encode()) for text in texts)
        return await super().append(key, revision, entries, **how)


class Grammy:
    """The process in which grammY runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._in, self._out = process, process.stdin, process.stdout

    @classmethod
    async def start(cls) -> Grammy | None:
        """Start it; None, and say why, if it is not there."""
        folder, node = os.environ.get("AIOSTEP_GRAMMY") or str(MADE), shutil.which("node")
        if node is None or not _has_grammy(folder):
            what = "node is not installed" if node is None else f"npm has not installed it in {folder}"
            print(f"without grammY: {what}; make bench does if there is npm", file=sys.stderr)
            return None
        pipe, program = asyncio.subprocess.PIPE, str(HERE / "grammy.mjs")
        return cls(await asyncio.create_subprocess_exec(node, program, folder, stdin=pipe, stdout=pipe))

    async def ask(self, **request: Any) -> dict[str, Any]:
        self._in.write(json.dumps(request).encode() + b"\n")
        line = await self._out.readline()
        if not line:
            raise SystemExit("grammy.mjs ended")
        return dict(json.loads(line))

    def sampling(self, **request: Any) -> Sample:
        return lambda: self.ask(**request)

    def samples(self, counts: Sequence[int]) -> dict[str, Sample]:
        rows = {PLAIN: self.sampling(what="plain", times=SOME)}
        for count in counts:
            rows[f"after {count:,}"] = self.sampling(what="answer", after=count, times=SOME if count < 1000 else FEW)
        rows[OTHERS] = self.sampling(what="others", open=OPEN, times=FEW)
        return rows

    async def stop(self) -> None:
        self._in.close()
        await self._process.wait()


def _has_grammy(folder: str) -> bool:
    return Path(folder, "node_modules", "grammy").is_dir()


async def sample(talk: Talk, feed: Callable[[Update], Awaitable[Any]], text: str) -> Measured:
    """Feed a few messages."""
    talk.answers(SOME)
    updates = [talk.update(text) for _ in range(SOME)]
    found: dict[str, list[float]] = {"clock": [], "processor": []}
    for update in updates:
        processor, began = clock(), time.perf_counter_ns()
        await feed(update)
        found["clock"].append((time.perf_counter_ns() - began) / 1000)
        found["processor"].append((clock() - processor) / 1000)
    return found


async def our_samples(talks: Mapping[int, Talk]) -> dict[str, Sample]:
    """Return the same rows of ours. A conversation gets longer by what is measured."""

    async def answer(message: Message) -> None:
        await message.answer("More?")

    def passing(talk: Talk) -> Sample:
        return lambda: sample(talk, lambda update: talk.dispatcher.feed_update(talk.bot, update), "hello")

    def answering(talk: Talk) -> Sample:
        return lambda: sample(talk, talk.feed, "yes")

    begin = durable("peers.group")

    async def handle(message: Message) -> None:
        if message.text == "begin":
            await begin(message)

    crowd = Talk(handle, RecordedSteps(MemoryRecords()), GROUP)
    for _ in range(OPEN):
        await crowd.begin()
    answers = {f"after {count:,}": answering(talk) for count, talk in talks.items()}
    return {PLAIN: passing(Talk(answer)), **answers, OTHERS: passing(crowd.somebody_else())}


async def run(choice: Options) -> None:
    """Measure and print."""
    counts = [count for count in TARGETS if choice.rounds > 50 or count <= 100]
    records = {count: Counting() for count in counts}
    talks = {count: Talk(durable(f"peers.{count}"), RecordedSteps(records[count])) for count in counts}
    written: dict[str, float] = {}
    grammy = await Grammy.start()
    rows: dict[str, Sample] = {}
    if grammy is not None:
        if not choice.markdown:
            print(f"grammY: {await grammy.ask(what='versions')}")
        rows |= {f"{THEIRS}, {name}": one for name, one in grammy.samples(counts).items()}
    for count, talk in talks.items():
        await talk.begin(count)
        if grammy is not None:
            written[f"{THEIRS}, after {count:,}"] = (await grammy.ask(what="bytes", after=count))["bytes"]
        records[count].bytes = 0
        await talk.feed(talk.update("yes"))
        written[f"{OURS}, after {count:,}"] = records[count].bytes
    rows |= {f"{OURS}, {name}": one for name, one in (await our_samples(talks)).items()}
    found = await measured(rows, min(choice.rounds, 60))
    if grammy is not None:
        await grammy.stop()
    report(found, written, choice)


async def measured(rows: Mapping[str, Sample], rounds: int) -> dict[str, dict[str, float]]:
    """Return the lowest tenth of what an update of each row took, by unit."""
    samples = {unit: {name: list[float]() for name in rows} for unit in ("processor", "clock")}
    for _ in range(rounds):
        for name in random.sample(list(rows), len(rows)):
            for unit, values in (await rows[name]()).items():
                samples[unit][name] += values
    return {
        unit: {name: sorted(values)[len(values) // 10] for name, values in each.items()}
        for unit, each in samples.items()
    }


def report(found: dict[str, dict[str, float]], written: dict[str, float], choice: Options) -> None:
    for unit, figures in found.items():
        rows = {name: value for name, value in figures.items() if OTHERS not in name}
        table(f"an answer, in time of the {unit}", rows, goals(TARGETS), choice)
    others = {name: value for name, value in found["clock"].items() if OTHERS in name}
    against = [Goal(f"{OURS}, {OTHERS}", f"{THEIRS}, {OTHERS}")]
    table("a message in a group in which many are asked, in time of the clock", others, against, choice)
    table("given to the storage for an answer", written, goals(dict.fromkeys(TARGETS)), choice, "bytes")


def goals(targets: Mapping[int, float | None]) -> list[Goal]:
    rows = [(f"after {count:,}", target) for count, target in targets.items()]
    return [Goal(f"{OURS}, {row}", f"{THEIRS}, {row}", target) for row, target in rows]


if __name__ == "__main__":
    main(run, __doc__)
