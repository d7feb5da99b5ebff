"""`python -m aiostep conformance NAME`: what an installed adapter keeps of the contract, a line per level.

A distribution announces its harness, which may be named after its plugin::

    [project.entry-points."aiostep.harnesses"]
    telethon = "aiostep_telethon.harness:TelethonHarness"

While it is being written, NAME can be the reference itself: ``aiostep_telethon.harness:TelethonHarness``.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

import pytest

from .harness import LEVELS, AdapterHarness

__all__ = ["GROUP", "chosen", "find", "main"]

GROUP: Final = "aiostep.harnesses"
#: Nothing that happens to be installed may change the run, or end it.
_NO_AUTOLOAD: Final = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
_chosen: list[type[AdapterHarness]] = []


def chosen() -> type[AdapterHarness]:
    """Return the harness that this run is about."""
    return _chosen[-1]


def find(name: str) -> type[AdapterHarness]:
    """Return the harness called *name*, or at the reference "module:Class".

    Raises:
        LookupError: there is none, or it is no harness; says what there is.
    """
    if ":" in name:
        found = EntryPoint(name, name, GROUP).load()
    else:
        entries = {entry.name: entry for entry in entry_points(group=GROUP)}
        if name not in entries:
            known = ", ".join(sorted(entries)) or "none"
            raise LookupError(f"no harness is called {name!r}; installed: {known}; or pass MODULE:CLASS")
        found = entries[name].load()
    if not (isinstance(found, type) and issubclass(found, AdapterHarness)):
        raise LookupError(f"{name!r} is {found!r}, which is no subclass of aiostep_testing.contract.AdapterHarness")
    return found


class Tally:
    """Counts the results of each level, as a plugin of pytest.

    failures: what failed, each with its last line.
    """

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()
        self.all: Counter[str] = Counter()
        self.failures: list[str] = []
        self._levels: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Remember the level of each test."""
        for item in items:
            self._levels[item.nodeid] = getattr(getattr(item, "function", None), "level", "core")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once, be it for its setup or its call."""
        if report.skipped or not (report.when == "call" or report.failed):
            return
        level = self._levels[report.nodeid]
        self.all[level] += 1
        if report.passed:
            self.passed[level] += 1
        else:
            why = (report.longreprtext.strip().splitlines() or [""])[-1]
            self.failures.append(f"{report.nodeid.rpartition('::')[2]}: {why}")

    def lines(self, harness: type[AdapterHarness]) -> list[str]:
        """Write a line for each level, and one for each failure."""
        lines: list[str] = []
        for level in LEVELS:
            if level in harness.levels:
                lines.append(f"{level} {self.passed[level]}/{self.all[level]}")
            else:
                reason = harness.reasons.get(level)
                lines.append(f"{level} not claimed" + (f": {reason}" if reason else ""))
        return lines + [f"failed {failure}" for failure in self.failures]


def main(argv: Sequence[str]) -> int:
    """Run the contract; return 0 if every claim was kept, 1 if not, 2 if there is nothing to run it on."""
    parser = argparse.ArgumentParser(prog="python -m aiostep conformance")
    parser.add_argument("name", metavar="NAME", help=f"an entry point of the group {GROUP}, or MODULE:CLASS")
    parser.add_argument("-k", metavar="WORDS", default="", help="only tests whose names match, as in pytest")
    options = parser.parse_args(argv)
    try:
        harness = find(options.name)
    except (LookupError, ImportError, AttributeError) as error:
        print(f"{options.name}: {error}")
        return 2
    tally = Tally()
    _chosen.append(harness)
    before = os.environ.get(_NO_AUTOLOAD)
    os.environ[_NO_AUTOLOAD] = "1"
    try:
        status = pytest.main(_arguments(options.k), plugins=[tally])
    finally:
        _chosen.pop()
        os.environ.pop(_NO_AUTOLOAD)
        if before is not None:
            os.environ[_NO_AUTOLOAD] = before
    for line in tally.lines(harness):
        print(line)
    return int(status != 0)


def _arguments(words: str) -> list[str]:
    here = Path(__file__).with_name("packaged.py")
    # Nothing of the project in the current folder may change the run: no configuration, no conftest, no plugins.
    options = ["-c", os.devnull, "--rootdir", str(here.parent), "--noconftest", "--import-mode=importlib"]
    return [*options, "-p", "no:terminal", "-p", "no:cacheprovider", "-k", words, str(here)]
