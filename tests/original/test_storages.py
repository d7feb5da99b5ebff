"""The original API's storages: what its page shows goes on working, with nothing changed in it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from aiogram import Dispatcher, F, filters
from aiogram.types import Message

from tests.aiogram.stage import Stage
from tests.storages.redis_servers import SHARED

pytestmark = pytest.mark.anyio


async def test_states_in_memory(stage: Stage) -> None:
    """``set_state``, ``IsState`` and ``delete_state``, called without ``await`` in handlers that are async."""
    from aiostep import MemoryStateStorage
    from aiostep.utils import IsState

    dp = Dispatcher()
    state_manager = MemoryStateStorage()

    @dp.message(filters.CommandStart())
    async def start_process(message: Message) -> None:
        assert message.from_user is not None
        state_manager.set_state(user_id=message.from_user.id, state="STEP_ONE")
        await message.reply("State set to STEP_ONE!")

    @dp.message(IsState("STEP_ONE", state_manager))
    async def handle_step_one(message: Message) -> None:
        assert message.from_user is not None
        await message.reply("You're in STEP_ONE.")
        state_manager.delete_state(user_id=message.from_user.id)

    @dp.message()
    async def other(message: Message) -> None:
        await message.reply("other")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("^State set to STEP_ONE!$")
        for said in ("You're in STEP_ONE.", "other"):
            alice.send("hi")
            await alice.expect(f"^{said}$")


@pytest.fixture(params=["memory", "file", "redis"])
def state_manager(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Give each storage of the original."""
    from aiostep import FileStateStorage, MemoryStateStorage, RedisStateStorage

    if request.param == "memory":
        return MemoryStateStorage()
    if request.param == "file":
        return FileStateStorage(tmp_path / "path.txt", ex=200)
    port = SHARED.get("8.2").port
    return RedisStateStorage(host="127.0.0.1", port=port, db=0, ex=200, prefix=request.node.name)


async def test_going_back(stage: Stage, state_manager: Any) -> None:
    """The callback of a state is called; also from a file and from Redis, where it is a step."""
    from aiostep import step

    dp = Dispatcher()

    @step("original.menu")
    async def menu(message: Message) -> None:
        await message.reply("This is the menu.")

    @dp.message(filters.CommandStart())
    async def start(message: Message) -> None:
        assert message.from_user is not None
        state_manager.set_state(message.from_user.id, "FORM", callback=menu)
        await message.reply("The form.")

    @dp.message(F.text == "Back")
    async def go_back(message: Message) -> None:
        assert message.from_user is not None
        step = state_manager.get_state(message.from_user.id)
        if step and step.callback:
            await step.callback(message)
        else:
            await message.reply("No previous state found.")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("Back")
        await alice.expect("^No previous state found")
        alice.send("/start")
        await alice.expect("^The form")
        alice.send("Back")
        await alice.expect("^This is the menu")
    state_manager.close()


def test_data(state_manager: Any) -> None:
    """Data as a dictionary and as keywords, set, read, updated and deleted."""
    user_id = 5
    state_manager.set_data(user_id=user_id, data={"key": "value"}, other_key="other_value")
    assert state_manager.get_data(user_id=user_id) == {"key": "value", "other_key": "other_value"}

    state_manager.update_data(user_id=user_id, data={"key": "new"}, third="3")
    assert state_manager.get_data(user_id) == {"key": "new", "other_key": "other_value", "third": "3"}

    assert state_manager.delete_data(user_id) == {"key": "new", "other_key": "other_value", "third": "3"}
    assert state_manager.get_data(user_id) is None
    assert state_manager.delete_data(user_id, {}) == {}
    for data in ("x", 5, [1]):
        with pytest.raises(ValueError, match="data"):
            state_manager.set_data(user_id, data)
    with pytest.raises(ValueError, match="data"):
        state_manager.update_data(user_id)
    state_manager.close()


def test_states(state_manager: Any) -> None:
    """A state belongs to a user; the chat is noted, and is the user's own if none is named."""

    class Steps(Enum):
        ONE = "one"

    def callback() -> None: ...

    state_manager.set_state(1, Steps.ONE)
    found = state_manager.get_state(1)
    assert (found.current_state, found.callback, found.chat_id) == ("ONE", None, 1)

    state_manager.set_state(1, "TWO", callback, -100)
    found = state_manager.get_state(1, default=None)
    assert (found.current_state, found.chat_id) == ("TWO", -100)
    assert found.callback in ("callback", callback)

    assert state_manager.delete_state(1, "none").current_state == "TWO"
    assert state_manager.delete_state(1, "none") == "none"
    assert state_manager.get_state(1, "none") == "none"
    state_manager.close()


def test_timeout_states(tmp_path: Path) -> None:
    """A cache with a time in memory, ``ex`` elsewhere."""
    from cachebox import TTLCache

    from aiostep import FileStateStorage, MemoryStateStorage, RedisStateStorage

    storage: Any = MemoryStateStorage(TTLCache(0, 200))
    storage.set_state(1, "A")
    assert storage.get_state(1).current_state == "A"
    assert len(storage.cache) == 1

    storage = FileStateStorage(str(tmp_path / "path.txt"), ex=200)
    storage.set_state(1, "A", ex=300)
    storage.set_data(1, {"a": 1}, ex=300)
    assert storage.get_state(1).current_state == "A"
    storage.close()

    storage = RedisStateStorage(db=0, ex=200)
    storage.close()


async def test_the_asynchronous_ones(tmp_path: Path) -> None:
    """The same names with ``Async``, awaited."""
    from aiostep.asyncio import AsyncFileStateStorage, AsyncMemoryStateStorage, AsyncRedisStateStorage

    port = SHARED.get("8.2").port
    for storage in (
        AsyncMemoryStateStorage(),
        AsyncFileStateStorage(str(tmp_path / "file.json"), ex=200),
        AsyncRedisStateStorage(host="127.0.0.1", port=port, ex=200, prefix="asynchronous"),
    ):
        await storage.set_state(user_id=1, state="A", chat_id=1)
        found = await storage.get_state(1)
        assert found is not None
        assert found.current_state == "A"
        await storage.update_data(1, {"a": 1}, b=2)
        assert await storage.get_data(1) == {"a": 1, "b": 2}
        assert await storage.delete_state(1) == found
        assert await storage.clear_data(1) == {"a": 1, "b": 2}
        await storage.close()
