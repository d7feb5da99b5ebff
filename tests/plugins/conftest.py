"""Real distributions on a temporary entry of sys.path: a module, and the metadata that announces it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiostep_core.plugins import DISABLE, TRACE, Plugins, default_plugins
from tests.plugins.sources import Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty place to install distributions in; nothing of it stays in the process.

    The aiostep in it, without plugins, hides the one that is installed: tests see only the plugins they bring.
    """
    monkeypatch.syspath_prepend(tmp_path)
    for name in (DISABLE, TRACE):
        monkeypatch.delenv(name, raising=False)
    site = Site(tmp_path)
    site.install("aiostep", "1.0")
    default_plugins.cache_clear()
    before = set(sys.modules)
    yield site
    for name in set(sys.modules) - before:
        if str(tmp_path) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]
    default_plugins.cache_clear()
    importlib.invalidate_caches()


@pytest.fixture
def plugins(site: Site) -> Plugins:
    """The plugins of that place; metadata is read when the first is needed, so installing may come later."""
    return Plugins()
