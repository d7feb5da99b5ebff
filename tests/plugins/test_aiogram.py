"""Our own aiogram adapter is an ordinary plugin."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram import Bot, Dispatcher, Router

from aiostep_aiogram import AiogramAdapter
from aiostep_core.errors import BadArgument, PluginError, UnsupportedTarget
from aiostep_core.plugins import Plugins
from tests.plugins.sources import Site


class MyDispatcher(Dispatcher):
    """What an author may have."""


@pytest.fixture
def aiogram(site: Site) -> Plugins:
    """The plugins of a machine on which only the aiogram one is installed."""
    site.install("aiostep-ours", "1.0", plugins={"aiogram": "aiostep_aiogram.plugin"}, extras=["aiogram"])
    return Plugins()


@pytest.mark.parametrize("kind", [Dispatcher, MyDispatcher])
def test_a_dispatcher_is_served(aiogram: Plugins, kind: type[Dispatcher]) -> None:
    """Also one of a subclass; the options reach the adapter, and the dispatcher is not touched yet."""
    target = kind()
    before = list(target.update.outer_middleware)

    adapter = aiogram.make_adapter(target, {"grace": 1.5})

    assert isinstance(adapter, AiogramAdapter)
    assert (adapter.target, adapter.grace) == (target, 1.5)
    assert list(target.update.outer_middleware) == before


@pytest.mark.parametrize("target", [Router(), Bot("42:TEST"), Dispatcher], ids=["router", "bot", "class"])
def test_what_receives_no_updates_is_declined(aiogram: Plugins, target: Any) -> None:
    """A router, a bot alone, or the class in place of an object are no targets."""
    with pytest.raises(UnsupportedTarget, match=r"pass a dispatcher, .* of a known framework \(aiogram\)"):
        aiogram.make_adapter(target, {})


def test_an_unknown_option_is_refused(aiogram: Plugins) -> None:
    """The message names the options that the adapter has."""
    with pytest.raises(BadArgument, match=r"^option detatch is True; expected only the adapter's options: .*detach"):
        aiogram.make_adapter(Dispatcher(), {"detatch": True})


def test_an_aiogram_that_is_too_old_is_named(aiogram: Plugins, site: Site) -> None:
    """The sentence has both versions and the command."""
    site.install("aiogram", "2.25.1")

    with pytest.raises(PluginError) as caught:
        aiogram.load("aiogram")

    assert str(caught.value) == (
        "plugin 'aiogram' needs aiogram>=3.4,<4, but aiogram 2.25.1 is installed; pip install 'aiostep-ours[aiogram]'"
    )
