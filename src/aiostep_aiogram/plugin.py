"""The plugin that offers the aiogram adapter; it is imported on machines without aiogram too."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiostep_core.hookspecs import PluginInfo, build_adapter, hookimpl

if TYPE_CHECKING:
    from .adapter import AiogramAdapter

__all__ = ["aiostep_make_adapter", "aiostep_plugin_info"]


@hookimpl
def aiostep_plugin_info() -> PluginInfo:
    """Say that aiogram 3 is needed."""
    return PluginInfo(name="aiogram", requires=("aiogram>=3.4,<4",))


@hookimpl
def aiostep_make_adapter(target: object, options: Mapping[str, Any]) -> AiogramAdapter | None:
    """Take every ``Dispatcher``; a router or a bot alone receives no updates."""
    aiogram = sys.modules.get("aiogram")
    if aiogram is None or not isinstance(target, aiogram.Dispatcher):
        return None
    from .adapter import AiogramAdapter

    return build_adapter(AiogramAdapter, target, options)
