"""Values come back from their texts as they were, or are refused before."""

from __future__ import annotations

import collections
import json
import math
import sys
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, Flag, IntEnum, auto
from typing import Any, NamedTuple, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiostep_core.errors import BadArgument, NotStorable, StorageDamaged
from aiostep_core.storages import values as values_module
from aiostep_core.storages.storable import StorableTypes
from aiostep_core.storages.values import VALUES, Codec, Values

TYPES = StorableTypes()
CODEC = Values(TYPES)


@TYPES.storable("colour")
class Colour(Enum):
    RED = "r"
    GREEN = "g"


@TYPES.storable("rights")
class Rights(Flag):
    READ = auto()
    WRITE = auto()


@TYPES.storable("level")
class Level(IntEnum):
    LOW = 1
    HIGH = 2


@TYPES.storable("point")
class Point(NamedTuple):
    x: int
    y: Any = None


@TYPES.storable("order")
@dataclass(frozen=True, slots=True)
class Order:
    name: str
    items: Any = ()
    total: int = field(init=False, default=0)


@TYPES.storable("attrs")
@attrs.frozen
class Crate:
    _label: str
    content: Any = None


@TYPES.storable("struct")
class Parcel(msgspec.Struct):
    to: str
    weight: Any = 0


@TYPES.storable("model")
class Person(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    name: str = pydantic.Field(alias="fullName")
    born: date | None = None
    _seen: int = pydantic.PrivateAttr(default=0)


class Word(str):
    __slots__ = ("spoken",)


TYPES.storable("word", Word, dump=str, load=Word)

ZONES = st.one_of(
    st.none(),
    st.sampled_from([ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "UTC", "Asia/Tehran")]),
    st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone),
    st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23)), st.text(max_size=5)),
)
TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)
SIMPLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(10**400), max_value=10**400),
    st.floats(allow_nan=False),
    TEXTS,
    st.just("$t"),
    st.binary(max_size=8),
    st.datetimes(timezones=ZONES, allow_imaginary=True),
    st.dates(),
    st.times(timezones=ZONES),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.sampled_from([*Colour, *Level, Rights.READ, Rights.READ | Rights.WRITE, Rights(0)]),
    TEXTS.map(Word),
    st.builds(Point, st.integers(), TEXTS),
)
HASHABLE = st.recursive(
    SIMPLE, lambda inner: st.one_of(st.tuples(inner, inner), st.frozensets(inner, max_size=3)), max_leaves=4
)
ANY = st.recursive(
    st.one_of(SIMPLE, st.binary(max_size=4).map(bytearray)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.sets(HASHABLE, max_size=3),
        st.dictionaries(HASHABLE, inner, max_size=3),
        st.dictionaries(st.one_of(TEXTS, st.just("$t")), inner, max_size=3),
        st.builds(Order, TEXTS, inner),
        st.builds(Crate, TEXTS, inner),
        st.builds(Parcel, TEXTS, inner),
        st.builds(Person, fullName=TEXTS, born=st.none() | st.dates(), more=inner),
    ),
    max_leaves=8,
)


def shape(value: Any) -> Any:
    """Describe a value so that equal descriptions mean the same value of the same types at every depth."""
    if isinstance(value, float):
        return (type(value), repr(value))
    if isinstance(value, dict):
        return (type(value), [(shape(key), shape(one)) for key, one in value.items()])
    if isinstance(value, (set, frozenset)):
        return (type(value), sorted(repr(shape(one)) for one in value))
    if type(value) in (list, tuple, Point):
        return (type(value), [shape(one) for one in value])
    if isinstance(value, (datetime, time)):
        return (type(value), value.replace(tzinfo=None).isoformat(), value.fold, zone_shape(value.tzinfo))
    if isinstance(value, (Order, Crate, Parcel, Person)):
        names: dict[type[Any], Any] = {Order: ("name", "items"), Crate: ("_label", "content"), Parcel: ("to", "weight")}
        parts = [getattr(value, name) for name in names.get(type(value), ("name", "born", "model_extra"))]
        return (type(value), [shape(one) for one in parts])
    return (type(value), repr(value))


