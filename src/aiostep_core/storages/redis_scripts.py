"""The one script that carries out batches, put together from the files in ``lua``; one file for each operation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple

__all__ = ["Script", "command", "script"]

OPERATIONS = (
    "append", "due", "find", "journal", "merge", "read", "remove", "take", "touch", "write", "write_new",
)  # fmt: skip


class Script(NamedTuple):
    """A script and the name that the server knows it by."""

    source: bytes
    sha: bytes


@cache
def script() -> Script:
    """Put the script together."""
    parts = [_text("shared"), "local operations = {}"]
    parts += [f"operations.{name} = function(KEYS, ARGV)\n{_text(name)}end" for name in OPERATIONS]
    source = "\n".join([*parts, _text("batch")]).encode()
    return Script(source, hashlib.sha1(source, usedforsecurity=False).hexdigest().encode())


def command(arguments: Iterable[bytes]) -> bytes:
    """Write a command as the server reads it. Several may follow one another."""
    parts = list(arguments)
    return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])


def _text(name: str) -> str:
    assert __package__ is not None
    return (resources.files(__package__) / "lua" / f"{name}.lua").read_text("utf-8")
