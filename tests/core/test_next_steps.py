"""Registered next steps: run with the next message, kept when they fail, gone when their time is up."""

from __future__ import annotations

import asyncio
import functools
from datetime import timedelta
from typing import Any

import pytest

from aiostep_core import Scope, cancel, clear, next_step, pending, register_next_step, unregister_steps, wait_for
from aiostep_core.errors import BadArgument, NoTarget, WaitCancelled
from aiostep_core.facts import Facts
from aiostep_core.steps import ATTEMPTS
from tests.core.line import Line
from tests.core.making import ALICE, BOB, GROUP
from tests.core.virtual_time import settle

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("tidy")]


class Steps:
    """A chain that collects what it is given."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def name(self, update: Facts, **kwargs: Any) -> None:
        self.got.append((update.text, kwargs))

    async def age(self, update: Facts) -> None:
        """Take an age, and ask again for as long as it is none."""
        if not (update.text or "").isdigit():
            await next_step(self.age)
        self.got.append(update.text)

    async def broken(self, update: Facts) -> None:
        self.got.append(update.text)
        raise ZeroDivisionError


async def say(line: Line, *texts: str, **details: Any) -> None:
    for text in texts:
        line.arrive(text, **details)
        await settle()


def starting(line: Line, fn: Any, **options: Any) -> None:
    """Have "go" register *fn* for whoever says it."""

    @line.on("go")
    async def go(update: Facts) -> None:
        await register_next_step(None, fn, **options)


async def test_a_step_runs_once_with_the_next_message(line: Line) -> None:
    """The next message of the same person runs the step with its arguments; the one after does not (T03, T12)."""
    steps = Steps()
    starting(line, steps.name, kwargs={"plan": "free"})
    await say(line, "go")
    await say(line, "of Bob", user_id=BOB)
    await say(line, "Ann", "again")

    assert steps.got == [("Ann", {"plan": "free"})]
    assert line.texts == ["go", "of Bob", "again"]


async def test_a_chain_that_registers_itself_again(line: Line) -> None:
    """A step may register itself again until the answer is good."""
    steps = Steps()
    starting(line, steps.age)
    await say(line, "go", "young", "old", "33", "done")

    assert steps.got == ["young", "old", "33"]
    assert line.texts == ["go", "done"]


async def test_a_chain_in_one_breath(line: Line) -> None:
    """What arrives while a step runs is for the step that it registers; the rest goes to ordinary handlers (T01)."""
    got: list[str | None] = []

    async def name(update: Facts) -> None:
        await asyncio.sleep(5)
        got.append(update.text)
        await next_step(age)

    async def age(update: Facts) -> None:
        await asyncio.sleep(5)
        got.append(update.text)

    starting(line, name)
    await say(line, "go")
    for text in ("Ann", "33", "and more"):
        line.arrive(text)
    await asyncio.sleep(20)

    assert got == ["Ann", "33"]
    assert line.texts == ["go", "and more"]


async def test_a_step_that_raises_in_one_breath(line: Line) -> None:
    """A step that raised is there again for the answer that had arrived meanwhile (T01, T16)."""
    steps = Steps()

    async def slow(update: Facts) -> None:
        await asyncio.sleep(5)
        await steps.broken(update)

    starting(line, slow)
    await say(line, "go")
    for text in ("1", "2", "3", "4"):
        line.arrive(text)
    await asyncio.sleep(30)

    assert steps.got == ["1", "2", "3"]
    assert line.texts == ["go", "4"]


async def test_a_running_step_is_nobodys_conversation(line: Line) -> None:
    """While a step runs without asking, cancel words, cancel(), on_exit and pending() do not mean it."""
    seen: list[Any] = []
    assert line.adapter is not None
    line.adapter.runtime.engine.on_exit(seen.append)

    async def slow(update: Facts) -> None:
        await asyncio.sleep(5)
        seen.append((await wait_for()).text)

    starting(line, slow)
    await say(line, "go", "1", "/cancel")
    assert await pending() == []
    assert cancel(user=ALICE) == 0
    await asyncio.sleep(6)
    line.arrive("2")
    await settle()

    assert seen[0] == "2"
    assert [how.reason for how in seen[1:]] == ["finished"]
    assert line.texts == ["go", "/cancel"]


async def test_a_number_names_a_user_or_a_chat(line: Line) -> None:
    """register_next_step(user_id, f) and (chat_id, f) work inside and outside handlers, as in the original API."""
    steps = Steps()
    await register_next_step(ALICE, steps.name)
    await say(line, "a", chat_id=ALICE)

    starting(line, steps.name)
    line.handlers["chat"] = lambda update: register_next_step(update.chat_id, steps.name)
    await say(line, "chat")
    await say(line, "b", user_id=BOB)
    assert [text for text, _ in steps.got] == ["a", "b"]


async def test_a_newer_step_takes_the_place(line: Line) -> None:
    """There is one step per person and chat: the newest."""
    first, second = Steps(), Steps()
    for steps in (first, second):
        starting(line, steps.name)
        line.arrive("go", command="go")
        await settle()
    await say(line, "Ann", "Bob")

    assert (first.got, [text for text, _ in second.got]) == ([], ["Ann"])


async def test_a_step_that_raises_is_kept_but_not_for_ever(line: Line) -> None:
    """A step that raises is kept for another answer, up to three times; every error reaches the handlers (T16)."""
    steps = Steps()
    starting(line, steps.broken)
    await say(line, "go", "1", "2", "3", "4")

    assert steps.got == ["1", "2", "3"]
    assert len(line.errors) == ATTEMPTS
    assert line.texts == ["go", "4"]


async def test_a_step_that_raised_does_not_replace_a_newer_one(line: Line) -> None:
    """If the failing step registered another, that one stays (T16, T21)."""
    steps = Steps()

    async def breaks(update: Facts) -> None:
        await next_step(steps.name)
        raise ZeroDivisionError

    starting(line, breaks)
    await say(line, "go", "1", "2")
    assert steps.got == [("2", {})]


async def test_a_step_may_wait(line: Line) -> None:
    """A step is a handler like any other: it can wait; a wait that ends quietly consumes it."""
    got: list[Any] = []

    async def asks(update: Facts) -> None:
        got.append((await wait_for()).text)
        await wait_for(timeout=5)

    starting(line, asks)
    await say(line, "go", "a", "b")
    await asyncio.sleep(6)
    assert got == ["b"]
    assert line.errors == []


@pytest.mark.parametrize("timeout", [10, timedelta(seconds=10)])
async def test_a_step_is_dropped_when_its_time_is_up(line: Line, timeout: Any) -> None:
    """timeout= drops the step; the next message goes to ordinary handlers (T25, T27)."""
    steps = Steps()
    starting(line, steps.name, timeout=timeout)
    await say(line, "go")
    await asyncio.sleep(10)
    await say(line, "late")

    assert (steps.got, line.texts) == ([], ["go", "late"])


async def test_commands_pass_a_step_and_cancel_drops_it(line: Line) -> None:
    """A /command is not the step's message; the cancel command drops the step and reaches its handler (T15)."""
    steps = Steps()
    starting(line, steps.name)
    await say(line, "go", "/help", "Ann")
    assert [text for text, _ in steps.got] == ["Ann"]

    await say(line, "go", "/cancel", "Bob")
    assert line.texts == ["go", "/help", "go", "/cancel", "Bob"]


