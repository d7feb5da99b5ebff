"""Loops that ended without their tasks, as when ``loop.close()`` comes before they are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from aiostep_core import Key, wait_for
from aiostep_core.facts import Facts
from tests.core.line import Line
from tests.core.making import ALICE, BOT
from tests.core.virtual_time import VirtualLoop, settle


@pytest.fixture
def ended(line: Line) -> Iterator[VirtualLoop]:
    """Give a closed loop in which a handler waits, another has waited, and something is on its way beside them."""
    assert line.adapter is not None
    runtime, loop = line.adapter.runtime, VirtualLoop()

    @line.on("go")
    async def handler(update: Facts) -> None:
        await wait_for()
        await asyncio.sleep(3600)

    async def begin() -> None:
        runtime.start(asyncio.sleep(3600))
        for chat in (-1, -2):
            line.arrive("go", chat_id=chat)
            await settle()
        line.arrive("an answer", chat_id=-2)
        await settle()

    loop.run_until_complete(begin())
    tasks: Any = asyncio.all_tasks(loop)
    loop.close()
    yield loop
    for task in tasks:
        task._log_destroy_pending = False
        task.get_coro().close()


def seconds_to(main: Coroutine[Any, Any, object]) -> float:
    """Run *main* in a new loop; return the seconds that took."""
    loop = VirtualLoop()
    began = loop.time()
    try:
        loop.run_until_complete(main)
        return loop.time() - began
    finally:
        loop.close()


@pytest.mark.usefixtures("ended")
def test_shutdown_does_not_wait_for_the_tasks_of_an_ended_loop(line: Line) -> None:
    """aclose() in a new loop ends their waits, and is done at once: they will never say that they are over."""
    assert line.adapter is not None
    runtime = line.adapter.runtime

    assert seconds_to(runtime.aclose(grace=10)) < 1
    assert list(runtime.engine.waits) == []


@pytest.mark.usefixtures("ended")
def test_who_waits_in_a_new_loop_takes_over(line: Line) -> None:
    """A wait in a new loop replaces that of a handler which can go on no more, and shutdown knows the new handlers."""
    assert line.adapter is not None
    runtime, got = line.adapter.runtime, list[str | None]()

    @line.on("new")
    async def handler(update: Facts) -> None:
        got.append((await wait_for(Key(BOT, -1, ALICE))).text)
        await asyncio.sleep(3)

    async def ask_again() -> None:
        for text, chat in (("new", -3), ("yes", -1)):
            line.arrive(text, chat_id=chat)
            await settle()
        await runtime.aclose(grace=10)

    assert 3 <= seconds_to(ask_again()) < 4
    assert got == ["yes"]
