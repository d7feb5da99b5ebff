"""The distributions that these tests install."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent

TOYGRAM = '''
class Hub:
    """What a framework calls a dispatcher."""

class Sub(Hub): ...
'''

ADAPTER = """
from types import MappingProxyType
from typing import Any

from aiostep_core import Adapter


class HubAdapter(Adapter):
    name = "toy"

    def __init__(self, target, *, volume=1):
        self.target, self.options, self.runtime = target, MappingProxyType({"volume": volume}), None

    def install(self, runtime):
        self.runtime = runtime

    def uninstall(self):
        self.runtime = None

    def _unused(self, *args, **kwargs):
        raise NotImplementedError

    facts = update_of = key_of = redispatch = compile_filter = send = answer_click = _unused
"""

PLUGIN = """
import sys

from aiostep_core.hookspecs import PluginInfo, build_adapter, hookimpl


@hookimpl
def aiostep_plugin_info():
    return PluginInfo(name="{name}", requires={requires!r})


@hookimpl
def aiostep_make_adapter(target, options):
    toygram = sys.modules.get("toygram")
    if toygram is None or not isinstance(target, toygram.Hub):
        return None
    from toy_adapter import HubAdapter

    return build_adapter(HubAdapter, target, options)
"""


class Site:
    """A folder on sys.path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self, name: str, version: str, *, plugins: dict[str, str] | None = None, extras: Iterable[str] = ()
    ) -> None:
        """Write the metadata of a distribution."""
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Provides-Extra: {extra}" for extra in extras]
        (info / "METADATA").write_text("\n".join(lines) + "\n", "utf-8")
        entries = [f"{plugin} = {module}" for plugin, module in (plugins or {}).items()]
        (info / "entry_points.txt").write_text("\n".join(["[aiostep.plugins]", *entries, ""]), "utf-8")
        importlib.invalidate_caches()

    def module(self, name: str, code: str) -> None:
        """Write a module."""
        (self.folder / f"{name}.py").write_text(dedent(code), "utf-8")
        importlib.invalidate_caches()

    def plugin(self, name: str, code: str, *, distribution: str | None = None, version: str = "1.0") -> None:
        """Install the distribution aiostep-<name>, whose plugin is *code* after the usual imports."""
        head = "from aiostep_core.hookspecs import PluginInfo, hookimpl\n"
        self.module(f"{name}_plugin", head + dedent(code))
        self.install(distribution or f"aiostep-{name}", version, plugins={name: f"{name}_plugin"})

    def toy(self, name: str = "toy", *, requires: tuple[str, ...] = ("toygram>=1.2,<2",)) -> None:
        """Install a framework, an adapter for it, and a plugin called *name* that offers that."""
        if not (self.folder / "toygram.py").exists():
            self.module("toygram", TOYGRAM)
            self.install("toygram", "1.4.1")
            self.module("toy_adapter", ADAPTER)
        self.plugin(name, PLUGIN.format(name=name, requires=requires))


INFO = """
@hookimpl
def aiostep_plugin_info():
    return PluginInfo(name="{name}")
"""


def info(name: str) -> str:
    """Return the code of a plugin that only says its name."""
    return INFO.format(name=name)
