"""Level core: registered next steps."""

from __future__ import annotations

from .context import Ctx
from .level import Level
from .stage import Stage

__all__ = ["NextSteps"]


async def hello(c: Ctx) -> None:
    await c.say(f"hello {c.text}")


async def start(c: Ctx) -> None:
    await c.then(hello)
    await c.say("name?")


class NextSteps(Level, level="core"):
    """Promises 9 and 10, for steps."""

    async def test_a_step_runs_with_the_next_message(self, stage: Stage) -> None:
        """Promise 10: a step is called as the framework calls a handler, once, and consumes the message."""
        await stage.start(start)
        await stage.tell(stage.alice, "/start", "name?")
        await stage.tell(stage.alice, "Ann", "hello Ann")
        await stage.passes(stage.alice)

    async def test_a_step_is_its_persons(self, stage: Stage) -> None:
        """T12: somebody else's message does not run it."""
        await stage.start(start)
        await stage.tell(stage.alice, "/start", "name?")
        await stage.tell(stage.bob, "Bob", "other:Bob")
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_a_command_is_not_for_a_step(self, stage: Stage) -> None:
        """T15: a command passes, and the step is kept."""
        await stage.start(start)
        await stage.tell(stage.alice, "/start", "name?")
        await stage.tell(stage.alice, "/help", "other:/help")
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_a_newer_step_replaces_the_older(self, stage: Stage) -> None:
        """T27: there is one step per person and chat."""

        async def bye(c: Ctx) -> None:
            await c.say(f"bye {c.text}")

        async def end(c: Ctx) -> None:
            await c.then(bye)
            await c.say("who?")

        await stage.start(start, end)
        await stage.tell(stage.alice, "/start", "name?")
        await stage.tell(stage.alice, "/end", "who?")
        await stage.tell(stage.alice, "Ann", "bye Ann")
        await stage.passes(stage.alice)

    async def test_a_step_that_raises_is_kept(self, stage: Stage) -> None:
        """T16: the error reaches the error handler once, and the person can answer again."""

        async def number(c: Ctx) -> None:
            await c.say(f"{int(c.text) + 1}")

        async def ask(c: Ctx) -> None:
            await c.then(number)
            await c.say("number?")

        await stage.start(ask)
        await stage.tell(stage.alice, "/ask", "number?")
        stage.alice.send("x")
        await stage.until(lambda: stage.errors, "the error")
        await stage.tell(stage.alice, "1", "2")
        await stage.passes(stage.alice)
        assert [type(error) for error in stage.errors] == [ValueError]
        stage.errors.clear()

    async def test_a_step_that_is_too_old(self, stage: Stage) -> None:
        """T27: a step with a timeout is dropped when its time is up."""

        async def short(c: Ctx) -> None:
            await c.then(hello, timeout=0.05)
            await c.say("name?")
            await c.pause(0.1)

        await stage.start(short)
        await stage.tell(stage.alice, "/short", "name?")
        await Ctx(stage.harness, None).pause(0.2)
        await stage.tell(stage.alice, "Ann", "other:Ann")

    async def test_a_step_can_be_unregistered(self, stage: Stage) -> None:
        """T27: after ``unregister_steps`` messages pass."""

        async def forget(c: Ctx) -> None:
            await c.unregister()
            await c.say("forgotten")

        await stage.start(start, forget)
        await stage.tell(stage.alice, "/start", "name?")
        await stage.tell(stage.alice, "/forget", "forgotten")
        await stage.tell(stage.alice, "Ann", "other:Ann")

    async def test_a_step_can_ask_and_register(self, stage: Stage) -> None:
        """Promise 10: a step is a handler: it can hold a conversation, and register the next step."""

        async def city(c: Ctx) -> None:
            await c.say(f"{c.text} in {await c.ask('country?')}")
            await c.then(hello)

        async def trip(c: Ctx) -> None:
            await c.then(city)
            await c.say("city?")

        await stage.start(trip)
        await stage.tell(stage.alice, "/trip", "city?")
        await stage.tell(stage.alice, "Rome", "country?")
        await stage.tell(stage.alice, "Italy", "Rome in Italy")
        await stage.tell(stage.alice, "Ann", "hello Ann")
        await stage.passes(stage.alice)

    async def test_a_message_while_a_step_is_busy_is_kept(self, stage: Stage) -> None:
        """T01: what arrives before a step has asked anything answers its first question."""

        async def city(c: Ctx) -> None:
            await c.say("noted")
            await c.pause(0.1)
            await c.say(f"{c.text} in {await c.ask('country?')}")

        async def trip(c: Ctx) -> None:
            await c.then(city)
            await c.say("city?")

        await stage.start(trip)
        await stage.tell(stage.alice, "/trip", "city?")
        await stage.tell(stage.alice, "Rome", "noted")
        await stage.tell(stage.alice, "Italy", "country?", "Rome in Italy")
        await stage.passes(stage.alice)

    async def test_a_duplicate_runs_no_step_twice(self, stage: Stage) -> None:
        """T10: the same update again neither runs the step again nor reaches a handler."""
        await stage.start(start)
        await stage.tell(stage.alice, "/start", "name?")
        stage.world.faults.add("message", duplicate=True)
        await stage.tell(stage.alice, "Ann", "hello Ann")
        await stage.passes(stage.alice)
