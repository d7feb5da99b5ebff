"""Measuring so that the ratios mean something on any machine, and printing them.

What is compared runs in one process, in turns, in batches of 100: a slow moment hits everybody. A batch counts the
CPU time of the process, threads included, so waiting costs nothing and a filter run in a thread costs what it costs.
The lowest tenth of the batches is the figure: interruptions only ever add. Nothing here asserts a time.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import platform
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

__all__ = ["Batch", "Goal", "Options", "Subject", "clock", "main", "measure", "options", "table", "versions"]

#: Does so many operations and returns the nanoseconds of CPU time that they took.
Batch = Callable[[int], Awaitable[int]]
clock = time.process_time_ns
_WARM_UP = 3


@dataclass(frozen=True)
class Subject:
    """One row: what is measured."""

    name: str
    batch: Batch


@dataclass(frozen=True)
class Goal:
    """A row compared with another one; `at_most` None is for information."""

    name: str
    against: str
    at_most: float | None = None


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    rounds: int
    size: int
    others: int
    markdown: bool


def options(doc: str | None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds: to see that it runs, the figures say little")
    parser.add_argument("--rounds", type=int, help="batches of each row (default 200)")
    parser.add_argument("--others", type=int, help="how many others wait in the crowded rows (default 10000)")
    parser.add_argument("--markdown", action="store_true", help="print only the tables, for benchmarks/README.md")
    given = parser.parse_args()
    rounds, others = (15, 1_000) if given.quick else (200, 10_000)
    return Options(given.rounds or rounds, 100, given.others or others, given.markdown)


async def measure(subjects: Sequence[Subject], choice: Options) -> dict[str, float]:
    """Return the microseconds of one operation of each subject."""
    samples: dict[str, list[float]] = {subject.name: [] for subject in subjects}
    order = list(subjects)
    # The garbage of one row must not be collected in the batch of another, nor the crowd be looked at every time.
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for number in range(_WARM_UP + choice.rounds):
            random.shuffle(order)
            for subject in order:
                gc.collect()
                spent = await subject.batch(choice.size)
                if number >= _WARM_UP:
                    samples[subject.name].append(spent / choice.size / 1000)
    finally:
        gc.enable()
        gc.unfreeze()
    return {name: sorted(values)[len(values) // 10] for name, values in samples.items()}


def table(title: str, figures: dict[str, float], goals: Sequence[Goal], choice: Options, unit: str = "µs") -> None:
    """Print the figures and what they are compared with."""
    rows = [(name, f"{value:,.1f}", ", ".join(_judged(name, figures, goals))) for name, value in figures.items()]
    if choice.markdown:
        print(f"\n| {title} | {unit} | ratio |\n|---|--:|---|")
        print("\n".join(f"| {' | '.join(row)} |" for row in rows))
        return
    width = max(len(title), *(len(name) for name in figures))
    print(f"\n{title:<{width}}  {unit:>8}  ratio\n{'-' * width}  {'-' * 8}  {'-' * 40}")
    print("\n".join(f"{name:<{width}}  {value:>8}  {judged}".rstrip() for name, value, judged in rows))


def _judged(name: str, figures: dict[str, float], goals: Sequence[Goal]) -> list[str]:
    judged = []
    for goal in goals:
        if goal.name == name and goal.against in figures:
            ratio = figures[name] / figures[goal.against]
            text = f"{ratio:.3f} of {goal.against}"
            if goal.at_most is not None:
                text += f" (target {goal.at_most:g}: {'ok' if ratio <= goal.at_most else 'MISSED'})"
            judged.append(text)
    return judged


def versions() -> str:
    """Say what was measured; nothing about where."""
    names = ("aiostep", "aiogram", "aiogram-input", "raito", "pyromod", "nonebot-plugin-waiter")
    found = ", ".join(f"{name} {version(name)}" for name in names if _is_there(name))
    return f"{platform.python_implementation()} {platform.python_version()} on {sys.platform}, {found}"


def _is_there(name: str) -> bool:
    try:
        version(name)
    except ModuleNotFoundError:
        return False
    return True


def main(run: Callable[[Options], Awaitable[None]], doc: str | None) -> None:
    """Read the command line and run one benchmark."""
    choice = options(doc)
    if not choice.markdown:
        print(versions())
    asyncio.run(run(choice))  # type: ignore[arg-type]
