"""Redis that is down, slow, unreachable, full, or will not have us: an error soon, which says what to do."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from aiostep_core.errors import StorageDamaged, StorageUnavailable
from aiostep_core.storages import redis_advice
from aiostep_core.storages.records import record_key, settle
from aiostep_core.storages.redis import RedisRecords
from tests.storages.redis_servers import OLDEST, SHARED, RedisServer, free_port, server
from tests.storages.tcp_proxy import proxy

pytestmark = pytest.mark.anyio

KEY = record_key("thing", 1, "key")
SECRET = "hunter2"
# What "at once" and "in bounded time" may take on a busy machine, beyond the seconds that were asked for.
SLACK = 5.0


@pytest.fixture(params=[True, False], ids=["blocking", "asynchronous"])
def is_blocking(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=["6.2", "8.2"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shared(version: str) -> RedisServer:
    return SHARED.get(version)


def records_at(port: int, is_blocking: bool, **options: Any) -> RedisRecords:
    options = {"prefix": uuid.uuid4().hex, "grace": 0.3, "timeout": 3, **options}
    return RedisRecords.from_options(host="127.0.0.1", port=port, is_blocking=is_blocking, **options)


async def together(records: RedisRecords, calls: list[Any]) -> list[Any]:
    """Run calls at the same time; return what they return or raise."""

    async def outcome(call: Any) -> Any:
        try:
            return await call
        except StorageUnavailable as error:
            return error

    if not records.is_blocking:
        return list(await asyncio.gather(*map(outcome, calls)))
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(settle, map(outcome, calls)))


async def test_nobody_there(is_blocking: bool) -> None:
    """Every call raises within the grace, and says where it looked."""
    records = records_at(free_port(), is_blocking)
    start = time.monotonic()

    with pytest.raises(StorageUnavailable, match=r"redis://127.0.0.1:\d+/0 cannot be reached .*; start the server"):
        await records.read(KEY)
    assert 0.1 < time.monotonic() - start < 0.3 + SLACK
    await records.close()


async def test_many_wait_no_longer_than_one(is_blocking: bool) -> None:
    """A crowd of calls is told together, not one after the other."""
    records = records_at(free_port(), is_blocking)
    start = time.monotonic()

    told = await together(records, [records.merge(KEY, {str(number): "x"}) for number in range(64)])
    assert all(isinstance(one, StorageUnavailable) for one in told)
    assert time.monotonic() - start < 8 * 0.3 + SLACK
    await records.close()


async def test_back_after_a_crash(version: str, is_blocking: bool) -> None:
    """Killed without a goodbye and started again: everything acknowledged is there, and the next call succeeds."""
    with server(version, "--appendonly", "yes", "--appendfsync", "always") as one:
        records = records_at(one.port, is_blocking)
        for turn in range(3):
            for number in range(20):
                await records.merge(KEY, {f"{turn}-{number}": "x"}, ttl=600)
            one.kill()
            with pytest.raises(StorageUnavailable, match="cannot be reached"):
                await records.merge(KEY, {"lost": "x"})
            one.start()
            assert set(await records.read(KEY)) == {f"{at}-{number}" for at in range(turn + 1) for number in range(20)}
        await records.close()


async def test_a_short_outage_is_not_seen(shared: RedisServer, is_blocking: bool) -> None:
    """Broken connections, scripts that are forgotten and clients that are thrown out cost a moment, not an error."""
    with proxy(shared.port) as way:
        records = records_at(way.port, is_blocking, grace=5)
        await records.merge(KEY, {"a": "1"})
        way.cut()
        assert await records.merge(KEY, {"b": "1"}) == {"a": "1", "b": "1"}
        shared.do("SCRIPT", "FLUSH")
        assert await records.merge(KEY, {"c": "1"}) == {"a": "1", "b": "1", "c": "1"}
        shared.do("CLIENT", "KILL", "TYPE", "normal")
        assert await records.merge(KEY, {"d": "1"}) == {"a": "1", "b": "1", "c": "1", "d": "1"}
        assert await records.remove(KEY)
        await records.close()


async def test_scripts_forgotten_under_load(shared: RedisServer, is_blocking: bool) -> None:
    """A crowd of calls does not notice that the server forgets its scripts meanwhile."""
    records = records_at(shared.port, is_blocking, grace=5)
    for turn in range(5):
        shared.do("SCRIPT", "FLUSH")
        await together(records, [records.merge(KEY, {f"{turn}-{number}": "x"}) for number in range(40)])
    assert len(await records.read(KEY)) == 200
    await records.close()


async def test_silence_ends(shared: RedisServer, is_blocking: bool) -> None:
    """Nobody waits longer than the timeout for an answer that does not come; the next call is as if nothing was."""
    with proxy(shared.port) as way:
        records = records_at(way.port, is_blocking, timeout=0.3)
        await records.write(KEY, {"a": "1"})
        way.is_silent = True
        start = time.monotonic()
        with pytest.raises(StorageUnavailable, match="did not answer in time"):
            await records.read(KEY)
        told = await together(records, [records.read(KEY) for _ in range(30)])
        assert all(isinstance(one, StorageUnavailable) for one in told)
        assert time.monotonic() - start < 8 * 1.3 + SLACK
        way.is_silent = False
        assert await records.read(KEY) == {"a": "1"}
        await records.close()


async def test_slow_but_in_time(is_blocking: bool) -> None:
    """A server that is busy for a while answers then, and nothing is done twice."""
    with server(OLDEST) as one:
        records = records_at(one.port, is_blocking, timeout=10)
        await records.write(KEY, {"a": "1"})
        one.do("CLIENT", "PAUSE", "400")
        told = await together(records, [records.append(record_key("log", 1), None, [str(at)]) for at in range(10)])
        assert sorted(told) == list(range(1, 11))
        await records.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "is still loading its data; wait"),
        (b"-BUSY Redis is busy running a script.\r\n", "is busy with somebody's script; .*SCRIPT KILL"),
        (b"-MISCONF Redis is configured to save RDB snapshots\r\n", "cannot save to its disk"),
        (b"-NOREPLICAS Not enough good replicas to write.\r\n", "has too few replicas"),
        (b"-CLUSTERDOWN The cluster is down\r\n", "no node just now"),
        (b"-MOVED 866 127.0.0.1:1\r\n", "is a node of a cluster; pass a client that knows clusters"),
        (b"-ERR unknown command 'EVALSHA'\r\n", "lacks a command; use Redis 6.2"),
        (b"-ERR something new\r\n", "refused: something new"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not answer as a Redis server does; correct the host and port"),
    ],
)
async def test_what_the_server_says(answer: bytes, expected: str, is_blocking: bool) -> None:
    """Each refusal is told in words that say what to do."""
    with proxy(SHARED.get("8.2").port) as way:
        records = records_at(way.port, is_blocking)
        await records.read(KEY)
        way.instead = answer
        with pytest.raises(StorageUnavailable, match=expected):
            await records.merge(KEY, {"a": "1"})
        way.instead = None
        assert await records.merge(KEY, {"b": "1"}) == {"b": "1"}
        await records.close()


async def test_no_redis_at_all(is_blocking: bool) -> None:
    """Another kind of server is told apart when connecting."""
    with proxy(SHARED.get("8.2").port) as way:
        way.instead = b"HTTP/1.1 400 Bad Request\r\n\r\n"
        records = records_at(way.port, is_blocking)
        with pytest.raises(StorageUnavailable, match="does not answer as a Redis server does"):
            await records.read(KEY)
        await records.close()


async def test_a_short_loading_is_waited_for(is_blocking: bool) -> None:
    """A server that is starting is given the grace."""
    with proxy(SHARED.get(OLDEST).port) as way:
        records = records_at(way.port, is_blocking, grace=5)
        await records.write(KEY, {"a": "1"})
        way.instead = b"-LOADING Redis is loading the dataset in memory\r\n"
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: (time.sleep(0.3), setattr(way, "instead", None)))
            assert await records.read(KEY) == {"a": "1"}
        await records.close()


@pytest.fixture(scope="module", params=["6.2", "8.2"])
def guarded(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """Have a server that wants a password, of a default user and of one who may do little."""
    with server(request.param) as one:
        one.do("ACL", "SETUSER", "reader", "on", f">{SECRET}", "~*", "+@read", "+@connection")
        one.do("ACL", "SETUSER", "elsewhere", "on", f">{SECRET}", "~other:*", "+@all")
        one.do(
            "ACL", "SETUSER", "enough", "on", f">{SECRET}", "~{*", "+@read", "+@write", "+@scripting", "+@connection"
        )
        one.do("CONFIG", "SET", "requirepass", SECRET)
        yield one


@pytest.mark.parametrize(
    ("user", "password", "expected"),
    [
        (None, None, "refused the user name or password; correct the URL"),
        (None, SECRET[:-1], "refused the user name or password"),
        ("nobody", SECRET, "refused the user name or password"),
        ("reader", SECRET, "does not let this user do what is needed; give it the keys"),
        ("elsewhere", SECRET, "does not let this user do what is needed"),
    ],
)
async def test_a_server_that_will_not_have_us(
    guarded: RedisServer, is_blocking: bool, user: str | None, password: str | None, expected: str
) -> None:
    """Passwords and permissions: said at once, and never with the password."""
    records = records_at(guarded.port, is_blocking, username=user, password=password)
    with pytest.raises(StorageUnavailable, match=expected) as caught:
        await records.merge(KEY, {"a": "1"})
    told = [repr(records), str(caught.value), repr(caught.value), str(caught.value.__cause__)]
    assert not any(SECRET[:-1] in one for one in told)
    await records.close()


async def test_the_permissions_that_are_named_are_enough(
    guarded: RedisServer, is_blocking: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A user with what the message names can do everything; the password is in no log."""
    caplog.set_level(logging.DEBUG)
    url = f"redis://enough:{SECRET}@127.0.0.1:{guarded.port}/0"
    records = RedisRecords.from_url(url, is_blocking=is_blocking)
    await records.write(KEY, {"a": "1"}, ttl=60, due=1)
    assert await records.merge(KEY, {"b": "2"}) == {"a": "1", "b": "2"}
    assert len(await records.due("thing", "1", 2)) == 1
    assert len(await records.scan("thing")) == 1
    assert await records.append(record_key("log", 1), None, ["x"], keep=0)
    assert await records.remove(KEY)
    await records.close()
    assert SECRET not in caplog.text + repr(records)


