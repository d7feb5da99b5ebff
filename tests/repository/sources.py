"""The repository's own files, as the tests in this folder read them."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SRC = ROOT / "src"


@dataclass(frozen=True)
class Module:
    """One file of src: `name` is its path from src, as in "aiostep_core/waits.py"."""

    name: str
    text: str

    @property
    def package(self) -> str:
        """The top-level package it belongs to."""
        return self.name.partition("/")[0]

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text, self.name)


@cache
def modules() -> tuple[Module, ...]:
    """Read every Python file under src."""
    paths = sorted(SRC.rglob("*.py"))
    return tuple(Module(path.relative_to(SRC).as_posix(), path.read_text("utf-8")) for path in paths)


@cache
def packages() -> tuple[str, ...]:
    """Name the import packages that exist."""
    return tuple(sorted(init.parent.name for init in SRC.glob("*/__init__.py")))


@cache
def tracked() -> tuple[Path, ...]:
    """List the files git knows, as they are in the work tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return tuple(path for path in paths if path.is_file())
