"""Which router's middlewares a step runs in when another process has registered it (see also test_steps_restart)."""

from __future__ import annotations

import pytest
from aiogram import Dispatcher, Router

from aiostep_aiogram.routers import name_of_router, router_of
from aiostep_core import Key, Scope
from aiostep_core.keys import Place
from aiostep_core.steps import Step


def registered_in(router: Router | None) -> Step:
    """Return a step as another process has read it."""
    place = Place(Scope.USER_IN_CHAT, Key(42, 1, 1))
    return Step(place=place, fn=print, origin_name=name_of_router(router))


def tree(*names: str | None) -> tuple[Dispatcher, list[Router]]:
    """Make routers, each inside the one before."""
    dp = Dispatcher(name="root")
    routers = list[Router]([dp])
    for name in names:
        routers.append(Router(name=name))
        routers[-2].include_router(routers[-1])
    return dp, routers


def test_by_name() -> None:
    """A router is found by its name, at any depth; also the dispatcher itself."""
    there, here = tree("shop", None, "orders"), tree("shop", None, "orders")
    found = [router_of(registered_in(router), here[0]) for router in there[1]]

    assert found == [here[0], here[1][1], here[0], here[1][3]]


@pytest.mark.parametrize("names", [(), ("other",), ("shop", "shop"), (None,)])
def test_not_by_name(names: tuple[str | None, ...]) -> None:
    """A router that is gone, or one of two with that name, is the dispatcher."""
    dp, _ = tree(*names)

    assert router_of(registered_in(Router(name="shop")), dp) is dp


def test_in_the_same_process() -> None:
    """Where the router itself is known its name does not matter."""
    dp, routers = tree("shop", "shop")
    step = registered_in(routers[2])
    step.origin = routers[2]

    assert router_of(step, dp) is routers[2]
