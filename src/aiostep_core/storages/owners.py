"""Which process holds something, and whether it is known to be dead: then nobody needs to wait for its lease to end."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import secrets
from pathlib import Path
from typing import Final

__all__ = ["is_gone", "new_owner"]

_MARK: Final = secrets.token_hex(8)
_mark_of: dict[int, str] = {}


def new_owner() -> str:
    """Name this process: where its number is valid, its number, and what no other process with that number has."""
    pid = os.getpid()
    # A forked child has its parent's memory.
    mark = _mark_of.setdefault(pid, f"{_MARK}{len(_mark_of)}" if _mark_of else _MARK)
    return f"{_place()}/{pid}/{mark}"


def is_gone(owner: str) -> bool:
    """Tell whether the process is certainly dead. False may mean that nobody can tell from here."""
    place, _, rest = owner.partition("/")
    number, _, _ = rest.partition("/")
    if place != _place() or not number.isdecimal() or os.name != "posix":  # on Windows os.kill(pid, 0) is no question
        return False
    if int(number) == os.getpid():
        return owner != new_owner()
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is somebody else's
        return False
    return False


@functools.cache
def _place() -> str:
    """Name where process numbers mean what they mean here: this boot of the machine, and this container of it."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}-{Path('/proc/self/ns/pid').stat().st_ino}"
    return f"{platform.node()}-{secrets.token_hex(4)}"  # nobody can tell
