"""What ``aiostep.sync`` has of menus and streams that no other bot has: threads, and generators without."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from telebot.types import Message

from aiostep import BadArgument, Photo, WouldDeadlock, field, sync
from tests.telebot.threads import Stage, blocking, echo

pytestmark = pytest.mark.anyio


@dataclass
class Order:
    item: str = field("What?")


@pytest.fixture(params=[True, False], ids=["threads", "no threads"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Give a stage, with and without workers."""
    async with AsyncExitStack() as stack:
        stage = Stage(stack, blocking, threaded=request.param)
        await stage.open()
        yield stage
    assert stage.errors == []
    assert stage.world.violations == []


@pytest.fixture
async def threads() -> AsyncIterator[Stage]:
    """Give a stage with workers, which may block."""
    async with AsyncExitStack() as stack:
        stage = Stage(stack, blocking, threaded=True)
        await stage.open()
        yield stage
    assert stage.errors == []


async def test_a_thread_goes_through_a_stream(threads: Stage) -> None:
    """A ``for`` loop gets what comes, also what came while it was busy, and ends at the limit."""
    bot, alice = threads.bot(), threads.world.person("Alice")

    @bot.message_handler(commands=["listen"])
    def listen(message: Message) -> None:
        with sync.stream(limit=2) as updates:
            bot.send_message(message.chat.id, "listening")
            heard = [update.text for update in updates]
        with sync.stream(Photo, timeout=0.05) as photos:
            heard += [photo.caption for photo in photos]
        bot.send_message(message.chat.id, f"heard {heard}")

    echo(bot)
    async with threads.run(bot):
        alice.send("/listen")
        await alice.expect("listening")
        alice.send("a")
        alice.send("b")
        await alice.expect(r"^heard \['a', 'b'\]$")
        alice.send("c")
        await alice.expect("^other:c$")


async def test_a_generator_yields_for_a_stream(stage: Stage) -> None:
    """It cannot hand its thread back in a ``for`` loop, and is told how to write it; yielding ``next()`` does."""
    bot, alice = stage.bot(), stage.world.person("Alice")

    @bot.message_handler(commands=["listen"])
    @sync.conversation
    def listen(message: Message) -> sync.Questions:
        heard: list[Any] = []
        with sync.stream(limit=2) as updates:
            try:
                heard += list(updates)
            except WouldDeadlock as error:
                bot.send_message(message.chat.id, str(error))
            update: Any
            while (update := (yield updates.next())) is not None:
                heard.append(update.text)
        bot.send_message(message.chat.id, f"heard {heard}")

    async with stage.run(bot):
        alice.send("/listen")
        await alice.expect("while .update := .yield updates.next")
        alice.send("a")
        alice.send("b")
        await alice.expect(r"^heard \['a', 'b'\]$")


async def test_a_generator_asks_by_menus(stage: Stage) -> None:
    """Every kind of question can be yielded, and none takes a thread."""
    bot, alice = stage.bot(), stage.world.person("Alice")

    @bot.message_handler(commands=["order"])
    @sync.conversation
    def order(message: Message) -> sync.Questions:
        size = yield sync.choose("size?", {"S": "Small", "L": "Large"}, check=lambda size: size == "L" or "Sold out.")
        extras = yield sync.choose_many("extras?", ["a", "b"])
        sure = yield sync.confirm("sure?")
        filled = yield sync.fill(Order, review=False)
        bot.send_message(message.chat.id, f"{size} {extras} {sure} {filled.item}")

    async with stage.run(bot):
        alice.send("/order")
        await alice.expect("size")
        await alice.click("Small")
        await alice.expect("^Sold out")
        await alice.click("Large")
        await alice.expect("extras")
        await alice.click("b")
        await alice.click("Done")
        await alice.expect("sure")
        await alice.click("Yes")
        await alice.expect("What")
        alice.send("tea")
        await alice.expect(r"^L \['b'\] True tea$")


async def test_a_slow_check_holds_nobody_up(threads: Stage) -> None:
    """While one person's answer is looked at, others are asked and answered."""
    bot, looked = threads.bot(), threading.Event()
    alice, bob = threads.world.person("Alice"), threads.world.person("Bob")

    def check(answer: str) -> bool:
        return answer != "slow" or looked.wait(10)

    @bot.message_handler(commands=["ask"])
    def ask(message: Message) -> None:
        answer = sync.choose("which?", ["slow", "quick"], check=check)
        bot.send_message(message.chat.id, f"got {answer}")

    async with threads.run(bot):
        alice.send("/ask")
        await alice.expect("which")
        alice.send("slow")
        bob.send("/ask")
        await bob.expect("which")
        bob.send("quick")
        await bob.expect("^got quick$")
        looked.set()
        await alice.expect("^got slow$")


@pytest.mark.parametrize("name", ["choose", "choose_many", "confirm", "fill"])
def test_async_functions_are_refused(name: str) -> None:
    """There is no event loop that could await them."""

    async def late(*args: Any) -> Any: ...

    arguments: dict[str, Any] = {"choose": ("x?", ["a"]), "choose_many": ("x?", ["a"]), "confirm": ("x?",)}
    with pytest.raises(BadArgument, match="a plain function: there is no event loop"):
        getattr(sync, name)(*arguments.get(name, (Order,)), retry=late)
