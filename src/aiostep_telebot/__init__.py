"""Conversations in pyTelegramBotAPI.

::

    from aiostep_telebot import adapter

    adapter.install(bot)

is the same as ``aiostep.install(bot)``, for an ``AsyncTeleBot`` as well as for a ``TeleBot``. The functions here are
those of ``aiostep``, typed for pyTelegramBotAPI; for a ``TeleBot``, ``aiostep_telebot.sync`` has those of
``aiostep.sync``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from . import sync as sync
from .typed import ask as ask
from .typed import choose as choose
from .typed import choose_many as choose_many
from .typed import confirm as confirm
from .typed import fill as fill
from .typed import stream as stream
from .typed import wait_for as wait_for

if TYPE_CHECKING:
    from . import adapter as adapter
    from .adapter import AsyncTelebotAdapter as AsyncTelebotAdapter
    from .adapter import install as install
    from .aliases import StepsMixin as StepsMixin
    from .state_storage import AiostepStateStorage as AiostepStateStorage
    from .state_storage import AsyncAiostepStateStorage as AsyncAiostepStateStorage
    from .step_backend import AiostepStepBackend as AiostepStepBackend
    from .threaded import TelebotAdapter as TelebotAdapter

__all__ = [
    "AiostepStateStorage",
    "AiostepStepBackend",
    "AsyncAiostepStateStorage",
    "AsyncTelebotAdapter",
    "StepsMixin",
    "TelebotAdapter",
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

# What needs telebot is imported when it is used: plugin.py is in this package, and read on machines without telebot.
_LAZY: Final = {
    "AiostepStateStorage": ".state_storage",
    "AiostepStepBackend": ".step_backend",
    "AsyncAiostepStateStorage": ".state_storage",
    "AsyncTelebotAdapter": ".adapter",
    "StepsMixin": ".aliases",
    "TelebotAdapter": ".threaded",
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
