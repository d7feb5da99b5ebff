"""Level core: answers reach who asked, nothing is lost, nothing is taken that is not an answer."""

from __future__ import annotations

import asyncio

from .context import Ctx
from .level import Level
from .programs import greet, three, two
from .stage import Stage

__all__ = ["Answers"]


class Answers(Level, level="core"):
    """Promises 1, 2, 3, 5, 6 and 10."""

    async def test_an_answer_reaches_the_question(self, stage: Stage) -> None:
        """Promise 1: the next message of the person is the answer."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?")
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_an_answer_is_consumed(self, stage: Stage) -> None:
        """Promise 1: no ordinary handler sees the answer too."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?")
        await stage.tell(stage.alice, "Ann", "hello Ann")
        await stage.passes(stage.alice)

    async def test_with_nothing_waiting_messages_pass(self, stage: Stage) -> None:
        """Promise 10: an installed adapter changes nothing while nobody asks."""
        await stage.start(greet)
        await stage.tell(stage.alice, "hi", "other:hi")
        await stage.tell(stage.alice, "/nothing", "other:/nothing")

    async def test_two_questions_in_a_row(self, stage: Stage) -> None:
        """Promise 1: each question has its own answer."""
        await stage.start(two)
        await stage.tell(stage.alice, "/two", "first?")
        await stage.tell(stage.alice, "a", "second?")
        await stage.tell(stage.alice, "b", "a+b")
        await stage.passes(stage.alice)

    async def test_a_conversation_can_begin_again(self, stage: Stage) -> None:
        """Promise 9: what has ended leaves nothing that would disturb the next run."""
        await stage.start(greet)
        for name in ("Ann", "Anna"):
            await stage.tell(stage.alice, "/greet", "name?")
            await stage.tell(stage.alice, name, f"hello {name}")
        await stage.nobody_waits()

    async def test_other_people_pass_meanwhile(self, stage: Stage) -> None:
        """Promise 4: one person's question is none of another's business."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?")
        await stage.tell(stage.bob, "Bob", "other:Bob")
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_the_answer_may_be_faster_than_the_send(self, stage: Stage) -> None:
        """T02: an answer that comes before the send has returned is the answer."""
        await stage.start(greet)
        stage.answer_late("name?", 0.05)
        stage.on_message("name?", lambda _: stage.alice.send("Ann"))
        await stage.tell(stage.alice, "/greet", "name?", "hello Ann")

    async def test_an_answer_given_before_the_prompt_is_out(self, stage: Stage) -> None:
        """T02: the wait is open before the prompt is sent."""
        await stage.start(greet)
        slow = stage.world.faults.add("sendMessage", delay=0.1)
        stage.alice.send("/greet")
        await stage.until(lambda: not slow.times, "the call")
        await stage.tell(stage.alice, "Ann", "name?", "hello Ann")

    async def test_answers_that_come_all_at_once(self, stage: Stage) -> None:
        """T01: what is typed faster than questions are asked answers them, in order."""
        await stage.start(three)
        await stage.tell(stage.alice, "/three", "q1?")
        for text in "abc":
            stage.alice.send(text)
        await stage.tell(stage.alice, None, "noted 1", "q2?", "noted 2", "q3?", "noted 3", "a,b,c")
        await stage.passes(stage.alice)

    async def test_what_was_not_asked_for_goes_to_handlers(self, stage: Stage) -> None:
        """Promise 2: messages that no question read reach ordinary handlers when the conversation ends, in order."""
        await stage.start(three)
        await stage.tell(stage.alice, "/three", "q1?")
        for text in "abcde":
            stage.alice.send(text)
        await stage.tell(stage.alice, None, "noted 1", "q2?", "noted 2", "q3?", "noted 3", "a,b,c")
        assert await stage.texts(stage.alice, 2) == ["other:d", "other:e"]
        await stage.passes(stage.alice)

    async def test_a_message_while_the_handler_is_busy_is_kept(self, stage: Stage) -> None:
        """T01: a message between two questions is not given to another handler."""
        await stage.start(two)
        await stage.tell(stage.alice, "/two", "first?")
        slow = stage.world.faults.add("sendMessage", delay=0.1)
        stage.alice.send("a")
        await stage.until(lambda: not slow.times, "the second prompt")
        await stage.tell(stage.alice, "b", "second?", "a+b")

    async def test_a_flood_loses_nothing(self, stage: Stage) -> None:
        """T26, T31: more than can be kept goes to ordinary handlers; every message is seen once."""

        async def busy(c: Ctx) -> None:
            await c.ask("first?")
            await c.say("noted")
            await c.pause(0.3)

        await stage.start(busy)
        await stage.tell(stage.alice, "/busy", "first?")
        await stage.tell(stage.alice, "a", "noted")
        for number in range(40):
            stage.alice.send(f"{number}")
        assert await stage.texts(stage.alice, 40) == sorted(f"other:{number}" for number in range(40))
        await stage.passes(stage.alice)

    async def test_a_wait_finds_its_message_behind_another(self, stage: Stage) -> None:
        """T32: what a filter does not mean is passed over, be it kept already or not, and reaches a handler."""

        async def choosy(c: Ctx) -> None:
            await c.ask("first?")
            await c.say("noted")
            await c.pause(0.05)
            await c.say(f"got {await c.hear(like='^b')}")

        await stage.start(choosy)
        await stage.tell(stage.alice, "/choosy", "first?")
        await stage.tell(stage.alice, "a", "noted")
        stage.alice.send("x")
        stage.alice.send("b")
        assert await stage.texts(stage.alice, 2) == ["got b", "other:x"]
        await stage.passes(stage.alice)

    async def test_a_duplicate_of_the_answer_answers_nothing(self, stage: Stage) -> None:
        """T10: the same update again is not the answer to the next question, nor for other handlers."""
        await stage.start(two)
        await stage.tell(stage.alice, "/two", "first?")
        stage.world.faults.add("message", duplicate=True)
        await stage.tell(stage.alice, "a", "second?")
        await stage.tell(stage.alice, "b", "a+b")
        await stage.passes(stage.alice)

    async def test_a_late_duplicate_answers_nothing(self, stage: Stage) -> None:
        """T10: an update that is delivered again after others is ignored too."""
        await stage.start(two)
        await stage.tell(stage.alice, "/two", "first?")
        await stage.tell(stage.alice, "a", "second?")
        stage.world.redeliver(stage.account, stage.account.history[-1]["update_id"])
        await stage.tell(stage.bob, "hi", "other:hi")
        await stage.tell(stage.alice, "b", "a+b")

    async def test_a_duplicate_of_the_command_starts_nothing(self, stage: Stage) -> None:
        """T10: a command that is delivered twice begins one conversation."""
        await stage.start(greet)
        stage.world.faults.add("message", duplicate=True)
        await stage.tell(stage.alice, "/greet", "name?")
        await stage.tell(stage.alice, "Ann", "hello Ann")
        await stage.passes(stage.alice)

    async def test_sixty_people_wait_at_once(self, stage: Stage) -> None:
        """T40: handlers that wait starve nobody, and nobody gets another's answer."""
        await stage.start(greet)
        people = [stage.world.person(f"U{number}") for number in range(60)]
        await asyncio.gather(*[stage.tell(one, "/greet", "name?") for one in people])
        await stage.tell(stage.bob, "hi", "other:hi")
        await asyncio.gather(*[stage.tell(one, str(one.id), f"hello {one.id}") for one in people])

    async def test_two_people_type_at_once(self, stage: Stage) -> None:
        """T11: the order of each person's messages holds when they come mixed."""
        await stage.start(three)
        for person in (stage.alice, stage.bob):
            await stage.tell(person, "/three", "q1?")
        for text in "abc":
            stage.alice.send(text)
            stage.bob.send(text.upper())
        for person, answers in ((stage.alice, "a,b,c"), (stage.bob, "A,B,C")):
            await stage.tell(person, None, "noted 1", "q2?", "noted 2", "q3?", "noted 3", answers)

    async def test_somebody_else_can_be_asked(self, stage: Stage) -> None:
        """Promise 4: ``to=`` asks another person, and only they answer."""

        async def forward(c: Ctx) -> None:
            await c.say(f"Bob says {await c.ask('Alice asks: yes?', to=stage.bob.id)}")

        await stage.start(forward)
        stage.alice.send("/forward")
        await stage.tell(stage.bob, None, "Alice asks: yes?")
        await stage.tell(stage.alice, "me", "other:me")
        stage.bob.send("no")
        await stage.tell(stage.alice, None, "Bob says no")

    async def test_an_edited_message_is_no_answer(self, stage: Stage) -> None:
        """T09: only a new message answers."""
        await stage.start(two)
        await stage.tell(stage.alice, "/two", "first?")
        message = stage.alice.send("a")
        await stage.tell(stage.alice, None, "second?")
        stage.alice.edit(message, "edited")
        await stage.tell(stage.bob, "hi", "other:hi")
        await stage.tell(stage.alice, "b", "a+b")
