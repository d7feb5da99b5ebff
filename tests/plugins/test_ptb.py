"""Our own python-telegram-bot adapter is an ordinary plugin."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Bot
from telegram.ext import Application, ApplicationBuilder

from aiostep_core.errors import BadArgument, PluginError, UnsupportedTarget
from aiostep_core.plugins import Plugins
from aiostep_ptb import PTBAdapter
from tests.plugins.sources import Site


class MyApplication(Application[Any, Any, Any, Any, Any, Any]):
    """What an author may have."""


@pytest.fixture
def ptb(site: Site) -> Plugins:
    """The plugins of a machine on which only the python-telegram-bot one is installed."""
    site.install("aiostep-ours", "1.0", plugins={"ptb": "aiostep_ptb.plugin"}, extras=["ptb"])
    return Plugins()


@pytest.mark.parametrize("kind", [Application, MyApplication])
def test_an_application_is_served(ptb: Plugins, kind: type[Any]) -> None:
    """Also one of a subclass; the options reach the adapter, and the application is not touched yet."""
    target = ApplicationBuilder().token("42:TEST").application_class(kind).build()

    adapter = ptb.make_adapter(target, {"grace": 1.5})

    assert isinstance(adapter, PTBAdapter)
    assert (adapter.target, adapter.grace) == (target, 1.5)
    assert type(target) is kind


@pytest.mark.parametrize("target", [Bot("42:TEST"), Application], ids=["bot", "class"])
def test_what_handles_no_updates_is_declined(ptb: Plugins, target: Any) -> None:
    """A bot alone, or the class in place of an object, is no target."""
    with pytest.raises(UnsupportedTarget, match=r"of a known framework \(ptb\)"):
        ptb.make_adapter(target, {})


def test_an_unknown_option_is_refused(ptb: Plugins) -> None:
    """The message names the options that the adapter has."""
    target = ApplicationBuilder().token("42:TEST").build()

    with pytest.raises(BadArgument, match=r"^option gruop is 1; expected only the adapter's options: .*group"):
        ptb.make_adapter(target, {"gruop": 1})


def test_a_version_that_is_too_old_is_named(ptb: Plugins, site: Site) -> None:
    """The sentence has both versions and the command."""
    site.install("python-telegram-bot", "20.2")

    with pytest.raises(PluginError) as caught:
        ptb.load("ptb")

    assert str(caught.value) == (
        "plugin 'ptb' needs python-telegram-bot>=20.3, but python-telegram-bot 20.2 is installed; "
        "pip install 'aiostep-ours[ptb]'"
    )
