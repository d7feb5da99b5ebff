"""T08: an album is one answer, though it comes as many updates."""

from __future__ import annotations

import pytest
from aiogram.filters import Command
from aiogram.types import Message

from aiostep import ask
from aiostep_testing.people import Person
from tests.aiogram.bots import echo
from tests.aiogram.stage import Stage

pytestmark = pytest.mark.anyio


def said(person: Person) -> list[str]:
    """List what the bot said."""
    return [line.removeprefix("test_bot: ") for line in person.seen() if line.startswith("test_bot: ")]


@pytest.mark.parametrize("count", [2, 4])
async def test_an_album_is_one_answer(stage: Stage, count: int) -> None:
    """T08: the other photos of an album reach neither another handler nor the next question."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        photo = await ask("photo?")
        name = await ask("name?", str)
        await message.answer(f"{photo.caption} by {name}")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("photo")
        alice.album(count, "sunset")
        await alice.expect("name")
        alice.send("Ann")
        await alice.expect("^sunset by Ann$")
        await alice.expect_nothing()

    assert said(alice) == ["photo?", "name?", "sunset by Ann"]


async def test_an_album_sent_too_early_is_one_answer_too(stage: Stage) -> None:
    """T08: an album that waits in the mailbox is read as one answer."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        name = await ask("name?", str)
        photo = await ask("photo?")
        last = await ask("last?", str)
        await message.answer(f"{photo.caption} by {name}, {last}")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        alice.album(3, "sunset")
        alice.send("end")
        await alice.expect("^sunset by Ann, end$")
        await alice.expect_nothing()

    assert said(alice) == ["name?", "photo?", "last?", "sunset by Ann, end"]


async def test_an_album_that_begins_a_conversation_is_no_answer(stage: Stage) -> None:
    """T08: the other photos of the album whose first one led to the question do not answer it."""
    dp, started = stage.dispatcher(), []

    async def is_photo(message: Message) -> bool:
        return bool(message.photo)

    @dp.message(is_photo)
    async def start(message: Message) -> None:
        started.append(message.caption)
        await message.answer(f"called {await ask('title?', str)}")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.album(4, "sunset")
        await alice.expect("title")
        alice.send("Evening")
        await alice.expect("^called Evening$")
        await alice.expect_nothing()

    assert said(alice) == ["title?", "called Evening"]

    assert started == ["sunset"]
