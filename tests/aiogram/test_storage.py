"""aiogram's states and data, and its event isolation, in storages of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from aiogram import Dispatcher, Router
from aiogram.filters import Command, StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.scene import Scene, SceneRegistry, on
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import StorageKey
from aiogram.types import Message

from aiostep import ask
from aiostep_aiogram import AiostepEventIsolation, AiostepStorage, SuspendableIsolation, event_isolation
from aiostep_aiogram.storage import DataNotDictLikeError, key_of
from aiostep_core.errors import BadArgument, NotStorable, StorageUnavailable
from aiostep_core.storages.owners import new_owner
from tests.aiogram.stage import Stage, until
from tests.storages.places import Place, place, redis_ends
from tests.storages.slow_records import SlowRecords

pytestmark = pytest.mark.anyio
__all__ = ["place", "redis_ends"]

KEY = StorageKey(bot_id=42, chat_id=-100, user_id=7)


class Form(StatesGroup):
    name = State()
    age = State()


@pytest.fixture
async def storage(place: Place) -> AsyncIterator[AiostepStorage]:
    """Give a storage on each place."""
    records = place.records()
    yield AiostepStorage(records)
    await records.close()


async def test_states_and_data(storage: AiostepStorage) -> None:
    """What aiogram's contract of storages says: set, get, update and remove, of states and of data."""
    assert await storage.get_state(KEY) is None
    assert await storage.get_data(KEY) == {}
    await storage.set_state(KEY, Form.name)
    await storage.set_data(KEY, {"a": 1, "b": [1, 2]})
    assert await storage.get_state(KEY) == "Form:name"
    assert await storage.update_data(KEY, {"b": None, "c": "x"}) == {"a": 1, "b": None, "c": "x"}
    assert await storage.get_data(KEY) == {"a": 1, "b": None, "c": "x"}
    assert await storage.get_value(KEY, "c") == "x"
    assert await storage.get_value(KEY, "d", "default") == "default"
    await storage.set_data(KEY, {"only": True})
    assert await storage.get_data(KEY) == {"only": True}
    await storage.set_state(KEY, "plain")
    assert await storage.get_state(KEY) == "plain"

    await FSMContext(storage, KEY).clear()

    assert await storage.get_state(KEY) is None
    assert await storage.get_data(KEY) == {}


async def test_what_is_refused(storage: AiostepStorage) -> None:
    """Data that are no dictionary and a state that is no state are refused as aiogram's own storages refuse them."""
    with pytest.raises(DataNotDictLikeError):
        await storage.set_data(KEY, [1])  # type: ignore[arg-type]
    with pytest.raises(DataNotDictLikeError):
        await storage.update_data(KEY, ())  # type: ignore[arg-type]
    with pytest.raises(BadArgument):
        await storage.set_state(KEY, 5)  # type: ignore[arg-type]
    with pytest.raises(NotStorable) as caught:
        await storage.set_data(KEY, {"a": {"b": object()}})
    assert caught.value.path == 'data["a"]["b"]'
    assert await storage.get_data(KEY) == {}
    with pytest.raises(BadArgument):
        AiostepStorage(5)  # type: ignore[arg-type]


async def test_values_come_back_as_they_were(storage: AiostepStorage) -> None:
    """What JSON lacks comes back of its type, keys too, and nothing is shared with what was put in or got out."""
    data = {"when": datetime(2030, 1, 31, tzinfo=timezone.utc), "sum": Decimal("1.10"), "ids": {1: (2, 3)}, "list": [1]}
    await storage.set_data(KEY, data)
    data["list"].append(2)  # type: ignore[attr-defined]
    (await storage.get_data(KEY))["list"].append(3)

    assert await storage.get_data(KEY) == {**data, "list": [1]}


@pytest.mark.parametrize(
    "other",
    [
        {"bot_id": 43},
        {"chat_id": 7},
        {"user_id": 8},
        {"thread_id": 1},
        {"business_connection_id": "x"},
        {"destiny": "y"},
    ],
)
async def test_every_part_of_a_key_counts(storage: AiostepStorage, other: dict[str, Any]) -> None:
    """Conversations that differ in one part of their key are different ones, without any key builder."""
    if not hasattr(KEY, next(iter(other))):
        pytest.skip("this aiogram has no such part")
    await storage.set_state(KEY, "mine")

    assert await storage.get_state(replace(KEY, **other)) is None


