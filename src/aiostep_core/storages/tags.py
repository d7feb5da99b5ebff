"""What JSON does not have: of each type the members to write beside its tag, and how to read them."""

from __future__ import annotations

import base64
import zoneinfo
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, cast
from uuid import UUID

from ..errors import StorageDamaged

__all__ = ["READERS", "WRITERS", "RefusedError", "zone_of"]


class RefusedError(Exception):
    """Comes up from the depth of a value and collects the way."""

    def __init__(self, value: object, fix: str) -> None:
        self.value = value
        self.fix = fix
        self.steps: list[str] = []


def _base64(value: bytes | bytearray) -> dict[str, Any]:
    return {"v": base64.b64encode(value).decode("ascii")}


def _unbase64(found: dict[str, Any]) -> bytes:
    return base64.b64decode(found["v"], validate=True)


def _moment(value: datetime | time) -> dict[str, Any]:
    written: dict[str, Any] = {"v": value.replace(tzinfo=None, fold=0).isoformat()}
    if value.tzinfo is not None:
        written["zone"] = zone_of(value)
    if value.fold:
        written["fold"] = 1
    return written


def zone_of(value: datetime | time) -> Any:
    """Return the name of a zone, its distance to UTC, or that and its own name."""
    zone = value.tzinfo
    if zone is None:
        return None
    if type(zone) is timezone:
        offset = zone.utcoffset(None)
        name, usual = zone.tzname(None), timezone(offset).tzname(None)
        text = _offset(offset)
        return text if name == usual else [text, name]
    if type(zone) is zoneinfo.ZoneInfo and zone.key is not None:
        return zone.key
    if type(zone).__module__.partition(".")[0] == "pydantic_core" and (fixed := zone.utcoffset(None)) is not None:
        return _offset(fixed)  # of every message of aiogram's; it is read as the datetime.timezone that equals it
    raise RefusedError(zone, "use zoneinfo.ZoneInfo(name) or datetime.timezone as its tzinfo")


def _offset(offset: timedelta) -> str:
    """Write a distance as the number of its microseconds, with a sign, so that it is never the name of a zone."""
    return f"{offset // timedelta(microseconds=1):+d}"


def _zone_read(written: Any) -> tzinfo | None:
    if written is None:
        return None
    text, *name = cast("list[str]", written) if isinstance(written, list) else [str(written)]
    if text[0] not in "+-":
        try:
            return zoneinfo.ZoneInfo(text)
        except zoneinfo.ZoneInfoNotFoundError as error:
            problem = f"is in the time zone {text}, which is not known here"
            raise StorageDamaged("a stored value", problem, "install time zones: pip install tzdata") from error
    return timezone(timedelta(microseconds=int(text)), *name)


def _datetime_read(found: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(found["v"]).replace(tzinfo=_zone_read(found.get("zone")), fold=found.get("fold", 0))


def _time_read(found: dict[str, Any]) -> time:
    return time.fromisoformat(found["v"]).replace(tzinfo=_zone_read(found.get("zone")), fold=found.get("fold", 0))


def _decimal_read(found: dict[str, Any]) -> Decimal:
    try:
        return Decimal(found["v"])
    except InvalidOperation as error:
        raise ValueError(f"{found['v']!r} is no decimal number") from error


WRITERS: dict[type[Any], Callable[[Any], dict[str, Any]]] = {
    bytes: _base64,
    bytearray: _base64,
    datetime: _moment,
    time: _moment,
    date: lambda value: {"v": value.isoformat()},
    timedelta: lambda value: {"v": [value.days, value.seconds, value.microseconds]},
    Decimal: lambda value: {"v": str(value)},
    UUID: lambda value: {"v": str(value)},
}

READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "int": lambda found: int(found["v"], 16),
    "float": lambda found: float(found["v"]),
    "tuple": lambda found: tuple(found["v"]),
    "set": lambda found: set(found["v"]),
    "frozenset": lambda found: frozenset(found["v"]),
    "dict": lambda found: dict(found["v"]),
    "bytes": _unbase64,
    "bytearray": lambda found: bytearray(_unbase64(found)),
    "datetime": _datetime_read,
    "time": _time_read,
    "date": lambda found: date.fromisoformat(found["v"]),
    "timedelta": lambda found: timedelta(*found["v"]),
    "Decimal": _decimal_read,
    "UUID": lambda found: UUID(found["v"]),
}
