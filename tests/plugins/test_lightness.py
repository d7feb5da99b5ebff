"""Finding an adapter loads no framework but the one that the bot uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.plugins.sources import ADAPTER, TOYGRAM, Site

PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
import toygram
from aiostep_core.plugins import Plugins

plugins = Plugins()
before = set(sys.modules)
plugins.discover()
discovered = [name for name in sys.modules if name.endswith("plugin") and name not in before]
made = plugins.make_adapter(toygram.Hub(), {})
print(json.dumps([discovered, type(made).__name__, {row.name: row.state for row in plugins.describe()},
                  sorted(sys.modules)]))
"""


def test_loading_plugins_imports_no_framework(site: Site) -> None:
    """discover() imports no plugin; install() imports plugins, and of adapters and frameworks only what is in use."""
    site.toy()
    site.module("othergram", TOYGRAM)
    site.module("other_adapter", "import othergram\n" + ADAPTER)
    site.plugin(
        "other",
        """
        import sys

        @hookimpl
        def aiostep_plugin_info(): return PluginInfo(name="other")

        @hookimpl
        def aiostep_make_adapter(target):
            if isinstance(target, getattr(sys.modules.get("othergram"), "Hub", ())):
                import other_adapter
        """,
    )
    site.install("aiostep-ours", "1.0", plugins={"aiogram": "aiostep_aiogram.plugin"})
    command = [sys.executable, "-I", "-S", "-c", PROGRAM, json.dumps(sys.path)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ))

    assert done.returncode == 0, done.stderr
    discovered, made, states, loaded = json.loads(done.stdout)
    assert (discovered, made) == ([], "HubAdapter")
    assert states == {"aiogram": states["aiogram"], "other": "loaded", "toy": "loaded"}
    assert {"aiostep_aiogram.plugin", "other_plugin", "toy_plugin", "toy_adapter", "toygram"} <= set(loaded)
    frameworks = {"aiogram", "aiostep_aiogram.adapter", "othergram", "other_adapter", "redis", "telebot", "telegram"}
    assert frameworks & set(loaded) == set()
