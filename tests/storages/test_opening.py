"""From a URL, a client or records to a storage."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

from aiostep import MemorySteps, install, open_storage, sync
from aiostep.asyncio import AsyncRedisStateStorage
from aiostep.storage import RedisStateStorage
from aiostep_core.errors import AlreadyInstalled, BadArgument, StorageClosed, StorageUnavailable
from aiostep_core.hookspecs import PluginInfo, hookimpl
from aiostep_core.plugins import default_plugins
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.abc import Records
from aiostep_core.storages.memory_states import MemoryStates
from aiostep_core.storages.opening import open_records, open_steps
from aiostep_core.storages.records import record_key, settle
from aiostep_core.storages.sqlite import SqliteRecords
from aiostep_core.storages.states import RecordedStates
from tests.storages.redis_servers import SHARED

pytestmark = pytest.mark.anyio

SECRET = "hunter2"


async def test_memory() -> None:
    """Callbacks are kept as they are; the records are for all the rest."""
    async with open_storage("memory://", ex=5, per_chat=True) as storage:
        assert isinstance(storage, MemoryStates)
        assert isinstance(storage.records, MemoryRecords)
        await storage.set_state(1, "A", print, 7)
        found = await storage.get_state(1, chat_id=7)
        assert found is not None
        assert found.callback is print


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///here.db", "here.db"),
        ("sqlite:///a/b.json", "a/b.json"),
        ("sqlite:////elsewhere/x.db", "/elsewhere/x.db"),
        ("sqlite:///:memory:", ":memory:"),
        ("sqlite://", ":memory:"),
        ("SQLITE:///here.db", "here.db"),
        ("sqlite:///a b%20c.db?durability=process&timeout=2.5", "a b%20c.db"),
    ],
)
def test_urls_of_files(url: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three slashes mean from here, four from the root; nothing is opened yet."""
    monkeypatch.chdir(tmp_path)
    records = open_storage(url).records

    assert isinstance(records, SqliteRecords)
    assert expected in repr(records)
    assert list(tmp_path.iterdir()) == []


async def test_a_file(tmp_path: Path) -> None:
    """What one face wrote the other reads."""
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with open_storage(url, durability="process", ex=100) as storage:
        await storage.set_state(1, "A")
    with sync.open_storage(url, sliding=True, ex=50) as blocking:
        found = blocking.get_state(1)
        assert found is not None
        assert found.current_state == "A"


@pytest.mark.parametrize(
    "where",
    [
        *("", "bot.db", "sqlite", "://", "sqlite://bot.db", "sqlite://host/bot.db", "nobody://knows", "memory://x"),
        *("memory://?a=1", "sqlite:///x.db?nonsense=1", "sqlite:///x.db?timeout=soon", None, 5, object(), ["redis://"]),
    ],
)
def test_what_nobody_knows_is_refused(where: Any) -> None:
    """With what there is instead."""
    for open_it in (open_storage, sync.open_storage):
        with pytest.raises(BadArgument):
            open_it(where)


@pytest.mark.parametrize("url", ["memory://", "sqlite:///x.db"])
def test_unknown_options_are_refused(url: str) -> None:
    """A misspelt option is not silently left out."""
    for open_it in (open_storage, sync.open_storage):
        with pytest.raises(BadArgument, match="durabilty"):
            open_it(url, durabilty="full")
    with pytest.raises(BadArgument, match="open already"):
        open_storage(MemoryRecords(), prefix="x")


async def test_records_are_not_closed_by_whom_they_were_lent_to() -> None:
    """We close what we opened."""
    records = MemoryRecords()
    async with open_storage(records) as storage:
        assert isinstance(storage, RecordedStates)
        await storage.set_state(1, "A")
    with sync.open_storage(records) as blocking:
        assert blocking.get_state(1) is not None
    assert len(await records.scan("state")) == 1


