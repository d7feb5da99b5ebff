"""Whatever people send, a question takes it or asks again: nothing but ``Retry`` ever leaves one."""

from __future__ import annotations

import asyncio
import inspect
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import annotated_types as at
from aiogram import Bot, Dispatcher
from aiogram.types import Update
from hypothesis import given, settings
from hypothesis import strategies as st

from aiostep_aiogram.adapter import AiogramAdapter
from aiostep_core.facts import Delivery
from aiostep_core.questions import Retry, question_for
from aiostep_core.questions.album import Album
from aiostep_core.questions.click import Click
from aiostep_core.questions.contact import Email, Phone, Url
from aiostep_core.questions.media import MEDIA, Location, Photo


class Size(Enum):
    SMALL = "small"
    LARGE = 2


SPECS: list[Any] = [
    *(None, str, int, float, Decimal, bool, date, datetime, time, timedelta, Size, Literal["a", 3], Email, Phone, Url),
    *MEDIA,
    *(Annotated[int, at.Interval(ge=1, le=9)], Annotated[float, at.MultipleOf(0.5)], Annotated[str, at.Len(2, 4)]),
    *(re.compile(r"(\w+) (\d+)"), r"\d{6}", int | date, Photo | Location | str, int | None, Album(Photo)),
    *(Click, Click("a"), Photo | Click),
]

numbers = st.integers(0, 2**31)
texts = st.one_of(
    st.text(max_size=60),
    st.text(min_size=1, max_size=5, alphabet="1a٣., /:-").map(lambda part: part * 1000),
    st.text(alphabet="0123456789.,:/- +eE−٣۱hmdapT@", max_size=40),
    st.sampled_from(
        ["1" * 4096, "9" * 5000 + "d", "1/2/3/4", "²", "½", "１２", "0000-00-00", "99:99", "\0", "\u200f12", "1e999"]
    ),
)
maybe_text = st.none() | texts
file = {"file_id": texts, "file_unique_id": texts, "file_size": st.none() | numbers}
sized = {**file, "width": numbers, "height": numbers}
lasting = {**sized, "duration": numbers, "file_name": maybe_text, "mime_type": maybe_text}
location = st.fixed_dictionaries(
    {
        "latitude": st.floats(-90, 90),
        "longitude": st.floats(-180, 180),
        "live_period": st.none() | numbers,
    }
)
photo = st.lists(st.fixed_dictionaries(sized), max_size=3)
#: What a message may carry, by the Bot API's names; each is left out or there, also together with others.
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "text": texts,
    "caption": texts,
    "photo": photo,
    "document": st.fixed_dictionaries({**file, "file_name": maybe_text, "mime_type": maybe_text}),
    "animation": st.fixed_dictionaries(lasting),
    "video": st.fixed_dictionaries(lasting),
    "audio": st.fixed_dictionaries({**file, "duration": numbers, "performer": maybe_text, "title": maybe_text}),
    "voice": st.fixed_dictionaries({**file, "duration": numbers}),
    "video_note": st.fixed_dictionaries({**file, "duration": numbers, "length": numbers}),
    "sticker": st.fixed_dictionaries(
        {
            **sized,
            "type": st.sampled_from(["regular", "mask", "custom_emoji"]),
            "is_animated": st.booleans(),
            "is_video": st.booleans(),
            "emoji": maybe_text,
        }
    ),
    "contact": st.fixed_dictionaries(
        {"phone_number": texts, "first_name": texts, "last_name": maybe_text, "user_id": st.none() | numbers}
    ),
    "location": location,
    "venue": st.fixed_dictionaries({"location": location, "title": texts, "address": texts}),
    "dice": st.fixed_dictionaries({"emoji": texts, "value": numbers}),
    "media_group_id": texts,
    "new_chat_title": texts,
    "left_chat_member": st.just({"id": 5, "is_bot": False, "first_name": "Ann"}),
    "from": st.just({"id": 5, "is_bot": False, "first_name": "Ann", "language_code": "fa"}),
    "sender_chat": st.just({"id": -5, "type": "channel", "title": "News"}),
}
messages = st.fixed_dictionaries(
    {
        "message_id": st.integers(1, 2**31),
        "date": st.integers(1, 2**31),
        "chat": st.sampled_from([{"id": 5, "type": "private"}, {"id": -7, "type": "group", "title": "G"}]),
    },
    optional=PARTS,
)