async def test_a_cancel_command_leaves_the_step_of_a_chat(line: Line) -> None:
    """One person's cancel command does not drop a step that is for everybody in the chat (T12)."""
    steps = Steps()
    starting(line, steps.name, scope=Scope.CHAT)
    await say(line, "go", "/cancel", "Ann")

    assert [text for text, _ in steps.got] == ["Ann"]


async def test_a_wait_comes_before_a_step(line: Line) -> None:
    """While a handler waits, its answer is not the message of a step."""
    steps, got = Steps(), list[Any]()

    @line.on("go")
    async def go(update: Facts) -> None:
        await next_step(steps.name)
        got.append((await wait_for()).text)

    await say(line, "go", "to the wait", "to the step")
    assert got == ["to the wait"]
    assert [text for text, _ in steps.got] == ["to the step"]


async def test_a_duplicate_of_the_entry_runs_no_step(line: Line) -> None:
    """The update that led to a step, delivered again, is not its message (T10)."""
    steps = Steps()
    starting(line, steps.name)
    entry = line.arrive("go")
    await settle()
    line.feed(entry)
    assert line.adapter is not None
    line.adapter.arrive(entry, again=True)
    await settle()

    assert steps.got == []
    assert await clear() == 1


async def test_an_album_runs_one_step(line: Line) -> None:
    """The other parts of the album that ran a step run nothing (promise 11; T08)."""
    steps = Steps()
    starting(line, steps.age)
    await say(line, "go")
    for _ in range(3):
        line.arrive("photo", media_group_id="m")
    await settle()

    assert steps.got == ["photo"]
    assert line.texts == ["go"]
    await clear()


