"""Every sentence that aiostep says to people, in their own language.

One JSON file for each language: sentences by name, and under ``words`` what people may write for "yes", "today" and
so on. To add a language, copy ``en.json``. A bot replaces sentences with ``install(texts={"en": {...}})`` or has them
all looked up elsewhere with ``install(translate=...)``.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from ..errors import BadArgument

__all__ = ["LANGUAGES", "Plain", "Saying", "Texts", "Translate", "words"]

_PLACE: Final = re.compile(r"\{(\w+)\}")

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


class Plain(str):
    """A prompt that has no markup, whatever parse mode the bot has: there may be a "<" of a person in it."""

    __slots__ = ()


class Texts:
    """The sentences of one engine.

    Args:
        overrides: sentences to say instead, by language and name.
        translate: asked first about every sentence.

    Raises:
        BadArgument: *overrides* has the name of no sentence, or something that is no text; or *translate* cannot be
            called, or only awaited.
    """

    def __init__(
        self, overrides: Mapping[str, Mapping[str, str]] | None = None, translate: Translate | None = None
    ) -> None:
        self._overrides = _checked(overrides)
        if translate is not None and (not callable(translate) or inspect.iscoroutinefunction(translate)):
            raise BadArgument("translate", translate, "a plain function of (name, language, values)")
        self._translate = translate

    def has(self, overrides: Mapping[str, Mapping[str, str]] | None, translate: Translate | None) -> bool:
        """Tell whether these are the texts that were given, of what is given now."""
        return (overrides is None or _checked(overrides) == self._overrides) and translate in (None, self._translate)

    def say(self, what: object, language: str | None = None) -> str:
        """Return *what* in *language*, a code such as "pt-BR", or the nearest there is; a text stays as it is."""
        if not isinstance(what, Saying):
            return str(what)
        values = {
            name: self.say(one, language) if isinstance(one, Saying) else one for name, one in what.values.items()
        }
        if self._translate is not None and (said := self._translate(what.name, language, values)) is not None:
            return _text("what translate() returned", said)
        for code in _fallbacks(language):
            text = self._overrides.get(code, {}).get(what.name)
            if text is None and code in LANGUAGES:
                text = _catalogue(code).get(what.name)
            if text is not None:
                return _filled(text, values)
        raise BadArgument("text", what.name, f"one of {', '.join(sorted(_catalogue(LANGUAGES[0])))}")


@cache
def words(name: str) -> frozenset[str]:
    """Return what people write for *name*, such as "yes", in any language; casefolded."""
    return frozenset(word.casefold() for code in LANGUAGES for word in _file(code)["words"].get(name, ()))


def _checked(overrides: Any) -> dict[str, dict[str, str]]:
    """Read sentences by language and name.

    Raises:
        BadArgument: they are nothing of the kind.
    """
    found: dict[str, dict[str, str]] = {}
    if overrides is not None and not isinstance(overrides, Mapping):
        raise BadArgument("texts", overrides, 'sentences by language and name, such as {"en": {"again": "Once more."}}')
    by_language: Mapping[Any, Any] = overrides or {}  # pyright: ignore[reportUnknownVariableType]
    for language, texts in by_language.items():
        if not isinstance(language, str) or not isinstance(texts, Mapping):
            raise BadArgument("texts", {language: texts}, "sentences by name for each language code")
        named: Mapping[Any, Any] = texts  # pyright: ignore[reportUnknownVariableType]
        found.setdefault(_normal(language), {}).update({name: _override(name, text) for name, text in named.items()})
    return found


def _override(name: Any, text: Any) -> str:
    known = _catalogue(LANGUAGES[0])
    if name not in known:
        raise BadArgument("texts", {name: text}, f"one of {', '.join(sorted(known))}")
    unknown = set(_PLACE.findall(_text(f"texts {name}", text))) - set(_PLACE.findall(known[name]))
    if unknown:
        places = ", ".join(f"{{{place}}}" for place in _PLACE.findall(known[name])) or "nothing"
        raise BadArgument(f"texts {name}", text, f"a text in which {places} can be filled in")
    return str(text)


def _text(name: str, text: Any) -> str:
    if not isinstance(text, str) or not text.strip():
        raise BadArgument(name, text, "a text")
    return text


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
