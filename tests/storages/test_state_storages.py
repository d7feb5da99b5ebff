"""The original's storages by their names, what they are made of, and what they cost."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import cachebox
import cachetools
import pytest

import aiostep
import aiostep.asyncio
import aiostep.storage
from aiostep.asyncio import AsyncFileStateStorage, AsyncMemoryStateStorage, AsyncRedisStateStorage, BaseAsyncStorage
from aiostep.storage import BaseStorage, FileStateStorage, MemoryStateStorage, RedisStateStorage, StateContext
from aiostep_core.errors import BadArgument, NotDurable, NotStorable, StorageClosed
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.abc import BlockingStateStorage, StateStorage
from aiostep_core.storages.blocking_states import BlockingStates
from aiostep_core.storages.memory_states import MemoryStates
from aiostep_core.storages.states import RecordedStates
from aiostep_core.storages.values import Values

pytestmark = pytest.mark.anyio

METHODS = (
    *("set_state", "get_state", "delete_state", "set_data", "get_data", "update_data", "delete_data", "clear_data"),
    "close",
)
PAIRS = [
    (StateStorage, BlockingStateStorage),
    (RecordedStates, BlockingStates),
    (AsyncMemoryStateStorage, MemoryStateStorage),
    (AsyncFileStateStorage, FileStateStorage),
    (AsyncRedisStateStorage, RedisStateStorage),
]


class Form(Enum):
    NAME = 1


def signature_of(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    """Describe the parameters of a method."""
    return [(one.name, one.kind, one.default) for one in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].__name__)
def test_the_faces_have_the_same_methods(pair: tuple[type[Any], type[Any]], name: str) -> None:
    """What one face takes the other takes, in the same order and with the same defaults; only one is awaited."""
    one, other = (getattr(cls, name) for cls in pair)

    assert signature_of(one) == signature_of(other)
    assert inspect.signature(one).return_annotation == inspect.signature(other).return_annotation
    assert (inspect.iscoroutinefunction(one), inspect.iscoroutinefunction(other)) == (True, False)


@pytest.mark.parametrize("pair", PAIRS[2:], ids=lambda pair: pair[0].__name__)
def test_the_faces_are_made_alike(pair: tuple[type[Any], type[Any]]) -> None:
    """The same arguments make either."""
    assert signature_of(pair[0].__init__) == signature_of(pair[1].__init__)


def test_every_name_of_the_original_is_there() -> None:
    """In the packages in which it was."""
    for name in ("BaseStorage", "StateContext", "MemoryStateStorage", "FileStateStorage", "RedisStateStorage"):
        assert getattr(aiostep, name) is getattr(aiostep.storage, name)
    assert issubclass(MemoryStateStorage, BaseStorage)
    assert issubclass(AsyncMemoryStateStorage, BaseAsyncStorage)
    assert {*aiostep.asyncio.__all__} > {"AsyncMemoryStateStorage", "AsyncFileStateStorage", "AsyncRedisStateStorage"}
    assert StateContext("A") == StateContext(current_state="A", callback=None, chat_id=None)
    with pytest.raises(AttributeError, match="no attribute 'MemoryStorage'"):
        aiostep.MemoryStorage  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]


class Own(BaseStorage):
    """A storage of somebody's own, as it was written for the original."""

    def __init__(self) -> None:
        self.things: dict[Any, Any] = {}

    def set_state(self, user_id: Any, state: Any, *args: Any, **kwargs: Any) -> None:
        self.things[user_id] = StateContext(state, None, user_id)

    def get_state(self, user_id: Any, default: Any = None, *args: Any, **kwargs: Any) -> Any:
        return self.things.get(user_id, default)

    def delete_state(self, user_id: Any, default: Any = None, *args: Any, **kwargs: Any) -> Any:
        return self.things.pop(user_id, default)

    def set_data(self, *args: Any, **kwargs: Any) -> None: ...
    def get_data(self, *args: Any, **kwargs: Any) -> Any: ...
    def update_data(self, *args: Any, **kwargs: Any) -> Any: ...
    def delete_data(self, *args: Any, **kwargs: Any) -> Any: ...


def test_a_storage_of_ones_own() -> None:
    """The seven methods of the original are enough."""
    with Own() as own:
        own.set_state(1, "A")
        assert own.get_state(1).current_state == "A"
        assert own.clear_data(1) is None


# Memory.


