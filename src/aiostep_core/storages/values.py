"""Values as texts: JSON, in which what JSON lacks carries its type's name: ``{"$t": "date", "v": "2030-01-31"}``.

The law: ``decode(encode(value)) == value``, of the same type at every depth; what cannot be kept so is refused before
anything is written. Hence classes are looked up as they are: a subclass of ``str`` is no ``str``.
"""

from __future__ import annotations

import functools
import json
import math
import reprlib
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from ..errors import AiostepError, BadArgument, NotStorable, StorageDamaged
from .storable import DEFAULT_TYPES, StorableType, StorableTypes
from .tags import READERS, WRITERS, RefusedError, zone_of

__all__ = ["DEFAULT_LIMIT", "VALUES", "Codec", "Values", "subscript"]

#: The bytes that one value may take.
DEFAULT_LIMIT = 1 << 20
#: How deep lists in dicts in lists may go.
DEFAULT_DEPTH = 100

TAG = "$t"
_MARK = '"$t"'
_SMALL = 1 << 63

# The class as it is, and nothing for a type checker to conclude from it.
class_of: Callable[[Any], type[Any]] = type


def _writer() -> Callable[[Any], str]:
    """Return what writes plain JSON: the C encoder, of which ``JSONEncoder.encode`` makes a new one for every text."""
    encoder = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"))
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # not CPython
        return encoder.encode
    parts = make(None, encoder.default, encode_basestring, None, ":", ",", False, False, False)
    return lambda value: "".join(parts(value, 0))


_dumps = _writer()


@runtime_checkable
class Codec(Protocol):
    """Writes values as texts and reads them again. Must keep the law, and must never run what it reads."""

    def encode(self, value: object, path: str = "value") -> str:
        """Return the text of *value*.

        Args:
            path: what to call the value in an error.

        Raises:
            NotStorable: it would not come back as it is.
        """
        ...

    def decode(self, text: str) -> Any:
        """Return the value of *text*.

        Raises:
            StorageDamaged: it was not written by this codec, or with classes that are not there now.
        """
        ...


