"""A world that must end without a violation, and two ways to call it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from aiostep_testing import BotAccount, File, ManualClock, World


class Api:
    """Call a world as a bot does; parameters as a JSON body would hold them."""

    def __init__(self, world: World, bot: BotAccount) -> None:
        self.world, self.bot = world, bot

    async def __call__(self, method: str, files: dict[str, File] | None = None, /, **params: Any) -> Any:
        status, body = await self.world.call(self.bot.token, method, params, files)
        assert status == 200, body
        return body["result"]

    async def refused(self, method: str, **params: Any) -> tuple[int, str]:
        status, body = await self.world.call(self.bot.token, method, params)
        assert body["ok"] is False, body
        assert body["error_code"] == status
        return status, body["description"]

    def kinds(self) -> list[str]:
        """Name the kinds of the updates that were queued, in order."""
        return [next(kind for kind in update if kind != "update_id") for update in self.bot.history]

    def last(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = [update[kind] for update in self.bot.history if kind in update][-1]
        return found

    def want_all(self) -> None:
        """Ask for every kind, also those that are not sent by default."""
        self.bot.subscribe(self.world.schema.types["Update"].keys() - {"update_id"})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> Iterator[World]:
    world = World(clock=clock, strict=True)
    yield world
    assert world.violations == []
    assert world.stubbed == []


@pytest.fixture
def api(world: World) -> Api:
    return Api(world, world.bot())
