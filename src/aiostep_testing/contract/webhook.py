"""Level webhook: each update in an HTTP request that is answered when the framework is done with it."""

from __future__ import annotations

from .context import Ctx
from .level import Level
from .programs import ended, greet, pick, three
from .stage import Stage

__all__ = ["Webhook"]


def delivered_once(stage: Stage) -> bool:
    """Tell whether no update had to be sent again."""
    numbers = [one.update_id for one in stage.webhooks.attempts]
    return len(numbers) == len(set(numbers)) and all(one.delivered for one in stage.webhooks.attempts)


class Webhook(Level, level="webhook"):
    """Promises 6 and 8 with webhooks in the foreground."""

    async def test_a_conversation_by_webhook(self, stage: Stage) -> None:
        """T41: a handler that waits lets its own request go, so that the chat's next update can come."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?")
        await stage.tell(stage.alice, "Ann", "hello Ann")
        assert delivered_once(stage)

    async def test_a_menu_by_webhook(self, stage: Stage) -> None:
        """T41: clicks come while the handler waits, those on pages too; a late one is answered, and delivered once."""

        async def number(c: Ctx) -> None:
            await c.say(f"got {await c.call('choose', 'number?', list(range(9)), page_size=5)}")

        await stage.start(number)
        question = dict(await stage.tell(stage.alice, "/number", "number?"))
        await stage.alice.click("▶")
        shown = stage.alice.chat_of(question).messages[question["message_id"]]
        await stage.until(lambda: "2/2" in str(shown.get("reply_markup")), "the second page")
        await stage.alice.click("8")
        await stage.tell(stage.alice, None, "got 8")
        assert (await stage.alice.click("0", on=question)).get("text") == "This button does not work any more."
        await stage.passes(stage.alice)
        assert delivered_once(stage)

    async def test_the_request_is_answered_while_the_handler_waits(self, stage: Stage) -> None:
        """T10: the server has no reason to deliver the command again."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?")
        await stage.until(lambda: not stage.account.updates, "the answer to the request")
        assert delivered_once(stage)
        await stage.waiting()

    async def test_a_redelivered_command(self, stage: Stage) -> None:
        """T10: a command that comes again is acknowledged and starts nothing."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?")
        stage.world.redeliver(stage.account, stage.account.history[-1]["update_id"])
        await stage.until(lambda: not stage.account.updates, "the acknowledgement")
        await stage.tell(stage.alice, "Ann", "hello Ann")
        await stage.passes(stage.alice)

    async def test_a_redelivered_answer(self, stage: Stage) -> None:
        """T10: an answer that comes again is not the answer to the next question."""
        await stage.start(three)
        await stage.tell(stage.alice, "/three", "q1?")
        stage.world.faults.add("message", duplicate=True)
        await stage.tell(stage.alice, "a", "noted 1", "q2?")
        await stage.tell(stage.alice, "b", "noted 2", "q3?")
        await stage.tell(stage.alice, "c", "noted 3", "a,b,c")

    async def test_messages_that_come_at_once(self, stage: Stage) -> None:
        """T01: what is typed while the handler is busy is kept, in order."""
        await stage.start(three)
        await stage.tell(stage.alice, "/three", "q1?")
        for text in "abc":
            stage.alice.send(text)
        await stage.tell(stage.alice, None, "noted 1", "q2?", "noted 2", "q3?", "noted 3", "a,b,c")
        await stage.passes(stage.alice)

    async def test_clicks_by_webhook(self, stage: Stage) -> None:
        """T13: clicks answer too."""
        await stage.start(pick)
        await stage.tell(stage.alice, "/pick", "which?")
        await stage.waiting()
        await stage.alice.click("B")
        await stage.tell(stage.alice, None, "picked B")

    async def test_many_wait_at_once(self, stage: Stage) -> None:
        """T40: more people than connections can be asked at the same time."""
        await stage.start(greet)
        people = [stage.world.person(f"U{number}") for number in range(50)]
        for person in people:
            await stage.tell(person, "/greet", "name?")
        for person in people:
            await stage.tell(person, "Ann", "hello Ann")

    async def test_an_error_after_a_wait(self, stage: Stage) -> None:
        """Promise 10: it reaches the error handler; the request that started the handler was answered long ago."""

        async def fail(c: Ctx) -> None:
            raise LookupError(await c.ask("name?"))

        await stage.start(fail)
        await stage.tell(stage.alice, "/fail", "name?")
        stage.alice.send("Ann")
        await stage.until(lambda: stage.errors, "the error")
        await stage.passes(stage.alice)
        assert [repr(error) for error in stage.errors] == ["LookupError('Ann')"]
        stage.errors.clear()

    async def test_stopping_behind_a_webhook(self, stage: Stage) -> None:
        """T24: the stop ends what waits."""
        await stage.start(ended)
        await stage.tell(stage.alice, "/ended", "name?")
        await stage.stop()
