"""Our own telebot adapters are one ordinary plugin."""

from __future__ import annotations

from typing import Any

import pytest
from telebot import TeleBot
from telebot.async_telebot import AsyncTeleBot

from aiostep_core.errors import BadArgument, UnsupportedTarget
from aiostep_core.plugins import Plugins
from aiostep_telebot import AsyncTelebotAdapter, TelebotAdapter
from tests.plugins.sources import Site


class MyBot(TeleBot):
    """What an author may have."""


class MyAsyncBot(AsyncTeleBot):
    """What another may have."""


@pytest.fixture
def telebot(site: Site) -> Plugins:
    """The plugins of a machine on which only the telebot one is installed."""
    site.install("aiostep-ours", "1.0", plugins={"telebot": "aiostep_telebot.plugin"}, extras=["telebot"])
    return Plugins()


@pytest.mark.parametrize(
    ("bot", "adapter"),
    [
        (lambda: TeleBot("42:TEST", threaded=False), TelebotAdapter),
        (lambda: MyBot("42:TEST", threaded=False), TelebotAdapter),
        (lambda: AsyncTeleBot("42:TEST"), AsyncTelebotAdapter),
        (lambda: MyAsyncBot("42:TEST"), AsyncTelebotAdapter),
    ],
    ids=["sync", "sync subclass", "async", "async subclass"],
)
def test_both_kinds_of_bot_are_served(telebot: Plugins, bot: Any, adapter: type) -> None:
    """Each by its own adapter, also one of a subclass; the bot is not touched yet."""
    target = bot()
    before = dict(vars(target))

    made: Any = telebot.make_adapter(target, {"grace": 1.5})

    assert type(made) is adapter
    assert (made.target, made.grace) == (target, 1.5)
    assert vars(target) == before


@pytest.mark.parametrize("target", [TeleBot, "42:TEST"], ids=["class", "token"])
def test_what_is_no_bot_is_declined(telebot: Plugins, target: Any) -> None:
    """The class in place of an object, or a token, is no target."""
    with pytest.raises(UnsupportedTarget):
        telebot.make_adapter(target, {})


def test_an_unknown_option_is_refused(telebot: Plugins) -> None:
    """The message names the options of that kind of bot."""
    with pytest.raises(BadArgument, match=r"^option detach is True; expected only the adapter's options: max_waiting"):
        telebot.make_adapter(TeleBot("42:TEST", threaded=False), {"detach": True})


@pytest.mark.parametrize(
    "options", [{"grace": -1}, {"grace": "soon"}, {"max_waiting": 0}, {"max_waiting": True}], ids=str
)
def test_an_option_that_makes_no_sense_is_refused(telebot: Plugins, options: dict[str, Any]) -> None:
    """It is said when the bot is installed, not when it stops or is full."""
    with pytest.raises(BadArgument, match=f"^{next(iter(options))} is "):
        telebot.make_adapter(TeleBot("42:TEST", threaded=False), options)
