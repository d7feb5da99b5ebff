"""What calls registered steps and conversations that go on."""

from __future__ import annotations

import gc
import weakref
from functools import partial
from typing import Any

import pytest

from aiostep_aiogram.callbacks import remembering_handlers

pytestmark = pytest.mark.anyio


class Held:
    """What a conversation holds that goes on."""

    def __init__(self, name: str) -> None:
        self.name = name


async def go_on(held: Held, event: str, bot: str) -> str:
    return f"{held.name} {event} {bot}"


async def test_partials_of_one_function_are_told_apart() -> None:
    """Each is called with what it holds itself, and given what the function asks for by name."""
    handlers = remembering_handlers()
    first, second = (handlers(partial(go_on, Held(name))) for name in ("one", "two"))

    assert await first.call("said", bot="b", other=1) == "one said b"
    assert await second.call("said", bot="b", other=1) == "two said b"


def test_what_a_partial_holds_is_not_kept() -> None:
    """A thousand conversations that have gone on are not in memory because of their handlers."""
    handlers, held = remembering_handlers(), Held("one")
    known = weakref.ref(held)
    handlers(partial(go_on, held))
    del held
    gc.collect()

    assert known() is None


def test_a_function_is_looked_at_once() -> None:
    """Of a function that is no partial there is one handler, as it takes long to read its signature."""
    handlers = remembering_handlers()
    made: Any = handlers(go_on)

    assert handlers(go_on) is made
