"""What people write, and what becomes of it."""
# ruff: noqa: DTZ001 - people write no zones

from __future__ import annotations

import re
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NewType

import annotated_types as at
import msgspec
import pydantic
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiostep_core.checks import between
from aiostep_core.errors import BadArgument
from aiostep_core.questions import Retry, question_for
from aiostep_core.questions.contact import Email, Phone, Url
from aiostep_core.questions.dates import Dates, Datetimes
from aiostep_core.questions.media import MEDIA, Contact, Document, Location, Photo, Sticker
from aiostep_core.texts import Saying
from tests.questions.making import answer, parsed


class Color(Enum):
    """A few colours, some with a value to show."""

    RED = "Red wine"
    DARK_BLUE = 2


UserId = NewType("UserId", int)
UTC = timezone.utc
PLUS_TWO = timezone(timedelta(hours=2))

WRITTEN = [
    (int, "12", 12),
    (int, " 1 000 ", 1000),
    (int, "1,000", 1000),
    (int, "1.000.000", 1000000),
    (int, "۱۲۳", 123),
    (int, "\u200f12\u200e", 12),
    (Phone, "\u202a+49 30 1234567\u202c", "+49301234567"),
    (Email, "\u200ealice@example.com", "alice@example.com"),
    (Annotated[float, at.MultipleOf(0.1)], "0.3", 0.3),
    (Annotated[Decimal, at.MultipleOf(0.05)], "1.15", Decimal("1.15")),
    (Annotated[timedelta, at.MultipleOf(timedelta(minutes=15))], "45 min", timedelta(minutes=45)),
    (Annotated[datetime, at.Gt(datetime(2026, 4, 3))], "2026-04-05 18:00 UTC", datetime(2026, 4, 5, 18, tzinfo=UTC)),
    (Annotated[datetime, at.Gt(datetime(2026, 4, 3, tzinfo=PLUS_TWO))], "2026-04-03 00:01", datetime(2026, 4, 3, 0, 1)),
    (Literal["a", "A", "b"], "A", "A"),
    (Literal["a", "A", "b"], "B", "b"),
    (int, "−5", -5),
    (int, "+5", 5),
    (UserId, "7", 7),
    (float, "1,5", 1.5),
    (float, "1,234.5", 1234.5),
    (float, "1.234,5", 1234.5),
    (float, "1.234.567", 1234567.0),
    (float, "1 234,56", 1234.56),
    (float, "٣٫٥", 3.5),
    (float, ".5", 0.5),
    (Decimal, "1,50", Decimal("1.50")),
    (bool, "Yes!", True),
    (bool, "нет", False),
    (bool, "بله", True),
    (date, "2026-04-03", date(2026, 4, 3)),
    (date, "3.4.2026", date(2026, 4, 3)),
    (date, "13/4/2026", date(2026, 4, 13)),
    (date, "23 de abril de 2026", date(2026, 4, 23)),
    (date, "23rd of April 2026", date(2026, 4, 23)),
    (time, "18h", time(18)),
    (time, "um 18.30 Uhr", time(18, 30)),
    (time, "a las 7 h", time(7)),
    (datetime, "23.4.2026 um 18:30 Uhr", datetime(2026, 4, 23, 18, 30)),
    (datetime, "23.4.2026, 18 Uhr", datetime(2026, 4, 23, 18)),
    (datetime, "23 апреля 2026 в 18:30", datetime(2026, 4, 23, 18, 30)),
    (datetime, "23 de abril de 2026 a las 18:30", datetime(2026, 4, 23, 18, 30)),
    (timedelta, "1 hour and 30 minutes", timedelta(minutes=90)),
    (timedelta, "2 Stunden und 5 Minuten", timedelta(minutes=125)),
    (timedelta, "1h30", timedelta(minutes=90)),
    (int, "\uff0d1\uff0c000", -1000),
    (date, "4/13/26", date(2026, 4, 13)),
    (date, "3 April 2026", date(2026, 4, 3)),
    (date, "April 3rd, 2026", date(2026, 4, 3)),
    (date, "3 апреля 2026", date(2026, 4, 3)),
    (date, "3. März 2026", date(2026, 3, 3)),
    (time, "18:30", time(18, 30)),
    (time, "6:30 p.m.", time(18, 30)),
    (time, "12am", time(0)),
    (time, "12 pm", time(12)),
    (datetime, "2026-04-03 18:30", datetime(2026, 4, 3, 18, 30)),
    (datetime, "2026-04-03T18:30:00Z", datetime(2026, 4, 3, 18, 30, tzinfo=timezone.utc)),
    (datetime, "3.4.2026, 18:30", datetime(2026, 4, 3, 18, 30)),
    (datetime, "3 April 2026 at 6 pm", datetime(2026, 4, 3, 18)),
    (datetime, "2026-04-03 18:30+02:00", datetime(2026, 4, 3, 18, 30, tzinfo=PLUS_TWO)),
    (timedelta, "1h30m", timedelta(minutes=90)),
    (timedelta, "90 minutes", timedelta(minutes=90)),
    (timedelta, "1:30", timedelta(minutes=90)),
    (timedelta, "2 дня", timedelta(days=2)),
    (timedelta, "PT1H30M", timedelta(minutes=90)),
    (Color, "red WINE", Color.RED),
    (Color, "red", Color.RED),
    (Color, "Dark  blue", Color.DARK_BLUE),
    (Literal["a", 3], "A", "a"),
    (Literal["a", 3], "3", 3),
    (Email, "mailto:A.B@Mail.Example.COM", "A.B@mail.example.com"),
    (Phone, "+49 (30) 123-45-67", "+49301234567"),
    (Phone, "0049 30 1234567", "+49301234567"),
    (Url, "example.com/a?b=c", "https://example.com/a?b=c"),
    (r"\d{6}", " 123456 ", "123456"),
    (int | date, "2026-04-03", date(2026, 4, 3)),
    (int | None, "skip", None),
    (int | None, "4", 4),
    (Annotated[int, at.Ge(1), at.Le(9)], "9", 9),
    (Annotated[int, "a note", at.Interval(gt=1, lt=4)], "3", 3),
    (Annotated[str, at.Len(2, 4)], "abc", "abc"),
    (uuid.UUID, str(uuid.UUID(int=5)), uuid.UUID(int=5)),
    (Annotated[int, pydantic.AfterValidator(lambda number: number * 2)], "4", 8),
]


