"""``fill``: forms from classes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import annotated_types as at
import attrs
import msgspec
import pydantic
import pytest
from aiogram.filters import Command
from aiogram.types import Message

from aiostep import Asks, BadArgument, field, fill
from tests.aiogram.bots import echo
from tests.aiogram.stage import Stage, until

pytestmark = pytest.mark.anyio


class Size(Enum):
    SMALL = "Small"
    LARGE = "Large"


@dataclass
class Order:
    item: Literal["tea", "coffee"] = field("What would you like?")
    quantity: Annotated[int, at.Interval(ge=1, le=9)] = field("How many?")
    size: Size = field("Which size?", when=lambda so_far: so_far["item"] == "coffee", default=Size.SMALL)
    extras: list[Literal["milk", "sugar"]] = field("With what?", default_factory=list)
    note: str | None = field("Anything else?", default=None)


def filler(stage: Stage, *args: Any, **options: Any) -> Any:
    """Make a bot that has people fill a form, and says what came of it."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        got = await fill(*args, **options)
        await message.answer(f"got {got!r}")

    echo(dp)
    return dp


async def test_a_form_is_filled(stage: Stage) -> None:
    """Each field is asked for as its annotation says; a field that does not apply is left out; the review corrects."""
    dp, alice = filler(stage, Order), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("1 of 5\nWhat would you like")
        await alice.click("coffee")
        await alice.expect("2 of 5\nHow many")
        alice.send("12")
        await alice.expect("up to 9")
        alice.send("2")
        await alice.expect("3 of 5\nWhich size")
        await alice.click("Back")
        await alice.expect("2 of 5\nHow many")
        alice.send("3")
        await alice.expect("Which size")
        await alice.click("Large")
        await alice.expect("With what")
        await alice.click("sugar")
        await alice.click("Done")
        await alice.expect("5 of 5\nAnything else")
        await alice.click("Skip")
        await alice.expect("Item: coffee\nQuantity: 3\nSize: Large\nExtras: sugar\nNote: —\n\nIs everything right")
        await alice.click("Item")
        await alice.expect("What would you like")
        await alice.click("tea")
        await alice.expect("Item: tea\nQuantity: 3\nExtras: sugar\nNote: —")
        await alice.click("Everything is right")
        got = Order("tea", 3, Size.SMALL, ["sugar"], None)
        await alice.expect(re.escape(f"got {got}"))


class Model(pydantic.BaseModel):
    name: str = pydantic.Field(description="Your name?")
    first: int = pydantic.Field(ge=1, description="From?")
    last: int = pydantic.Field(default=5, description="To?")

    @pydantic.model_validator(mode="after")
    def in_order(self) -> Any:
        if self.first > self.last:
            raise ValueError("the first comes after the last")
        return self


@attrs.define
class Attrs:
    name: str = attrs.field(metadata={"ask": "Your name?"})
    first: Annotated[int, Asks("From?"), at.Ge(1)]
    last: Annotated[int, Asks("To?")] = 5


class Struct(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(description="Your name?")]
    first: Annotated[int, msgspec.Meta(ge=1, description="From?")]
    last: Annotated[int, Asks("To?")] = 5


@pytest.mark.parametrize("kind", [Model, Attrs, Struct])
async def test_any_class_with_fields_is_a_form(stage: Stage, kind: Any) -> None:
    """pydantic, attrs and msgspec say in their own ways what is asked and what is allowed."""
    dp, alice = filler(stage, kind, review=False, progress=False), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("^Your name")
        alice.send("Ann")
        await alice.expect("^From")
        alice.send("0")
        await alice.expect("from 1 upwards")
        alice.send("3")
        await alice.expect("^To")
        alice.send("skip")
        await alice.expect(r"got \w+\(name='Ann', first=3, last=5\)")


async def test_answers_that_do_not_go_together_are_corrected(stage: Stage) -> None:
    """What the class says about them stands above the review, where one of them can be changed."""
    dp, alice = filler(stage, Model, initial={"name": "Ann"}), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("2 of 3\nFrom")
        alice.send("9")
        await alice.expect("To")
        await alice.click("Skip")
        await alice.expect("^Name: Ann\nFirst: 9")
        await alice.click("Everything is right")
        await alice.expect("the first comes after the last\n\nName: Ann")
        await alice.click("First")
        await alice.expect("From")
        alice.send("4")
        await alice.expect("^Name: Ann\nFirst: 4")
        await alice.click("Everything is right")
        await alice.expect("got Model.name='Ann' first=4 last=5|got Model")


async def test_a_field_nobody_knows_is_refused_before_the_first_question(stage: Stage) -> None:
    """The error names the field, and nothing was asked."""

    @dataclass
    class Bad:
        name: str
        thing: dict[str, int]

    dp, alice = filler(stage, Bad), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await until(lambda: stage.errors)
    error = stage.errors.pop()
    assert isinstance(error, BadArgument)
    assert "Bad.thing is dict[str, int]" in str(error)


async def test_a_filled_form_is_not_lost_to_chatter(stage: Stage) -> None:
    """A form asks until it is answered, and what names no button of its last page counts as no attempt at all."""
    dp, alice = filler(stage, Model, attempts=2), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("Your name")
        for text in ("Ann", "3", "5"):
            alice.send(text)
        await alice.expect("Is everything right")
        for _ in range(4):
            alice.send("Thanks!")
            await alice.expect("choose one of these: Name, First, Last, Everything is right")
        alice.send("yes")
        await alice.expect("got Model")


async def test_a_form_gives_up_only_where_that_was_asked_for(stage: Stage) -> None:
    """Without ``attempts=`` no bad answer is the last one: a form that ends in silence takes all its answers along."""
    dp, alice = filler(stage, Model, review=False), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("Your name")
        alice.send("Ann")
        await alice.expect("From")
        for _ in range(4):
            alice.send("a lot")
            await alice.expect("whole number")
        alice.send("3")
        await alice.expect("To")


async def test_what_came_before_the_last_page_confirms_nothing(stage: Stage) -> None:
    """A word that means yes is one to the answers that are shown, not to a question before them."""
    dp, alice = filler(stage, Model), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("Your name")
        for text in ("Ann", "3", "5", "yes"):
            alice.send(text)
        await alice.expect("Is everything right")
        await alice.click("Everything is right")
        await alice.expect("got Model")
