"""Checks that take long, or for ever; and reminders to people who are gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiostep_core import ask
from aiostep_core.errors import AiostepError, WaitCancelled, WaitTimeout
from aiostep_core.facts import Facts
from tests.core.line import Line
from tests.core.virtual_time import settle

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("tidy")]


def asker(line: Line, **options: Any) -> list[Any]:
    """Have "/go" ask; return the list that the answer, or the error, goes to."""
    got: list[Any] = []

    @line.on("/go")
    async def go(update: Facts) -> None:
        try:
            got.append((await ask("Name?", **options)).text)
        except (AiostepError, KeyError) as error:
            got.append(error)

    return got


class Check:
    """A check that takes long; *ended* tells how each call of it came to its end."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ended: list[str] = []

    async def __call__(self, answer: Facts) -> bool | str:
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        self.ended.append("done")
        if answer.text == "error":
            raise KeyError(answer.text)
        return answer.text != "bad" or "No."


async def say(line: Line, *texts: str) -> None:
    for text in texts:
        line.arrive(text)
        await settle()


async def test_a_slow_check_holds_what_comes_meanwhile(line: Line) -> None:
    """Its verdict counts, whatever comes in the meantime; that is kept for the next question, or handed on."""
    check = Check(5)
    got = asker(line, check=check)
    await say(line, "/go", "bad", "Ann")
    assert line.prompts == ["Name?"]
    await asyncio.sleep(6)
    assert line.prompts == ["Name?", "No."]
    await asyncio.sleep(6)
    assert got == ["Ann"]
    assert check.ended == ["done", "done"]


async def test_a_check_that_never_ends_is_out_of_time(line: Line) -> None:
    """The question's own time limit ends it; the default is given."""
    check = Check(1e9)
    got = asker(line, check=check, timeout=10)
    await say(line, "/go")
    await asyncio.sleep(4)
    await say(line, "Ann")
    await asyncio.sleep(5)
    assert got == []
    await asyncio.sleep(2)
    assert isinstance(got[0], WaitTimeout)
    assert got[0].timeout == 10
    assert check.ended == ["cancelled"]


@pytest.mark.parametrize("word", ["/cancel", "/go"])
async def test_a_check_that_never_ends_can_be_left(line: Line, word: str) -> None:
    """Whoever cancels, or begins something else, is free at once."""
    check = Check(1e9)
    got = asker(line, check=check)
    await say(line, "/go", "Ann", word)
    assert isinstance(got[0], WaitCancelled)
    assert got[0].reason == ("user" if word == "/cancel" else "replaced")
    assert check.ended == ["cancelled"]
    await say(line, "/cancel")


async def test_a_check_of_a_question_that_cannot_be_cancelled(line: Line) -> None:
    """cancel=False holds while the check thinks, too."""
    got = asker(line, check=Check(5), cancel=False)
    await say(line, "/go", "Ann", "/cancel")
    await asyncio.sleep(6)
    assert got == ["Ann"]


async def test_a_slow_check_that_raises(line: Line) -> None:
    """What it raises reaches the handler, and no wait is left."""
    got = asker(line, check=Check(5))
    await say(line, "/go", "error")
    await asyncio.sleep(6)
    assert isinstance(got[0], KeyError)


async def test_a_handler_that_is_cancelled_during_a_check(line: Line) -> None:
    """The check is cancelled with it."""
    check = Check(1e9)

    @line.on("/go")
    async def go(update: Facts) -> None:
        task = asyncio.ensure_future(ask("Name?", check=check))
        await asyncio.sleep(5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    await say(line, "/go", "Ann")
    await asyncio.sleep(6)
    assert check.ended == ["cancelled"]


async def test_a_reminder_to_somebody_who_is_gone(line: Line) -> None:
    """Nobody will answer any more: the question ends, with the reason."""

    def fail(prompt: str) -> None:
        raise ConnectionRefusedError(prompt)

    got = asker(line, remind={5: "Still there?"})
    await say(line, "/go")
    line.on_send = fail
    await asyncio.sleep(6)
    assert isinstance(got[0], WaitCancelled)
    assert got[0].reason == "blocked"
