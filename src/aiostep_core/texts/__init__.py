"""Every sentence that aiostep says to people, in their own language.

One JSON file for each language: sentences by name, and under ``words`` what people may write for "yes", "today" and
so on. To add a language, copy ``en.json``. A bot replaces sentences with ``install(texts={"en": {...}})`` or has them
all looked up elsewhere with ``install(translate=...)``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from ..errors import BadArgument

__all__ = ["LANGUAGES", "Saying", "Texts", "Translate", "words"]

#: Languages that have a file here; the first is for everybody else.
LANGUAGES: Final = ("en", "ar", "de", "es", "fa", "ru")

#: Given a sentence's name, the person's language code or None, and the values in it; None: say the built-in one.
Translate = Callable[[str, "str | None", Mapping[str, Any]], "str | None"]


class Saying(NamedTuple):
    """A sentence by its name, and the values in it; not yet in any language."""

    name: str
    values: Mapping[str, Any] = {}

    def __str__(self) -> str:
        return Texts().say(self)


class Texts:
    """The sentences of one engine.

    Args:
        overrides: sentences to say instead, by language and name.
        translate: asked first about every sentence.

    Raises:
        BadArgument: *overrides* has the name of no sentence, or something that is no text.
    """

    def __init__(
        self, overrides: Mapping[str, Mapping[str, str]] | None = None, translate: Translate | None = None
    ) -> None:
        self._overrides = {_normal(language): dict(texts) for language, texts in (overrides or {}).items()}
        self._translate = translate
        known = _catalogue(LANGUAGES[0])
        for texts in self._overrides.values():
            for name, text in texts.items():
                if name not in known or not isinstance(text, str):
                    expected = f"one of {', '.join(sorted(known))}"
                    raise BadArgument("texts", {name: text}, expected if name not in known else "a text for each name")

    def say(self, what: object, language: str | None = None) -> str:
        """Return *what* in *language*, a code such as "pt-BR", or the nearest there is; a text stays as it is."""
        if not isinstance(what, Saying):
            return str(what)
        if self._translate is not None and (said := self._translate(what.name, language, what.values)) is not None:
            return said
        for code in _fallbacks(language):
            text = self._overrides.get(code, {}).get(what.name)
            if text is None and code in LANGUAGES:
                text = _catalogue(code).get(what.name)
            if text is not None:
                return _filled(text, {name: self.say(one, language) for name, one in what.values.items()})
        raise BadArgument("text", what.name, f"one of {', '.join(sorted(_catalogue(LANGUAGES[0])))}")


@cache
def words(name: str) -> frozenset[str]:
    """Return what people write for *name*, such as "yes", in any language; casefolded."""
    return frozenset(word.casefold() for code in LANGUAGES for word in _file(code)["words"].get(name, ()))


def _catalogue(code: str) -> dict[str, str]:
    texts: dict[str, str] = _file(code)["texts"]
    return texts


@cache
def _file(code: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(files(__name__).joinpath(f"{code}.json").read_text("utf-8"))
    return content


def _fallbacks(language: str | None) -> list[str]:
    code = _normal(language or "")
    return list(dict.fromkeys([code, code.partition("-")[0], LANGUAGES[0]]))


def _normal(language: str) -> str:
    return language.replace("_", "-").casefold()


def _filled(text: str, values: Mapping[str, object]) -> str:
    # Not str.format: braces in people's own texts must not be read.
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text