async def test_parts_are_not_mixed_up(storage: AiostepStorage) -> None:
    """A business connection called like a thread, or with separators in it, is another conversation."""
    if not hasattr(KEY, "business_connection_id"):
        pytest.skip("this aiogram has no business connections")
    keys = [
        StorageKey(42, 1, 2, thread_id=5),
        StorageKey(42, 1, 2, business_connection_id="5"),
        StorageKey(42, 1, 2, business_connection_id="-"),
        StorageKey(42, 1, 2, business_connection_id="5:1", destiny="a:b"),
        StorageKey(42, 1, 2, business_connection_id="5", destiny="1:a:b"),
    ]
    for number, key in enumerate(keys):
        await storage.set_state(key, str(number))

    assert [await storage.get_state(key) for key in keys] == ["0", "1", "2", "3", "4"]


async def test_updates_of_data_lose_nothing(place: Place) -> None:
    """Fifty updates at once, from two workers, are all there."""
    records = [place.records(), place.records()]
    storages = [AiostepStorage(one) for one in records]
    await asyncio.gather(*(storages[number % 2].update_data(KEY, {f"k{number}": number}) for number in range(50)))

    assert await storages[0].get_data(KEY) == {f"k{number}": number for number in range(50)}
    for one in records:
        await one.close()


async def test_one_time_to_live_that_slides(place: Place) -> None:
    """State and data go together, that long after either was last read or written."""
    records = place.records()
    storage = AiostepStorage(records, ttl=timedelta(seconds=0.6))
    await storage.set_state(KEY, "here")
    await storage.set_data(KEY, {"a": 1})
    for _ in range(4):
        await asyncio.sleep(0.25)
        assert await storage.get_state(KEY) == "here"  # and data live on as well
    assert await storage.get_data(KEY) == {"a": 1}
    await asyncio.sleep(1.3)

    assert await storage.get_state(KEY) is None
    assert await storage.get_data(KEY) == {}
    await records.close()


async def test_a_bot_that_keeps_its_states_in_a_file(local: Stage, tmp_path: Any) -> None:
    """A conversation of plain aiogram goes on in a new dispatcher, after a restart, with what it had noted."""

    def bot() -> Dispatcher:
        dp = Dispatcher(storage=AiostepStorage(f"sqlite:///{tmp_path}/bot.db"))

        @dp.message(Command("start"))
        async def start(message: Message, state: FSMContext) -> None:
            await state.set_state(Form.name)
            await message.answer("Your name?")

        @dp.message(Form.name)
        async def name(message: Message, state: FSMContext) -> None:
            await state.update_data(name=message.text, at=message.date)
            await state.set_state(Form.age)
            await message.answer("Your age?")

        @dp.message(StateFilter(Form.age))
        async def age(message: Message, state: FSMContext) -> None:
            data = await state.get_data()
            await state.clear()
            await message.answer(f"{data['name']}, {message.text}, {isinstance(data['at'], datetime)}")

        return dp

    alice = local.world.person("Alice")
    for text, answer in (("/start", "Your name"), ("Ann", "Your age"), ("7", "Ann, 7, True")):
        async with local.run(bot()):
            alice.send(text)
            await alice.expect(answer)


async def test_scenes_need_no_special_builder(local: Stage, place: Place) -> None:
    """Scenes, which keep their history under a destiny of its own, work with the storage as it is."""
    records = place.records()
    dp = Dispatcher(storage=AiostepStorage(records))
    router = Router()

    class Second(Scene, state="second"):
        @on.message.enter()
        async def enter(self, message: Message) -> None:
            await message.answer("second")

        @on.message()
        async def back(self, message: Message) -> None:
            await self.wizard.back()

    class First(Scene, state="first"):
        @on.message.enter()
        async def enter(self, message: Message) -> None:
            await message.answer("first")

        @on.message()
        async def further(self, message: Message) -> None:
            await self.wizard.goto(Second)

    SceneRegistry(dp).add(First, Second, router=router)
    router.message.register(First.as_handler(), Command("start"))
    dp.include_router(router)
    alice = local.world.person("Alice")
    async with local.run(dp):
        alice.send("/start")
        await alice.expect("first")
        alice.send("on")
        await alice.expect("second")
        alice.send("back")
        await alice.expect("first")
    await records.close()


# Isolation.


