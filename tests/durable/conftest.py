"""Durable conversations are tested on a loop whose hours take no time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.core.virtual_time import VirtualLoop
from tests.durable.bot import World


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run async tests on a loop of their own with a clock that jumps."""
    return "asyncio", {"loop_factory": VirtualLoop}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Give a world with records in memory; a test boots the bot."""
    world = World()
    yield world
    await world.close()