@pytest.mark.parametrize(
    "cache",
    [dict, lambda: cachebox.TTLCache(0, 200), lambda: cachebox.LRUCache(100), lambda: cachetools.TTLCache(100, 200)],
    ids=["dict", "cachebox.TTLCache", "cachebox.LRUCache", "cachetools.TTLCache"],
)
def test_any_mapping_serves(cache: Callable[[], Any]) -> None:
    """Also one that is empty and therefore false; what was put in is in it."""
    mapping = cache()
    storage = MemoryStateStorage(mapping)

    storage.set_state(1, Form.NAME)
    storage.set_data(1, {"a": [1]})
    storage.update_data(1, b=2)

    assert storage.cache is mapping
    assert len(mapping) == 2
    assert storage.get_state(1) == StateContext("NAME", None, 1)
    assert storage.get_data(1) == {"a": [1], "b": 2}
    assert storage.delete_data(1) == {"a": [1], "b": 2}
    assert storage.delete_state(1) == StateContext("NAME", None, 1)
    assert len(mapping) == 0


def test_a_cache_may_forget() -> None:
    """What the mapping drops is gone, and nothing of it is left elsewhere."""
    now = [0.0]
    mapping: Any = cachetools.TTLCache(10, 60, timer=lambda: now[0])
    states = MemoryStates(mapping, ex=100, clock=lambda: now[0])
    storage = BlockingStates(states)

    for user in range(50):
        storage.set_state(user, "A")
    assert len(mapping) == 10
    now[0] = 61
    assert storage.get_state(49) is None
    now[0] = 101
    assert storage.get_state(49) is None
    assert len(states._ends) == 0


@pytest.mark.parametrize("cache", [5, "x", [], object()])
def test_what_is_no_mapping_is_refused(cache: Any) -> None:
    """When it is made, not when the first user comes."""
    with pytest.raises(BadArgument, match="MutableMapping"):
        MemoryStateStorage(cache)


def test_memory_stays_bounded() -> None:
    """What has ended is gone with the next call for anybody, and a time that begins again and again adds nothing."""
    now = [0.0]
    states = MemoryStates(ex=10, sliding=True, clock=lambda: now[0])
    storage = BlockingStates(states)
    for user in range(1000):
        storage.set_state(user, "A")
        storage.set_data(user, {"a": 1})
    for _ in range(100):
        for user in range(10):
            storage.get_state(user)
            storage.set_state(user, "B")
    assert len(states._ends) < 2 * 2000 + 100

    now[0] = 10.5
    storage.set_state("new", "A")

    assert len(states.cache) == 1
    assert len(states._ends) == 1


def test_ends_come_in_any_order() -> None:
    """Sooner, later, never, again: each thing ends when it was last said to."""
    now = [0.0]
    storage = BlockingStates(MemoryStates(clock=lambda: now[0]))
    ends: dict[int, float | None] = {}
    for turn in range(400):
        user = turn * 7 % 23
        ex = [None, 5, 50, 1, 20][turn * 11 % 5]
        if turn % 13 == 0:
            storage.delete_state(user)
            ends.pop(user, None)
        else:
            storage.set_state(user, "A", ex=ex)
            ends[user] = None if ex is None else now[0] + ex
        now[0] += turn % 4
        there = {user for user, end in ends.items() if end is None or end > now[0]}
        assert {user for user in range(23) if storage.get_state(user) is not None} == there


def test_memory_keeps_callbacks_as_they_are() -> None:
    """Functions without any name, too."""
    storage = MemoryStateStorage()
    back = lambda: None  # noqa: E731
    storage.set_state(1, "A", callback=back)

    found = storage.get_state(1)
    assert found is not None
    assert found.callback is back


def test_memory_can_take_anything() -> None:
    """If it is told so, whatever can be copied; it is copied."""
    thing: dict[Any, Any] = {"lock": Ellipsis, "set": {frozenset({1})}, "object": Values}
    with pytest.raises(NotStorable):
        MemoryStateStorage().set_data(1, thing)
    storage = MemoryStateStorage(strict=False)
    inner = [object]
    storage.set_data(1, {**thing, True: inner})
    inner.append(int)

    assert storage.get_data(1) == {**thing, True: [object]}


def test_threads_lose_no_update() -> None:
    """A dictionary is not enough for that."""
    storage = MemoryStateStorage()

    def work(number: int) -> None:
        for turn in range(200):
            storage.update_data(1, {f"{number}-{turn}": turn})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(storage.get_data(1, {})) == 1600