class Values:
    """The codec of all storages that are given no other.

    Args:
        types: the classes whose instances may be stored.
        limit: the bytes that the text of one value may take.
        depth: how many containers may be inside each other.
    """

    def __init__(
        self, types: StorableTypes = DEFAULT_TYPES, *, limit: int = DEFAULT_LIMIT, depth: int = DEFAULT_DEPTH
    ) -> None:
        if not isinstance(limit, int) or limit < 1:
            raise BadArgument("limit", limit, "a number of bytes, at least 1")
        if not isinstance(depth, int) or not 1 <= depth <= DEFAULT_DEPTH:
            raise BadArgument("depth", depth, f"a number from 1 to {DEFAULT_DEPTH}")
        self.types = types
        self.limit = limit
        self._depth = depth
        self._read = json.JSONDecoder(object_hook=self._untagged).decode

    def storable(self, name: str, cls: Any = None, **how: Any) -> Any:
        """Do what ``aiostep.storable`` does, for the registry of this codec."""
        return self.types.storable(name, cls, **how)

    def encode(self, value: object, path: str = "value") -> str:
        """Return the text of *value*.

        Raises:
            NotStorable: it would not come back as it is, or is too large.
        """
        try:
            # Most values are texts, and there is no quicker way to write one; most others are JSON as they are.
            if type(value) is str:
                text = encode_basestring(value)
            else:
                text = _dumps(value if _is_json(value, self._depth) else self._plain(value, self._depth))
        except RefusedError as refused:
            raise NotStorable(path + _joined(refused.steps), refused.value, refused.fix) from None
        # A character takes at most four bytes: the exact size only matters when that is too much.
        if len(text) * 4 > self.limit and (size := len(text.encode("utf-8", "surrogatepass"))) > self.limit:
            problem = f"it takes {size:,} bytes and the limit is {self.limit:,}"
            raise NotStorable(path, value, f"{problem}; store a reference to it, or raise the limit")
        return text

    def decode(self, text: str) -> Any:
        """Return the value of *text*.

        Raises:
            StorageDamaged: it is none that ``encode`` wrote, or a class is missing.
        """
        try:
            # Without any tag there is nothing to look for.
            return self._read(text) if _MARK in text else _untagged_reader()(text)
        except AiostepError:
            raise
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
            problem = f"cannot be read: {type(error).__name__}: {reprlib.repr(str(error))}"
            raise StorageDamaged("a stored value", problem, "it was not written by this codec; delete it") from error

    def copy(self, value: object, path: str = "value") -> Any:
        """Return what ``decode(encode(value))`` would, faster and whatever its size.

        Raises:
            NotStorable: as ``encode``.
        """
        try:
            copied = self._copied_dict if class_of(value) is dict else self._copied
            return copied(value, self._depth)
        except RefusedError as refused:
            raise NotStorable(path + _joined(refused.steps), refused.value, refused.fix) from None

    # Writing.

    def _plain(self, value: Any, depth: int) -> Any:
        """Return *value* in terms of JSON."""
        kind = class_of(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is int:
            # Python reads and writes only so many digits, others read larger numbers as floats.
            return value if -_SMALL <= value < _SMALL else {TAG: "int", "v": hex(value)}
        if kind is float:
            return value if math.isfinite(value) else {TAG: "float", "v": repr(value)}
        if not depth:
            raise RefusedError(value, f"it contains itself, or is nested deeper than {self._depth} levels")
        if kind is list:
            return self._items(value, depth)
        if kind is dict:
            return self._dict(value, depth)
        if kind is tuple:
            return {TAG: "tuple", "v": self._items(value, depth)}
        if kind is set or kind is frozenset:
            # In a fixed order, so that equal sets are equal texts.
            return {TAG: kind.__name__, "v": sorted(self._items(value, depth), key=_dumps)}
        if (write := WRITERS.get(kind)) is not None:
            return {TAG: kind.__name__, **write(value)}
        return self._registered(value, depth)

    def _items(self, values: Iterable[Any], depth: int) -> list[Any]:
        plain, written = self._plain, list[Any]()
        try:
            for one in values:
                written.append(one if type(one) is str else plain(one, depth - 1))
        except RefusedError as refused:
            refused.steps.append(f"[{len(written)}]" if isinstance(values, (list, tuple)) else "{...}")
            raise
        return written

    def _dict(self, value: dict[Any, Any], depth: int) -> Any:
        if TAG in value or not _TEXT.issuperset(map(type, value)):
            return self._pairs(value, depth)
        plain, written, key = self._plain, dict[str, Any](), ""
        try:
            for key, one in value.items():
                written[key] = one if type(one) is str else plain(one, depth - 1)
        except RefusedError as refused:
            refused.steps.append(subscript(key))
            raise
        return written

    def _pairs(self, value: dict[Any, Any], depth: int) -> Any:
        written, step = list[Any](), ""
        try:
            for key, one in value.items():
                step = f" key {reprlib.repr(key)}"
                name = self._plain(key, depth - 1)
                step = subscript(key)
                written.append([name, self._plain(one, depth - 1)])
        except RefusedError as refused:
            refused.steps.append(step)
            raise
        return {TAG: "dict", "v": written}

    def _registered(self, value: Any, depth: int) -> Any:
        entry = self._entry(value)
        try:
            return {TAG: "@" + entry.name, "v": self._plain(entry.dump(value), depth - 1)}
        except RefusedError as refused:
            refused.steps.append(f".{type(value).__qualname__}")
            raise

    def _entry(self, value: Any) -> StorableType:
        if (entry := self.types.of(kind := class_of(value))) is None:
            raise RefusedError(value, _fix(kind))
        return entry

    # Reading.

    def _untagged(self, found: dict[str, Any]) -> Any:
        name = found.get(TAG)
        if name is None:
            return found
        if (read := READERS.get(name)) is not None:
            return read(found)
        if not (isinstance(name, str) and name[:1] == "@"):
            raise StorageDamaged("a stored value", f"has the tag {name!r}, which is not known here", "update aiostep")
        if (entry := self.types.named(name[1:])) is None:
            fix = f"register its class before it is read: @storable({name[1:]!r})"
            raise StorageDamaged("a stored value", f"is of the type {name[1:]!r}, which is not known here", fix)
        try:
            return entry.load(found["v"])
        except Exception as error:
            problem = f"of the type {entry.name!r} does not fit its class: {type(error).__name__}: {error}"
            fix = "register the class with a load= that also reads what was stored before"
            raise StorageDamaged("a stored value", problem, fix) from error

    # Copying.

    def _copied(self, value: Any, depth: int) -> Any:
        kind = class_of(value)
        if kind in _IMMUTABLE:
            return value
        if not depth:
            raise RefusedError(value, f"it contains itself, or is nested deeper than {self._depth} levels")
        if kind is dict:
            return self._copied_dict(value, depth)
        if kind is list or kind is tuple or kind is set or kind is frozenset:
            return self._copied_items(kind, value, depth)
        if kind is bytearray:
            return bytearray(value)
        if kind is datetime or kind is time:
            zone_of(value)
            return value
        entry = self._entry(value)
        if entry.is_immutable:
            return value
        try:
            return entry.load(self._copied(entry.dump(value), depth - 1))
        except RefusedError as refused:
            refused.steps.append(f".{kind.__qualname__}")
            raise

    def _copied_dict(self, value: Any, depth: int) -> dict[Any, Any]:
        made, key, kept, immutable = dict[Any, Any](), None, None, _IMMUTABLE
        try:
            for key, one in value.items():
                kept = None
                kept = key if type(key) in immutable else self._copied(key, depth - 1)
                made[kept] = one if type(one) in immutable else self._copied(one, depth - 1)
        except RefusedError as refused:
            refused.steps.append(f" key {reprlib.repr(key)}" if kept is None else subscript(key))
            raise
        return made

    def _copied_items(self, kind: type[Any], value: Any, depth: int) -> Any:
        made, immutable = list[Any](), _IMMUTABLE
        try:
            for one in value:
                made.append(one if type(one) in immutable else self._copied(one, depth - 1))
        except RefusedError as refused:
            refused.steps.append(f"[{len(made)}]" if kind is list or kind is tuple else "{...}")
            raise
        return made if kind is list else kind(made)


def _is_json(value: Any, depth: int) -> bool:
    """Tell quickly whether a list or a dict is what ``Values._plain`` would make of it. False is not certain."""
    kind = class_of(value)
    if not depth or not (kind is list or (kind is dict and TAG not in value and _TEXT.issuperset(map(type, value)))):
        return False
    for one in value if kind is list else value.values():
        kind = class_of(one)
        if kind in _AS_IT_IS or (kind is int and -_SMALL <= one < _SMALL) or (kind is float and math.isfinite(one)):
            continue
        if not _is_json(one, depth - 1):
            return False
    return True


def _joined(steps: list[str]) -> str:
    """Return the way from the outside in; of a very long one its two ends."""
    way = steps[::-1]
    return "".join(way if len(way) <= 12 else [*way[:6], "...", *way[-3:]])


def subscript(key: object) -> str:
    """Return how to write the way to *key* of a dictionary in an error."""
    if type(key) is not str:
        return f"[{reprlib.repr(key)}]"
    return f"[{json.dumps(key if len(key) <= 40 else key[:37] + '...', ensure_ascii=False)}]"


def _fix(kind: type[Any]) -> str:
    bases = [base.__name__ for base in (str, int, float, list, dict, tuple, bytes, datetime) if issubclass(kind, base)]
    if bases:
        return f"convert it to a plain {bases[0]}, or register its class with @storable(name)"
    return "register its class with @storable(name), or store what it can be made from again"


@functools.cache
def _untagged_reader() -> Callable[[str], Any]:
    """Return what reads plain JSON: msgspec, where it is installed, at a quarter of the time.

    It is not used for writing: its texts are others (1e16 for 1e+16), and equal values shall be equal texts whoever
    wrote them. Nor with tags, since it has no hook for them.
    """
    try:
        import msgspec
    except ImportError:
        return json.loads
    read = msgspec.json.decode

    def decode(text: str) -> Any:
        try:
            return read(text)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):  # a lone surrogate, or no JSON at all
            return json.loads(text)

    return decode


#: What JSON has, whatever the value: of numbers it has not all.
_AS_IT_IS = frozenset({str, bool, type(None)})
_TEXT = frozenset({str})
_IMMUTABLE = frozenset({str, int, float, bool, type(None), bytes, date, timedelta, Decimal, UUID})

#: The codec of whoever names no other.
VALUES = Values()