@pytest.mark.parametrize(("as_", "text", "value"), WRITTEN)
def test_people_are_understood(as_: Any, text: str, value: Any) -> None:
    """What people write becomes the value that they mean, of the type that was asked for."""
    got = parsed(as_, text)

    assert got == value
    assert type(got) in (type(value), as_)


@pytest.mark.parametrize(
    ("as_", "text", "sentence"),
    [
        (str, "  ", "text"),
        (int, "1.00", "whole_number"),
        (int, "1_0", "whole_number"),
        (int, "9" * 101, "whole_number"),
        (float, "1e400", "number"),
        (float, "nan", "number"),
        (float, "1,2,3", "number"),
        (float, "1,2.3,4", "number"),
        (Decimal, "x", "number"),
        (bool, "maybe", "yes_or_no"),
        (date, "3/4/2026", "date_unclear"),
        (date, "31.2.2026", "date"),
        (date, "3 Foo 2026", "date"),
        (date, "3 April 3 2026", "date"),
        (time, "18", "time"),
        (time, "13pm", "time"),
        (time, "25:00", "time"),
        (datetime, "2026-04-03", "datetime"),
        (datetime, "2026-04-03 25:00", "datetime"),
        (timedelta, "90", "duration"),
        (timedelta, "1:75", "duration"),
        (timedelta, "1h foo", "duration"),
        (timedelta, "9" * 200 + " days", "duration"),
        (Color, "green", "choice"),
        (Email, "a@b", "email"),
        (Phone, "030 1234567", "phone"),
        (Url, "javascript:alert(1)", "url"),
        (Url, "http://a.b/c d", "url"),
        (r"\d{6}", "1234567", "pattern"),
        (int | date, "x", "either"),
        (Annotated[int, at.Ge(1)], "0", "number_low"),
        (Annotated[int, at.Gt(1)], "1", "number_above"),
        (Annotated[int, at.Le(9)], "10", "number_high"),
        (Annotated[int, at.Lt(9)], "9", "number_below"),
        (Annotated[int, at.MultipleOf(5)], "7", "number_step"),
        (Annotated[float, at.MultipleOf(0.1)], "0.35", "number_step"),
        (Annotated[timedelta, at.MultipleOf(timedelta(minutes=15))], "20 min", "number_step"),
        (Annotated[date, at.Ge(date(2026, 4, 3))], "2026-04-02", "date_low"),
        (Annotated[time, at.Lt(time(18))], "18:00", "date_below"),
        (Annotated[datetime, at.Gt(datetime(2026, 4, 3))], "2026-04-01 18:00 UTC", "date_above"),
        (Annotated[datetime, at.Le(datetime(2026, 4, 3, tzinfo=PLUS_TWO))], "2026-04-03 00:01", "date_high"),
        (Annotated[timedelta, at.Le(timedelta(hours=2))], "3h", "value_high"),
        (Literal["a", "A", "b"], "c", "choice"),
        (Annotated[str, at.Len(2, 4)], "a", "text_short"),
        (Annotated[str, at.Len(2, 4)], "abcde", "text_long"),
        (Annotated[int, at.Predicate(lambda number: number != 4)], "4", "again"),
        (Annotated[int, pydantic.Field(ge=3)], "2", "number_low"),
        (Annotated[int, msgspec.Meta(ge=3)], "2", "number_low"),
        (Annotated[str, msgspec.Meta(pattern="^a")], "b", "pattern"),
    ],
)
def test_people_are_asked_again(as_: Any, text: str, sentence: str) -> None:
    """What cannot be meant is asked for again, by the sentence that says what is wrong."""
    assert parsed(as_, text) == f"again: {sentence}"


