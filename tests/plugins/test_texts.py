"""``install(texts=..., translate=...)`` on every bot class, by ``aiostep`` and by each adapter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aiogram import Dispatcher
from telebot import TeleBot
from telebot.async_telebot import AsyncTeleBot
from telegram.ext import ApplicationBuilder

import aiostep
import aiostep_aiogram
import aiostep_ptb
import aiostep_telebot
from aiostep_core.errors import AlreadyInstalled, BadArgument
from aiostep_core.texts import Saying

TOKEN = "42:TEST"
AGAIN = {"en": {"again": "Once more, please."}}
BOTS: dict[str, tuple[Any, Any]] = {
    "aiogram": (Dispatcher, aiostep_aiogram.adapter.install),
    "ptb": (lambda: ApplicationBuilder().token(TOKEN).build(), aiostep_ptb.adapter.install),
    "telebot": (lambda: AsyncTeleBot(TOKEN), aiostep_telebot.adapter.install),
    "telebot-sync": (lambda: TeleBot(TOKEN), aiostep_telebot.adapter.install),
}


def translate(name: str, language: str | None, values: Any) -> str | None:
    return "Sim" if (name, language) == ("yes", "pt") else None


@pytest.fixture(params=[(name, by) for name in BOTS for by in ("aiostep", "adapter")], ids="-by-".join)
def case(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    """Give the test a bot and an ``install`` for it."""
    make, install = BOTS[request.param[0]]
    target = make()
    yield target, (aiostep.install if request.param[1] == "aiostep" else install)
    aiostep.install(target).uninstall()


def test_a_bot_has_its_own_words(case: tuple[Any, Any]) -> None:
    """They are what the engine says; the same again is the same engine, and other ones are refused."""
    target, install = case
    engine = install(target, texts=AGAIN, translate=translate)

    assert engine.texts.say(Saying("again"), "en") == "Once more, please."
    assert engine.texts.say(Saying("yes"), "pt") == "Sim"
    assert install(target, texts=dict(AGAIN), translate=translate) is engine
    assert install(target) is engine
    for other in ({"texts": {"en": {"again": "No."}}}, {"translate": lambda name, language, values: None}):
        with pytest.raises(AlreadyInstalled, match="is installed with other texts, or another translate"):
            install(target, **other)


def test_bad_words_are_refused(case: tuple[Any, Any]) -> None:
    """What makes no sense is refused before anything is installed."""
    target, install = case
    for bad in ({"texts": {"en": {"agian": "No."}}}, {"texts": "en"}, {"translate": 5}):
        with pytest.raises(BadArgument):
            install(target, **bad)
    assert install(target, texts=AGAIN).texts.say(Saying("again")) == "Once more, please."


def test_an_engine_that_is_passed_keeps_its_words() -> None:
    """Several targets of one engine say the same; other words beside it are refused."""
    first, second, third = Dispatcher(), Dispatcher(), Dispatcher()
    engine = aiostep.install(first, texts=AGAIN)
    with pytest.raises(BadArgument, match="the engine that was passed has texts"):
        aiostep.install(second, engine=engine, texts={"en": {"again": "No."}})
    assert aiostep.install(third, engine=engine, texts=AGAIN) is engine
    engine.uninstall()
