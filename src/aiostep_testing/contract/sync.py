"""Level sync: bots without an event loop."""

from __future__ import annotations

import asyncio

from aiostep_core.errors import WaitCancelled

from .context import Ctx
from .level import Level
from .programs import greet, three
from .stage import Stage

__all__ = ["Sync"]


class Sync(Level, level="sync"):
    """Promise 8 with threads."""

    async def test_more_people_wait_than_there_are_workers(self, stage: Stage) -> None:
        """T40: whoever waits does not take a worker from the others."""
        await stage.start(greet)
        people = [stage.world.person(f"U{number}") for number in range(12)]
        for person in people:
            await stage.tell(person, "/greet", "name?")
        await stage.tell(stage.alice, "hi", "other:hi")
        await asyncio.gather(*[stage.tell(one, f"{one.id}", f"hello {one.id}") for one in people])

    async def test_other_handlers_run_while_one_waits(self, stage: Stage) -> None:
        """T42: a wait is neither a busy loop nor a lock."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?")
        for number in range(10):
            await stage.tell(stage.bob, f"{number}", f"other:{number}")
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_threads_keep_the_order(self, stage: Stage) -> None:
        """T11: several workers do not mix up one person's messages."""
        await stage.start(three)
        people = [stage.world.person(f"U{number}") for number in range(6)]
        for person in people:
            await stage.tell(person, "/three", "q1?")
        for text in "abc":
            for person in people:
                person.send(text)
        for person in people:
            await stage.tell(person, None, "noted 1", "q2?", "noted 2", "q3?", "noted 3", "a,b,c")

    async def test_stopping_wakes_every_thread(self, stage: Stage) -> None:
        """T24: the stop returns, and every handler is told."""
        reasons: list[str] = []

        async def note(c: Ctx) -> None:
            try:
                await c.ask("name?")
            except WaitCancelled as error:
                reasons.append(error.reason)

        await stage.start(note)
        for number in range(8):
            await stage.tell(stage.world.person(f"U{number}"), "/note", "name?")
        await stage.stop()
        assert reasons == ["shutdown"] * 8

    async def test_a_timeout_wakes_the_handler(self, stage: Stage) -> None:
        """T25: a timeout comes by itself, without any update."""

        async def quick(c: Ctx) -> None:
            await c.say(await c.ask("quick?", timeout=0.05, default="too late"))

        await stage.start(quick)
        await stage.tell(stage.alice, "/quick", "quick?", "too late")
