"""``choose``, ``choose_many`` and ``confirm``."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram.filters import Command
from aiogram.types import Message

from aiostep import choose, choose_many, confirm
from tests.aiogram.bots import echo
from tests.aiogram.stage import Stage, until

pytestmark = pytest.mark.anyio


def chooser(stage: Stage, function: Any, *args: Any, **options: Any) -> Any:
    """Make a bot that lets people choose, and says what they chose."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        got = await function(*args, **options)
        await message.answer(f"got {got!r}")

    echo(dp)
    return dp


async def test_one_is_chosen_by_a_click(stage: Stage) -> None:
    """A click is the answer; it is answered, and the buttons go away."""
    dp, alice = chooser(stage, choose, "size?", {"S": "Small", "L": "Large"}), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        question = await alice.expect("size")
        await alice.click("Large")
        await alice.expect("^got 'L'$")
        shown = alice.chat_of(question).messages[question["message_id"]]
        await until(lambda: "reply_markup" not in shown)
    assert not stage.engine.buttons  # type: ignore[union-attr]


async def test_one_is_chosen_by_its_name(stage: Stage) -> None:
    """Who writes an option has chosen it; who writes something else is told what there is, with the buttons."""
    dp, alice = chooser(stage, choose, "size?", ["S", "L"]), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("size")
        alice.send("M")
        await alice.expect("Please choose one of these: S, L.")
        alice.send("l")
        await alice.expect("^got 'L'$")


async def test_pages_are_turned(stage: Stage) -> None:
    """Of many options a few are shown, and buttons turn the pages."""
    dp, alice = chooser(stage, choose, "n?", list(range(20)), page_size=6, columns=3), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("n?")
        await alice.click("▶")
        await alice.click("2/4")
        await alice.click("▶")
        await alice.click("▶")
        await alice.click("19")
        await alice.expect("^got 19$")


async def test_several_are_chosen(stage: Stage) -> None:
    """Clicks put check marks and take them away; "Done" counts them."""
    dp = chooser(stage, choose_many, "what?", ["a", "b", "c"], min=1, max=2)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("what")
        assert (await alice.click("Done"))["text"] == "Please choose at least 1."
        await alice.click("a")
        await alice.click("c")
        assert (await alice.click("b"))["text"] == "Please choose at most 2."
        await alice.click("✓ a")
        await alice.click("b")
        await alice.click("Done")
        await alice.expect(r"^got \['b', 'c'\]$")


async def test_yes_or_no(stage: Stage) -> None:
    """A confirmation has two buttons, in the person's language, and takes words for them."""
    dp, alice = chooser(stage, confirm, "sure?"), stage.world.person("Alice", language_code="de")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("sure")
        await alice.click("Nein")
        await alice.expect("^got False$")
        alice.send("/start")
        await alice.expect("sure")
        alice.send("Ok.")
        await alice.expect("^got True$")


async def test_old_buttons_say_so(stage: Stage) -> None:
    """A button of a question that is over says that, and is never the answer."""
    dp, alice = chooser(stage, choose, "size?", ["S", "L"]), stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        first = dict(await alice.expect("size"))
        alice.send("S")
        await alice.expect("^got 'S'$")
        assert (await alice.click("L", on=first))["text"] == "This button does not work any more."
