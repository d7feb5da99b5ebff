"""The stage that every test of the adapter plays on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.telebot.stage import Stage


@pytest.fixture(params=["in process", "http"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Give a stage for either transport; whatever nobody handled fails the test."""
    async with AsyncExitStack() as stack:
        stage = Stage(request.param, stack)
        await stage.open()
        yield stage
    assert stage.errors == []
    assert stage.world.violations == []


@pytest.fixture
async def local() -> AsyncIterator[Stage]:
    """Give a stage in process only, for what no transport has a part in."""
    async with AsyncExitStack() as stack:
        stage = Stage("in process", stack)
        await stage.open()
        yield stage
    assert stage.errors == []
    assert stage.world.violations == []
