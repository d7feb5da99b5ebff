"""Answers that are dates and times, as people write them.

``2026-04-03`` and ``3.4.2026`` can be read in one way only. ``3/4/2026`` cannot: it is asked for again unless one of
the numbers is greater than twelve. Names of months are read in the languages that Babel knows, if that is installed,
and else in English. Times have no zone unless one is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from typing import Final

from ..facts import KINDS, Delivery
from ..texts import words
from .base import say_again, text_of
from .numbers import plain_digits

__all__ = ["Dates", "Datetimes", "Durations", "Times"]

_EXAMPLE: Final = datetime(2026, 4, 23, 18, 30)  # noqa: DTZ001 - people write no zones
_YEAR_FIRST: Final = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2})")
_EITHER: Final = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4}|\d{2})")
_NAMED: Final = re.compile(
    r"(?:(\d{1,2})\.?(?:st|nd|rd|th)?\s+(?:(?:of|de)\s+)?)?([^\W\d]+)\.?,?\s+"
    r"(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(?:(?:de|del)\s+)?(\d{4})",
    re.IGNORECASE,
)
_TIME: Final = re.compile(r"(\d{1,2})(?:[:.h](\d{2})(?::(\d{2}))?)?\s*(am|pm|a\.m\.|p\.m\.)?", re.IGNORECASE)
_ZONED: Final = re.compile(r"(.*?)\s*(?:(z|utc|gmt)|(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2})?)", re.IGNORECASE)
_CLOCK: Final = re.compile(r"(\d{1,4}):(\d{2})(?::(\d{2}))?")
_PART: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*([^\W\d]+)\.?,?\s*")
_HALF_NAMED: Final = re.compile(r"(\d{1,4})\s*h\s*([0-5]?\d)", re.IGNORECASE)
_ISO_PERIOD: Final = re.compile(r"p(?:(\d+)d)?(?:t(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?)?", re.IGNORECASE)
_UNITS: Final = {
    "week": timedelta(weeks=1),
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}


def _load_months() -> None:
    """Read the names of months, which takes Babel a while."""
    _months()


class Dates:
    """A day.

    Args:
        today: tells which day it is where the person is, for "today" and "tomorrow"; by default, where the bot runs.
    """

    kinds = KINDS["message"]
    slow = (_load_months,)

    def __init__(self, today: Callable[[], date] = date.today) -> None:
        self._today = today

    def parse(self, delivery: Delivery) -> date:
        """Return the day."""
        problem = say_again("date", example=_EXAMPLE.date().isoformat())
        return _date(plain_digits(text_of(delivery, problem)), self._today, problem)


class Times:
    """A time of the day."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> time:
        """Return the time, without a zone."""
        problem = say_again("time", example=_EXAMPLE.strftime("%H:%M"))
        text = _o_clock(plain_digits(text_of(delivery, problem)))
        return _time(re.sub(rf"^(?:{_any_of('at')})\s+", "", text, flags=re.IGNORECASE), problem)


class Datetimes:
    """A moment: a day and a time, with a zone if one is written. *now* is as *today* of ``Dates``."""

    kinds = KINDS["message"]
    slow = (_load_months,)

    def __init__(self, now: Callable[[], datetime] = datetime.now) -> None:
        self._now = now

    def parse(self, delivery: Delivery) -> datetime:
        """Return the moment."""
        problem = say_again("datetime", example=_EXAMPLE.strftime("%Y-%m-%d %H:%M"))
        text = plain_digits(text_of(delivery, problem))
        if text.casefold() in words("now"):
            return self._now()
        text, zone = _without_zone(_o_clock(text))
        day, _, rest = re.sub(r"(?<=\d)[tT](?=\d)|,\s+", " ", text).rpartition(" ")
        if re.fullmatch(r"[ap]\.?m\.?", rest, re.IGNORECASE):
            day, _, hour = day.rpartition(" ")
            rest = f"{hour} {rest}"
        if not day or not re.search(r"[:.h]|m$|m\.$", rest, re.IGNORECASE):
            raise problem
        day = re.sub(rf"(?:[\s,]+(?:{_any_of('at')}))?[\s,]*$", "", day, flags=re.IGNORECASE)
        found = _date(day.strip(), lambda: self._now().date(), problem)
        return datetime.combine(found, _time(rest, problem), zone)


