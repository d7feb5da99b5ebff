"""Level menus: buttons that aiostep makes itself, and forms."""

from __future__ import annotations

from typing import Any

from aiostep_core.texts import Saying, Texts
from aiostep_testing.people import Person
from aiostep_testing.wire import Json

from .context import Ctx, Program
from .level import Level
from .programs import Letter, Order
from .stage import Stage

__all__ = ["Menus"]

SIZES = {"S": "Small", "L": "Large"}
say = Texts().say


def start(function: str, *args: Any, **options: Any) -> Program:
    """Make a program that calls *function* and tells what came of it."""

    async def start(c: Ctx) -> None:
        await c.say(f"got {await c.call(function, *args, **options)!r}")

    return start


def labels(message: Json) -> list[str]:
    """List what the inline buttons of a message say."""
    rows: list[list[Json]] = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


async def pressed(person: Person, button: str, **where: Any) -> str | None:
    """Press a button; return what the person is told."""
    answer = await person.click(button, **where)
    return answer.get("text")


async def gone(stage: Stage, person: Person, message: Json) -> None:
    """Wait until the buttons of *message* are gone."""
    shown = person.chat_of(message).messages[message["message_id"]]
    await stage.until(lambda: not labels(shown), "the end of the buttons")


class Menus(Level, level="menus"):
    """Promises 2 to 4, 7 and 9 for ``choose``, ``choose_many``, ``confirm`` and ``fill``."""

    async def test_an_option_is_chosen_by_a_click(self, stage: Stage) -> None:
        """T13: the click is the answer, is answered and consumed, and the buttons go away."""
        await stage.start(start("choose", "size?", SIZES))
        question = await stage.tell(stage.alice, "/start", "size?")
        assert labels(question) == ["Small", "Large"]
        assert await pressed(stage.alice, "Large") is None
        await stage.tell(stage.alice, None, "got 'L'")
        await gone(stage, stage.alice, question)
        await stage.passes(stage.alice)

    async def test_an_option_is_chosen_by_its_name(self, stage: Stage) -> None:
        """What is written counts too; whoever writes something else is told what there is, with new buttons."""
        await stage.start(start("choose", "size?", SIZES))
        first = await stage.tell(stage.alice, "/start", "size?")
        again = await stage.tell(stage.alice, "huge", "Please choose one of these: Small, Large.")
        await gone(stage, stage.alice, first)
        assert labels(again) == ["Small", "Large"]
        await stage.tell(stage.alice, " large", "got 'L'")
        await gone(stage, stage.alice, again)

    async def test_a_button_says_nothing_about_anybody(self, stage: Stage) -> None:
        """What a button brings back fits into 64 bytes, names neither option nor person, and is no other question's."""
        await stage.start(start("choose", "size?", SIZES))
        seen = set[str]()
        for person in (stage.alice, stage.bob):
            question = await stage.tell(person, "/start", "size?")
            for row in question["reply_markup"]["inline_keyboard"]:
                data = row[0]["callback_data"]
                assert len(data.encode()) <= 64
                assert "L" not in data.rpartition(":")[2]
                seen.add(data)
        assert len(seen) == 4

    async def test_pages_are_turned(self, stage: Stage) -> None:
        """Of many options a few are shown; the others are behind buttons that turn the pages, or can be written."""
        await stage.start(start("choose", "number?", list(range(20)), page_size=6, columns=3))
        question = await stage.tell(stage.alice, "/start", "number?")
        shown = stage.alice.chat_of(question).messages[question["message_id"]]
        assert labels(question) == [*"012345", "◀", "1/4", "▶"]
        for page in "234":
            assert await pressed(stage.alice, "▶") is None
            await stage.until(lambda page=page: f"{page}/4" in labels(shown), f"page {page}")  # type: ignore[misc]
        assert await pressed(stage.alice, "4/4") is None
        assert await pressed(stage.alice, "19") is None
        await stage.tell(stage.alice, None, "got 19")
        await gone(stage, stage.alice, question)

    async def test_several_are_chosen(self, stage: Stage) -> None:
        """Each click is a check mark more or less, within bounds, until "Done"."""
        await stage.start(start("choose_many", "what?", ["a", "b", "c"], min=1, max=2))
        question = await stage.tell(stage.alice, "/start", "what?")
        shown = stage.alice.chat_of(question).messages[question["message_id"]]
        assert await pressed(stage.alice, "Done") == "Please choose at least 1."
        for button in "ac":
            await pressed(stage.alice, button)
            await stage.until(lambda button=button: f"✓ {button}" in labels(shown), "the mark")  # type: ignore[misc]
        assert await pressed(stage.alice, "b") == "Please choose at most 2."
        await pressed(stage.alice, "✓ a")
        await stage.until(lambda: "a" in labels(shown), "the end of the mark")
        await pressed(stage.alice, "b")
        await pressed(stage.alice, "Done")
        await stage.tell(stage.alice, None, "got ['b', 'c']")
        await gone(stage, stage.alice, question)

    async def test_several_are_written(self, stage: Stage) -> None:
        """Labels with commas between them are an answer too."""
        await stage.start(start("choose_many", "what?", ["a", "b", "c"], max=2))
        await stage.tell(stage.alice, "/start", "what?")
        await stage.tell(stage.alice, "a, b, c", "Please choose at most 2.")
        await stage.tell(stage.alice, "c,A", "got ['a', 'c']")

    async def test_yes_or_no(self, stage: Stage) -> None:
        """A confirmation takes a click, or a word for it in any language."""
        await stage.start(start("confirm", "sure?"))
        for answer, got in (("No", "False"), ("yes", "True"), ("nein", "False")):
            await stage.tell(stage.alice, "/start", "sure?")
            if answer == "No":
                await pressed(stage.alice, answer)
                await stage.tell(stage.alice, None, f"got {got}")
            else:
                await stage.tell(stage.alice, answer, f"got {got}")

    async def test_what_was_typed_before_confirms_nothing(self, stage: Stage) -> None:
        """Promise 2: a "yes" from before the question is out is none to it; it is not lost either."""

        async def order(c: Ctx) -> None:
            await c.ask("name?")
            await c.say("noted")
            await c.pause(0.1)
            await c.say(f"got {await c.call('confirm', 'sure?')}")

        await stage.start(order)
        await stage.tell(stage.alice, "/order", "name?")
        await stage.tell(stage.alice, "Ann", "noted")
        stage.alice.send("yes")
        await stage.tell(stage.alice, None, "sure?")
        await pressed(stage.alice, "No")
        assert await stage.texts(stage.alice, 2) == ["got False", "other:yes"]

    # Clicks that come too early, too late, twice or from others.

    async def test_a_click_faster_than_the_send(self, stage: Stage) -> None:
        """T02: a click on buttons whose sending has not come back is the answer, also to what must be fresh."""
        for prompt, button in (("choose?", "Small"), ("confirm?", "Yes")):
            stage.answer_late(prompt, 0.05)
            stage.on_message(prompt, lambda _, button=button: stage.alice.click(button))  # type: ignore[misc]

        async def both(c: Ctx) -> None:
            await c.say(f"got {await c.call('choose', 'choose?', SIZES)}")
            await c.say(f"got {await c.call('confirm', 'confirm?')}")

        await stage.start(both)
        await stage.tell(stage.alice, "/both", "choose?", "got S", "confirm?", "got True")
        await stage.passes(stage.alice)

    async def test_a_button_of_an_earlier_question(self, stage: Stage) -> None:
        """T14: it says that it does not work any more, and answers neither this question nor reaches a handler."""

        async def two(c: Ctx) -> None:
            first = await c.call("choose", "first?", ["a", "b"])
            second = await c.call("choose", "second?", ["a", "b"])
            await c.say(f"got {first}{second}")

        await stage.start(two)
        first = dict(await stage.tell(stage.alice, "/two", "first?"))
        await pressed(stage.alice, "a")
        await stage.tell(stage.alice, None, "second?")
        assert await pressed(stage.alice, "b", on=first) == say(Saying("stale"))
        await pressed(stage.alice, "b")
        await stage.tell(stage.alice, None, "got ab")
        assert await pressed(stage.alice, "a", on=first) == say(Saying("stale"))
        await stage.passes(stage.alice)

    async def test_a_late_click_while_the_handler_is_busy(self, stage: Stage) -> None:
        """T14: it is not kept for a question that would never read it, but answered, while the next one waits."""

        async def two(c: Ctx) -> None:
            first = await c.call("choose", "first?", ["a", "b"])
            await c.say("noted")
            await c.pause(0.1)
            await c.say(f"got {first}{await c.call('choose', 'second?', ['a', 'b'])}")

        await stage.start(two)
        first = dict(await stage.tell(stage.alice, "/two", "first?"))
        stage.click(stage.alice, "a")
        await stage.tell(stage.alice, None, "noted")
        assert await pressed(stage.alice, "b", on=first) == say(Saying("stale"))
        await stage.tell(stage.alice, None, "second?")
        await pressed(stage.alice, "b")
        await stage.tell(stage.alice, None, "got ab")

    async def test_a_button_from_before_a_restart(self, stage: Stage) -> None:
        """T14: it says that it does not work any more, while somebody is asked and while nobody is."""
        await stage.start(old, start("choose", "size?", SIZES))
        await stage.tell(stage.alice, "/old", "old")
        assert await pressed(stage.alice, OLD) == say(Saying("stale"))
        await stage.tell(stage.alice, "/start", "size?")
        assert await pressed(stage.alice, OLD) == say(Saying("stale"))
        await pressed(stage.alice, "Small")
        await stage.tell(stage.alice, None, "got 'S'")
        await stage.passes(stage.alice)

    async def test_a_double_click(self, stage: Stage) -> None:
        """T10, T14: two clicks, one right after the other, answer one question; so does one that comes twice."""

        async def two(c: Ctx) -> None:
            await c.say(f"got {await c.call('choose', 'first?', ['a', 'b'])}")
            await c.say(f"got {await c.call('choose', 'second?', ['a', 'b'])}")

        await stage.start(two)
        await stage.tell(stage.alice, "/two", "first?")
        clicks = [stage.alice.click("a"), stage.alice.click("b")]
        await stage.tell(stage.alice, None, "got a", "second?")
        assert [(await one).get("text") for one in clicks] == [None, say(Saying("stale"))]
        stage.world.faults.add("callback_query", duplicate=True)
        await pressed(stage.alice, "b")
        await stage.tell(stage.alice, None, "got b")
        await stage.passes(stage.alice)

    async def test_somebody_else_clicks(self, stage: Stage) -> None:
        """T13: they are told that the button is not for them, in a window; and nothing changes."""
        await self._others(stage, "alert", say(Saying("not_yours")), is_alert=True)

    async def test_somebody_else_clicks_and_is_told_softly(self, stage: Stage) -> None:
        """T13: ``others="toast"`` says it without a window."""
        await self._others(stage, "toast", say(Saying("not_yours")), is_alert=False)

    async def test_somebody_else_clicks_and_is_ignored(self, stage: Stage) -> None:
        """T13: ``others="ignore"`` answers the click, and says nothing."""
        await self._others(stage, "ignore", None, is_alert=False)

    async def _others(self, stage: Stage, others: str, told: str | None, *, is_alert: bool) -> None:
        group = stage.group
        await stage.start(start("choose", "size?", SIZES, others=others))
        await stage.tell(stage.alice, "/start", "size?", in_=group)
        answer = await stage.bob.click("Small", in_=group)
        assert (answer.get("text"), str(answer.get("show_alert", False)).lower()) == (told, str(is_alert).lower())
        await stage.tell(stage.bob, "Small", "other:Small", in_=group)
        await pressed(stage.alice, "Large", in_=group)
        await stage.tell(stage.alice, None, "got 'L'", in_=group)
        await stage.passes(stage.alice, in_=group)

    async def test_somebody_else_clicks_while_it_is_being_sent(self, stage: Stage) -> None:
        """T13: also then the button is not for them."""
        group = stage.group
        clicks = list[Any]()
        stage.answer_late("size?", 0.2)
        stage.on_message("size?", lambda _: clicks.append(stage.bob.click("Small", in_=group)))
        await stage.start(start("choose", "size?", SIZES))
        await stage.tell(stage.alice, "/start", "size?", in_=group)
        assert (await clicks[0]).get("text") == say(Saying("not_yours"))
        await pressed(stage.alice, "Large", in_=group)
        await stage.tell(stage.alice, None, "got 'L'", in_=group)

    async def test_the_first_right_answer_wins(self, stage: Stage) -> None:
        """Promise 1: where anybody may answer, whoever is first does; what is no answer passes."""
        group = stage.group
        await stage.start(start("choose", "who?", ["me", "you"], others="anyone"))
        for person, act in ((stage.bob, "click"), (stage.bob, "write")):
            question = dict(await stage.tell(stage.alice, "/start", "who?", in_=group))
            await stage.tell(person, "hi", "other:hi", in_=group)
            if act == "click":
                assert await pressed(person, "me", in_=group) is None
            else:
                person.send("me", to=group)
            await stage.tell(stage.alice, None, "got 'me'", in_=group)
            assert await pressed(stage.alice, "you", on=question) == say(Saying("stale"))
        await stage.passes(stage.alice, in_=group)

    # How it ends.

    async def test_the_buttons_go_at_a_timeout(self, stage: Stage) -> None:
        """T25: nobody can press what is over; who does all the same is told so."""
        await stage.start(start("choose", "size?", SIZES, timeout=0.1, default="none"))
        question = dict(await stage.tell(stage.alice, "/start", "size?"))
        await stage.tell(stage.alice, None, "got 'none'")
        await gone(stage, stage.alice, question)
        assert await pressed(stage.alice, "Small", on=question) == say(Saying("stale"))

    async def test_the_buttons_go_at_a_cancel(self, stage: Stage) -> None:
        """T15: /cancel ends the question, and its buttons."""
        await stage.start(start("choose", "size?", SIZES))
        question = await stage.tell(stage.alice, "/start", "size?")
        await stage.waiting()
        stage.alice.send("/cancel")
        await gone(stage, stage.alice, question)
        await stage.passes(stage.alice)

    async def test_a_button_cancels(self, stage: Stage) -> None:
        """T15: ``cancel="button"`` adds one; it ends the conversation as /cancel does."""
        await stage.start(start("choose", "size?", SIZES, cancel="button"))
        question = await stage.tell(stage.alice, "/start", "size?")
        assert await pressed(stage.alice, "Cancel") is None
        await stage.nobody_waits()
        await gone(stage, stage.alice, question)
        await stage.passes(stage.alice)

    async def test_the_buttons_go_when_the_bot_stops(self, stage: Stage) -> None:
        """T24: a question that the bot's end cuts off leaves no wait behind."""
        await stage.start(start("choose", "size?", SIZES))
        await stage.tell(stage.alice, "/start", "size?")
        await stage.waiting()
        await stage.stop()
        assert not stage.harness.engine.buttons

    # Others shapes.

    async def test_buttons_in_the_place_of_the_keyboard(self, stage: Stage) -> None:
        """``style="reply"``: pressing one sends what it says, in a group only those of whoever is asked."""
        await stage.start(start("choose", "size?", SIZES, style="reply"))
        await stage.tell(stage.alice, "/start", "size?")
        stage.alice.press("Large")
        await stage.tell(stage.alice, None, "got 'L'")
        asked = stage.alice.send("/start", to=stage.group)
        question = await stage.said(stage.alice, in_=stage.group)
        assert question["reply_to_message"]["message_id"] == asked["message_id"]
        await stage.tell(stage.alice, "Small", "got 'S'", in_=stage.group)

    async def test_it_speaks_the_persons_language(self, stage: Stage) -> None:
        """What aiostep says itself is in the language of whoever reads it."""
        dora = stage.world.person("Dora", language_code="de")
        await stage.start(start("confirm", "sure?"))
        question = dict(await stage.tell(dora, "/start", "sure?"))
        assert labels(question) == ["Ja", "Nein"]
        await pressed(dora, "Ja")
        await stage.tell(dora, None, "got True")
        assert await pressed(dora, "Nein", on=question) == say(Saying("stale"), "de")

    async def test_a_form_is_filled(self, stage: Stage) -> None:
        """One question for each field, back and forth, and a last look in which one answer can be corrected."""
        await stage.start(start("fill", Order))
        alice = stage.alice
        await stage.tell(alice, "/start", "1 of 3\nWhat?")
        await pressed(alice, "tea")
        await stage.tell(alice, None, "2 of 3\nHow many?")
        await stage.tell(alice, "12", "Please answer with a number up to 9.")
        await stage.tell(alice, "2", "3 of 3\nAnything else?")
        await pressed(alice, "Back")
        await stage.tell(alice, None, "2 of 3\nHow many?")
        await stage.tell(alice, "3", "3 of 3\nAnything else?")
        await pressed(alice, "Skip")
        await stage.said(alice)
        await pressed(alice, "Item")
        await stage.tell(alice, None, "What?")
        await pressed(alice, "coffee")
        review = await stage.said(alice)
        assert review["text"].startswith("Item: coffee\nQuantity: 3\nNote: —\n")
        await pressed(alice, "Everything is right")
        await stage.tell(alice, None, f"got {Order('coffee', 3, None)!r}")
        await stage.passes(alice)

    async def test_long_answers_on_the_last_page(self, stage: Stage) -> None:
        """They are cut there, and only there: two of them are more than one message has room for."""
        await stage.start(start("fill", Letter))
        await stage.tell(stage.alice, "/start", "1 of 2\nSubject?")
        await stage.tell(stage.alice, "x" * 4000, "2 of 2\nText?")
        stage.alice.send("😀" * 2000)
        assert (await stage.said(stage.alice))["text"].startswith("Subject: xxx")
        await pressed(stage.alice, "Everything is right")
        assert (await stage.said(stage.alice))["text"].startswith("got Letter(subject='xxx")


#: What a button of another run brings back.
OLD = "as:AAAAAAAAAAAA:0"


async def old(c: Ctx) -> None:
    await c.say("old", OLD)
