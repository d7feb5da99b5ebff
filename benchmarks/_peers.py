"""The libraries that do the same, loaded into the process that measures ours."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["aiogram_input", "nonebot_waiter", "original", "pyromod", "raito"]

_MADE = Path(__file__).resolve().parent.parent / ".venvs" / "bench" / "original"


def original() -> ModuleType | None:
    """Import the original aiostep 0.3.7; None if it is not where AIOSTEP_ORIGINAL says, or ``make bench`` puts it.

    It has our name, so it is imported while ours is out of the way, and keeps only the references it has by then.
    """
    folder = os.environ.get("AIOSTEP_ORIGINAL") or str(_MADE)
    if not Path(folder, "aiostep").is_dir():
        return None
    ours = _take_out()
    sys.path.insert(0, folder)
    try:
        module = importlib.import_module("aiostep")
        listen = importlib.import_module("aiostep.steps.dialects.aiogram_dialect")
        functions = importlib.import_module("aiostep.steps.functions")
        # Each dispatcher gets a store of its own, as each bot has one.
        module.Listen, module.Store = listen.Listen, functions._RootStore  # type: ignore[attr-defined]
        module.IsState = importlib.import_module("aiostep.utils").IsState  # type: ignore[attr-defined]
    finally:
        sys.path.remove(folder)
        _take_out()
        sys.modules.update(ours)
    assert module.__version__ == "0.3.7", module.__version__
    return module


def aiogram_input() -> Any:
    """Import aiogram-input; None if it is not installed."""
    try:
        return importlib.import_module("aiogram_input")
    except ImportError:
        return None


@cache
def raito() -> Any:
    """Import the conversations of raito; None if it is not installed."""
    try:
        return importlib.import_module("raito.plugins.conversations")
    except ImportError:
        return None


@cache
def pyromod() -> Any:
    """Import pyromod, which patches Pyrogram; None if it is not installed."""
    logging.getLogger("pyrogram").setLevel(logging.ERROR)  # it asks for a faster cipher, of which nothing is enciphered
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it asks for a star
            return importlib.import_module("pyromod")
    except ImportError:
        return None


@cache
def nonebot_waiter() -> Any:
    """Start NoneBot without any network and load nonebot-plugin-waiter; None if they are not installed."""
    try:
        import nonebot
        from nonebot.adapters import telegram
    except ImportError:
        return None
    nonebot.logger.remove()  # it would tell of every message
    nonebot.init(driver="~none", telegram_bots=[])
    nonebot.get_driver().register_adapter(telegram.Adapter)
    plugin = nonebot.load_plugin("nonebot_plugin_waiter")
    return None if plugin is None else plugin.module


def _take_out() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name == "aiostep" or name.startswith("aiostep.")]
    return {name: sys.modules.pop(name) for name in names}
