"""Level media: albums, and messages that are no text."""

from __future__ import annotations

import asyncio

from .context import Ctx
from .level import Level
from .stage import Stage

__all__ = ["Media"]


async def show(c: Ctx) -> None:
    await c.say("photo?")
    picture = await c.hear()
    await c.say(f"{picture} by {await c.ask('name?')}")


async def start_showing(stage: Stage) -> None:
    stage.alice.send("/show")
    await stage.waiting()
    await stage.tell(stage.alice, None, "photo?")


class Media(Level, level="media"):
    """Promise 11."""

    async def test_a_photo_is_an_answer(self, stage: Stage) -> None:
        """T17: a wait for a message takes one without a text."""
        await stage.start(show)
        await start_showing(stage)
        stage.alice.photo("sunset")
        await stage.tell(stage.alice, None, "name?")
        await stage.tell(stage.alice, "Ann", "sunset by Ann")

    async def test_a_photo_is_no_text(self, stage: Stage) -> None:
        """T17: a question for a text asks again when it gets a photo."""

        async def name(c: Ctx) -> None:
            await c.say(f"hello {await c.ask('name?')}")

        await stage.start(name)
        await stage.tell(stage.alice, "/name", "name?")
        stage.alice.photo()
        await stage.tell(stage.alice, None, "Please answer with a text message.")
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_an_album_is_one_answer(self, stage: Stage) -> None:
        """T08: the other photos of an album reach neither a handler nor the next question."""
        await stage.start(show)
        await start_showing(stage)
        stage.alice.album(4, "sunset")
        await stage.tell(stage.alice, None, "name?")
        await stage.tell(stage.alice, "Ann", "sunset by Ann")
        await stage.passes(stage.alice)

    async def test_an_album_that_trickles_in(self, stage: Stage) -> None:
        """T08: photos that come after the next question was asked are still part of the album."""
        await stage.start(show)
        await start_showing(stage)
        for number in range(3):
            stage.alice.send("sunset" if number == 0 else None, photo=b"a photo", media_group_id="77")
            await asyncio.sleep(0.05)
        await stage.tell(stage.alice, None, "name?")
        await stage.tell(stage.alice, "Ann", "sunset by Ann")
        await stage.passes(stage.alice)

    async def test_two_albums_are_two_answers(self, stage: Stage) -> None:
        """T08: albums are told apart."""

        async def both(c: Ctx) -> None:
            await c.say("two albums?")
            await c.say(f"{await c.hear()} and {await c.hear()}")

        await stage.start(both)
        stage.alice.send("/both")
        await stage.waiting()
        await stage.tell(stage.alice, None, "two albums?")
        stage.alice.album(2, "one")
        stage.alice.album(3, "two")
        await stage.tell(stage.alice, None, "one and two")
        await stage.passes(stage.alice)

    async def test_an_album_while_the_handler_is_busy(self, stage: Stage) -> None:
        """T08: an album that is kept for the next question is one answer too."""

        async def busy(c: Ctx) -> None:
            await c.ask("name?")
            await c.say("noted")
            await c.pause(0.05)
            await c.say(await c.hear() + "," + await c.hear())

        await stage.start(busy)
        await stage.tell(stage.alice, "/busy", "name?")
        await stage.tell(stage.alice, "Ann", "noted")
        stage.alice.album(3, "sunset")
        stage.alice.send("end")
        await stage.tell(stage.alice, None, "sunset,end")
        await stage.passes(stage.alice)

    async def test_an_album_nobody_waits_for(self, stage: Stage) -> None:
        """Promise 10: every photo of it reaches the handlers."""
        await stage.start(show)
        stage.alice.album(3, "sunset")
        assert await stage.texts(stage.alice, 3) == ["other:photo", "other:photo", "other:sunset"]

    async def test_an_album_runs_a_step_once(self, stage: Stage) -> None:
        """T08: an album is one message to a next step too."""

        async def got(c: Ctx) -> None:
            await c.say(f"got {c.text}")

        async def start(c: Ctx) -> None:
            await c.then(got)
            await c.say("photo?")

        await stage.start(start)
        await stage.tell(stage.alice, "/start", "photo?")
        stage.alice.album(3, "sunset")
        await stage.tell(stage.alice, None, "got sunset")
        await stage.passes(stage.alice)

    async def test_a_duplicate_of_an_album(self, stage: Stage) -> None:
        """T08, T10: parts that are delivered twice answer nothing else."""
        await stage.start(show)
        await start_showing(stage)
        stage.world.faults.add("message", duplicate=True, times=3)
        stage.alice.album(3, "sunset")
        await stage.tell(stage.alice, None, "name?")
        await stage.tell(stage.alice, "Ann", "sunset by Ann")
        await stage.passes(stage.alice)
