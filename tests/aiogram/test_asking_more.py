"""Albums as one answer, streams, one of several kinds, and what escapes a question."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import F
from aiogram.exceptions import TelegramRetryAfter
from aiogram.filters import Command
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

from aiostep import Album, Click, Location, Photo, Scope, ask, between, stream, wait_for
from tests.aiogram.bots import echo
from tests.aiogram.stage import Stage, until

pytestmark = pytest.mark.anyio


async def test_an_album_is_one_answer(stage: Stage) -> None:
    """All photos come, in the order in which they are shown; what is written right after is the next answer."""
    dp, alice = stage.dispatcher(), stage.world.person("Alice")

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        photos = await ask("photos?", Album(Photo, max=3), retry="no: {problem}")
        name = await ask("name?", str)
        await message.answer(f"got {len(photos)} {photos[0].caption} {name}")

    echo(dp)
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("photos")
        alice.album(4)
        await alice.expect("^no: Please send at most 3")
        alice.album(3, "Room")
        alice.send("Ann")
        await alice.expect("^got 3 Room Ann$")


async def test_one_photo_is_an_album_too(stage: Stage) -> None:
    """A single photo is a list of one, at once."""
    dp, alice = stage.dispatcher(), stage.world.person("Alice")

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer(f"got {len(await ask('photos?', Album(Photo)))}")

    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("photos")
        alice.photo()
        await alice.expect("^got 1$")


async def test_a_stream_loses_nothing(stage: Stage) -> None:
    """What comes while the loop is busy waits for its next turn; what does not pass the filter goes on."""
    dp, alice, bob = stage.dispatcher(), stage.world.person("Alice"), stage.world.person("Bob")
    group = stage.world.group("G", members=[alice, bob])

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        async with stream(scope=Scope.CHAT, filter=F.text.isdigit(), limit=4) as guesses:
            await message.answer("guess")
            async for guess in guesses:
                await message.answer(f"{guess.from_user.first_name}: {guess.text}")
        await message.answer("over")

    echo(dp)
    async with stage.run(dp):
        alice.send("/start", to=group)
        await alice.expect("guess", in_=group)
        for person, text in ((alice, "1"), (bob, "2"), (bob, "two"), (alice, "3"), (bob, "4")):
            person.send(text, to=group)
        for heard in ("Alice: 1", "Bob: 2", "Alice: 3", "Bob: 4", "over"):
            await alice.expect(f"^{heard}$", in_=group)


async def test_one_of_several_kinds(stage: Stage) -> None:
    """A wait for several kinds returns a value of the one that came, and lets everything else pass."""
    dp, alice = stage.dispatcher(), stage.world.person("Alice")
    skip = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Skip", callback_data="skip")]])

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer("where?", reply_markup=skip)
        got: Any = await wait_for(Photo | Location | Click("skip"))
        match got:
            case Photo():
                await message.answer("a photo")
            case Location():
                await message.answer(f"at {got.latitude:.0f}")
            case Click():
                await message.answer("skipped")
            case _:
                raise AssertionError(got)

    echo(dp)
    async with stage.run(dp):
        for act, heard in ((lambda: alice.location(52, 13), "^at 52$"), (lambda: alice.click("Skip"), "^skipped$")):
            alice.send("/start")
            await alice.expect("where")
            alice.send("home")
            await alice.expect("home")
            act()
            await alice.expect(heard)


async def test_what_escapes_is_handled_elsewhere(stage: Stage) -> None:
    """A filter names what other handlers keep; the question stands."""
    dp, alice = stage.dispatcher(), stage.world.person("Alice")

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        age = await ask("age?", int, escape=F.text == "help", check=between(7, 120))
        await message.answer(f"got {age}")

    @dp.message(F.text == "help")
    async def helping(message: Message) -> None:
        await message.answer("A number.")

    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("age")
        alice.send("help")
        await alice.expect("^A number")
        alice.send("6")
        await alice.expect("from 7 upwards")
        alice.send("7")
        await alice.expect("^got 7$")


@pytest.mark.parametrize("times", [1, 2])
async def test_a_middleware_waits_instead(stage: Stage, times: int) -> None:
    """A middleware that tries again comes first, and what it gives up after it has waited is not waited for again."""
    dp, alice, said = stage.dispatcher(), stage.world.person("Alice"), list[str]()

    async def persistent(make_request: Any, bot: Any, method: Any) -> Any:
        try:
            return await make_request(bot, method)
        except TelegramRetryAfter as error:
            await asyncio.sleep(error.retry_after)
            return await make_request(bot, method)

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        try:
            said.append(await ask("name?", str))
        except TelegramRetryAfter as error:
            said.append(type(error).__name__)

    stage.bot.session.middleware(persistent)
    async with stage.run(dp):
        stage.world.faults.add("sendMessage", status=429, retry_after=1, times=times)
        alice.send("/start")
        if times == 1:
            await alice.expect("^name")
            alice.send("Ann")
        await until(lambda: said)

    assert said == ["Ann" if times == 1 else "TelegramRetryAfter"]
    assert len(stage.calls("sendMessage")) == 2
