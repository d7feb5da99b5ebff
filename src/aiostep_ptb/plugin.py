"""The plugin that offers the python-telegram-bot adapter; it is imported on machines without that too."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiostep_core.hookspecs import PluginInfo, build_adapter, hookimpl

if TYPE_CHECKING:
    from .adapter import PTBAdapter

__all__ = ["aiostep_make_adapter", "aiostep_plugin_info"]


@hookimpl
def aiostep_plugin_info() -> PluginInfo:
    """Say that python-telegram-bot 20.3 or newer is needed."""
    return PluginInfo(name="ptb", requires=("python-telegram-bot>=20.3",))


@hookimpl
def aiostep_make_adapter(target: object, options: Mapping[str, Any]) -> PTBAdapter | None:
    """Take every ``Application``; an updater or a bot alone handles no updates."""
    ext = sys.modules.get("telegram.ext")
    if ext is None or not isinstance(target, ext.Application):
        return None
    from .adapter import PTBAdapter

    return build_adapter(PTBAdapter, target, options)
