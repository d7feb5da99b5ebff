"""Servers that tests of storages share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def shared_redis_servers() -> Iterator[None]:
    """End the Redis servers that tests started for all."""
    yield
    from tests.storages.redis_servers import SHARED  # not everybody who comes here needs Redis

    SHARED.remove()
