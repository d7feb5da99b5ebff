"""How the core is tested: asyncio tests on a loop whose hours take no time, and how long the property tests look."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.core.line import Line, installed
from tests.core.virtual_time import VirtualLoop, settle

# What tests/conftest.py chose (CI repeats itself, a developer's machine explores) stays, unless a longer look is
# asked for: HYPOTHESIS_PROFILE=long.
settings.register_profile("long", settings.default, max_examples=2000, derandomize=False, stateful_step_count=60)
if wanted := os.environ.get("HYPOTHESIS_PROFILE"):
    settings.load_profile(wanted)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run async tests on a loop of their own with a clock that jumps."""
    return "asyncio", {"loop_factory": VirtualLoop}


@pytest.fixture
def line() -> Iterator[Line]:
    """Give a bot with an engine; whatever a test does, nothing may be left behind when it is done."""
    line = Line()
    engine = installed(line)
    yield line
    if line.adapter is not None:
        engine.uninstall()


@pytest.fixture
async def tidy(line: Line) -> AsyncIterator[None]:
    """Look, when everything is over, for conversations, lanes, steps, tasks, timers and futures left behind."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    before = len(asyncio.all_tasks()), len(loop.futures)
    yield
    stuck = (await asyncio.wait(line.tasks, timeout=7 * 86400))[1] if line.tasks else set()
    for task in stuck:
        task.cancel()
    await settle()
    assert not stuck
    assert line.adapter is not None
    engine = line.adapter.runtime.engine
    assert list(engine.waits) == []
    assert engine.waits.scopes == ()
    assert not engine.lanes
    assert not line.adapter.runtime.steps.storage.scopes
    await asyncio.sleep(60)  # for so long the one timer of all deadlines may be left
    assert loop.timers == []
    assert (len(asyncio.all_tasks()), len(loop.futures)) == before
