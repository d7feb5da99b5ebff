"""Servers that tests of storages share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aiostep_core.durable.flows import flows


@pytest.fixture(scope="session", autouse=True)
def shared_redis_servers() -> Iterator[None]:
    """End the Redis servers that tests started for all."""
    yield
    from tests.storages.redis_servers import SHARED  # not everybody who comes here needs Redis

    SHARED.remove()


@pytest.fixture(autouse=True)
def no_durable_conversations() -> Iterator[None]:
    """Leave out those that other tests have defined: where there are any, each update is looked up once more."""
    there = dict(flows._things)
    flows._things.clear()
    yield
    flows._things.update(there)