async def test_what_was_opened_is_closed(tmp_path: Path) -> None:
    """Also its records."""
    url = f"sqlite:///{tmp_path / 'x.db'}"
    async with open_storage(url) as storage:
        await storage.set_state(1, "A")
    with sync.open_storage(url) as blocking:
        blocking.set_state(1, "A")
    with pytest.raises(StorageClosed):
        await storage.records.read(record_key("state", None, 1, None))
    with pytest.raises(StorageClosed):
        settle(blocking.records.read(record_key("state", None, 1, None)))


async def test_redis() -> None:
    """By URL, for both faces."""
    server = SHARED.get("8.2")
    async with open_storage(server.url, prefix="opening", space=7) as storage:
        await storage.set_data(1, {"a": 1})
        with sync.open_storage(server.url, prefix="opening", space=7) as blocking:
            assert blocking.update_data(1, b=2) == {"a": 1, "b": 2}


async def test_clients_of_redis() -> None:
    """A client decides the face of ``RedisStateStorage``; it is not closed here."""
    server = SHARED.get("8.2")
    with redis.Redis(port=server.port) as client:
        storage = RedisStateStorage(client, ex=100, prefix="clients")
        assert type(storage) is RedisStateStorage
        storage.set_state(1, "A", chat_id=5)
        storage.close()
        assert client.ping()
        async with AsyncRedisStateStorage(client, prefix="clients") as other_face:
            found = await other_face.get_state(1)
            assert found is not None
            assert found.chat_id == 5
    async with redis.asyncio.Redis(port=server.port) as asynchronous:
        made: Any = RedisStateStorage(asynchronous, ex=100, prefix="clients")
        assert type(made) is AsyncRedisStateStorage
        await made.update_data(1, {"a": 1}, b=2)
        async with open_storage(asynchronous, prefix="clients") as opened:
            assert await opened.get_data(1) == {"a": 1, "b": 2}
        await made.close()
        assert await asynchronous.ping()


async def test_redis_by_its_parts() -> None:
    """Host, port and database, by position as in the original, or a URL."""
    server = SHARED.get("8.2")
    for storage in (
        RedisStateStorage(None, "127.0.0.1", server.port, 0, None, 100, prefix="parts"),
        RedisStateStorage(host="127.0.0.1", port=server.port, db=0, ex=100, prefix="parts", socket_keepalive=True),
        RedisStateStorage(url=server.url, ex=100, prefix="parts"),
    ):
        with storage:
            storage.update_data(1, {"a": 1})
            assert storage.ex == 100
    async with AsyncRedisStateStorage(host="127.0.0.1", port=server.port, prefix="parts") as asynchronous:
        assert await asynchronous.get_data(1) == {"a": 1}


def test_redis_has_one_place() -> None:
    """A client has its own settings."""
    client = redis.Redis()
    with pytest.raises(BadArgument, match="a client or a URL"):
        RedisStateStorage(client, url=f"redis://:{SECRET}@localhost")
    with pytest.raises(BadArgument, match="the client that was passed"):
        RedisStateStorage(client, socket_keepalive=True)
    with pytest.raises(BadArgument):
        RedisStateStorage({})


async def test_passwords_are_not_shown() -> None:
    """Neither in a representation nor in an error."""
    url = f"redis://user:{SECRET}@127.0.0.1:1/0"
    shown = [repr(open_records(url)), repr(open_storage(url).records)]
    storage = RedisStateStorage(host="127.0.0.1", port=1, password=SECRET, grace=0.1)
    shown += [repr(storage), repr(storage.records)]
    with pytest.raises(StorageUnavailable) as caught:
        storage.get_state(1)
    shown.append(str(caught.value))
    for wrong in (f"nobody://user:{SECRET}@host", f"sqlite://{SECRET}", SECRET, f"redis://u:{SECRET}#@h:port"):
        with pytest.raises(BadArgument) as refused:
            open_storage(wrong)
        shown.append(str(refused.value))
        with pytest.raises(BadArgument) as refused:
            open_steps(wrong)
        shown.append(str(refused.value))

    assert [text for text in shown if SECRET in text] == []


