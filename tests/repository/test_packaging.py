"""What people install: the wheel, built here and opened."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from importlib import import_module
from pathlib import Path

import pytest

from tests.repository.sources import ROOT, SRC, packages


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel once and open it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def read_metadata(wheel: zipfile.ZipFile, name: str) -> str:
    """Read one file of the dist-info folder."""
    [path] = [entry for entry in wheel.namelist() if entry.endswith(f".dist-info/{name}")]
    return wheel.read(path).decode()


def test_the_wheel_has_everything_in_src(wheel: zipfile.ZipFile) -> None:
    """Every file of src ships, data files too, and nothing else does."""
    files = {path.relative_to(SRC) for path in SRC.rglob("*") if path.is_file()}
    expected = {path.as_posix() for path in files if "__pycache__" not in path.parts}

    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == expected


def test_each_package_is_typed(wheel: zipfile.ZipFile) -> None:
    """Each package tells type checkers that its annotations count."""
    assert [name for name in packages() if f"{name}/py.typed" not in wheel.namelist()] == []


def test_the_licence_ships(wheel: zipfile.ZipFile) -> None:
    """The wheel carries the MIT licence and says so."""
    metadata = Parser().parsestr(read_metadata(wheel, "METADATA"))

    assert metadata["License-Expression"] == "MIT"
    assert "Permission is hereby granted" in read_metadata(wheel, "licenses/LICENSE")


def requirements(wheel: zipfile.ZipFile) -> tuple[Message, list[str]]:
    """Read the metadata and its requirements."""
    metadata = Parser().parsestr(read_metadata(wheel, "METADATA"))
    return metadata, metadata.get_all("Requires-Dist", [])


def test_only_extras_ask_for_a_framework(wheel: zipfile.ZipFile) -> None:
    """A plain install needs anyio and pluggy; frameworks and redis come with their extras."""
    metadata, required = requirements(wheel)
    plain = sorted(line.partition("<")[0] for line in required if "extra ==" not in line)

    assert plain == ["anyio", "pluggy"]
    extras = metadata.get_all("Provides-Extra", [])
    assert set(extras) == {"aiogram", "all", "ptb", "redis", "telebot", "testing", "types"}
    assert metadata["Requires-Python"] == ">=3.10"


def test_each_entry_point_leads_to_a_plugin(wheel: zipfile.ZipFile) -> None:
    """Each entry point names a module that ships, for an adapter whose package ships."""
    parser = configparser.ConfigParser()
    parser.read_string(read_metadata(wheel, "entry_points.txt"))
    targets = dict(parser["aiostep.plugins"])
    adapters = [name for name in packages() if Path(SRC, name, "plugin.py").exists()]

    assert set(adapters) <= {target.partition(".")[0] for target in targets.values()}
    for name, target in targets.items():
        assert target == f"aiostep_{name}.plugin"
        if f"aiostep_{name}" in adapters:
            assert import_module(target).__doc__
