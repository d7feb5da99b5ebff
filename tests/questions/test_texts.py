"""What is said to people, in which language."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import pytest

from aiostep_core.errors import BadArgument
from aiostep_core.texts import LANGUAGES, Saying, Texts, words


def content(language: str) -> Any:
    """Read the file of a language."""
    return json.loads(files("aiostep_core.texts").joinpath(f"{language}.json").read_text("utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_sentence(language: str) -> None:
    """Every language has the sentences of English, with the same values in them, and the same lists of words."""
    english, other = content("en"), content(language)
    values = {name: set(re.findall(r"{\w+}", text)) for name, text in english["texts"].items()}

    assert {name: set(re.findall(r"{\w+}", text)) for name, text in other["texts"].items()} == values
    assert list(other["words"]) == list(english["words"])
    assert all(other["words"].values())


@pytest.mark.parametrize(("one", "other"), [("yes", "no"), ("today", "tomorrow"), ("hour", "minute"), ("back", "skip")])
def test_no_word_means_two_things(one: str, other: str) -> None:
    """Whatever language a word is in, it means one thing."""
    assert not words(one) & words(other)


@pytest.mark.parametrize(
    ("language", "said"),
    [("de", "Ja"), ("de-AT", "Ja"), ("ru_RU", "Да"), ("xx", "Yes"), (None, "Yes"), ("", "Yes"), ("FA", "بله")],
)
def test_the_nearest_language_is_spoken(language: str | None, said: str) -> None:
    """A person gets their language, without its region if that has none of its own, and else English."""
    assert Texts().say(Saying("yes"), language) == said


def test_a_bot_can_say_it_in_its_own_words() -> None:
    """A bot replaces single sentences, for one language or one region, or looks all of them up elsewhere."""
    texts = Texts({"de": {"yes": "Jawohl"}, "de-AT": {"yes": "Jo"}})
    assert [texts.say(Saying("yes"), one) for one in ("de", "de_AT", "en")] == ["Jawohl", "Jo", "Yes"]
    assert texts.say(Saying("no"), "de-AT") == "Nein"

    asked: list[tuple[str, str | None, Any]] = []

    def translate(name: str, language: str | None, values: Any) -> str | None:
        asked.append((name, language, values))
        return "Sim" if name == "yes" else None

    texts = Texts(translate=translate)
    assert (texts.say(Saying("yes"), "pt"), texts.say(Saying("few", {"min": 2}), "pt")) == (
        "Sim",
        "Please send at least 2.",
    )
    assert asked == [("yes", "pt", {}), ("few", "pt", {"min": 2})]


def test_braces_in_peoples_texts_are_left_alone() -> None:
    """Only the values of a sentence are put in; a value is not read for further ones."""
    assert Texts().say(Saying("choice", {"options": "{min}, {0}, {"})) == "Please choose one of these: {min}, {0}, {."


@pytest.mark.parametrize("overrides", [{"en": {"yess": "Y"}}, {"en": {"yes": 5}}])
def test_a_sentence_that_does_not_exist_is_refused(overrides: Any) -> None:
    """A misspelt name is refused when the bot starts, with those there are."""
    with pytest.raises(BadArgument, match="texts is"):
        Texts(overrides)