def test_where_steps_are_kept(tmp_path: Path) -> None:
    """Whatever a storage can be opened from."""
    assert type(open_steps(None)) is type(open_steps("memory://")) is MemorySteps
    assert type(open_steps(open_storage("memory://"))) is MemorySteps
    steps = MemorySteps()
    assert open_steps(steps) is steps
    url = f"sqlite:///{tmp_path / 'x.db'}"
    for storage in (url, MemoryRecords(), open_storage(url), sync.open_storage(url), redis.Redis(), SqliteRecords("x")):
        assert isinstance(records_of(open_steps(storage)), Records)
    for wrong in (5, object(), "x.db", ""):
        with pytest.raises(BadArgument):
            open_steps(wrong)


def test_install_takes_what_can_be_opened(tmp_path: Path) -> None:
    """And knows it again: the same storage is the same installation, another is refused."""
    from aiogram import Dispatcher

    url = f"sqlite:///{tmp_path / 'x.db'}"
    for storage in (url, open_storage(url), sync.open_storage(url), MemoryRecords(), open_storage("memory://")):
        dispatcher = Dispatcher()
        engine = install(dispatcher, storage=storage)
        try:
            assert install(dispatcher, storage=storage) is install(dispatcher) is engine
            for other in (MemoryRecords(), f"sqlite:///{tmp_path / 'y.db'}"):
                with pytest.raises(AlreadyInstalled, match="another storage"):
                    install(dispatcher, storage=other)
        finally:
            engine.uninstall()
    with pytest.raises(BadArgument, match="storage"):
        install(Dispatcher(), storage="bot.db")


def records_of(steps: Any) -> Any:
    """Return where steps are kept."""
    return steps.records


class Shelf:
    """A plugin that keeps everything in memory, under several schemes."""

    @hookimpl
    def aiostep_plugin_info(self) -> PluginInfo:
        return PluginInfo(name="opening-shelf")

    @hookimpl
    def aiostep_make_storage(self, url: str, options: Mapping[str, Any]) -> Any:
        made: dict[str, Any] = {"shelf": MemoryRecords, "shelf-steps": MemorySteps}
        made["shelf-states"] = lambda: RecordedStates(MemoryRecords(), **options)
        scheme = url.partition("://")[0]
        return made[scheme]() if scheme in made else None


@pytest.fixture
def shelf() -> Iterator[None]:
    default_plugins.cache_clear()
    default_plugins().register(Shelf(), "opening-shelf")
    yield
    default_plugins.cache_clear()


@pytest.mark.usefixtures("shelf")
async def test_the_storage_of_a_plugin() -> None:
    """It brings records, or states on records; one that keeps only steps serves for steps."""
    async with open_storage("shelf://top", ex=5) as storage:
        await storage.set_state(1, "A")
        assert storage.ex == 5
    async with open_storage("shelf-states://top") as storage:
        await storage.set_state(1, "A")
    assert isinstance(records_of(open_steps("shelf://top")), MemoryRecords)
    assert type(open_steps("shelf-steps://top")) is MemorySteps
    with pytest.raises(BadArgument, match="this keeps steps"):
        open_storage("shelf-steps://top")
    with pytest.raises(BadArgument, match="a URL that a plugin knows"):
        open_storage("drawer://top")


def test_importing_aiostep_opens_nothing() -> None:
    """Neither sqlite3 nor redis nor a framework is imported, also by those who use memory."""
    code = """
import sys
import aiostep, aiostep.utils
aiostep.MemoryStateStorage().set_state(1, "A")
aiostep.open_storage("memory://")
print([one for one in ("sqlite3", "redis", "aiogram", "telegram", "telebot", "pluggy") if one in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "[]"
