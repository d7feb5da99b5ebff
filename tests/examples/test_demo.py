"""The examples are what newcomers copy, and the demo is what they see first: each must do what it says."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "scripts" / "demo.py"


def frameworks() -> dict[str, str]:
    """Read which example the demo plays for each framework."""
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    return dict(demo.FRAMEWORKS)


def play(framework: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DEMO), framework], capture_output=True, text=True, timeout=110, cwd=ROOT, check=False
    )


def test_every_example_is_played() -> None:
    """No example is left out of the demo, so all of them are started here."""
    assert set(frameworks().values()) == {path.name for path in (ROOT / "examples").glob("*.py")}


@pytest.mark.parametrize("framework", frameworks())
def test_the_demo_goes_as_it_should(framework: str) -> None:
    """A real bot of each framework holds the whole conversation, and the exit status says so."""
    done = play(framework)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything went as it should." in done.stdout


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(example: Path) -> None:
    """What is meant to be copied fits on a screen: under 60 lines."""
    assert len(example.read_text(encoding="utf-8").splitlines()) < 60


def test_an_unknown_framework_is_named() -> None:
    """The demo says which frameworks there are, and fails."""
    done = play("smoke-signals")

    assert done.returncode == 2
    assert "'smoke-signals'; there is one for aiogram, ptb, telebot, telebot-sync" in done.stdout
