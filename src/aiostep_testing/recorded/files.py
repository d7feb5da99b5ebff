"""A journal as a file: JSON that people can read, compare and put under version control."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

from aiostep_core.durable.journals import KIND, Stored
from aiostep_core.errors import StorageDamaged
from aiostep_core.storages.abc import RecordKey

__all__ = ["FORMAT", "Recording", "RecordingDamaged", "recordings_in"]

#: The version of these files. One that cannot be read by older code gets another number.
FORMAT: Final = 1
#: The fields of a journal that a replay needs; the others say who goes on with it, and when.
_TEXTS: Final = ("name", "version", "format", "status", "epoch", "opened", "begun", "ended")
#: The class of what JSON gave, and nothing for a type checker to conclude from it.
kind_of: Callable[[Any], type[Any]] = type
#: Those that are JSON themselves; empty, they are not there.
_JSON: Final = ("update", "to", "more", "named", "found", "asked", "book")


class RecordingDamaged(StorageDamaged):
    """A recorded journal cannot be read."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(str(path), problem, "export it again, or delete it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One conversation as far as it had come.

    Attributes:
        bot_id: the bot's.
        place: with whom it was, as the storage calls it.
        fields: what the journal says about itself; those of ``update``, ``to``, ``more``, ``named``, ``found``,
            ``asked`` and ``book`` in terms of JSON, the others texts.
        entries: what happened, in terms of JSON: kind, name, sort of outcome, outcome, update.
    """

    bot_id: int
    place: str
    fields: Mapping[str, Any]
    entries: list[list[Any]]

    @classmethod
    def of(cls, stored: Stored) -> Recording:
        """Take down a journal.

        Raises:
            ValueError: it is no JSON.
        """
        fields: dict[str, Any] = {name: stored.get(name) for name in _TEXTS}
        fields |= {name: json.loads(stored.get(name)) for name in _JSON if stored.get(name)}
        entries = [json.loads(text) for text in stored.entries]
        return cls(bot_id=stored.bot_id, place=stored.key.name, fields=fields, entries=entries)

    @property
    def stored(self) -> Stored:
        """The journal, as it is read from a storage."""
        fields = {name: str(self.fields.get(name, "")) for name in _TEXTS}
        fields |= {name: _dumped(self.fields[name]) for name in _JSON if name in self.fields}
        key = RecordKey(KIND, str(self.bot_id), self.place)
        return Stored(key, fields, [_dumped(entry) for entry in self.entries])

    def write(self, folder: Path) -> Path:
        """Write a file into *folder*; return its path. The same journal always has the same name."""
        about = {"journal": FORMAT, "bot_id": self.bot_id, "place": self.place, **self.fields}
        lines = [f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}," for name, value in about.items()]
        entries = ",\n  ".join(json.dumps(entry, ensure_ascii=False) for entry in self.entries)
        text = "{\n" + "\n".join(lines) + f'\n"entries": [\n  {entries}\n]\n}}\n'
        data = text.encode("utf-8", "surrogatepass")
        name = re.sub(r"[^\w.-]", "_", self.fields["name"])
        path = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:10]}.json"
        path.write_bytes(data)
        return path

    @classmethod
    def read(cls, path: Path) -> Recording:
        """Read a file.

        Raises:
            RecordingDamaged: it is none of ours, of a newer version, or damaged.
        """
        found = _loaded(path)
        try:
            bot_id, place, entries = found.pop("bot_id"), found.pop("place"), found.pop("entries")
        except KeyError as missing:
            raise RecordingDamaged(path, f"is damaged: it has no {missing}") from None
        wrong = [name for name in _TEXTS if not isinstance(found.get(name, ""), str)]
        if [kind_of(bot_id), kind_of(place), kind_of(entries)] != [int, str, list] or wrong:
            raise RecordingDamaged(path, f"is damaged: {', '.join(wrong) or 'what it is about'} cannot be read")
        return cls(bot_id=bot_id, place=place, fields=found, entries=entries)


def recordings_in(folder: str | PathLike[str]) -> list[Path]:
    """List the recorded journals in *folder*, for ``pytest.mark.parametrize``."""
    return sorted(Path(folder).glob("*.json"))


def _loaded(path: Path) -> dict[str, Any]:
    try:
        found: Any = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise RecordingDamaged(path, f"is damaged: {error}") from None
    if kind_of(found) is not dict or kind_of(found.get("journal")) is not int:
        raise RecordingDamaged(path, "is no recorded journal")
    version: int = found.pop("journal")
    if version > FORMAT:
        problem = f"was written by a newer aiostep: its format is {version}, and {FORMAT} is known here"
        raise RecordingDamaged(path, problem)
    return found  # type: ignore[no-any-return]


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
