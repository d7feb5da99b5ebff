"""The stage that every test of the adapter plays on."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.ptb.stage import Stage

if importlib.util.find_spec("telegram") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(params=["in process", "http"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Give a stage for either transport; whatever nobody handled fails the test."""
    async for stage in _open(request.param):
        yield stage


@pytest.fixture
async def local() -> AsyncIterator[Stage]:
    """Give a stage in process only, for what no transport has a part in."""
    async for stage in _open("in process"):
        yield stage


async def _open(transport: str) -> AsyncIterator[Stage]:
    from tests.ptb.stage import Stage

    async with AsyncExitStack() as stack:
        stage = Stage(transport, stack)
        await stage.open()
        yield stage
    assert stage.errors == []
    assert stage.world.violations == []


@pytest.fixture
def local_app() -> Iterator[Any]:
    """Give an application in process, for tests that start the loop themselves."""
    from aiostep_ptb import adapter
    from aiostep_testing import World
    from aiostep_testing.transports.ptb import make_application

    application = make_application(World())
    engine = adapter.install(application)
    yield application
    engine.uninstall()
