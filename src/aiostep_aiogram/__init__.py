"""Conversations in aiogram.

::

    from aiostep_aiogram import adapter

    adapter.install(dispatcher)

is the same as ``aiostep.install(dispatcher)``. The functions here are those of ``aiostep``, typed for aiogram.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiostep_core.listening import Listen as Listen

    from . import adapter as adapter
    from .adapter import AiogramAdapter as AiogramAdapter
    from .adapter import install as install
    from .isolation import SuspendableIsolation as SuspendableIsolation
    from .typed import ask as ask
    from .typed import wait_for as wait_for

__all__ = ["AiogramAdapter", "Listen", "SuspendableIsolation", "adapter", "ask", "install", "wait_for"]

if not TYPE_CHECKING:
    # The entry point lives in this package and is loaded where aiogram is not installed, too.
    _HOMES = {
        "AiogramAdapter": ".adapter",
        "Listen": "aiostep_core.listening",
        "SuspendableIsolation": ".isolation",
        "ask": ".typed",
        "install": ".adapter",
        "wait_for": ".typed",
    }

    def __getattr__(name: str) -> object:
        import importlib

        if name == "adapter":
            return importlib.import_module(".adapter", __name__)
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name], __name__), name)
