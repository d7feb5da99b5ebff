"""Level polling: the framework's own long polling, over HTTP."""

from __future__ import annotations

import asyncio

from .context import Ctx
from .level import Level
from .programs import ended, greet, pick
from .stage import Stage

__all__ = ["Polling"]


class Polling(Level, level="polling"):
    """Promises 6, 8 and 9 with getUpdates."""

    async def test_a_conversation_by_polling(self, stage: Stage) -> None:
        """Promise 8: the bot goes on polling while a handler waits, and every update is confirmed."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?")
        await stage.tell(stage.alice, "Ann", "hello Ann")
        await stage.until(lambda: not stage.account.updates, "the confirmation")

    async def test_what_came_while_the_bot_was_down(self, stage: Stage) -> None:
        """T01: a backlog is handled, one person's messages in their order."""
        people = [stage.world.person(f"U{number}") for number in range(20)]
        for person in people:
            person.send("/greet")
        await stage.start(greet)
        await asyncio.gather(*[stage.tell(one, None, "name?") for one in people])
        await asyncio.gather(*[stage.tell(one, "Ann", "hello Ann") for one in people])

    async def test_a_batch_of_different_people_and_kinds(self, stage: Stage) -> None:
        """T40: answers, clicks and commands that come in one batch do not wait for each other."""
        await stage.start(greet, pick)
        await stage.tell(stage.alice, "/greet", "name?")
        await stage.tell(stage.bob, "/pick", "which?")
        await stage.waiting(2)
        carol = stage.world.person("Carol")
        carol.send("/greet")
        stage.click(stage.bob, "B")
        stage.alice.send("Ann")
        await stage.tell(carol, None, "name?")
        await stage.tell(stage.bob, None, "picked B")
        await stage.tell(stage.alice, None, "hello Ann")
        await stage.tell(carol, "Carol", "hello Carol")

    async def test_an_answer_is_not_lost_with_a_poll(self, stage: Stage) -> None:
        """T10: updates whose delivery was cut come again, and are handled once."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?")
        stage.world.faults.add("getUpdates", status=502)
        await stage.tell(stage.alice, "/other", "other:/other")
        await stage.said_in_time(stage.alice, "Ann", "hello Ann")
        stage.errors.clear()  # some frameworks report a poll that failed

    async def test_waits_outlast_many_polls(self, stage: Stage) -> None:
        """Promise 8: a wait survives any number of polls in between."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?")
        for number in range(10):
            stage.world.release_polls()
            await stage.tell(stage.bob, f"{number}", f"other:{number}")
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_the_bot_stops_in_the_middle_of_a_poll(self, stage: Stage) -> None:
        """T24: stopping does not wait for people."""
        await stage.start(ended)
        await stage.tell(stage.alice, "/ended", "name?")
        await stage.until(lambda: stage.account.poll, "the next poll")
        await stage.stop()

    async def test_the_bot_asks_for_what_waits_need(self, stage: Stage) -> None:
        """Promise 8: answers and clicks are among the kinds that the bot subscribes to."""

        async def idle(c: Ctx) -> None:
            await c.say("idle")

        await stage.start(idle)
        await stage.tell(stage.alice, "/idle", "idle")
        assert stage.account.wants("message")
        assert stage.account.wants("callback_query")
