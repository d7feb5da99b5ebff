"""Which context managers a conversation holds open while it waits.

A conversation that is taken out of memory leaves them, and one that goes on in another process enters them again: a
transaction, a lock or a file held across a wait is not what it seems to be. CPython keeps the bound ``__exit__`` of
each open ``with`` on the stack of the frame, where the garbage collector sees it; other interpreters show nothing.
"""

from __future__ import annotations

import gc
import types
from typing import Any, Final

__all__ = ["held_by"]

_EXITS: Final = ("__aexit__", "__exit__")
_BOUND: Final = (types.MethodType, types.BuiltinMethodType)


def held_by(coroutine: Any) -> list[str]:
    """Name the context managers that are open in *coroutine* and what it awaits, and where; not our own."""
    found: list[str] = []
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None and not frame.f_globals.get("__name__", "").startswith("aiostep_core."):
            local = list(frame.f_locals.values())
            for one in [*gc.get_referents(coroutine), *gc.get_referents(frame)]:
                if not isinstance(one, _BOUND) or one.__name__ not in _EXITS or _is_ours(one.__self__):
                    continue
                if not any(one is value for value in local):
                    found.append(f"{type(one.__self__).__qualname__} ({frame.f_code.co_filename}:{frame.f_lineno})")
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return list(dict.fromkeys(found))


def _is_ours(manager: Any) -> bool:
    """Tell whether it is ``stream()`` or ``conversation()``, which are known again after a restart."""
    frame = getattr(getattr(manager, "gen", None), "ag_frame", None)
    module = type(manager).__module__ if frame is None else frame.f_globals.get("__name__", "")
    return module.partition(".")[0] in ("aiostep", "aiostep_core")
