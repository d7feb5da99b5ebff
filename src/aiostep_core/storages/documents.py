"""A dictionary as the fields of a record: one field for each key, so that an update is a merge and loses nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import NotStorable
from .values import VALUES, Codec, subscript

__all__ = ["GONE", "Documents", "changes"]

#: The text of a key that was removed: a merge cannot remove a field. No value is written like this.
GONE = ""
#: Stands for a dictionary without any keys, since a record without fields does not exist. No key is written like this.
_EMPTY = ""


class Documents:
    """Writes dictionaries as fields and reads them again.

    Args:
        name: what to call the dictionary in an error.
    """

    def __init__(self, values: Codec = VALUES, name: str = "data") -> None:
        self._values = values
        self._name = name

    def write(self, data: Mapping[Any, Any]) -> dict[str, str]:
        """Return the fields; there is always one.

        Raises:
            NotStorable: a key or a value cannot be written down.
        """
        encode = self._values.encode
        fields = {encode(key, f"a key of {self._name}"): self._text(key, value) for key, value in data.items()}
        return fields or {_EMPTY: GONE}

    def read(self, fields: Mapping[str, str]) -> dict[Any, Any]:
        """Return the dictionary; an empty one if there is none.

        Raises:
            StorageDamaged: it was not written by this codec.
        """
        decode = self._values.decode
        return {decode(name): decode(text) for name, text in fields.items() if text != GONE}

    def name_of(self, key: object) -> str:
        """Return the field of a *key*.

        Raises:
            NotStorable: it cannot be written down.
        """
        return self._values.encode(key, f"a key of {self._name}")

    def _text(self, key: object, value: object) -> str:
        try:
            return self._values.encode(value, self._name)
        except NotStorable:  # only now is it worth the time to say where
            return self._values.encode(value, f"{self._name}{subscript(key)}")


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Return what to merge so that fields that were as *before*, and may have got others since, are as *after*."""
    changed = {name: text for name, text in after.items() if before.get(name) != text}
    removed = {name: GONE for name, text in before.items() if name not in after and text != GONE}
    return {**changed, **removed}
