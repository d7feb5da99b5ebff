"""In the name of which task code runs: what ``asyncio.current_task()`` says, and what time limits would cancel.

``_enter_task`` and ``_leave_task`` are what asyncio documents for those who make steps of tasks themselves. To go over
from one task to another takes both of them, and twice for there and back; to swap them takes half as long.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import tasks
from typing import Any

__all__ = ["swap_current"]

if sys.version_info >= (3, 12):
    #: Let code run in the name of a task of a loop, or of none, from now on; return in whose name it ran.
    swap_current: Any = tasks._swap_current_task
else:
    _current: dict[asyncio.AbstractEventLoop, asyncio.Task[Any]] = tasks._current_tasks  # type: ignore[attr-defined]

    def swap_current(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any] | None) -> asyncio.Task[Any] | None:
        """Let code run in the name of *task*, or of none, from now on; return in whose name it ran."""
        before = _current.get(loop)
        if task is not None:
            _current[loop] = task
        elif before is not None:
            del _current[loop]
        return before
