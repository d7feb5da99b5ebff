"""The plugin that offers the pyTelegramBotAPI adapter; it is imported on machines without pyTelegramBotAPI too."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiostep_core.hookspecs import PluginInfo, build_adapter, hookimpl

if TYPE_CHECKING:
    from .adapter import AsyncTelebotAdapter
    from .threaded import TelebotAdapter

__all__ = ["aiostep_make_adapter", "aiostep_plugin_info"]


@hookimpl
def aiostep_plugin_info() -> PluginInfo:
    """Say that pyTelegramBotAPI 4 is needed."""
    return PluginInfo(name="telebot", requires=("pyTelegramBotAPI>=4.20",))


@hookimpl
def aiostep_make_adapter(target: object, options: Mapping[str, Any]) -> AsyncTelebotAdapter | TelebotAdapter | None:
    """Take every ``AsyncTeleBot`` and every ``TeleBot``."""
    module = sys.modules.get("telebot.async_telebot")
    if module is not None and isinstance(target, module.AsyncTeleBot):
        from .adapter import AsyncTelebotAdapter

        return build_adapter(AsyncTelebotAdapter, target, options)
    telebot = sys.modules.get("telebot")
    if telebot is not None and isinstance(target, telebot.TeleBot):
        from .threaded import TelebotAdapter

        return build_adapter(TelebotAdapter, target, options)
    return None
