"""Texts as SQLite can keep them: any Python string, and back the same."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

__all__ = ["fields_of", "readable", "storable_text", "text_of"]

# SQLite keeps UTF-8, which has no surrogates. Behind a mark they become other characters, in the same order: so keys
# still sort as they do in Python. The mark is no letter of any language; where it occurs all the same it is doubled up.
_MARK = "\ud7ff"
_UNSAFE = re.compile("[\ud7ff-\udfff]")
_MARKED = re.compile(_MARK + "(.)", re.DOTALL)
# What json.dumps and json.loads do around these takes longer than the few short texts of a record.
_quoted = json.encoder.encode_basestring
_decoded = json.JSONDecoder().raw_decode


def storable_text(text: str) -> str:
    """Return *text* without surrogates."""
    return text if text.isascii() else _UNSAFE.sub(_mark, text)


def readable(text: str) -> str:
    """Return what ``storable_text`` was given."""
    return _MARKED.sub(_unmark, text) if _MARK in text else text


def text_of(fields: Mapping[str, str]) -> str:
    """Write the fields of a record down."""
    # No escapes of JSON's own for them: it would read two surrogates as the one character that they could mean.
    return storable_text("{" + ",".join([f"{_quoted(name)}:{_quoted(text)}" for name, text in fields.items()]) + "}")


def fields_of(text: str) -> dict[str, str]:
    """Read the fields of a record."""
    fields: dict[str, str] = _decoded(readable(text))[0]
    return fields


def _mark(found: re.Match[str]) -> str:
    return _MARK + chr(ord(found[0]) - 0xD7FF + 1)


def _unmark(found: re.Match[str]) -> str:
    return chr(ord(found[1]) + 0xD7FF - 1)
