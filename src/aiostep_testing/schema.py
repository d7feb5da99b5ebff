"""The Bot API schema: decode parameters, check answers and updates, make values of the right type.

A type name is ``Integer``, ``Float``, ``String``, ``Boolean``, ``InputFile``, ``[]Name`` for an array, ``=json`` for
one constant, or the name of an object; a field maps to [alternative names, 1 if required].
"""

from __future__ import annotations

import functools
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, TypeGuard, cast

from aiostep_testing.wire import Json, bad_request

Fields = dict[str, "list[Any]"]
INTEGER = re.compile(r"[+-]?\d+")
TRUE_WORDS = frozenset({"true", "yes", "1"})

# The real server does not use one sentence for all of them.
MISSING = {
    "chat_id": "chat_id is empty",
    "from_chat_id": "chat_id is empty",
    "text": "message text is empty",
    "user_id": "invalid user_id specified",
    "message_id": "message identifier is not specified",
    "callback_query_id": "query is too old and response timeout expired or query ID is invalid",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "audio": "there is no audio in the request",
    "video": "there is no video in the request",
    "voice": "there is no voice in the request",
    "animation": "there is no animation in the request",
    "video_note": "there is no video note in the request",
    "sticker": "there is no sticker in the request",
    "file_id": "file_id not specified",
    "action": "wrong parameter action in request",
}


class Schema:
    """The methods and types of one version of the Bot API."""

    def __init__(self, raw: Json) -> None:
        self.version: str = raw["api"]
        self.source: str = raw["source"]
        self.methods: dict[str, Json] = raw["methods"]
        self.types: dict[str, Fields] = raw["types"]
        self._required = {
            name: frozenset(key for key, (_, required) in fields.items() if required)
            for name, fields in self.types.items()
        }
        self.names = {name.lower(): name for name in self.methods}

    @staticmethod
    @functools.cache
    def load() -> Schema:
        """Read the schema that is shipped with this package, once."""
        data = files("aiostep_testing").joinpath("schema.json.gz").read_bytes()
        return Schema(json.loads(gzip.decompress(data)))

    def name_of(self, method: str) -> str | None:
        """Spell *method* as the documentation does; the server does not mind the case."""
        return self.names.get(method.lower())

    def decode(self, method: str, params: Mapping[str, object]) -> tuple[Json, list[str]]:
        """Turn strings of a query or form into typed values; report parameters the method does not have.

        Raises:
            ApiError: a value cannot be read, or a required one is missing.
        """
        fields: Fields = self.methods[method]["p"]
        decoded: Json = {}
        problems: list[str] = []
        for name, value in params.items():
            if name not in fields:
                problems.append(f"{method}: unknown parameter {name!r}")
            elif value is not None:
                decoded[name] = self._read(name, value, fields[name][0])
        for name, (_, required) in fields.items():
            if required and decoded.get(name) in (None, ""):
                raise bad_request(MISSING.get(name, f'parameter "{name}" is required'))
        return decoded, problems

    def _read(self, name: str, value: object, types: Sequence[str]) -> Any:
        if not isinstance(value, str):
            return value
        if any(t.startswith("[]") or t in self.types for t in types if t != "InputFile") and value[:1] in (
            "[",
            "{",
        ):
            try:
                return json.loads(value)
            except ValueError:
                raise bad_request(f"can't parse {name} JSON object") from None
        if "Boolean" in types:
            return value.strip().lower() in TRUE_WORDS
        if "Integer" in types:
            if INTEGER.fullmatch(value.strip()):
                return int(value)
            return value if "String" in types else self._refuse(name, value)
        if "Float" in types:
            try:
                return float(value)
            except ValueError:
                return self._refuse(name, value)
        return value

    @staticmethod
    def _refuse(name: str, value: str) -> Any:
        raise bad_request(f'can\'t parse "{name}": got {value!r}, expected a number')

    def check_answer(self, method: str, value: object) -> list[str]:
        """List what is wrong with *value* as the result of *method*."""
        return list(self._check_any(value, self.methods[method]["r"], method))

    def check(self, type_name: str, value: object) -> list[str]:
        """List what is wrong with *value* as a *type_name*; nothing means that it fits."""
        return list(self._check(value, type_name, type_name))

    def check_params(self, method: str, params: Json) -> list[str]:
        """List what is wrong with decoded parameters."""
        fields: Fields = self.methods[method]["p"]
        return [
            problem
            for name, value in params.items()
            if name in fields
            for problem in self._check_any(value, fields[name][0], f"{method}.{name}")
        ]

    def _check_any(self, value: object, names: Sequence[str], path: str) -> Iterator[str]:
        if len(names) == 1:
            yield from self._check(value, names[0], path)
            return
        if is_array(value) and any(name.startswith("[]") for name in names):
            # An array may mix its alternatives: sendPoll takes plain and formatted options in one list.
            items = [name[2:] for name in names if name.startswith("[]")]
            for index, item in enumerate(value):
                yield from self._check_any(item, items, f"{path}[{index}]")
            return
        best: list[str] | None = None
        for name in names:
            problems = list(self._check(value, name, path))
            if not problems:
                return
            if best is None or len(problems) < len(best):
                best = problems
        yield from best or ()

    def _check(self, value: object, name: str, path: str) -> Iterator[str]:
        if name.startswith("[]"):
            if not is_array(value):
                yield f"{path}: expected an array, got {value!r}"
                return
            for index, item in enumerate(value):
                yield from self._check(item, name[2:], f"{path}[{index}]")
        elif name.startswith("="):
            if json.dumps(value) != name[1:]:
                yield f"{path}: expected {name[1:]}, got {value!r}"
        elif name in self.types and name != "InputFile":
            yield from self._check_object(value, name, path)
        elif not fits(value, name):
            yield f"{path}: expected {name}, got {value!r}"

    def _check_object(self, value: object, name: str, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path}: expected {name}, got {value!r}"
            return
        fields, item = self.types[name], cast("Json", value)
        for key in self._required[name] - item.keys():
            yield f"{path}: {name} without {key}"
        # A Message is nested in itself; the value is a finite tree, so this ends.
        for key, part in item.items():
            if key in fields:
                yield from self._check_any(part, fields[key][0], f"{path}.{key}")
            else:
                yield f"{path}: {name} has no field {key!r}"

    def smallest_answer(self, method: str) -> Any:
        """Make the smallest value that *method* could answer with."""
        names: list[str] = self.methods[method]["r"]
        return self.smallest("Boolean" if "Boolean" in names else names[0])

    def smallest(self, name: str) -> Any:
        """Make the smallest value of a type: required fields only."""
        if name.startswith("[]"):
            return []
        if name.startswith("="):
            return json.loads(name[1:])
        if name in self.types and name != "InputFile":
            return {k: self.smallest(names[0]) for k, (names, required) in self.types[name].items() if required}
        return {"Boolean": True, "Integer": 1, "Float": 1.0}.get(name, "stub")


def is_array(value: object) -> TypeGuard[list[object]]:
    """Tell whether *value* is a JSON array."""
    return isinstance(value, list)


def fits(value: object, name: str) -> bool:
    """Tell whether *value* is of the scalar type *name*; a name we do not know fits everything."""
    if name == "Boolean":
        return isinstance(value, bool)
    if name == "Integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "Float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if name in ("String", "InputFile"):
        return isinstance(value, str)
    return True
