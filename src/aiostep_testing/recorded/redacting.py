"""Masking what a journal says of people, so that the code still goes the same way through it.

Letters become x, digits 0: a mask has the length and the shape of what it hides. The names of questions that repeat
what somebody wrote are masked at that place. Numbers, dates and truth values stay; so do Telegram's own words, such as
the type of a chat.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, Final

from aiostep_core.storages.records import record_name, split_name

from .files import Recording, kind_of

__all__ = ["redacted"]

#: Fields of Telegram's objects whose texts are not about a person.
_TELLING: Final = frozenset(
    "type status source state language_code callback_data data emoji mime_type currency parse_mode $t".split()
)
_IDS: Final = ("id", "user_id", "chat_id")
#: Shorter texts are everywhere, and numbers below that are no ids of people.
_TELLTALE, _LARGE = 3, 100_000
_NUMBER: Final = re.compile("-?[0-9]{1,20}")


def redacted(recording: Recording, keep: Collection[str] = ()) -> Recording:
    """Return *recording* without personal data."""
    return _Redaction(recording, frozenset(keep)).made()


class _Redaction:
    """One recording being masked."""

    def __init__(self, recording: Recording, keep: frozenset[str]) -> None:
        self._recording = recording
        self._keep = keep
        self._ids: dict[int, int] = {}
        self._masked: set[str] = set()

    def made(self) -> Recording:
        recording = self._recording
        scope, *who, thread, last = split_name(recording.place)
        ids = [None if one is None else self._id_text(one) for one in who]
        self._learn(recording.fields["update"])
        fields: dict[str, Any] = {**recording.fields, "ended": ""}
        for name in ("update", "more", "named", "found"):
            if name in fields:
                fields[name] = self._value(fields[name])
        if "to" in fields:
            fields["to"] = [self._party(one) for one in fields["to"]]
        entries = [self._entry(entry) for entry in recording.entries]
        if "book" in fields:
            fields["book"] = {name: self._text(entry) for name, entry in fields["book"].items()}
        if "asked" in fields:
            name, *state = fields["asked"]
            fields["asked"] = [name, *map(self._value, state)]
        place = record_name(scope, *ids, thread, None if last is None else self._mask(last))
        return self._hidden(replace(recording, place=place, fields=fields, entries=entries))

    # Entries.

    def _entry(self, entry: list[Any]) -> list[Any]:
        kind, name, tag, *rest = entry
        if rest and tag in ("v", "o", "u", "m") and not self._is_kept(name):
            rest[0] = self._value(rest[0])
        elif rest and tag == "e":
            error, args = rest[0]
            known = 1 if error == "EffectFailed" else 0  # the name of another error
            rest[0] = [error, [*args[:known], *map(self._value, args[known:])]]
        return [kind, name, tag, *rest]

    def _text(self, written: str) -> str:
        return json.dumps(self._entry(json.loads(written)), ensure_ascii=False, separators=(",", ":"))

    def _is_kept(self, name: str) -> bool:
        return bool(self._keep & {name, name.partition(": ")[2], name.partition(" ")[2]})

    # Values.

    def _value(self, value: Any, field: str = "") -> Any:
        """Mask one of Telegram's objects, or what somebody answered."""
        kind = kind_of(value)
        if kind is dict:
            if "$t" not in value:
                return {name: self._value(one, name) for name, one in value.items()}
            inside = value.get("v")  # of what is no container nothing can be masked
            return {**value, "v": self._value(inside)} if kind_of(inside) in (list, dict) else value
        if kind is list:
            return [self._value(one, field) for one in value]
        if kind is str:
            return value if field in _TELLING else self._mask(value)
        if kind is int and value in self._ids and (field.endswith(_IDS) or abs(value) >= _LARGE):
            return self._ids[value]
        return value

    def _mask(self, text: str) -> str:
        if _NUMBER.fullmatch(text) and int(text) in self._ids:
            return str(self._ids[int(text)])
        command, _, rest = text.partition(" ") if text.startswith("/") else ("", "", text)
        if len(rest) >= _TELLTALE:
            self._masked.add(rest)
        return f"{command} {_masked(rest)}" if command and rest else command or _masked(rest)

    def _hidden(self, recording: Recording) -> Recording:
        """Mask in the names of operations what was masked elsewhere."""
        words = sorted(self._masked, key=len, reverse=True)
        pattern = re.compile("|".join(map(re.escape, words)) or r"(?!)", re.IGNORECASE)

        def hide(name: str) -> str:
            kind, mark, text = name.partition(": ")
            return f"{kind}{mark}{pattern.sub(lambda found: _masked(found[0]), text)}"

        fields = dict(recording.fields)
        if "asked" in fields:
            fields["asked"] = [hide(fields["asked"][0]), *fields["asked"][1:]]
        if "book" in fields:
            fields["book"] = {hide(name): text for name, text in fields["book"].items()}
        entries = [[kind, hide(name), *rest] for kind, name, *rest in recording.entries]
        return replace(recording, fields=fields, entries=entries)

    # Ids.

    def _learn(self, value: Any) -> None:
        """Find the ids of people and chats."""
        for one in _objects(value):
            if type(one.get("id")) is int and ("is_bot" in one or "type" in one):
                self._id_text(str(one["id"]))

    def _party(self, part: Any) -> Any:
        """Return a part of a key without what it says of anybody."""
        if kind_of(part) is int and part in self._ids:
            return self._ids[part]
        return self._mask(part) if kind_of(part) is str else part

    def _id_text(self, text: str) -> str:
        """Return the id that stands for another, both as texts; what is no id stays."""
        if not _NUMBER.fullmatch(text):
            return text
        number = int(text)
        if number not in self._ids:
            stand_in = 1_000_000_001 + len(self._ids)
            self._ids[number] = number if number == self._recording.bot_id else -stand_in if number < 0 else stand_in
        return str(self._ids[number])


def _masked(text: str) -> str:
    return "".join("X" if one.isupper() else "x" if one.isalpha() else "0" if one.isdigit() else one for one in text)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if kind_of(value) is dict:
        yield value
        value = list(value.values())
    if kind_of(value) is list:
        for one in value:
            yield from _objects(one)