async def test_a_lock_lets_one_in_at_a_time(place: Place) -> None:
    """Of all who want the lock of a key, in two workers, one has it at a time; of each worker in order."""
    records = [place.records(), place.records()]
    isolations = [AiostepEventIsolation(one) for one in records]
    inside, order = 0, list[tuple[int, int]]()

    async def handle(worker: int, number: int) -> None:
        nonlocal inside
        async with isolations[worker].lock(KEY):
            inside += 1
            assert inside == 1
            order.append((worker, number))
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.wait_for(asyncio.gather(*(handle(number % 2, number) for number in range(20))), 20)

    for worker in (0, 1):
        mine = [number for one, number in order if one == worker]
        assert mine == sorted(mine)
        assert len(mine) == 10
    assert isolations[0]._local == {}
    for one in records:
        await one.close()


async def test_other_keys_are_free(place: Place) -> None:
    """The lock of one conversation does not hold up another."""
    records = place.records()
    isolation = AiostepEventIsolation(records)
    async with isolation.lock(KEY), isolation.lock(StorageKey(42, -100, 8)):
        pass
    await records.close()


async def test_a_lock_is_prolonged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that takes longer than the lease keeps its lock."""
    monkeypatch.setattr(event_isolation, "LEASE", 0.15)
    records = SlowRecords(delay=0.001)
    isolations = [AiostepEventIsolation(records), AiostepEventIsolation(records)]
    entered = list[str]()

    async def handle(number: int, seconds: float) -> None:
        async with isolations[number].lock(KEY):
            entered.append(f"in {number}")
            await asyncio.sleep(seconds)
            entered.append(f"out {number}")

    first = asyncio.ensure_future(handle(0, 0.6))
    await asyncio.sleep(0.05)
    await asyncio.wait_for(asyncio.gather(first, handle(1, 0)), 5)

    assert entered == ["in 0", "out 0", "in 1", "out 1"]


async def test_a_lock_of_a_dead_worker(place: Place) -> None:
    """A lock whose worker has died is free at once."""
    records = place.records()
    key = key_of("aiogram-lock", KEY)
    machine, pid, mark = new_owner().split("/")
    await records.append(key, 0, [], fields={"owner": f"{machine}/{pid}/{mark}x", "token": "t"}, ttl=30)

    async def enter() -> None:
        async with AiostepEventIsolation(records).lock(KEY):
            pass

    await asyncio.wait_for(enter(), 1)
    await records.close()


async def test_whoever_gives_up_leaves_no_lock(place: Place) -> None:
    """Cancelling a wait for the lock neither takes nor loses it."""
    records = place.records()
    first, second = AiostepEventIsolation(records), AiostepEventIsolation(records)

    async def enter(isolation: AiostepEventIsolation) -> None:
        async with isolation.lock(KEY):
            pass

    async with first.lock(KEY):
        waiting = asyncio.ensure_future(enter(second))
        await asyncio.sleep(0.1)
        waiting.cancel()
        await asyncio.wait([waiting])
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(enter(second), 0.1)
    await asyncio.wait_for(enter(second), 5)
    assert second._local == {}
    await records.close()


async def test_a_storage_that_is_down_reaches_the_error_handlers() -> None:
    """An update whose lock cannot be had is not handled; whoever feeds it gets the error."""
    records = SlowRecords(delay=0)
    records.is_broken = True

    with pytest.raises(StorageUnavailable):
        async with AiostepEventIsolation(records).lock(KEY):
            pytest.fail("nobody may come here")


async def test_a_handler_that_waits_lets_go(local: Stage, place: Place) -> None:
    """install() wraps the isolation: while a handler asks, the person's other updates are handled, one at a time."""
    records = place.records()
    isolation = AiostepEventIsolation(records)
    dp = local.dispatcher(events_isolation=isolation)
    assert isinstance(dp.fsm.events_isolation, SuspendableIsolation)

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        name = await ask("Your name?")
        await message.answer(f"Hello, {name.text}")

    @dp.message(Command("help"))
    async def help_(message: Message) -> None:
        await message.answer("Help!")

    alice = local.world.person("Alice")
    async with local.run(dp):
        alice.send("/start")
        await alice.expect("Your name")
        alice.send("/help")
        await alice.expect("Help")
        alice.send("Ann")
        await alice.expect("Hello, Ann")
        await until(lambda: not isolation._local)
    await records.close()
