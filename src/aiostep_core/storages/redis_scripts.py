"""The scripts, put together from the files in ``lua``: an operation alone, and a batch of any of them."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib import resources
from typing import NamedTuple

__all__ = ["Script", "batch_script", "lone_script"]

OPERATIONS = (
    "append", "due", "find", "journal", "merge", "read", "remove", "take", "touch", "write", "write_new",
)  # fmt: skip
#: Those that always write, and whose answer nobody needs to note.
WRITES = (b"merge", b"write")


class Script(NamedTuple):
    """A script and the name that the server knows it by."""

    source: bytes
    sha: bytes


@cache
def lone_script(name: bytes, once: bool) -> Script:
    """Return the script of one operation.

    Args:
        once: whether it comes with a number, so that it is not carried out twice.
    """
    body = _text(name.decode())
    if not once:
        return _script(body)
    if name in WRITES:
        return _script(_text("lone_write"), body)
    return _script(f"local function carry_out(KEYS, ARGV)\n{body}end", _text("lone"))


@cache
def batch_script() -> Script:
    """Return the script of a batch."""
    # One function with many branches is made in a fraction of the time of many functions.
    branches = "\nelseif ".join(f"name == '{name}' then\n{_text(name)}" for name in OPERATIONS)
    return _script(f"local function carry_out(name, KEYS, ARGV)\nif {branches}end\nend", _text("batch"))


def _script(*parts: str) -> Script:
    text = "\n".join(parts)
    # Only what is used of what is shared: to make a function costs the server as much as a small command.
    for block in reversed(_text("shared").split("\n\n")):
        defined = re.findall(r"^local (?:function )?(\w+)", block, re.MULTILINE)
        if any(re.search(rf"\b{name}\b", text) for name in defined):
            text = f"{block}\n{text}"
    source = text.encode()
    return Script(source, hashlib.sha1(source, usedforsecurity=False).hexdigest().encode())


@cache
def _text(name: str) -> str:
    assert __package__ is not None
    return (resources.files(__package__) / "lua" / f"{name}.lua").read_text("utf-8")
