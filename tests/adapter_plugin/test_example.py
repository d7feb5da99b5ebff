"""A plugin by someone else: installed as a distribution of its own, found by its entry points, kept to the contract."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

import aiostep
from aiostep_core.hookspecs import OF_INSTALL
from aiostep_testing.contract import LEVELS

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "adapter_plugin"
CLAIMED = ("core", "groups", "topics", "callbacks", "menus", "media", "durable")


class Installed:
    """A folder with the distribution in it, and nothing of the source tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        source = Path(aiostep.__file__).parent.parent
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(folder), str(source)]),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run Python with it."""
        command = [sys.executable, *arguments]
        return subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the example as anybody would, but for what it needs, which is here already."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run(
        [*pip, "--target", str(folder), str(EXAMPLE)], capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    return Installed(folder)


@pytest.fixture
def distribution(installed: Installed) -> Distribution:
    """Read what pip wrote about it."""
    [found] = distributions(path=[str(installed.folder)])
    return found


def test_it_is_a_distribution_of_its_own(distribution: Distribution) -> None:
    """It has a name, says what it needs, is typed, and announces an adapter and a harness."""
    entries = {entry.group: entry.name for entry in distribution.entry_points}

    assert distribution.name == "aiostep-telethon"
    assert entries == {"aiostep.plugins": "telethon", "aiostep.harnesses": "telethon"}
    needs = [re.split(r"\W", line)[0] for line in distribution.requires or [] if "extra" not in line]
    assert needs == ["aiostep", "telethon"]
    assert any(path.name == "py.typed" for path in distribution.files or [])


def test_it_is_found_without_its_framework(installed: Installed) -> None:
    """The list of plugins names it and whose it is, and nobody has imported Telethon for that."""
    program = "import sys; from aiostep.__main__ import main; main(['plugins']); print('telethon' in sys.modules)"
    done = installed.run("-c", program)

    assert re.search(r"^telethon +aiostep-telethon +0\.1\.0 +loaded +telethon \d", done.stdout, re.MULTILINE), (
        done.stderr
    )
    assert done.stdout.endswith("False\n")


def test_install_takes_a_client(installed: Installed) -> None:
    """``aiostep.install`` finds the adapter by itself, refuses what it does not know, and installs once."""
    program = """
import asyncio, aiostep, telethon
from telethon.sessions import MemorySession

class Mine(telethon.TelegramClient):
    pass

async def main():
    client = Mine(MemorySession(), 1, "0")
    engine = aiostep.install(client, grace=1)
    assert aiostep.install(client) is engine
    print(type(engine.runtime.adapters[0]).__name__)
    try:
        aiostep.install(Mine(MemorySession(), 1, "0"), haste=1)
    except aiostep.BadArgument as error:
        print(error)

asyncio.run(main())
"""
    done = installed.run("-c", program)

    assert done.stdout.splitlines() == [
        "TelethonAdapter",
        f"option haste is 1; expected only the adapter's options: grace; or {OF_INSTALL}",
    ], done.stderr


def test_the_contract_is_kept(installed: Installed) -> None:
    """``python -m aiostep conformance telethon`` finds nothing wrong with any level that is claimed."""
    done = installed.run("-m", "aiostep", "conformance", "telethon")
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines())

    assert done.returncode == 0, done.stdout + done.stderr
    assert tuple(lines) == LEVELS
    counts = {level: lines[level].split("/") for level in CLAIMED}
    assert {level: passed for level, (passed, _) in counts.items()} == {
        level: all_ for level, (_, all_) in counts.items()
    }
    assert sum(int(passed) for passed, _ in counts.values()) >= 90
    assert all(lines[level].startswith("not claimed") for level in LEVELS if level not in CLAIMED)


def test_its_own_tests_pass(installed: Installed) -> None:
    """The tests that come with it pass where it is installed; of the contract those that were not run here yet."""
    options = ["-q", "-p", "no:cacheprovider", "-W", "error", "-k", "not TestTelegramClient"]
    done = installed.run("-m", "pytest", *options, str(EXAMPLE / "tests"), cwd=EXAMPLE)

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert re.search(r"\b[1-9]\d{2} passed", done.stdout)