async def test_a_replica(version: str, is_blocking: bool) -> None:
    """What only reads is answered; what writes is told to go to the master."""
    with server(version) as one:
        one.do("REPLICAOF", "127.0.0.1", free_port())
        records = records_at(one.port, is_blocking)
        one.do("CONFIG", "SET", "replica-serve-stale-data", "yes")
        assert await records.read(KEY) == {}
        with pytest.raises(StorageUnavailable, match="is a read-only replica; connect to the master"):
            await records.merge(KEY, {"a": "1"})
        one.do("REPLICAOF", "NO", "ONE")
        assert await records.merge(KEY, {"a": "1"}) == {"a": "1"}
        await records.close()


async def test_no_memory_left(version: str, is_blocking: bool) -> None:
    """A full server loses nothing it has, says so, and what is there can be read and removed."""
    with server(version, "--maxmemory-policy", "noeviction") as one:
        records = records_at(one.port, is_blocking)
        journal = record_key("log", 1)
        await records.write(KEY, {"a": "1"}, ttl=600, due=5)
        await records.append(journal, None, ["one"], fields={"a": "1"})
        one.do("CONFIG", "SET", "maxmemory", "1")
        for call in (
            *(records.write(KEY, {"a": "2"}), records.merge(KEY, {"a": "2"}), records.append(journal, None, ["two"])),
            *(records.append(journal, 1, ["two"], keep=0), records.write_new(record_key("thing", 1, "x"), {"a": "1"})),
        ):
            with pytest.raises(StorageUnavailable, match="has no memory left and refused to write; raise maxmemory"):
                await call
        told = await together(records, [records.merge(KEY, {"a": str(number)}) for number in range(20)])
        assert all(isinstance(one, StorageUnavailable) for one in told)
        assert await records.read(KEY) == {"a": "1"}
        assert await records.next_due("thing", "1") == 5
        found = await records.journal(journal)
        assert found is not None
        assert (list(found.entries), found.revision) == (["one"], 1)
        assert await records.remove(KEY)
        await records.write(journal, {})
        assert await records.journal(journal) is None
        one.do("CONFIG", "SET", "maxmemory", "0")
        await records.write(KEY, {"a": "3"})
        await records.close()


