"""Conversations in aiogram.

    from aiostep_aiogram import adapter
    adapter.install(dispatcher)

is the same as ``aiostep.install(dispatcher)``. The functions here are those of ``aiostep``, typed for aiogram.
"""

from __future__ import annotations

from aiostep_core.listening import Listen as Listen

from . import adapter as adapter
from .adapter import AiogramAdapter as AiogramAdapter
from .adapter import install as install
from .isolation import SuspendableIsolation as SuspendableIsolation
from .typed import ask as ask
from .typed import wait_for as wait_for

__all__ = ["AiogramAdapter", "Listen", "SuspendableIsolation", "adapter", "ask", "install", "wait_for"]