# Files and records.


def test_a_file_keeps_everything(tmp_path: Path) -> None:
    """Whatever it is called; both faces read one file."""
    path = tmp_path / "path" / "to" / "file.json"
    path.parent.mkdir(parents=True)
    with FileStateStorage(str(path), ex=200) as storage:
        storage.set_state(1, Form.NAME, chat_id=5)
        storage.set_data(1, {"a": (1, {2})})
    with FileStateStorage(path) as storage:
        assert storage.get_state(1) == StateContext("NAME", None, 5)
        assert storage.get_data(1) == {"a": (1, {2})}


async def test_a_file_for_an_event_loop(tmp_path: Path) -> None:
    """The same, awaited."""
    path = tmp_path / "file.txt"
    async with AsyncFileStateStorage(path, durability="process") as storage:
        await storage.set_state(1, "A")
        assert await storage.get_state(1) == StateContext("A", None, 1)
        blocking = storage.blocking()
        assert blocking.get_state(1) == StateContext("A", None, 1)
        assert blocking.records.is_blocking
    with FileStateStorage(path) as again:
        assert again.get_state(1) == StateContext("A", None, 1)


def test_a_callback_that_has_no_name_is_refused() -> None:
    """Where it cannot be kept; the error says how to give it one."""
    import functools

    storage = BlockingStates(RecordedStates(MemoryRecords()))

    with pytest.raises(NotDurable, match=r'give it one: step\("orders.back"\)'):
        storage.set_state(1, "A", callback=functools.partial(print))
    assert storage.get_state(1) is None


def test_the_name_of_a_function_is_never_taken_for_a_step() -> None:
    """A function that is no step comes back as its name, even if there is a step of that name."""

    @aiostep.step("test-states.print")
    def step() -> None: ...

    def other() -> None: ...

    other.__name__ = "test-states.print"
    storage = BlockingStates(RecordedStates(MemoryRecords()))
    storage.set_state(1, "A", callback=other)
    storage.set_state(2, "A", callback="test-states.print")

    assert [storage.get_state(user).callback for user in (1, 2)] == ["test-states.print", step]  # type: ignore[union-attr]


def test_spaces_are_apart() -> None:
    """Two bots in one place do not see each other's."""
    records = MemoryRecords()
    one, two = (BlockingStates(RecordedStates(records, space=space)) for space in (1, 2))
    one.set_state(5, "A")

    assert two.get_state(5) is None
    one.close()  # what was passed in stays open
    assert two.delete_state(5) is None
    with pytest.raises(StorageClosed):
        one.get_state(5)


async def test_the_face_for_threads() -> None:
    """A storage for an event loop has one, with the same options; it closes with it."""
    for states in (MemoryStates(ex=5, per_chat=True), RecordedStates(MemoryRecords(), ex=5, per_chat=True, space=7)):
        await states.set_state(1, "A", chat_id=5)
        face = states.blocking()
        assert face.get_state(1, chat_id=5) == StateContext("A", None, 5)
        assert (face.ex, face.per_chat) == (5.0, True)
        await states.close()
        with pytest.raises(StorageClosed):
            face.get_state(1)


def test_another_codec() -> None:
    """Whatever has the two methods."""

    class Plain:
        def encode(self, value: object, path: str = "value") -> str:
            return repr(value)

        def decode(self, text: str) -> Any:
            import ast

            return ast.literal_eval(text)

    records = MemoryRecords()
    storage = BlockingStates(RecordedStates(records, values=Plain()))
    storage.set_data(1, {"a": 1j})

    assert storage.get_data(1) == {"a": 1j}
    for wrong in (None, 5, object()):
        with pytest.raises(BadArgument, match="values"):
            RecordedStates(records, values=wrong)  # type: ignore[arg-type]
        with pytest.raises(BadArgument, match="records"):
            RecordedStates(wrong)  # type: ignore[arg-type]


def test_threads_need_records_for_threads(tmp_path: Path) -> None:
    """A face that may suspend is refused at once."""
    from aiostep_core.storages.sqlite import SqliteRecords

    with pytest.raises(BadArgument, match=r"records\.blocking\(\)"):
        BlockingStates(RecordedStates(SqliteRecords(tmp_path / "x.db")))
