"""Levels core and menus: what passes a question by, after which it is asked again, and what came before it."""

from __future__ import annotations

import json
from typing import Any

from aiostep_core.texts import Saying, Texts
from aiostep_testing.wire import Json

from .context import Ctx
from .level import Level
from .menus import SIZES, gone, labels, pressed, start
from .programs import Order
from .questions import asking
from .stage import Stage

__all__ = ["AskedAgain", "KeyboardsTakenAway", "MenusAskedAgain"]

say = Texts().say


def markup_of(call: Json) -> Json:
    """Return the reply markup that a method was called with, however it was sent."""
    markup: Any = call.get("reply_markup") or "{}"
    return dict(json.loads(markup) if isinstance(markup, str) else markup)


class AskedAgain(Level, level="core"):
    """Promise 7 for ``ask``."""

    async def test_a_command_in_the_middle(self, stage: Stage) -> None:
        """T15: it is answered elsewhere; then the question is asked again below that, once for several in a row."""
        await stage.start(asking("age?", int, again=0.2))
        await stage.tell(stage.alice, "/start", "age?")
        stage.alice.send("/help")
        await stage.tell(stage.alice, "/help me", "other:/help", "other:/help me", "age?")
        await stage.tell(stage.alice, "/help", "other:/help", "age?")
        await stage.tell(stage.alice, "seven", "Please answer with a whole number.")
        await stage.tell(stage.alice, "7", "got 7")
        await stage.passes(stage.alice)

    async def test_what_escapes_in_the_middle(self, stage: Stage) -> None:
        """The same for what a filter names; an answer that comes before the question was asked again is one."""

        async def start(c: Ctx) -> None:
            await c.say(f"got {await c.ask('age?', int, escape=c.filter('^help', 0), again=0.1)}")
            await c.say(f"got {await c.ask('size?', int, escape=c.filter('^help', 0), again=30)}")

        await stage.start(start)
        await stage.tell(stage.alice, "/start", "age?")
        await stage.tell(stage.alice, "help", "other:help", "age?")
        await stage.tell(stage.alice, "7", "got 7", "size?")
        await stage.tell(stage.alice, "help", "other:help")
        await stage.tell(stage.alice, "8", "got 8")
        await stage.passes(stage.alice)

    async def test_an_answer_while_it_is_asked_again(self, stage: Stage) -> None:
        """T02: it is the answer, though the network is slow with the question."""
        await stage.start(asking("age?", int, again=0.05))
        await stage.tell(stage.alice, "/start", "age?")
        await stage.waiting()
        stage.answer_late("age?", 0.1)
        stage.on_message("age?", lambda _: stage.alice.send("7"))
        await stage.tell(stage.alice, "/help", "other:/help", "age?", "got 7")
        await stage.passes(stage.alice)

    async def test_what_escapes_between_two_questions(self, stage: Stage) -> None:
        """It is not kept until the conversation is over: other handlers have it when the next question lets it pass."""

        async def start(c: Ctx) -> None:
            escape = c.filter("^help", 0)
            await c.ask("first?", escape=escape)
            await c.say("noted")
            await c.pause(0.1)
            await c.say(f"got {await c.ask('second?', escape=escape)}")

        await stage.start(start)
        await stage.tell(stage.alice, "/start", "first?")
        await stage.tell(stage.alice, "a", "noted")
        stage.alice.send("help")
        assert await stage.texts(stage.alice, 2) == ["other:help", "second?"]
        await stage.tell(stage.alice, "b", "got b")
        await stage.passes(stage.alice)

    async def test_the_commands_of_others_in_a_group(self, stage: Stage) -> None:
        """T12: they push nothing out of the sight of whoever is asked, as far as the question is concerned."""
        group = stage.group
        await stage.start(asking("age?", int, again=0.1))
        await stage.tell(stage.alice, "/start", "age?", in_=group)
        await stage.tell(stage.bob, "/help", "other:/help", in_=group)
        await stage.tell(stage.alice, "/help", "other:/help", "age?", in_=group)
        await stage.tell(stage.alice, "7", "got 7", in_=group)

    async def test_it_cannot_be_asked_again(self, stage: Stage) -> None:
        """T26: who blocked the bot meanwhile is not waited for."""
        ends = list[str]()

        async def start(c: Ctx) -> None:
            try:
                await c.ask("age?", int, again=0.1)
            except Exception as error:
                ends.append(getattr(error, "reason", repr(error)))
                raise

        await stage.start(start)
        await stage.tell(stage.alice, "/start", "age?")
        await stage.tell(stage.alice, "/help", "other:/help")
        stage.world.faults.add("sendMessage", status=403, description="Forbidden: bot was blocked by the user")
        await stage.nobody_waits()
        assert ends == ["blocked"]

    async def test_what_was_written_before_a_fresh_question(self, stage: Stage) -> None:
        """Promise 2: it is no answer, but not lost; what is written after the question is one."""

        async def start(c: Ctx) -> None:
            await c.ask("name?")
            await c.say("noted")
            await c.pause(0.1)
            await c.say(f"got {await c.ask('sure?', fresh=True)}")

        await stage.start(start)
        await stage.tell(stage.alice, "/start", "name?")
        await stage.tell(stage.alice, "Ann", "noted")
        stage.alice.send("yes")
        await stage.tell(stage.alice, None, "sure?")
        stage.alice.send("no")
        assert await stage.texts(stage.alice, 2) == ["got no", "other:yes"]

    async def test_a_fresh_answer_faster_than_the_send(self, stage: Stage) -> None:
        """T02: what is written below the question is its answer, though its sending has not come back."""
        stage.answer_late("sure?", 0.1)
        stage.on_message("sure?", lambda _: stage.alice.send("yes"))

        async def start(c: Ctx) -> None:
            await c.say(f"got {await c.ask('sure?', fresh=True, like='y')}")

        await stage.start(start)
        await stage.tell(stage.alice, "/start", "sure?", "got yes")
        await stage.passes(stage.alice)


