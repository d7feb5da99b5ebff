"""Level callbacks: clicks on inline buttons."""

from __future__ import annotations

from .context import Ctx
from .level import Level
from .programs import pick
from .stage import Stage

__all__ = ["Callbacks"]


class Callbacks(Level, level="callbacks"):
    """Promises 3, 4 and 6 for buttons."""

    async def test_a_click_is_the_answer(self, stage: Stage) -> None:
        """T13: a click on the message that is waited for is the answer, is answered, and is consumed."""
        await stage.start(pick)
        await stage.tell(stage.alice, "/pick", "which?")
        await stage.waiting()
        click = stage.alice.click("B")
        await stage.tell(stage.alice, None, "picked B")
        await click
        await stage.passes(stage.alice)

    async def test_a_click_nobody_waits_for_passes(self, stage: Stage) -> None:
        """Promise 10: ordinary handlers get the clicks that are not answers."""

        async def menu(c: Ctx) -> None:
            await c.say("menu", "A")

        await stage.start(menu)
        await stage.tell(stage.alice, "/menu", "menu")
        stage.click(stage.alice, "A")
        await stage.tell(stage.alice, None, "other:A")

    async def test_somebody_else_clicks(self, stage: Stage) -> None:
        """T13: another person's click is answered, so that it stops spinning, and is not the answer."""
        await stage.start(pick)
        group = stage.group
        await stage.tell(stage.alice, "/pick", "which?", in_=group)
        await stage.waiting()
        await stage.bob.click("A", in_=group)
        await stage.waiting()
        stage.click(stage.alice, "B", in_=group)
        await stage.tell(stage.alice, None, "picked B", in_=group)
        await stage.passes(stage.alice, in_=group)

    async def test_a_click_on_an_older_keyboard(self, stage: Stage) -> None:
        """T14: a click on an earlier message is not the answer to the present question."""
        await stage.start(pick)
        old = await stage.tell(stage.alice, "/pick", "which?")
        await stage.waiting()
        stage.click(stage.alice, "A", on=old)
        await stage.tell(stage.alice, None, "picked A")
        await stage.tell(stage.alice, "/pick", "which?")
        await stage.waiting()
        stage.click(stage.alice, "A", on=old)
        await stage.tell(stage.alice, None, "other:A")
        stage.click(stage.alice, "B")
        await stage.tell(stage.alice, None, "picked B")

    async def test_a_message_does_not_answer_a_wait_for_a_click(self, stage: Stage) -> None:
        """T17: text reaches handlers while a click is waited for."""
        await stage.start(pick)
        await stage.tell(stage.alice, "/pick", "which?")
        await stage.waiting()
        await stage.tell(stage.alice, "A", "other:A")
        stage.click(stage.alice, "B")
        await stage.tell(stage.alice, None, "picked B")

    async def test_a_click_does_not_answer_a_question(self, stage: Stage) -> None:
        """T17: a click reaches handlers while text is waited for."""

        async def menu(c: Ctx) -> None:
            await c.say("menu", "A")
            await c.say(f"hello {await c.ask('name?')}")

        await stage.start(menu)
        await stage.tell(stage.alice, "/menu", "menu", "name?")
        stage.click(stage.alice, "A")
        await stage.tell(stage.alice, None, "other:A")
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_a_click_faster_than_the_wait(self, stage: Stage) -> None:
        """T02: in a conversation that waits for clicks, one on a button that is just being sent is kept."""

        async def pages(c: Ctx) -> None:
            await c.say("which?", "A", "B")
            await c.hear(kinds="callback_query")
            await c.say("sure?", "yes", "no")
            await c.pause(0.05)
            await c.say(f"picked {await c.hear(kinds='callback_query')}")

        await stage.start(pages)
        stage.answer_late("sure?", 0.03)
        stage.on_message("sure?", lambda _: stage.alice.click("yes"))
        await stage.tell(stage.alice, "/pages", "which?")
        await stage.waiting()
        stage.click(stage.alice, "A")
        await stage.tell(stage.alice, None, "sure?", "picked yes")
        await stage.passes(stage.alice)

    async def test_a_click_that_nobody_read_goes_to_handlers(self, stage: Stage) -> None:
        """Promise 2: one that was kept while the handler was busy reaches ordinary handlers when that has ended."""

        async def once(c: Ctx) -> None:
            await c.say("which?", "A", "B")
            await c.hear(kinds="callback_query")
            await c.say("noted")
            await c.pause(0.1)

        await stage.start(once)
        await stage.tell(stage.alice, "/once", "which?")
        await stage.waiting()
        stage.click(stage.alice, "A")
        await stage.tell(stage.alice, None, "noted")
        stage.click(stage.alice, "B")
        await stage.tell(stage.alice, None, "other:B")

    async def test_a_double_click(self, stage: Stage) -> None:
        """T10, T14: the same click delivered twice is one answer."""
        await stage.start(pick)
        await stage.tell(stage.alice, "/pick", "which?")
        await stage.waiting()
        stage.world.faults.add("callback_query", duplicate=True)
        stage.click(stage.alice, "B")
        await stage.tell(stage.alice, None, "picked B")
        await stage.passes(stage.alice)

    async def test_a_click_that_comes_too_late(self, stage: Stage) -> None:
        """T14: after the timeout the button's click reaches handlers."""

        async def short(c: Ctx) -> None:
            picked = await c.hear(kinds="callback_query", timeout=0.05, default=c.update)
            await c.say("too late" if picked == c.text else picked)

        await stage.start(short, pick)
        await stage.tell(stage.alice, "/short", "too late")
        await stage.tell(stage.alice, "/pick", "which?")
        await stage.waiting()
        stage.alice.send("/cancel")
        await stage.nobody_waits()
        stage.click(stage.alice, "A")
        await stage.tell(stage.alice, None, "other:A")

    async def test_a_wait_for_a_click_can_be_cancelled(self, stage: Stage) -> None:
        """T15: /cancel ends it."""
        await stage.start(pick)
        await stage.tell(stage.alice, "/pick", "which?")
        await stage.waiting()
        stage.alice.send("/cancel")
        await stage.nobody_waits()
        await stage.passes(stage.alice)

    async def test_two_people_have_a_keyboard_each(self, stage: Stage) -> None:
        """T13: each click belongs to its message and person."""
        await stage.start(pick)
        for person in (stage.alice, stage.bob):
            await stage.tell(person, "/pick", "which?")
        await stage.waiting(2)
        stage.click(stage.bob, "B")
        await stage.tell(stage.bob, None, "picked B")
        stage.click(stage.alice, "A")
        await stage.tell(stage.alice, None, "picked A")

    async def test_a_click_may_begin_a_conversation(self, stage: Stage) -> None:
        """Promise 10: a handler of clicks can ask too, and the person's next message answers."""

        async def menu(c: Ctx) -> None:
            await c.say("menu", "ask me")

        await stage.start(menu)
        await stage.tell(stage.alice, "/menu", "menu")
        stage.click(stage.alice, "ask me")
        await stage.tell(stage.alice, None, "name?")
        await stage.tell(stage.alice, "Ann", "hello Ann")