async def test_a_key_that_is_somebody_elses(shared: RedisServer, is_blocking: bool) -> None:
    """Something else under our name is reported, and left alone."""
    records = records_at(shared.port, is_blocking, prefix="taken")
    shared.do("SET", "{taken:1}:thing:key", "theirs")
    for call in (records.read(KEY), records.merge(KEY, {"a": "1"}), records.remove(KEY)):
        with pytest.raises(StorageDamaged, match="holds something else; choose another prefix"):
            await call
    assert shared.do("GETDEL", "{taken:1}:thing:key") == b"theirs"
    shared.do("HSET", "{taken:1}:thing:key", b"\xfe", b"\xff")
    with pytest.raises(StorageDamaged, match="bytes in it that are no text"):
        await records.read(KEY)
    shared.do("DEL", "{taken:1}:thing:key")
    await records.close()


async def test_one_bad_call_of_many(shared: RedisServer, is_blocking: bool) -> None:
    """Calls that leave together with one that fails are carried out."""
    records = records_at(shared.port, is_blocking, prefix="taken")
    shared.do("SET", "{taken:1}:thing:key", "theirs")
    others = [record_key("thing", 1, number) for number in range(20)]

    async def bad() -> str:
        with pytest.raises(StorageDamaged):
            await records.merge(KEY, {"a": "1"})
        return "refused"

    calls = [records.merge(other, {"a": "1"}) for other in others]
    told = await together(records, [*calls[:10], bad(), *calls[10:]])
    assert told == [{"a": "1"}] * 10 + ["refused"] + [{"a": "1"}] * 10
    shared.do("DEL", "{taken:1}:thing:key", *(f"{{taken:1}}:thing:{number}" for number in range(20)))
    await records.close()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"appendonly": "yes"}, None),
        ({"appendonly": "no"}, "writes nothing to disk and is empty after a restart; set appendonly yes"),
        ({"save": "900 1"}, None),
        ({"appendonly": "yes", "maxmemory": "1gb", "maxmemory-policy": "allkeys-lru"}, "set it to noeviction"),
        ({"appendonly": "yes", "maxmemory": "1gb"}, None),
    ],
)
async def test_a_server_that_forgets(
    settings: dict[str, str], expected: str | None, is_blocking: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning, once, if the server is seen to evict records or to keep nothing on disk."""
    with server(OLDEST) as one:
        for name, value in settings.items():
            one.do("CONFIG", "SET", name, value)
        for _ in range(2):
            records = records_at(one.port, is_blocking)
            assert await records.read(KEY) == {}
            await records.close()
        warnings = [record.getMessage() for record in caplog.records if str(one.port) in record.getMessage()]
        assert len(warnings) == (expected is not None)
        assert expected is None or expected in warnings[0]
        redis_advice._asked.discard(f"redis://127.0.0.1:{one.port}/0")
