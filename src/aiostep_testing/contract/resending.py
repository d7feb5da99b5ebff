"""Levels limits and menus: questions that Telegram does not take at once."""

from __future__ import annotations

from typing import Any

from aiostep_core import ask, choose
from aiostep_core.durable.flows import durable
from aiostep_testing.wire import Json

from .context import Ctx
from .level import Level
from .menus import SIZES, gone, pressed, start
from .programs import ended
from .questions import asking
from .stage import Stage

__all__ = ["ButtonsTakenAwayLater", "KeptAndSentLater", "SentLater"]


def refuse(stage: Stage, text: str, **fault: Any) -> None:
    """Have the next call that sends *text* fail: with a flood limit, unless *fault* says otherwise."""

    def is_meant(params: Json) -> bool:
        return params.get("text") == text

    options: dict[str, Any] = {"status": 429, **fault}
    stage.world.faults.add("sendMessage", when=is_meant, **options)


def sent(stage: Stage, text: str) -> int:
    """Count how often the bot has tried to send *text*."""
    return [call.get("text") for call in stage.calls("sendMessage")].count(text)


async def tried(stage: Stage, text: str, count: int = 1) -> None:
    """Wait until the bot has tried so often to send *text*."""
    await stage.until(lambda: sent(stage, text) == count, f"try {count} to send {text!r}")


async def told(c: Ctx, **options: Any) -> None:
    """Ask for a name, and tell whether the framework's own error has come of it."""
    try:
        await c.say(f"hello {await c.ask('name?', **options)}")
    except Exception as error:  # noqa: BLE001 - each framework has its own
        await c.say(f"cannot ask: {type(error).__module__.split('.')[0] != 'aiostep_core'}")


class SentLater(Level, level="limits"):
    """Promise 3: a question that cannot be sent waits as one that is not answered."""

    async def test_questions_wait_for_telegram(self, stage: Stage) -> None:
        """T23: prompts, what is said to a bad answer, and reminders come when Telegram's limit allows; others go on.

        An answer that comes before the question is out is one, as it is with a slow network.
        """
        alice, bob, carol, dora = stage.alice, stage.bob, stage.world.person("Carol"), stage.world.person("Dora")
        await stage.start(asking("age?", int, remind={0.05: "still there?"}))
        await stage.tell(bob, "/start", "age?", "still there?")
        for count, person in enumerate((alice, dora), 2):
            refuse(stage, "age?", retry_after=2)
            person.send("/start")
            await tried(stage, "age?", count)
        refuse(stage, "Please answer with a whole number.", retry_after=2)
        bob.send("old")
        refuse(stage, "still there?", retry_after=2)
        await stage.tell(carol, "/start", "age?")
        await stage.tell(dora, "/help", "other:/help")
        dora.send("6")

        await stage.tell(alice, None, "age?", "still there?")
        await stage.tell(alice, "7", "got 7")
        await stage.tell(bob, None, "Please answer with a whole number.")
        await stage.tell(bob, "8", "got 8")
        await stage.tell(carol, None, "still there?")
        await stage.tell(carol, "9", "got 9")
        await stage.tell(dora, None, "age?", "got 6")
        assert sent(stage, "age?") == 6

    async def test_who_leaves_meanwhile(self, stage: Stage) -> None:
        """T15: /cancel, code and another conversation end what is not asked yet, at once."""
        people = stage.alice, stage.bob, stage.world.person("Carol")
        await stage.start(ended)
        for number, person in enumerate(people, 1):
            refuse(stage, "name?", retry_after=30)
            person.send("/ended")
            await tried(stage, "name?", number)
        await stage.tell(people[0], "/cancel", "ended: user")
        assert stage.harness.engine.cancel(user=people[1].id, reason="sold out") == 1
        await stage.tell(people[1], None, "ended: sold out")
        people[2].send("/ended")
        assert await stage.texts(people[2], 2) == ["ended: replaced", "name?"]
        await stage.tell(people[2], "Carol", "hello Carol")
        for person in people:
            await stage.passes(person)

    async def test_the_bot_stops_meanwhile(self, stage: Stage) -> None:
        """T24: a question that is not asked yet does not keep the bot from stopping."""
        ends = list[str]()

        async def note(c: Ctx) -> None:
            try:
                await c.ask("name?")
            except Exception as error:
                ends.append(getattr(error, "reason", repr(error)))
                raise

        await stage.start(note)
        refuse(stage, "name?", retry_after=30)
        stage.alice.send("/note")
        await tried(stage, "name?")
        await stage.stop()
        assert ends == ["shutdown"]

    async def test_a_limit_that_is_too_long(self, stage: Stage) -> None:
        """T23: what the question has no time for goes to the handler, as the framework's own error, at once."""

        async def short(c: Ctx) -> None:
            await told(c, timeout=10)

        await stage.start(told, short)
        refuse(stage, "name?", retry_after=61)
        await stage.tell(stage.alice, "/told", "cannot ask: True")
        refuse(stage, "name?", retry_after=11)
        await stage.tell(stage.alice, "/short", "cannot ask: True")
        assert sent(stage, "name?") == 2
        await stage.passes(stage.alice)

    async def test_nothing_is_said_twice(self, stage: Stage) -> None:
        """T23: what Telegram may have sent, or refuses for good, is not sent again."""
        await stage.start(told)
        faults: list[dict[str, Any]] = [{"status": 502}, {"status": None, "lost": True}, {"status": 400}]
        for number, fault in enumerate(faults, 1):
            refuse(stage, "name?", **fault)
            stage.alice.send("/told")
            answer = await stage.said(stage.alice)
            if fault.get("lost"):
                assert answer["text"] == "name?"
                answer = await stage.said(stage.alice)
            assert answer["text"] == "cannot ask: True"
            assert sent(stage, "name?") == number
        await stage.passes(stage.alice)


