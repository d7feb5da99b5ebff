"""What is awaited inside of a durable conversation is what it is outside, in each framework, also after a restart."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from aiostep_core import Album, Click, Location, Photo, ask, choose_many, fill, next_step, wait_for
from aiostep_core.durable.flows import durable
from aiostep_core.named import step
from aiostep_testing.contract.context import Ctx
from aiostep_testing.contract.stage import Stage
from aiostep_testing.harnesses.aiogram import AiogramHarness
from aiostep_testing.harnesses.ptb import PtbHarness
from aiostep_testing.harnesses.telebot import AsyncTelebotHarness, ThreadedTelebotHarness

playing: list[Stage] = []
got: list[Any] = []


async def say(update: Any, text: str, *buttons: str) -> None:
    await Ctx(playing[-1].harness, update).say(text, *buttons)


@pytest.fixture(params=[AiogramHarness, PtbHarness, AsyncTelebotHarness, ThreadedTelebotHarness])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Give a stage for each kind of bot."""
    stage = Stage(request.param, "in process")
    playing[:], got[:] = [stage], []
    yield stage
    playing.clear()


@dataclasses.dataclass
class Order:
    name: str
    picture: Photo


@durable("inside.values")
async def values(update: Any, *_: Any) -> None:
    photo = await ask("photo?", Photo)
    album = await ask("album?", Album(Photo))
    await say(update, "either?")
    place = await wait_for(Photo | Location)
    await say(update, "click?", "yes")
    click = await wait_for(Click())
    many = await choose_many("which?", ["ham", "egg"], min=1)
    order = await fill(Order, review=False)
    captions = (photo.caption, order.picture.caption)
    got.append((captions, len(album), place, click.data, many, order.name))
    await say(update, "done")


@pytest.mark.parametrize("restarts", [False, True])
def test_values_of_any_kind(stage: Stage, restarts: bool) -> None:
    """Media, albums, clicks, check marks and forms come to the same values, whenever the process ends."""

    async def play() -> None:
        async def again() -> None:
            await stage.waiting()
            if restarts:
                await stage.restart()

        alice = stage.alice
        await stage.start_durable(values)
        await stage.tell(alice, "/values", "photo?")
        await again()
        alice.photo("mine")
        await stage.tell(alice, None, "album?")
        await again()
        alice.album(3)
        await stage.tell(alice, None, "either?")
        await again()
        alice.location(1.5, 2.5)
        await stage.tell(alice, None, "click?")
        await again()
        stage.click(alice, "yes")
        await stage.tell(alice, None, "which?")
        await again()
        stage.click(alice, "egg")
        await stage.until(lambda: stage.calls("editMessageReplyMarkup"), "a check mark")
        await again()
        stage.click(alice, "Done")
        await stage.said(alice)
        await again()
        alice.send("Ann")
        await stage.said(alice)
        await again()
        alice.photo("hers")
        await stage.tell(alice, None, "done")

    stage.play(play())
    ((captions, count, place, click, many, name),) = got
    assert (captions, count, click, many, name) == (("mine", "hers"), 3, "yes", ["egg"], "Ann")
    assert (place.latitude, place.longitude, place.native.latitude) == (1.5, 2.5, 1.5)


@step("inside.later")
async def later(update: Any, *_: Any) -> None:
    await say(update, "later")


@step("inside.later_without_loop")
def later_without_loop(message: Any) -> None:
    playing[-1].harness.bot.send_message(message.chat.id, "later")  # type: ignore[attr-defined]


@durable("inside.stepping")
async def stepping(update: Any, *_: Any) -> None:
    is_looped = not isinstance(playing[-1].harness, ThreadedTelebotHarness)
    await next_step(later if is_looped else later_without_loop)
    name = await ask("name?", str)
    await say(update, f"hello {name}")


@pytest.mark.parametrize("restarts", [False, True])
def test_a_next_step_is_registered_once(stage: Stage, restarts: bool) -> None:
    """The step runs with the message after the conversation; a replay does not register it again."""

    async def play() -> None:
        await stage.start_durable(stepping)
        await stage.tell(stage.alice, "/stepping", "name?")
        if restarts:
            await stage.restart()
        await stage.tell(stage.alice, "Ann", "hello Ann")
        if restarts:
            await stage.restart()
        await stage.tell(stage.alice, "hm", "later")
        await stage.passes(stage.alice)

    stage.play(play())