@given(st.integers(min_value=-(10**90), max_value=10**90), st.sampled_from(["{}", "{:,}", " {} "]))
def test_any_whole_number_can_be_written(number: int, form: str) -> None:
    """A whole number comes back as it was written, with or without marks between thousands."""
    assert parsed(int, form.format(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_can_be_written(number: float) -> None:
    """A number comes back as Python writes it."""
    assert parsed(float, repr(number)) == number


@given(st.dates())
def test_any_day_can_be_written(day: date) -> None:
    """A day comes back from the forms that leave no doubt."""
    assert parsed(date, day.isoformat()) == day
    assert parsed(date, f"{day.day}.{day.month}.{day.year:04}") == day
    assert parsed(date, day.strftime("%d %B ") + f"{day.year:04}") == day


@given(st.datetimes(timezones=st.none() | st.sampled_from([timezone.utc, PLUS_TWO, timezone(-timedelta(hours=3.5))])))
def test_any_moment_can_be_written(moment: datetime) -> None:
    """A moment comes back as ISO writes it, to the second."""
    moment = moment.replace(microsecond=0)
    assert parsed(datetime, moment.isoformat()) == moment
    assert parsed(datetime, moment.isoformat(" ")) == moment


@pytest.mark.parametrize(("word", "days"), [("Today", 0), ("tomorrow", 1), ("вчера", -1)])
def test_days_are_counted_from_the_persons_today(word: str, days: int) -> None:
    """A question can be told which day it is where the person is."""
    question = Dates(lambda: date(2026, 12, 31))
    assert question.parse(answer(word)) == date(2026, 12, 31) + timedelta(days=days)

    moment = Datetimes(lambda: datetime(2026, 12, 31, 23, 59))
    assert moment.parse(answer(f"{word} 6pm")) == datetime(2026, 12, 31, 18) + timedelta(days=days)
    assert moment.parse(answer("now")) == datetime(2026, 12, 31, 23, 59)


EVERY = [
    *(as_ for as_, _, _ in WRITTEN),
    *MEDIA,
    re.compile("(a|b)*"),
    str,
    None,
    pydantic.HttpUrl,
    pydantic.EmailStr,
    Annotated[float, msgspec.Meta(gt=0)],
    Photo | Location | int,
]


@given(st.sampled_from(range(len(EVERY))), st.none() | st.text() | st.text("0123456789.,:-/+ hmapeT٣۵'’", max_size=30))
@example(0, "\ud800")
@example(0, "²")
@example(2, "x" * 5000)
@example(2, "٣" * 4096)
def test_nothing_that_people_write_breaks_a_question(number: int, text: str | None) -> None:
    """Whatever is written, a question makes a value of it or asks again; no other error leaves it."""
    try:
        question_for(EVERY[number]).parse(answer(text))
    except Retry as retry:
        assert str(retry)


def test_a_pattern_gives_its_match() -> None:
    """A compiled expression gives the match, with its groups; one given as text gives the text."""
    match = parsed(re.compile(r"(\d+) (\w+)"), "3 apples")
    assert match.groups() == ("3", "apples")
    assert parsed(r"(\d+) (\w+)", "3 apples") == "3 apples"


def test_media_come_with_the_frameworks_own_object() -> None:
    """A photo is the greatest there is, with the object to download it and the text that came with it."""
    from types import SimpleNamespace as Part

    small = Part(file_id="s", file_unique_id="us", width=90, height=60, file_size=1)
    large = Part(file_id="l", file_unique_id="ul", width=900, height=600, file_size=10)

    photo = parsed(Photo, photo=[small, large], caption="Me")
    assert (photo.file_id, photo.width, photo.native, photo.caption) == ("l", 900, large, "Me")
    assert parsed(Photo | Document, photo=[small]).file_id == "s"
    assert parsed(Photo, "no photo") == "again: photo"
    assert parsed(Document, document=large, animation=large) == "again: document"
    contact = Part(phone_number="49301234567", first_name="Ann", user_id=5)
    assert parsed(Contact, contact=contact) == Contact(phone_number="49301234567", first_name="Ann", user_id=5)
    assert parsed(Phone, contact=contact) == "+49301234567"
    assert parsed(Sticker, sticker=None) == "again: sticker"


@pytest.mark.parametrize("as_", [object(), 5, type("Mine", (), {}), "(((", [1], {}, print, dict, list[int]])
def test_a_type_that_nobody_knows_is_refused_at_once(as_: Any) -> None:
    """What no question is known for is refused before anything is asked, and the error says what there is."""
    with pytest.raises(BadArgument, match="expected"):
        question_for(as_)


def test_a_class_with_fields_is_for_a_form() -> None:
    """A dataclass, a pydantic model and a Struct are several answers."""

    class Model(pydantic.BaseModel):
        name: str

    with pytest.raises(BadArgument, match="fill"):
        question_for(Model)


def test_a_question_may_stand_in_an_annotation() -> None:
    """A question of one's own is used as it is, alone or in an annotation."""
    question = Dates(lambda: date(2026, 1, 1))
    assert question_for(question) is question
    assert question_for(Annotated[date, question]) is question


def test_a_list_of_choices_is_no_longer_than_people_read() -> None:
    """Of many a few are named: a message has no room for all."""
    made: Any = Enum  # checkers want what is written out
    many = made("many", {f"N{number}": f"an option with a long name, number {number}" for number in range(500)})
    with pytest.raises(Retry) as caught:
        question_for(many).parse(answer("?"))
    assert isinstance(caught.value.problem, Saying)
    assert str(caught.value.problem.values["options"]).endswith("number 19, …")
    assert question_for(many).parse(answer("AN option with a long name, number 499")) is many(
        "an option with a long name, number 499"
    )


@pytest.mark.parametrize("as_", [Literal[1, "1"], Annotated[int, at.MultipleOf(0)]])
def test_what_no_answer_could_be_told_apart_by_is_refused(as_: Any) -> None:
    """A mistake of the author is said before anybody is asked."""
    with pytest.raises(BadArgument):
        question_for(as_)


def test_between_says_what_it_can_compare() -> None:
    """Bounds of numbers for an answer that stays a text are a mistake; the author is told the type to ask for."""
    with pytest.raises(TypeError, match=r"between\(1, 9\) was given a value of type str; ask for int: ask"):
        between(1, 9)("5")


def test_between_says_what_is_wrong_with_a_date() -> None:
    """The check speaks of dates as dates, and takes moments with and without a zone."""
    check = between(datetime(2026, 4, 3), datetime(2026, 4, 5))
    assert check(datetime(2026, 4, 2)) == Saying("date_low", {"min": "2026-04-03 00:00"})
    assert check(datetime(2026, 4, 9, tzinfo=timezone.utc)) == Saying("date_high", {"max": "2026-04-05 00:00"})
    assert check(datetime(2026, 4, 4)) is True
    assert between(1, 9)(0) == Saying("number_low", {"min": 1})