async def test_a_filter_decides_whose_message_it_is(line: Line) -> None:
    """filter= lets other messages through to ordinary handlers, in order, also an asynchronous one (T11)."""
    steps = Steps()

    async def digits(update: Facts) -> bool:
        await asyncio.sleep(1)
        return (update.text or "").isdigit()

    starting(line, steps.name, filter=digits)
    await say(line, "go")
    for text in ("a", "b", "7", "8"):
        line.arrive(text)
    await asyncio.sleep(10)

    assert [text for text, _ in steps.got] == ["7"]
    assert line.texts == ["go", "a", "b", "8"]


async def slow(update: Facts) -> bool:
    await asyncio.sleep(10)
    return False


async def test_a_step_is_not_run_after_its_time_because_a_filter_was_slow(line: Line) -> None:
    """While the filter of one step thinks, the time of another can run out; it is not run any more (T25)."""
    steps = Steps()

    @line.on("go")
    async def go(update: Facts) -> None:
        await register_next_step(None, steps.name, filter=slow)
        await register_next_step(None, steps.name, scope=Scope.GLOBAL_USER, timeout=5)

    await say(line, "go", "Ann")
    await asyncio.sleep(11)
    assert (steps.got, line.texts) == ([], ["go", "Ann"])
    await clear()


async def test_a_step_that_is_replaced_while_a_filter_thinks(line: Line) -> None:
    """What the slow filter refuses goes to the step that is there then, not to the one that was there before."""
    steps = Steps()

    @line.on("go")
    async def go(update: Facts) -> None:
        await register_next_step(None, steps.name, filter=slow)
        await register_next_step(None, steps.broken, scope=Scope.GLOBAL_USER)

    await say(line, "go", "Ann")
    await register_next_step(ALICE, steps.name, scope=Scope.GLOBAL_USER, kwargs={"is_new": True})
    await asyncio.sleep(11)
    assert (steps.got, line.texts) == ([("Ann", {"is_new": True})], ["go"])
    await clear()


async def test_steps_are_unregistered(line: Line) -> None:
    """unregister_steps() drops the person's steps and ends their waits; those of the chat and of others stay."""
    steps, got = Steps(), list[Any]()

    @line.on("go")
    async def go(update: Facts) -> None:
        await register_next_step(None, steps.name)
        await register_next_step(None, steps.name, scope=Scope.GLOBAL_USER)
        await register_next_step(GROUP, steps.name)
        await register_next_step(BOB, steps.name)
        try:
            await wait_for()
        except WaitCancelled as error:
            got.append(error.reason)

    @line.on("/off")
    async def off(update: Facts) -> None:
        got.append(await unregister_steps())

    await say(line, "go", "/off")
    assert got == [3, "code"]
    assert sorted(str(one.scope) for one in await pending()) == ["Scope.CHAT", "Scope.USER_IN_CHAT"]
    assert await clear() == 2


async def test_pending_steps_are_listed(line: Line) -> None:
    """pending() names the steps, with their age and what is left of their time."""
    steps = Steps()
    starting(line, steps.name, timeout=60)
    await say(line, "go")
    await asyncio.sleep(10)

    (step,) = await pending()
    assert (step.what, step.name, step.age, step.left) == ("step", "Steps.name", 10, 50)
    await clear()


async def test_what_cannot_be_a_step_is_refused(line: Line) -> None:
    """Something that cannot be called, and a coroutine that was called already, are refused in one sentence."""
    with pytest.raises(BadArgument, match="^fn is 5; expected a function to call with the next message$"):
        await register_next_step(ALICE, 5)  # type: ignore[arg-type]
    called = Steps().name(Facts(bot_id=1, kind="message"))
    with pytest.raises(BadArgument, match="expected the function itself, not the result of calling it$"):
        await register_next_step(ALICE, called)  # type: ignore[arg-type]
    called.close()
    with pytest.raises(NoTarget, match="^outside a handler"):
        await register_next_step(None, functools.partial(Steps().name))
