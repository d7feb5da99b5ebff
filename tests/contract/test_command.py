"""`python -m aiostep conformance` prints a line per level."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import aiostep
from aiostep.__main__ import main

HARNESS = "aiostep_testing.harnesses.telebot:AsyncTelebotHarness"


def test_a_line_per_level(tmp_path: Path) -> None:
    """What is kept is counted, what is not claimed is said, and nobody else has a say in it."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    broken = tmp_path / "broken-1.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (broken / "entry_points.txt").write_text("[pytest11]\nbroken = no_such_module\n")
    command = [sys.executable, "-m", "aiostep", "conformance", HARNESS, "-k", "in_a_row or by_webhook"]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(aiostep.__file__).parent.parent), str(tmp_path)])}
    here.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD", None)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=here)

    lines = done.stdout.splitlines()
    assert "core 2/2" in lines, done.stdout + done.stderr
    assert "webhook 3/3" in lines
    assert "sync not claimed: its handlers are coroutines" in lines
    assert done.returncode == 0


def test_pytest_is_not_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without pytest the command says what to install."""
    monkeypatch.delitem(sys.modules, "aiostep_testing.contract.command", raising=False)
    monkeypatch.setitem(sys.modules, "pytest", None)

    assert main(["conformance", "aiogram"]) == 2
    assert capsys.readouterr().err == "conformance: this needs pytest; pip install 'aiostep[testing]'\n"


def test_nobody_of_that_name(capsys: pytest.CaptureFixture[str]) -> None:
    """The message says which harnesses there are, and how to name another."""
    assert main(["conformance", "nobody"]) == 2
    assert "no harness is called 'nobody'; installed:" in capsys.readouterr().out