class KeyboardsTakenAway(Level, level="menus"):
    """What stands in the place of the keyboard, afterwards."""

    async def test_a_keyboard_is_taken_away(self, stage: Stage) -> None:
        """Who writes instead of pressing still has it: the next question takes it away, once; a reminder does not."""

        async def start(c: Ctx) -> None:
            await c.call("choose", "size?", SIZES, style="reply", remind={0.1: "well?"})
            for prompt in ("name?", "age?"):
                await c.ask(prompt)
            await c.say("done")

        await stage.start(start)
        await stage.tell(stage.alice, "/start", "size?", "well?")
        stage.alice.press("Small")
        await stage.tell(stage.alice, None, "name?")
        await stage.tell(stage.alice, "Ann", "age?")
        await stage.tell(stage.alice, "7", "done")
        sent = {call["text"]: markup_of(call) for call in stage.calls("sendMessage")}
        assert [name for name, markup in sent.items() if markup.get("remove_keyboard")] == ["name?"]
        assert not sent["age?"]

    async def test_a_keyboard_that_could_not_be_taken_away(self, stage: Stage) -> None:
        """T23: if the question that was to do it cannot be sent, the next one does."""

        async def start(c: Ctx) -> None:
            await c.call("choose", "size?", SIZES, style="reply")
            for prompt in ("name?", "age?"):
                try:
                    await c.ask(prompt)
                except Exception as error:  # noqa: BLE001 - each framework has its own
                    await c.say("cannot ask" if "too bad" in str(error).lower() else repr(error))

        await stage.start(start)
        await stage.tell(stage.alice, "/start", "size?")
        stage.world.faults.add("sendMessage", status=400, description="Bad Request: too bad")
        await stage.tell(stage.alice, "small", "cannot ask", "age?")
        await stage.tell(stage.alice, "7")
        await stage.passes(stage.alice)
        sent = {call["text"]: markup_of(call) for call in stage.calls("sendMessage")}
        assert sent["age?"].get("remove_keyboard")

    async def test_a_keyboard_in_a_group(self, stage: Stage) -> None:
        """There the next question asks for a reply, as ever: a bot might not see the answer otherwise."""

        async def start(c: Ctx) -> None:
            await c.call("choose", "size?", SIZES, style="reply")
            await c.say(f"got {await c.ask('name?')}")

        await stage.start(start)
        await stage.tell(stage.alice, "/start", "size?", in_=stage.group)
        await stage.tell(stage.alice, "small", "name?", in_=stage.group)
        await stage.tell(stage.alice, "Ann", "got Ann", in_=stage.group)
        sent = {call["text"]: markup_of(call) for call in stage.calls("sendMessage")}
        assert sent["name?"].get("force_reply")


