"""What is called when the time of a next step is up, with steps in memory."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from aiostep_core import Key, Scope, TimedOut, next_step, register_next_step, unregister_steps
from aiostep_core.errors import BadArgument, NoTarget
from aiostep_core.facts import Facts
from tests.core.line import Line
from tests.core.making import ALICE, BOT, GROUP
from tests.core.virtual_time import settle

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("tidy")]


class Steps:
    """A step, and what is called in its stead."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def name(self, update: Facts, **kwargs: Any) -> None:
        self.got.append(update.text)

    async def late(self, timed_out: TimedOut, **kwargs: Any) -> None:
        self.got.append((timed_out.key, timed_out.scope, timed_out.step, kwargs))
        await timed_out.send("Too late.")


def starting(line: Line, steps: Steps, **options: Any) -> None:
    """Have "go" register the step."""

    @line.on("go")
    async def go(update: Facts) -> None:
        await register_next_step(None, steps.name, timeout=60, on_timeout=steps.late, **options)


async def test_it_is_called_once(line: Line) -> None:
    """When nobody answers in time on_timeout is called, once, with the step's arguments; it can write to the chat."""
    steps = Steps()
    starting(line, steps, kwargs={"x": 1})
    line.arrive("go")
    await asyncio.sleep(59)
    assert steps.got == []
    await asyncio.sleep(200)

    assert steps.got == [(Key(BOT, GROUP, ALICE), Scope.USER_IN_CHAT, "Steps.name", {"x": 1})]
    assert line.prompts == ["Too late."]


async def test_it_is_called_although_the_answer_came_late(line: Line) -> None:
    """A message in the very moment goes to the handlers; on_timeout is called all the same."""
    steps = Steps()
    starting(line, steps)
    line.arrive("go")
    await asyncio.sleep(60)
    line.arrive("late")
    await asyncio.sleep(1)

    assert len(steps.got) == 1
    assert line.texts == ["go", "late"]


async def test_it_is_not_called_for_what_is_over(line: Line) -> None:
    """Neither for a step that has run, nor for one that was dropped or replaced; and no timer is left."""
    steps = Steps()
    starting(line, steps)
    line.arrive("go")
    await settle()
    line.arrive("Ann")
    await settle()
    line.arrive("go")
    await settle()
    await unregister_steps(Key(BOT, GROUP, ALICE))
    line.arrive("go")
    await settle()
    await register_next_step(Key(BOT, GROUP, ALICE), steps.name)
    await asyncio.sleep(200)
    line.arrive("Ann")
    await settle()

    assert steps.got == ["Ann", "Ann"]


async def test_one_after_the_other(line: Line) -> None:
    """Each of several is called in its own time, also a sooner one that was registered later."""
    steps = Steps()
    for user, timeout in ((1, 60), (2, 10), (3, 30)):
        await register_next_step(Key(BOT, user, user), steps.name, timeout=timeout, on_timeout=steps.late)
    times = list[float]()
    loop = asyncio.get_running_loop()
    start = loop.time()
    while len(steps.got) < 3:
        before = len(steps.got)
        await asyncio.sleep(1)
        if len(steps.got) > before:
            times.append(loop.time() - start)

    assert [key.user_id for key, *_ in steps.got] == [2, 3, 1]
    assert [round(one, -1) for one in times] == [10, 30, 60]


async def test_what_it_raises_is_logged(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    """A framework without error handlers for it has it in the log; the others are called."""
    steps = Steps()

    async def broken(timed_out: TimedOut) -> None:
        raise ZeroDivisionError

    await register_next_step(Key(BOT, 1, 1), steps.name, timeout=5, on_timeout=broken)
    await register_next_step(Key(BOT, 2, 2), steps.name, timeout=5, on_timeout=steps.late)
    with caplog.at_level(logging.ERROR, "aiostep"):
        await asyncio.sleep(10)

    assert len(steps.got) == 1
    assert [type(one.exc_info[1]) for one in caplog.records if one.exc_info] == [ZeroDivisionError]


async def test_to_whom_it_can_write(line: Line) -> None:
    """To the chat of the step, or its person; a step for anybody has neither."""
    got = list[Any]()

    async def late(timed_out: TimedOut) -> None:
        try:
            await timed_out.send("Too late.")
        except NoTarget as error:
            got.append(error)

    targets = [(Key(BOT, None, 7), Scope.GLOBAL_USER), (Key(BOT, GROUP), Scope.CHAT), (Key(BOT), Scope.ANY)]
    for key, scope in targets:
        await register_next_step(key, Steps().name, timeout=5, on_timeout=late, scope=scope)
    await asyncio.sleep(10)

    assert sorted(address.key.chat_id or 0 for _, address in line.sent) == [GROUP, 7]
    assert len(got) == 1


async def test_what_makes_no_sense(line: Line) -> None:
    """on_timeout must be callable, and needs a timeout."""
    steps = Steps()
    senseless: tuple[dict[str, Any], ...] = ({"on_timeout": steps.late}, {"on_timeout": 5, "timeout": 5})
    for options in senseless:
        with pytest.raises(BadArgument):
            await register_next_step(Key(BOT, 1, 1), steps.name, **options)


async def test_it_may_register_the_next(line: Line) -> None:
    """on_timeout may register a step again, for the same person."""
    steps = Steps()

    async def again(timed_out: TimedOut) -> None:
        await register_next_step(timed_out.key, steps.name)

    @line.on("go")
    async def go(update: Facts) -> None:
        await next_step(steps.name, timeout=5, on_timeout=again)

    line.arrive("go")
    await asyncio.sleep(10)
    line.arrive("Ann")
    await settle()

    assert steps.got == ["Ann"]
