"""How records are called and written in Redis: names of keys, texts as bytes, and both back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..errors import BadArgument, StorageDamaged
from .abc import RecordKey

__all__ = ["Layout", "Names", "from_pairs", "to_pairs", "to_text"]

# Fields of ours begin with a byte that no text encodes to.
_OURS = b"\xff"
DUE = b"\xffdue"
REVISION = b"\xffrevision"

# Redis counts in 64 bits; nobody waits for the year 280,000.
_LONGEST = 2**53
_CACHED = 1024


class Names(NamedTuple):
    """The keys of a record: its hash, the list of its journal, and the sorted set of its kind's due times."""

    record: bytes
    log: bytes
    agenda: bytes


class Layout:
    """Names of keys: ``{prefix:space}:kind:name``. What is in braces decides which node of a cluster has them.

    Args:
        prefix: what all keys begin with.
    """

    def __init__(self, prefix: str) -> None:
        if not isinstance(prefix, str) or not prefix or set(prefix) & set("{}"):
            raise BadArgument("prefix", prefix, "a text without braces, such as 'aiostep'")
        self._prefix = prefix
        self._heads: dict[tuple[str, str], Names] = {}

    def names(self, key: RecordKey) -> Names:
        """Return the keys of a record."""
        record, log, agenda = self._heads.get(key[:2]) or self._head(key.kind, key.space)
        name = to_bytes(key.name)
        return Names(record + name, log + name, agenda)

    def agenda(self, kind: str, space: str) -> bytes:
        """Return the key of the sorted set of due times."""
        return self._head(kind, space).agenda

    def note(self, sender: str, space: str) -> bytes:
        """Return the key under which is noted what a sender's last batch was answered."""
        return self._tag(space) + b"!sent:" + sender.encode()

    def pattern(self, kind: str, space: str | None) -> bytes:
        """Return what the keys of records match, and perhaps more: see ``parse``."""
        tag = b"{" + _glob(to_bytes(self._prefix)) + b":*}" if space is None else _glob(self._tag(space))
        return tag + b":" + kind.encode() + b":*"

    def parse(self, record: bytes) -> RecordKey | None:
        """Return which record has this key; None: none of ours."""
        head = b"{" + to_bytes(self._prefix) + b":"
        space, brace, rest = record[len(head) :].partition(b"}:")
        kind, colon, name = rest.partition(b":")
        if not record.startswith(head) or not brace or not colon or b":" in space:
            return None
        try:
            return RecordKey(to_text(kind), _unquoted(to_text(space)), to_text(name))
        except StorageDamaged:
            return None

    def _head(self, kind: str, space: str) -> Names:
        if len(self._heads) >= _CACHED:
            self._heads.clear()
        tag, word = self._tag(space), to_bytes(kind)
        head = Names(tag + b":" + word + b":", tag + b"!log:" + word + b":", tag + b"!due:" + word)
        self._heads[kind, space] = head
        return head

    def _tag(self, space: str) -> bytes:
        return b"{" + to_bytes(f"{self._prefix}:{_quoted(space)}") + b"}"


def to_bytes(text: str) -> bytes:
    """Encode any text, lone surrogates included."""
    try:
        return text.encode()
    except UnicodeEncodeError:  # rare, and twice as slow
        return text.encode("utf-8", "surrogatepass")


def to_text(data: bytes) -> str:
    """Decode what ``to_bytes`` made.

    Raises:
        StorageDamaged: that did not.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        problem = f"holds a record of ours with bytes in it that are no text ({error.reason})"
        fix = "somebody else writes under our keys: choose another prefix or database"
        raise StorageDamaged("redis", problem, fix) from error


def to_pairs(fields: Mapping[str, str]) -> list[bytes]:
    """Write fields as field, value, ..."""
    pairs = list[bytes]()
    for name, value in fields.items():
        pairs.append(to_bytes(name))
        pairs.append(to_bytes(value))
    return pairs


def from_pairs(pairs: Sequence[bytes] | Mapping[bytes, bytes]) -> dict[str, str]:
    """Read fields, without those that are ours. A client that speaks RESP3 hands over a mapping.

    Raises:
        StorageDamaged: they are not what ``to_pairs`` made.
    """
    return {to_text(name): to_text(value) for name, value in _items(pairs) if name[:1] != _OURS}


def ours(pairs: Sequence[bytes], name: bytes) -> float | None:
    """Return a number that is kept with a record's fields."""
    return next((float(value) for field, value in _items(pairs) if field == name), None)


def milliseconds(ttl: float | None) -> bytes:
    """Write a time to live; nothing for None.

    Raises:
        BadArgument: it is not greater than zero.
    """
    if ttl is None:
        return b""
    if not ttl > 0:
        raise BadArgument("ttl", ttl, "seconds, more than 0")
    return b"%d" % min(math.ceil(min(ttl, _LONGEST) * 1000), _LONGEST)


def due_time(due: float | None) -> bytes:
    """Write a due time; nothing for None.

    Raises:
        BadArgument: it is no time.
    """
    if due is None:
        return b""
    if not math.isfinite(due):
        raise BadArgument("due", due, "seconds since the epoch")
    return repr(float(due)).encode()


def _items(pairs: Sequence[bytes] | Mapping[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
    return iter(pairs.items()) if isinstance(pairs, Mapping) else zip(pairs[::2], pairs[1::2], strict=True)


def _glob(text: bytes) -> bytes:
    return b"".join(b"\\" + bytes([byte]) if byte in b"*?[]\\^-" else bytes([byte]) for byte in text)


# A brace would end the tag, and a colon belongs to the prefix.
def _quoted(space: str) -> str:
    return space.replace("%", "%25").replace("}", "%7D").replace(":", "%3A")


def _unquoted(space: str) -> str:
    return space.replace("%3A", ":").replace("%7D", "}").replace("%25", "%")
