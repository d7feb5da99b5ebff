"""What passes a question by, after which it is asked again; and what was said before it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiostep_core import ask
from aiostep_core.errors import AiostepError, BadArgument, WaitCancelled, WaitTimeout
from aiostep_core.facts import Facts
from tests.core.line import Line
from tests.core.making import BOB
from tests.core.virtual_time import settle

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("tidy")]


def asker(line: Line, **options: Any) -> list[Any]:
    """Have "/go" ask; return the list that the answer, or the error, goes to."""
    got: list[Any] = []

    @line.on("/go")
    async def go(update: Facts) -> None:
        try:
            got.append((await ask("Name?", **options)).text)
        except AiostepError as error:
            got.append(error)

    return got


async def say(line: Line, *texts: str, every: float = 0.0, **details: Any) -> None:
    for text in texts:
        line.arrive(text, **details)
        await (asyncio.sleep(every) if every else settle())


async def test_it_is_asked_again_a_second_after_the_last(line: Line) -> None:
    """again=True: once for several commands in a row, however long that lasts; each goes to its handler."""
    got = asker(line, again=True)
    await say(line, "/go", "/a", "/b", "/c", every=0.9)
    assert line.prompts == ["Name?"]
    await asyncio.sleep(0.2)
    assert line.prompts == ["Name?"] * 2
    await asyncio.sleep(10)
    assert line.prompts == ["Name?"] * 2

    await say(line, "Ann")
    assert got == ["Ann"]
    assert line.texts == ["/go", "/a", "/b", "/c"]


async def test_it_is_not_asked_again_without_being_told_to(line: Line) -> None:
    """By default a command passes, and nothing is said."""
    asker(line, escape=lambda update: update.text == "help")
    await say(line, "/go", "/a", "help", every=2)
    assert line.prompts == ["Name?"]
    assert line.texts == ["/go", "/a", "help"]
    await say(line, "Ann")


async def test_commands_of_other_bots_are_no_reason(line: Line) -> None:
    """A command that names another bot is answered by nobody here."""
    asker(line, again=True)
    await say(line, "/go", "/help@other_bot", every=2)
    assert line.prompts == ["Name?"]
    await say(line, "Ann")


async def test_a_question_that_is_over_is_not_asked_again(line: Line) -> None:
    """Answered, replaced by what a command begins, or out of time before the second is over."""
    got = asker(line, again=True, timeout=30)
    await say(line, "/go", "/help", "Ann")
    await say(line, "/go", "/help", "/go", every=0.5)
    await asyncio.sleep(2)
    assert line.prompts == ["Name?"] * 3
    assert got[0] == "Ann"
    assert isinstance(got[1], WaitCancelled)

    await asyncio.sleep(27)
    await say(line, "/help", every=5)
    assert isinstance(got[2], WaitTimeout)
    assert line.prompts == ["Name?"] * 3


async def test_asking_again_costs_no_try_and_no_time(line: Line) -> None:
    """Tries are counted, and time runs, from the first time it was asked."""
    got = asker(line, again=True, attempts=1, timeout=10)
    await say(line, "/go", *["/help"] * 4, every=2.1)
    assert line.prompts == ["Name?"] * 5
    await asyncio.sleep(3)
    assert isinstance(got[0], WaitTimeout)
    assert got[0].timeout == 10


async def test_a_command_while_the_prompt_is_on_its_way(line: Line) -> None:
    """Its handler's words may be below the question, which is asked again, a while after it is out."""
    got = asker(line, again=1.5)
    line.on_send = lambda prompt: asyncio.sleep(5)
    await say(line, "/go", "/help", every=1)
    line.on_send = None
    await asyncio.sleep(4)
    assert len(line.prompts) == 1
    await asyncio.sleep(1)
    assert len(line.prompts) == 2
    await say(line, "Ann")
    assert got == ["Ann"]


@pytest.mark.parametrize("again", ["yes", -1, float("nan"), float("inf")])
async def test_again_says_how_long(line: Line, again: Any) -> None:
    """Yes, no or seconds; anything else is refused before anything is sent."""
    got = asker(line, again=again)
    await say(line, "/go")
    assert isinstance(got[0], BadArgument)
    assert not line.prompts


async def test_an_escape_that_has_to_be_awaited(line: Line) -> None:
    """What it names passes, in its order; what it does not is the answer."""

    async def escape(update: Facts) -> bool:
        await asyncio.sleep(0.1)
        return update.text == "help"

    got = asker(line, again=True, escape=escape)
    await say(line, "/go", "help", every=0.5)
    assert line.texts == ["/go", "help"]
    await asyncio.sleep(2)
    assert line.prompts == ["Name?"] * 2
    await say(line, "Ann", every=0.5)
    assert got == ["Ann"]


async def test_a_late_message_from_before_a_fresh_question(line: Line) -> None:
    """fresh=True goes by the ids of messages: what was written before the prompt is none of its answers."""
    got = asker(line, fresh=True)
    await say(line, "/go")
    await say(line, "from before", message_id=4999)
    await say(line, "to another", user_id=BOB, message_id=5002)
    await say(line, "in time", message_id=5003)

    assert got == ["in time"]
    assert line.texts == ["/go", "from before", "to another"]


async def test_a_fresh_answer_while_the_prompt_is_on_its_way(line: Line) -> None:
    """T02: it is known by its id, and asked what its filter says about it."""

    async def no_number(update: Facts) -> bool:
        await asyncio.sleep(0.1)
        return not (update.text or "").isdigit()

    got = asker(line, fresh=True, filter=no_number)
    line.on_send = lambda prompt: asyncio.sleep(5)
    await say(line, "/go")
    await say(line, "from before", message_id=4999)
    await say(line, "7", message_id=5002)
    await say(line, "in time", message_id=5003)
    await asyncio.sleep(6)

    assert got == ["in time"]
    assert line.texts == ["/go", "from before", "7"]


async def test_what_was_written_before_it_was_asked_again(line: Line) -> None:
    """A fresh question that is asked again takes what was written since it was asked first."""
    got = asker(line, fresh=True, again=True)
    await say(line, "/go", "/help")
    line.on_send = lambda prompt: asyncio.sleep(5)
    await asyncio.sleep(2)
    assert len(line.prompts) == 2
    await say(line, "in time", message_id=5001)
    await asyncio.sleep(5)
    assert got == []  # that was the id of the first prompt
    await say(line, "also in time", message_id=5002)
    assert got == ["also in time"]


async def test_a_prompt_that_can_be_sent_only_once(line: Line) -> None:
    """It is refused before anything is sent, and not when somebody asks for help."""
    got: list[Any] = []

    async def photo() -> None:
        raise AssertionError

    @line.on("/go")
    async def go(update: Facts) -> None:
        with pytest.raises(BadArgument, match="prompt is 'a coroutine'; expected a text, or a function"):
            await ask(photo(), again=True)
        got.append("refused")

    await say(line, "/go")
    assert got == ["refused"]
