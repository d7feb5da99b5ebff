"""Conversations in python-telegram-bot.

::

    from aiostep_ptb import adapter

    adapter.install(application)

is the same as ``aiostep.install(application)``. The functions here are those of ``aiostep``, typed for
python-telegram-bot: the answers are its ``Update`` objects.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from .typed import ask as ask
from .typed import choose as choose
from .typed import choose_many as choose_many
from .typed import confirm as confirm
from .typed import fill as fill
from .typed import stream as stream
from .typed import wait_for as wait_for

if TYPE_CHECKING:
    from . import adapter as adapter
    from .adapter import PTBAdapter as PTBAdapter
    from .adapter import install as install
    from .application import StepApplication as StepApplication
    from .persistence import StepPersistence as StepPersistence

__all__ = [
    "PTBAdapter",
    "StepApplication",
    "StepPersistence",
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

# What needs the framework is imported when it is used: plugin.py is in this package, and read on machines without it.
_LAZY: Final = {
    "PTBAdapter": ".adapter",
    "StepApplication": ".application",
    "StepPersistence": ".persistence",
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