def zone_shape(zone: tzinfo | None) -> Any:
    """Describe a time zone."""
    return zone.key if isinstance(zone, ZoneInfo) else (zone, zone.tzname(None) if zone is not None else None)


@given(ANY)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    """The law: equal, and of the same types at every depth."""
    back = CODEC.decode(CODEC.encode(value))

    assert shape(back) == shape(value)
    assert back == value


@given(ANY)
def test_a_copy_is_what_would_come_back(value: Any) -> None:
    """Copying is the short way through the text."""
    assert shape(CODEC.copy(value)) == shape(value)


@given(ANY)
def test_texts_do_not_depend_on_msgspec(value: Any) -> None:
    """What is written with msgspec at hand is read without it, and the other way round."""
    text = CODEC.encode(value)

    assert shape(json.loads(text)) == shape(values_module._untagged_reader()(text))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e16, 1e308])
def test_unusual_floats_come_back(value: float) -> None:
    """JSON has no word for some floats."""
    assert repr(VALUES.decode(VALUES.encode([value]))[0]) == repr(value)


def test_decimals_that_are_no_numbers_come_back() -> None:
    """Of decimals not even the signalling ones are lost."""
    for text in ("NaN", "sNaN", "-Infinity", "-0.00", "1E+5"):
        assert str(VALUES.decode(VALUES.encode(Decimal(text)))) == text


def test_surrogates_stay_apart() -> None:
    """Two halves of a character that lie side by side do not become one."""
    value = {"\ud83d\ude00": ["\ud83d", "\ude00", "\0", "😀"]}

    assert VALUES.decode(VALUES.encode(value)) == value


def test_equal_sets_are_equal_texts() -> None:
    """The order in which a set was filled does not show."""
    one, other = (
        set(range(0, 24, 8)),
        set(range(16, -8, -8)),
    )  # which collide, so that each comes in the order it was filled

    assert list(one) != list(other)
    assert VALUES.encode(one) == VALUES.encode(other)


def test_nothing_that_was_put_in_is_handed_out() -> None:
    """A copy shares nothing that can be changed."""
    value: dict[str, Any] = {"list": [[1]], "set": {1}, "bytes": bytearray(b"x"), "parcel": Parcel("a", [1])}

    copied = CODEC.copy({"outer": (value,)})["outer"][0]
    value["list"][0].append(2)
    value["set"].add(2)
    value["bytes"].append(2)
    value["parcel"].weight.append(2)

    assert copied == {"list": [[1]], "set": {1}, "bytes": bytearray(b"x"), "parcel": Parcel("a", [1])}


class Text(str):
    __slots__ = ()


class Colourless(Enum):
    GREY = 1


class Pair(NamedTuple):
    left: int


