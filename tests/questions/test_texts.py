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


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"en": {"yess": "Y"}}, "texts is {'yess': 'Y'}; expected one of again, "),
        ({"en": {"yes": 5}}, "texts yes is 5; expected a text"),
        ({"en": {"yes": " "}}, "texts yes is ' '; expected a text"),
        ({"en": {"few": "At least {least}!"}}, "a text in which {min} can be filled in"),
        ({"en": {"yes": "{name}"}}, "a text in which nothing can be filled in"),
        ({"yes": "Y"}, "sentences by name for each language code"),
        ({5: {"yes": "Y"}}, "sentences by name for each language code"),
        (["yes"], "sentences by language and name"),
    ],
    ids=str,
)
def test_a_sentence_that_makes_no_sense_is_refused(overrides: Any, sentence: str) -> None:
    """A misspelt name or value is refused when the bot starts, with those there are."""
    with pytest.raises(BadArgument, match=re.escape(sentence)):
        Texts(overrides)


@pytest.mark.parametrize("result", [5, "", b"Yes"])
def test_a_translation_that_is_no_text_is_refused(result: Any) -> None:
    """What the bot's own function returns is looked at before anybody is told."""
    with pytest.raises(BadArgument, match=r"what translate\(\) returned is"):
        Texts(translate=lambda name, language, values: result).say(Saying("yes"))


async def async_translate(name: str, language: str | None, values: Any) -> str:
    return name


@pytest.mark.parametrize("translate", [5, "gettext", async_translate], ids=str)
def test_what_cannot_translate_is_refused(translate: Any) -> None:
    """Sentences are looked up at once, so by a plain function."""
    with pytest.raises(BadArgument, match="a plain function of"):
        Texts(translate=translate)


def test_a_sentence_in_a_sentence_is_in_the_same_language() -> None:
    """The bot's own function gets values that are ready to be shown."""
    seen = list[Any]()
    either = Saying("either", {"first": Saying("photo"), "second": Saying("location")})
    texts = Texts({"de": {"photo": "Foto!"}}, lambda name, language, values: seen.append(dict(values)))
    assert texts.say(either, "de") == f"Foto! Oder: {content('de')['texts']['location']}"
    assert seen[-1] == {"first": "Foto!", "second": content("de")["texts"]["location"]}