class Durations:
    """A length of time: "1h 30m", "90 minutes", "1:30" (hours and minutes), "2 days"; never negative."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> timedelta:
        """Return the length."""
        problem = say_again("duration", example="1h 30m")
        text = plain_digits(text_of(delivery, problem)).casefold()
        try:
            return _duration(text)
        except (ValueError, OverflowError):
            raise problem from None


def _date(text: str, today: Callable[[], date], problem: Exception) -> date:
    word = text.casefold()
    for name, days in (("yesterday", -1), ("today", 0), ("tomorrow", 1)):
        if word in words(name):
            return today() + timedelta(days=days)
    try:
        return _written_date(text)
    except (ValueError, OverflowError):
        raise problem from None


def _written_date(text: str) -> date:
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = match.groups()
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year = match.groups()
    elif match := _EITHER.fullmatch(text):
        day, month, year = match.groups()
        if int(month) > 12:
            day, month = month, day
        elif int(day) <= 12 and int(day) != int(month):
            raise say_again("date_unclear", example=_EXAMPLE.date().isoformat())
    elif match := _NAMED.fullmatch(text):
        before, name, after, year = match.groups()
        if (before is None) is (after is None):
            raise ValueError
        day, month = before or after, str(_months()[name.casefold()[:20]]) if name.casefold() in _months() else ""
    else:
        raise ValueError
    return date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))


@cache
def _months() -> dict[str, int]:
    """Return the numbers of months by their names, casefolded."""
    english = "january february march april may june july august september october november december".split()
    names = {name: number for number, name in enumerate(english, 1)}
    names |= {name[:3]: number for name, number in names.items()} | {"sept": 9}
    try:
        from babel import Locale
    except ImportError:
        return names
    from ..texts import LANGUAGES

    for code in LANGUAGES:
        months = Locale(code).months
        for width in ("wide", "abbreviated"):
            for form in ("format", "stand-alone"):
                for number, name in months[form][width].items():
                    names.setdefault(name.casefold().rstrip("."), number)
    return names


@cache
def _any_of(name: str) -> str:
    """Return the part of an expression that matches what people write for *name*, the longest first."""
    return "|".join(map(re.escape, sorted(words(name), key=len, reverse=True)))


def _o_clock(text: str) -> str:
    """Return *text* without the word that ends a time, such as "18:30 Uhr"; "18 h" is 18:00."""
    clock = rf"(.*?)(\d{{1,2}})([:.h]\d{{2}}(?::\d{{2}})?)?\s*(?:{_any_of('o_clock')})\.?"
    match = re.fullmatch(clock, text, re.IGNORECASE)
    return text if match is None else f"{match[1]}{match[2]}{match[3] or ':00'}"


def _time(text: str, problem: Exception) -> time:
    match = _TIME.fullmatch(text)
    if match is None or (match[2] is None and match[4] is None):
        raise problem
    hour, half = int(match[1]), (match[4] or "").casefold()[:1]
    if half:
        if not 1 <= hour <= 12:
            raise problem
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return time(hour, int(match[2] or 0), int(match[3] or 0))
    except ValueError:
        raise problem from None


def _without_zone(text: str) -> tuple[str, timezone | None]:
    match = _ZONED.fullmatch(text)
    if match is None or ":" not in match[1]:
        return text, None
    if match[2]:
        return match[1], timezone.utc
    offset = timedelta(hours=int(match[4]), minutes=int(match[5] or 0))
    if offset > timedelta(hours=14):
        return text, None
    return match[1], timezone(-offset if match[3] == "-" else offset)


def _duration(text: str) -> timedelta:
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (int(one or 0) for one in match.groups())
        if minutes > 59 or seconds > 59:
            raise ValueError
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if match := _HALF_NAMED.fullmatch(text):
        return timedelta(hours=int(match[1]), minutes=int(match[2]))
    text = re.sub(rf"\s+(?:{_any_of('and')})\s+", " ", text)
    if (match := _ISO_PERIOD.fullmatch(text)) and any(match.groups()):
        days, hours, minutes, seconds = (int(one or 0) for one in match.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    total, end = timedelta(), 0
    while match := _PART.match(text, end):
        total += float(match[1].replace(",", ".")) * _unit(match[2])
        end = match.end()
    if end != len(text) or not end:
        raise ValueError
    return total


def _unit(word: str) -> timedelta:
    for name, length in _UNITS.items():
        if word in words(name):
            return length
    raise ValueError