class OtherZone(tzinfo):
    def utcoffset(self, dt: datetime | None) -> timedelta:
        return timedelta(hours=1)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        object,
        len,
        lambda: None,
        1j,
        Text("x"),
        Colourless.GREY,
        Pair(1),
        collections.OrderedDict(a=1),
        collections.defaultdict(list),
        collections.Counter("ab"),
        True.__class__.__mro__,
        iter(()),
        {1: 2}.keys(),
        range(3),
        memoryview(b"x"),
        datetime(2030, 1, 1, tzinfo=cast(Any, OtherZone)()),
        Exception("x"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_would_not_come_back_is_refused(value: object) -> None:
    """Nothing is changed silently, neither into its base class nor into its text."""
    for write in (VALUES.encode, VALUES.copy):
        with pytest.raises(NotStorable) as caught:
            write({"a": [1, 2, 3, value]}, "data")
        assert str(caught.value).startswith('data["a"][3]')


def test_the_error_says_where_and_what_to_do() -> None:
    """The path leads to the culprit, and the class is named."""
    with pytest.raises(NotStorable) as caught:
        VALUES.encode({"a": ({5: [Text("x")]},)}, "data")

    assert caught.value.path == 'data["a"][0][5][0]'
    assert f"{__name__}.Text cannot be stored" in str(caught.value)
    assert "convert it to a plain str, or register" in str(caught.value)


@pytest.mark.parametrize("write", [VALUES.encode, VALUES.copy])
def test_the_path_shows_keys_members_and_fields(write: Any) -> None:
    """A culprit may also be a key, in a set, or in a registered instance."""
    odd = Text("x")
    with pytest.raises(NotStorable, match=r"^data key 'x': "):
        write({odd: 1}, "data")
    with pytest.raises(NotStorable, match=r'^data\["a"\]\{\.\.\.\}: '):
        write({"a": {odd}}, "data")

    with pytest.raises(NotStorable, match=r'^data\["a"\]\.Order\["items"\]\[0\]: '):
        (CODEC.encode if write == VALUES.encode else CODEC.copy)({"a": Order("x", [odd])}, "data")


@pytest.mark.parametrize("write", [VALUES.encode, VALUES.copy])
def test_a_value_that_contains_itself_is_refused(write: Any) -> None:
    """Recursion ends in a short error, not in a stack overflow."""
    loop: dict[str, Any] = {}
    loop["again"] = [loop]

    with pytest.raises(NotStorable, match=r"contains itself, or is nested deeper than 100") as caught:
        write(loop, "data")
    assert len(str(caught.value)) < 400


def test_depth_is_counted_in_containers() -> None:
    """As deep as allowed is stored, one deeper is not."""
    value: Any = "x"
    for _ in range(100):
        value = [value]

    assert VALUES.decode(VALUES.encode(value)) == value
    with pytest.raises(NotStorable, match="nested deeper"):
        VALUES.encode([value])


def test_a_value_over_the_limit_is_refused() -> None:
    """The error says how large it is and what the limit is; the limit counts bytes."""
    assert VALUES.decode(VALUES.encode("x" * 1_000_000))
    with pytest.raises(NotStorable, match=r"^data: builtins.str .* 10,000,002 bytes and the limit is 1,048,576; "):
        VALUES.encode("x" * 10_000_000, "data")
    with pytest.raises(NotStorable, match="1,200,002 bytes"):
        VALUES.encode("я" * 600_000)

    assert Values(limit=20_000_000).encode("x" * 10_000_000)
    assert Values(limit=10).encode("x" * 8)  # and the two quotes
    assert Values(limit=10).encode("я" * 4)
    for text in ("x" * 9, "я" * 5):
        with pytest.raises(NotStorable):
            Values(limit=10).encode(text)


def test_no_name_from_a_text_is_imported() -> None:
    """A text names only what is registered."""
    for name in ("antigravity.fly", "", "date@", 5):
        with pytest.raises(StorageDamaged, match=r"has the tag .* update aiostep"):
            VALUES.decode(json.dumps({"$t": name, "v": {}}))
    for name in ("@antigravity.fly", "@"):
        with pytest.raises(StorageDamaged, match=r"is of the type .* register its class"):
            VALUES.decode(json.dumps({"$t": name, "v": {}}))
    with pytest.raises(StorageDamaged):
        VALUES.decode(json.dumps({"$t": ["x"], "v": {}}))
    assert "antigravity" not in sys.modules


def test_a_missing_class_is_named_with_the_fix() -> None:
    """Whoever forgot to register a class is told which line is missing."""
    with pytest.raises(StorageDamaged, match=r"'order', which is not known here; .* @storable\('order'\)"):
        VALUES.decode(CODEC.encode(Order("x")))


@pytest.mark.parametrize(
    "text",
    [
        *["", "{", '{"a":', "nope", "[" * 5000, "\ud83d"],
        *['{"$t":"date","v":5}', '{"$t":"date"}', '{"$t":"datetime","v":""}', '{"$t":"bytes","v":"*"}'],
        *['{"$t":"UUID","v":"x"}', '{"$t":"Decimal","v":"x"}', '{"$t":"@colour","v":"BLUE"}', '{"$t":"set","v":[[]]}'],
        '{"$t":"datetime","v":"2030-01-01T00:00:00","zone":"Nowhere/Atlantis"}',
    ],
)
def test_a_text_that_is_not_ours_is_reported(text: str) -> None:
    """Whatever is in a storage, reading it ends in an error of ours."""
    with pytest.raises(StorageDamaged):
        CODEC.decode(text)


def test_fields_that_came_later_have_their_default() -> None:
    """A class may get fields while its instances are stored, if they have defaults."""
    before, after = StorableTypes(), StorableTypes()

    @before.storable("user")
    @dataclass
    class Old:
        name: str

    @after.storable("user")
    @dataclass
    class New:
        name: str
        age: int = 7

    assert Values(after).decode(Values(before).encode(Old("Ann"))) == New("Ann", 7)
    with pytest.raises(StorageDamaged, match="Old has no field 'age' any more; register .* load="):
        Values(before).decode(Values(after).encode(New("Ann")))


def test_a_model_that_lost_its_default_is_reported() -> None:
    """Also pydantic models are checked against what is stored."""
    before, after = StorableTypes(), StorableTypes()

    class Old(pydantic.BaseModel):
        name: str

    class New(pydantic.BaseModel):
        name: str
        age: int

    before.storable("user", Old)
    after.storable("user", New)

    with pytest.raises(StorageDamaged, match="New has a new field 'age' without a default"):
        Values(after).decode(Values(before).encode(Old(name="Ann")))


def test_what_a_model_knows_of_itself_comes_back() -> None:
    """Which fields were set, extra fields and private attributes are part of a model."""
    person = Person.model_validate({"fullName": "Ann", "nick": "A"})
    person._seen = 3

    back = CODEC.decode(CODEC.encode(person))

    assert back == person
    assert (back.model_fields_set, back._seen, back.model_extra) == (person.model_fields_set, 3, {"nick": "A"})


def test_names_are_unique_and_stay() -> None:
    """One name is one class, one class is one name."""
    types = StorableTypes()
    types.storable("a", Colour)
    types.storable("a", Colour)

    with pytest.raises(BadArgument, match="a name that is not taken"):
        types.storable("a", Level)
    with pytest.raises(BadArgument, match="expected 'a'"):
        types.storable("b", Colour)
    for name in ("", None, 5):
        with pytest.raises(BadArgument):
            types.storable(cast(Any, name), Level)


def test_classes_that_nobody_knows_how_to_write_are_refused() -> None:
    """Registering fails, rather than the first user's data."""
    types = StorableTypes()
    for cls in (Text, object, int, 5, "x"):
        with pytest.raises(BadArgument):
            types.storable("x", cast(Any, cls))
    with pytest.raises(BadArgument, match="both dump and load"):
        types.storable("x", Text, dump=str)


def test_only_large_numbers_are_tagged() -> None:
    """What any reader of JSON reads exactly is written as everybody writes it."""
    small = [0, -(2**63), 2**63 - 1]

    assert VALUES.encode(small) == "[0,-9223372036854775808,9223372036854775807]"
    assert all("$t" in VALUES.encode([number]) for number in (2**63, -(2**63) - 1))


def test_a_shallow_codec() -> None:
    """Less depth may be allowed than usual, down to one container."""
    assert Values(depth=1).encode([1]) == "[1]"
    with pytest.raises(NotStorable, match="deeper than 1 levels"):
        Values(depth=1).encode([[1]])


def test_limits_must_be_numbers() -> None:
    """A codec with a limit that means nothing is not made."""
    for limit in (0, -1, "1", 1.5):
        with pytest.raises(BadArgument):
            Values(limit=cast(Any, limit))
    for depth in (0, 101):
        with pytest.raises(BadArgument):
            Values(depth=depth)


def test_the_codec_keeps_its_protocol() -> None:
    """Whatever has these two methods can be passed instead."""
    assert isinstance(VALUES, Codec)


def test_uuids_keep_only_their_number() -> None:
    """A UUID is its number."""
    value = UUID(int=5)

    assert VALUES.decode(VALUES.encode({value: value})) == {value: value}
