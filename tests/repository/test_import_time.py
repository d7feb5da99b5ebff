"""What an import costs, asserted on `sys.modules` of a fresh interpreter and never on a stopwatch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.repository.sources import packages

FRAMEWORKS = {"aiogram", "telebot", "telegram"}
HEAVY = FRAMEWORKS | {"redis", "pluggy", "importlib.metadata", "aiostep_testing"}

# -I and -S keep the environment and the .pth files of site-packages out; the path comes in by hand.
PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
__import__(sys.argv[2])
print(json.dumps(sorted(sys.modules)))
"""


def modules_after_import(name: str) -> set[str]:
    """Import a module in a fresh interpreter and return everything that got loaded."""
    command = [sys.executable, "-I", "-S", "-c", PROGRAM, json.dumps(sys.path), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    loaded: list[str] = json.loads(done.stdout)
    return set(loaded)


CHECKS = [
    ("aiostep", "aiostep", HEAVY | {"aiostep_aiogram"}),
    ("aiostep_core", "aiostep_core", HEAVY),
    ("aiostep_core", "aiostep_core.plugins", FRAMEWORKS | {"redis"}),
    ("aiostep_aiogram", "aiostep_aiogram.plugin", FRAMEWORKS),
    ("aiostep_testing", "aiostep_testing", FRAMEWORKS | {"redis", "pluggy"}),
]


@pytest.mark.parametrize(
    ("name", "unwanted"),
    [(name, unwanted) for package, name, unwanted in CHECKS if package in packages()],
)
def test_an_import_stays_light(name: str, unwanted: set[str]) -> None:
    """Importing the library loads no framework, and nothing else that only some bots need."""
    assert modules_after_import(name) & unwanted == set()


def test_a_heavy_import_is_seen() -> None:
    """The check sees what a module pulls in."""
    assert "importlib.metadata" in modules_after_import("importlib.metadata")
