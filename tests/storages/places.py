"""The places where things can be kept, for tests that have to hold on each of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.abc import Records
from aiostep_core.storages.opening import open_records
from aiostep_core.storages.records import settle

__all__ = ["Place", "durable", "place", "redis_ends"]

REDIS = os.environ.get("AIOSTEP_TEST_REDIS", "6.2")


class Place:
    """One place, empty at first.

    Attributes:
        url: what opens it; in memory there is none.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.url = ""
        self._memory = MemoryRecords()
        self._opened: list[Records] = []
        if kind == "sqlite":
            self.url = f"sqlite:///{folder / 'bot.db'}"
        elif kind == "redis":
            pytest.importorskip("redis")
            from tests.storages.redis_servers import SHARED  # skips the test where there is no server

            server = SHARED.get(REDIS)
            server.do("FLUSHALL")
            self.url = server.url

    def records(self) -> Records:
        """Open it, as a process of its own would; for threads and for an event loop."""
        if not self.url:
            return self._memory
        self._opened.append(open_records(self.url))
        return self._opened[-1]

    def close(self) -> None:
        """Close all that was opened for threads."""
        for records in self._opened:
            settle(records.blocking().close())


@pytest.fixture(params=["memory", "sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Give each place in turn."""
    made = Place(request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "redis"])
def durable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Give each place that outlives a process."""
    made = Place(request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session", autouse=True)
def redis_ends() -> Iterator[None]:
    """End the servers that these tests have started."""
    yield
    if "tests.storages.redis_servers" in sys.modules:
        from tests.storages.redis_servers import SHARED

        SHARED.remove()
