"""Conversations in aiogram.

::

    from aiostep_aiogram import adapter

    adapter.install(dispatcher)

is the same as ``aiostep.install(dispatcher)``. The functions here are those of ``aiostep``, typed for aiogram.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from aiostep_core.listening import Listen as Listen

from .typed import ask as ask
from .typed import choose as choose
from .typed import choose_many as choose_many
from .typed import confirm as confirm
from .typed import fill as fill
from .typed import stream as stream
from .typed import wait_for as wait_for

if TYPE_CHECKING:
    from . import adapter as adapter
    from .adapter import AiogramAdapter as AiogramAdapter
    from .adapter import install as install
    from .event_isolation import AiostepEventIsolation as AiostepEventIsolation
    from .isolation import SuspendableIsolation as SuspendableIsolation
    from .storage import AiostepStorage as AiostepStorage

__all__ = [
    "AiogramAdapter",
    "AiostepEventIsolation",
    "AiostepStorage",
    "Listen",
    "SuspendableIsolation",
    "adapter",
    "ask",
    "choose",
    "choose_many",
    "confirm",
    "fill",
    "install",
    "stream",
    "wait_for",
]

# What needs aiogram is imported when it is used: plugin.py is in this package, and read on machines without aiogram.
_LAZY: Final = {
    "AiogramAdapter": ".adapter",
    "AiostepEventIsolation": ".event_isolation",
    "AiostepStorage": ".storage",
    "SuspendableIsolation": ".isolation",
    "install": ".adapter",
}

if not TYPE_CHECKING:  # for checkers it would make every misspelt name a good one

    def __getattr__(name: str) -> Any:
        if name == "adapter":
            return importlib.import_module(".adapter", __name__)
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(importlib.import_module(_LAZY[name], __name__), name)
        return value