DISPATCHER = Dispatcher()
ADAPTER = AiogramAdapter(DISPATCHER)
BOT = Bot("42:TEST")
#: The same with few parts: an album has many messages.
small = st.builds(
    lambda number, part: {"message_id": number, "date": 1, "chat": {"id": 5, "type": "private"}, **part},
    st.integers(1, 2**31),
    st.fixed_dictionaries({}, optional={name: PARTS[name] for name in ("photo", "location", "caption")}),
)


def delivered(message: dict[str, Any], kind: str = "message") -> Delivery:
    """Return a message as aiogram reads it, and as its adapter would hand it on."""
    update = Update.model_validate({"update_id": 1, kind: message})
    return Delivery(None, getattr(update, kind), (update, {"bot": BOT}), ADAPTER)


def outcome(spec: Any, delivery: Delivery) -> Any:
    """Return the value, or the ``Retry``; anything else that is raised passes."""
    question = question_for(spec)
    if delivery.facts.kind not in question.kinds:
        return None
    try:
        value = question.parse(delivery)
        return asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value
    except Retry as retry:
        assert str(retry)
        return retry


async def _awaited(value: Any) -> Any:
    return await value


@settings(max_examples=60, deadline=None)
@given(messages, st.sampled_from(["message", "channel_post", "business_message"]))
def test_nothing_but_retry_leaves_a_question(message: dict[str, Any], kind: str) -> None:
    """Each question makes something of any message, or says what is wrong."""
    delivery = delivered(message, kind)
    for spec in SPECS:
        outcome(spec, delivery)


@settings(max_examples=60, deadline=None)
@given(messages, st.sampled_from(["message", "channel_post", "business_message", "edited_message"]))
def test_the_text_is_the_same_with_and_without_facts(message: dict[str, Any], kind: str) -> None:
    """What is written in an update does not depend on whether anything else was read of it before."""
    text, delivery = delivered(message, kind).text, delivered(message, kind)

    assert text == delivery.facts.text == delivery.text


@given(texts)
def test_values_are_of_the_type_that_was_asked_for(text: str) -> None:
    """What comes of a text is of the right type, or it is asked for again."""
    delivery = delivered({"message_id": 1, "date": 1, "chat": {"id": 5, "type": "private"}, "text": text})
    for kind in (str, int, float, Decimal, bool, date, datetime, time, timedelta, Size, Email, Phone, Url):
        got = outcome(kind, delivery)

        assert isinstance(got, Retry) or type(got) is kind


@settings(max_examples=30, deadline=None)
@given(st.lists(small, min_size=1, max_size=4))
def test_albums_of_anything_are_taken_or_asked_for_again(album: list[dict[str, Any]]) -> None:
    """Whatever comes together makes an album of what was asked for, in the order of the messages, or none."""
    deliveries = [delivered(one) for one in album]
    try:
        got = Album(Photo | Location).parse_album(deliveries)
    except Retry as retry:
        assert str(retry)
    else:
        ids = [one.message.message_id for one in got]
        assert ids == sorted(ids)
        assert len(got) == len(album)


@given(st.none() | texts)
def test_clicks_with_any_data_are_taken_or_asked_for_again(data: str | None) -> None:
    """A click is the one that is waited for, or it is not."""
    click = {"id": "1", "from": {"id": 5, "is_bot": False, "first_name": "Ann"}, "chat_instance": "1", "data": data}
    got = outcome(Click("a"), delivered(click, "callback_query"))

    assert isinstance(got, Click) is (data == "a")
