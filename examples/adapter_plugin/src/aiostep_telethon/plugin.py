"""What the entry point leads to; it is imported on machines without Telethon too, so it must not import it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiostep_core.hookspecs import PluginInfo, build_adapter, hookimpl

if TYPE_CHECKING:
    from .adapter import TelethonAdapter

__all__ = ["aiostep_make_adapter", "aiostep_plugin_info"]


@hookimpl
def aiostep_plugin_info() -> PluginInfo:
    """Say that Telethon 1 is needed."""
    return PluginInfo(name="telethon", requires=("telethon>=1.36,<2",))


@hookimpl
def aiostep_make_adapter(target: object, options: Mapping[str, Any]) -> TelethonAdapter | None:
    """Take every ``TelegramClient``."""
    # Whoever holds a client has imported Telethon.
    telethon = sys.modules.get("telethon")
    if telethon is None or not isinstance(target, telethon.TelegramClient):
        return None
    from .adapter import TelethonAdapter

    return build_adapter(TelethonAdapter, target, options)