@durable("contract.limited")
async def limited(update: Any, *_: Any) -> None:
    await ask("first?", str)
    await choose("second?", {"S": "Small", "L": "Large"})
    await ask("third?", str)


class KeptAndSentLater(Level, level="limits"):
    """Promise 12: the same for durable conversations."""

    async def test_a_durable_question_waits(self, stage: Stage) -> None:
        """T53: it is written down once it is out, and a replay does not ask it again."""
        await stage.start_durable(limited)
        await stage.tell(stage.alice, "/limited", "first?")
        refuse(stage, "second?", retry_after=2)
        await stage.tell(stage.alice, "Ann", "second?")
        await stage.restart()
        stage.click(stage.alice, "Large")
        await stage.tell(stage.alice, None, "third?")
        await stage.tell(stage.alice, "x")
        await stage.passes(stage.alice)
        assert [sent(stage, text) for text in ("first?", "second?", "third?")] == [1, 2, 1]

    async def test_a_restart_before_it_is_asked(self, stage: Stage) -> None:
        """T53: the next process asks it."""
        await stage.start_durable(limited)
        await stage.tell(stage.alice, "/limited", "first?")
        refuse(stage, "second?", retry_after=30)
        stage.alice.send("Ann")
        await tried(stage, "second?")
        await stage.restart()
        await stage.passes(stage.bob)  # some bots look after what is stored from the first update on
        await stage.tell(stage.alice, None, "second?")
        stage.click(stage.alice, "Large")
        await stage.tell(stage.alice, None, "third?")
        await stage.tell(stage.alice, "/cancel")
        await stage.passes(stage.alice)
        assert [sent(stage, text) for text in ("first?", "second?", "third?")] == [1, 2, 1]


class ButtonsTakenAwayLater(Level, level="menus"):
    """The same for buttons."""

    async def test_the_buttons_go_in_the_end(self, stage: Stage) -> None:
        """They are taken away once Telegram does it: that can be asked for twice."""
        await stage.start(start("choose", "size?", SIZES))
        question = await stage.tell(stage.alice, "/start", "size?")
        stage.world.faults.add("editMessageReplyMarkup", status=502)
        await pressed(stage.alice, "Large")
        await stage.tell(stage.alice, None, "got 'L'")
        await gone(stage, stage.alice, question)