class MenusAskedAgain(Level, level="menus"):
    """Promise 7 for ``choose``, ``choose_many``, ``confirm`` and ``fill``."""

    async def test_buttons_move_down(self, stage: Stage) -> None:
        """T14, T15: the old ones go, the new ones work, and what was marked stays marked."""
        await stage.start(start("choose_many", "what?", ["a", "b", "c"], again=0.1))
        first = await stage.tell(stage.alice, "/start", "what?")
        await pressed(stage.alice, "b")
        again = await stage.tell(stage.alice, "/help", "other:/help", "what?")
        await gone(stage, stage.alice, first)
        assert labels(again) == ["a", "✓ b", "c", "Done"]
        await pressed(stage.alice, "c")
        await pressed(stage.alice, "Done")
        await stage.tell(stage.alice, None, "got ['b', 'c']")
        await gone(stage, stage.alice, again)
        await stage.passes(stage.alice)

    async def test_what_escapes_a_menu(self, stage: Stage) -> None:
        """A filter names what other handlers keep, here too; a label written afterwards is the answer."""

        async def start(c: Ctx) -> None:
            options = {"escape": c.filter("^help", 0), "again": 0.1}
            await c.say(f"got {await c.call('choose', 'size?', SIZES, **options)}")
            await c.say(f"got {await c.call('confirm', 'sure?', **options)}")

        await stage.start(start)
        first = await stage.tell(stage.alice, "/start", "size?")
        await stage.tell(stage.alice, "help", "other:help", "size?")
        await gone(stage, stage.alice, first)
        await stage.tell(stage.alice, "large", "got L", "sure?")
        await stage.tell(stage.alice, "help", "other:help", "sure?")
        await pressed(stage.alice, "Yes")
        await stage.tell(stage.alice, None, "got True")
        await stage.passes(stage.alice)

    async def test_a_command_while_a_mark_is_set(self, stage: Stage) -> None:
        """T01: a command that passes between two clicks is noticed as well."""
        await stage.start(start("choose_many", "what?", ["a", "b"], again=0.1))
        await stage.tell(stage.alice, "/start", "what?")
        stage.world.faults.add("editMessageReplyMarkup", delay=0.2)
        await pressed(stage.alice, "b")
        again = await stage.tell(stage.alice, "/help", "other:/help", "what?")
        assert labels(again) == ["a", "✓ b", "Done"]
        await pressed(stage.alice, "Done")
        await stage.tell(stage.alice, None, "got ['b']")

    async def test_a_word_while_a_confirmation_is_asked_again(self, stage: Stage) -> None:
        """What was written after the question was asked first is an answer to it."""
        await stage.start(start("confirm", "sure?", again=0.05))
        await stage.tell(stage.alice, "/start", "sure?")
        await stage.waiting()
        fault = stage.world.faults.add("sendMessage", delay=0.3, when=lambda params: params["text"] == "sure?")
        await stage.tell(stage.alice, "/help", "other:/help")
        await stage.until(lambda: fault.times == 0, "the second time")
        stage.alice.send("yes")
        assert await stage.texts(stage.alice, 2) == ["got True", "sure?"]

    async def test_a_form_is_asked_again(self, stage: Stage) -> None:
        """Each question of a form, with how far it is; and the last look."""
        await stage.start(start("fill", Order, again=0.1))
        alice = stage.alice
        first = await stage.tell(alice, "/start", "1 of 3\nWhat?")
        await stage.tell(alice, "/help", "other:/help", "1 of 3\nWhat?")
        await gone(stage, alice, first)
        await pressed(alice, "tea")
        await stage.tell(alice, None, "2 of 3\nHow many?")
        await stage.tell(alice, "/help", "other:/help", "2 of 3\nHow many?")
        await stage.tell(alice, "3", "3 of 3\nAnything else?")
        await pressed(alice, "Skip")
        review = (await stage.said(alice))["text"]
        await stage.tell(alice, "/help", "other:/help", review)
        await pressed(alice, say(Saying("review_ok")))
        await stage.tell(alice, None, f"got {Order('tea', 3, None)!r}")
        await stage.passes(alice)
