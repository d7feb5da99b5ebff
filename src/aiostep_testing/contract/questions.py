"""Level core: questions that make something of the answer, and what they say when it is no good."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

from aiostep_core import Scope, between
from aiostep_core.errors import TooManyAttempts

from .context import Ctx, Program
from .level import Level
from .stage import Stage

__all__ = ["Questions"]


class Size(Enum):
    SMALL = "S"
    LARGE = "L"


def asking(*args: Any, **options: Any) -> Program:
    """Make a program that asks and tells what it was given."""

    async def start(c: Ctx) -> None:
        await c.say(f"got {await c.ask(*args, **options)!r}")

    return start


class Questions(Level, level="core"):
    """What ``ask`` makes of answers, and ``stream`` of many."""

    async def test_answers_become_values(self, stage: Stage) -> None:
        """A number, a date, a choice: the person is told what is expected until it is one."""
        kinds: list[Any] = [int]

        async def ask_for(c: Ctx) -> None:
            await c.say(f"got {await c.ask('what?', kinds[0])!r}")

        await stage.start(ask_for)
        for kind, refused, answer, got in (
            (int, "Please answer with a whole number.", "12", 12),
            (Decimal, "Please answer with a number.", "1,5", Decimal("1.5")),
            (bool, "Please answer yes or no.", "yes", True),
            (date, None, "2026-12-31", date(2026, 12, 31)),
            (Size, "Please choose one of these: S, L.", "l", Size.LARGE),
            (Literal["tea", "coffee"], "Please choose one of these: tea, coffee.", "Tea", "tea"),
        ):
            kinds[0] = kind
            await stage.tell(stage.alice, "/ask_for", "what?")
            refusal = await stage.tell(stage.alice, "whatever?", *[refused] if refused is not None else [])
            if refused is None:
                refusal = await stage.said(stage.alice)
                assert refusal["text"].startswith("Please answer with a date")
            await stage.tell(stage.alice, answer, f"got {got!r}")

    async def test_a_check_says_why(self, stage: Stage) -> None:
        """A check refuses with its reason, ``retry`` may put it into other words, and the count of tries is kept."""
        await stage.start(asking("age?", int, check=between(7, 120), retry="{problem} {left} left."))
        await stage.tell(stage.alice, "/start", "age?")
        await stage.tell(stage.alice, "6", "Please answer with a number from 7 upwards. 2 left.")
        await stage.tell(stage.alice, "121", "Please answer with a number up to 120. 1 left.")
        await stage.tell(stage.alice, "7", "got 7")

    async def test_a_retry_may_be_a_function(self, stage: Stage) -> None:
        """It is given what was wrong, and how many tries are left."""

        def even(number: int) -> bool | str:
            return number % 2 == 0 or "That is odd."

        def say_why(problem: str, left: int) -> str:
            return f"{problem} ({left})"

        await stage.start(asking("number?", int, check=even, retry=say_why))
        await stage.tell(stage.alice, "/start", "number?")
        await stage.tell(stage.alice, "3", "That is odd. (2)")
        await stage.tell(stage.alice, "4", "got 4")

    async def test_tries_run_out(self, stage: Stage) -> None:
        """After the last one the handler is told, and the person is free."""

        async def once(c: Ctx) -> None:
            try:
                await c.ask("number?", int, attempts=2)
            except TooManyAttempts:
                await c.say("never mind")

        await stage.start(once)
        await stage.tell(stage.alice, "/once", "number?")
        await stage.tell(stage.alice, "a", "Please answer with a whole number.")
        await stage.tell(stage.alice, "b", "never mind")
        await stage.passes(stage.alice)

    async def test_a_reminder(self, stage: Stage) -> None:
        """Whoever is silent is reminded, and answers as before."""
        await stage.start(asking("name?", remind={0.05: "still there?"}))
        await stage.tell(stage.alice, "/start", "name?", "still there?")
        await stage.tell(stage.alice, "Ann", "got 'Ann'")

    async def test_what_escapes(self, stage: Stage) -> None:
        """A filter names what other handlers keep; the question stands."""

        async def start(c: Ctx) -> None:
            await c.say(f"got {await c.ask('age?', int, escape=c.filter('^help', 0))}")

        await stage.start(start)
        await stage.tell(stage.alice, "/start", "age?")
        await stage.tell(stage.alice, "help", "other:help")
        await stage.tell(stage.alice, "7", "got 7")

    async def test_a_stream_loses_nothing(self, stage: Stage) -> None:
        """T01: what comes between two turns of the loop is kept; what its filter does not mean passes."""

        async def guess(c: Ctx) -> None:
            heard = list[str]()
            async for text in c.stream(scope=Scope.CHAT, filter=c.filter("^[0-9]", 0), limit=4):
                heard.append(text)
                await c.pause(0.02)
            await c.say(f"over {','.join(heard)}")

        await stage.start(guess)
        await stage.tell(stage.alice, "/guess", "listening", in_=stage.group)
        for person, text in ((stage.alice, "1"), (stage.bob, "2"), (stage.bob, "two"), (stage.alice, "3")):
            person.send(text, to=stage.group)
        await stage.tell(stage.bob, "4", in_=stage.group)
        said = sorted([(await stage.said(stage.alice, in_=stage.group))["text"] for _ in range(2)])
        assert said == ["other:two", "over 1,2,3,4"]
        await stage.passes(stage.alice, in_=stage.group)

    async def test_a_stream_ends_with_its_time(self, stage: Stage) -> None:
        """T25: its loop just ends, and the person is free."""

        async def listen(c: Ctx) -> None:
            heard = [text async for text in c.stream(timeout=0.3)]
            await c.say(f"over {','.join(heard)}")

        await stage.start(listen)
        await stage.tell(stage.alice, "/listen", "listening")
        stage.alice.send("a")
        await stage.tell(stage.alice, "b", "over a,b")
        await stage.passes(stage.alice)
