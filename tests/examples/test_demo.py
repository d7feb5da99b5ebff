"""The examples are what newcomers copy, and the demo is what they see first: each must do what it says."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "scripts" / "demo.py"


def frameworks() -> dict[str, tuple[str, str]]:
    """Read which examples the demo plays for each framework."""
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    return dict(demo.FRAMEWORKS)


def play(framework: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DEMO), framework], capture_output=True, text=True, timeout=280, cwd=ROOT, check=False
    )


def test_every_example_is_played() -> None:
    """No example is left out of the demo, so all of them are started here."""
    played = {name for names in frameworks().values() for name in names}

    assert played == {path.name for path in (ROOT / "examples").glob("*.py")}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("framework", frameworks())
def test_the_demo_goes_as_it_should(framework: str) -> None:
    """Real bots hold all conversations; one is killed twice, in the middle, and asks nothing again."""
    done = play(framework)
    lines = done.stdout.splitlines()
    killed, started = (re.findall(rf"-- {how} (\d+)", done.stdout) for how in ("kill -9", "started again, as process"))
    questions = ["Which pizza?", "How many?", "Where to?", "Is everything right?"]

    assert done.returncode == 0, done.stdout + done.stderr
    assert lines[-1] == "Everything went as it should."
    assert len({killed[0], *started}) == 3
    assert killed == [killed[0], started[0]]
    assert [sum(line.lstrip().startswith(question) for line in lines) for question in questions] == [1, 1, 1, 1]


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(example: Path) -> None:
    """What is meant to be copied fits on a screen: under 60 lines."""
    assert len(example.read_text(encoding="utf-8").splitlines()) < 60


def test_an_unknown_framework_is_named() -> None:
    """The demo says which frameworks there are, and fails."""
    done = play("smoke-signals")

    assert done.returncode == 2
    assert "'smoke-signals'; there is one for aiogram, ptb, telebot, telebot-sync" in done.stdout
