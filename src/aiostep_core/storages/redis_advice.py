"""What a server's settings mean for what is kept there, said once in the log."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from .redis_commands import Command

__all__ = ["advise"]

logger = logging.getLogger("aiostep")

_QUESTIONS = (
    Command(None, (), (b"INFO", b"memory")),
    Command(None, (), (b"INFO", b"persistence")),
    Command(None, (), (b"CONFIG", b"GET", b"save")),
)
_asked = set[str]()


async def advise(where: str, ask: Callable[[Sequence[Command]], Awaitable[list[Any]]]) -> None:
    """Warn if a server forgets: when its memory is full, or when it is started again. Each server is asked once."""
    if where in _asked:
        return
    _asked.add(where)
    memory, persistence, save = await ask(_QUESTIONS)
    settings = {**_settings(memory), **_settings(persistence)}
    policy = settings.get("maxmemory_policy", "noeviction")
    if settings.get("maxmemory", "0") != "0" and policy != "noeviction":
        logger.warning(
            "%s forgets records when its memory is full (maxmemory-policy %s); set it to noeviction", where, policy
        )
    # Without a list of save points (CONFIG is not allowed everywhere) nothing is known.
    if settings.get("aof_enabled") == "0" and isinstance(save, list) and save[1:] == [b""]:
        logger.warning("%s writes nothing to disk and is empty after a restart; set appendonly yes", where)


def _settings(answer: Any) -> dict[str, str]:
    """Read what INFO says; nothing if it is not allowed."""
    if not isinstance(answer, bytes):
        return {}
    lines = (line.partition(":") for line in answer.decode("utf-8", "replace").splitlines())
    return {name: value for name, colon, value in lines if colon}
