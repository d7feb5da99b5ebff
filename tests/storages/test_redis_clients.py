"""Redis: the clients and URLs that a storage is made of, what goes over the wire, and what is left behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
import redis.asyncio

from aiostep_core.errors import BadArgument, StorageClosed, StorageUnavailable
from aiostep_core.storages.records import record_key, settle
from aiostep_core.storages.redis import RedisRecords
from tests.storages.redis_servers import OLDEST, PATIENCE, SHARED, VERSIONS, RedisServer, server
from tests.storages.tcp_proxy import proxy

pytestmark = pytest.mark.anyio

KEY = record_key("thing", 1, "key")
STRANGE = {"": "", "a\0b": "\ud800\udc00 \udfff", "\U0001f600": "\r\n$5\r\n", "\xff": "\xff"}


@pytest.fixture(params=VERSIONS)
def shared(request: pytest.FixtureRequest) -> RedisServer:
    return SHARED.get(request.param)


@pytest.fixture
def one() -> RedisServer:
    return SHARED.get("8.2")


def our_connections(one: RedisServer, name: str) -> list[Any]:
    """Return the connections that have a name."""
    return [line for line in one.do("CLIENT LIST") if line["name"] == name]


@pytest.mark.parametrize("decode", [False, True])
@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("kind", [redis.Redis, redis.asyncio.Redis])
async def test_any_client(shared: RedisServer, kind: Any, protocol: int, decode: bool) -> None:
    """However a client reads answers, texts come back as they were; the client is left as it was."""
    client = kind(port=shared.port, protocol=protocol, decode_responses=decode)
    records = RedisRecords(client, prefix=uuid.uuid4().hex)
    assert records.is_blocking == (kind is redis.Redis)

    await records.write(KEY, STRANGE, ttl=60, due=1.5)
    assert await records.read(KEY) == STRANGE
    assert await records.merge(KEY, {"more": "\ud83d"}) == {**STRANGE, "more": "\ud83d"}
    assert [(one.fields, one.due) for one in await records.due("thing", "1", 2)] == [
        ({**STRANGE, "more": "\ud83d"}, 1.5)
    ]
    await records.close()

    pong = client.ping() if kind is redis.Redis else await client.ping()
    assert pong is True
    if kind is redis.Redis:
        client.close()
    else:
        await client.aclose()


@pytest.mark.parametrize("is_blocking", [True, False])
async def test_the_twin_has_the_same_settings(is_blocking: bool) -> None:
    """The other face speaks to the same database of the same server, with the same name and password."""
    with server(OLDEST) as one:
        one.do("CONFIG", "SET", "requirepass", "hunter2")
        records = RedisRecords.from_options(
            port=one.port, db=3, password="hunter2", client_name="ours", is_blocking=is_blocking, socket_keepalive=True
        )
        twin = records.asynchronous() if is_blocking else records.blocking()
        assert twin.is_blocking is not is_blocking
        await records.write(KEY, {"a": "1"})
        assert await twin.read(KEY) == {"a": "1"}
        connected = our_connections_of(one, "hunter2")
        assert [line["db"] for line in connected] == ["3", "3"]
        await records.close()
        with pytest.raises(StorageClosed):
            await twin.read(KEY)
        await until_gone(lambda: our_connections_of(one, "hunter2"))


def our_connections_of(one: RedisServer, password: str) -> list[Any]:
    return [line for line in one.do("CLIENT LIST", password=password) if line["name"] == "ours"]


async def test_a_socket_file(one: RedisServer) -> None:
    """A URL of a socket on this machine."""
    url = f"unix://{one.folder}/socket?db=2"
    records = RedisRecords.from_url(url, prefix=uuid.uuid4().hex)
    await records.write(KEY, {"a": "1"})
    assert settle(records.blocking().read(KEY)) == {"a": "1"}
    assert str(one.folder) in repr(records)
    await records.close()


@pytest.mark.parametrize(
    "url",
    [
        "localhost",
        "http://localhost",
        "redis://:hun/ter2@localhost:6379",
        "redis://localhost:port",
        "redis://localhost/shop",
        "redis://x:hunter2#@[",
        "",
    ],
)
def test_a_url_that_is_none(url: str) -> None:
    """A wrong URL is refused, and no part of a password is repeated."""
    with pytest.raises(BadArgument, match="redis://") as caught:
        RedisRecords.from_url(url)
    assert "hun" not in str(caught.value)
    assert "ter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("client", [None, "redis://:hunter2@localhost", object(), redis.Redis])
def test_a_client_that_is_none(client: Any) -> None:
    """Something else than a client is refused, with what to do."""
    with pytest.raises(BadArgument, match=r"RedisRecords\.from_url") as caught:
        RedisRecords(client)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["", "a{b", "a}b", None, 5])
def test_a_prefix_that_is_none(prefix: Any) -> None:
    """Braces decide about nodes, so a prefix has none."""
    with pytest.raises(BadArgument, match="prefix"):
        RedisRecords.from_url("redis://localhost", prefix=prefix)


@pytest.mark.parametrize("ttl", [0, -1, float("nan")])
async def test_a_time_to_live_that_is_none(one: RedisServer, ttl: float) -> None:
    """Nothing is written with a time that is over."""
    records = RedisRecords.from_url(one.url, prefix=uuid.uuid4().hex)
    with pytest.raises(BadArgument, match="ttl"):
        await records.write(KEY, {"a": "1"}, ttl=ttl)
    with pytest.raises(BadArgument, match="due"):
        await records.write(KEY, {"a": "1"}, due=float("nan"))
    await records.write(KEY, {"a": "1"}, ttl=float("inf"))
    assert await records.read(KEY) == {"a": "1"}
    await records.close()


async def test_prefixes_keep_bots_apart(one: RedisServer) -> None:
    """Storages of other prefixes see nothing of each other, however alike those are."""
    name = uuid.uuid4().hex
    places = [(name, "1"), (f"{name}:1", "1"), (name, "1:1"), (name, "1}:thing:x"), (f"{name}*", "1"), (name, "%3A")]
    opened = [RedisRecords.from_url(one.url, prefix=prefix) for prefix, _ in places]
    keys = [record_key("thing", None, "a")._replace(space=space) for _, space in places]
    for number, (records, key) in enumerate(zip(opened, keys, strict=True)):
        assert await records.write_new(key, {"number": str(number)})
    for number, (records, key) in enumerate(zip(opened, keys, strict=True)):
        assert await records.read(key) == {"number": str(number)}
    ours = sorted(key for (prefix, _), key in zip(places, keys, strict=True) if prefix == name)
    assert [found.key for found in await opened[0].scan("thing")] == ours
    assert [found.key for found in await opened[4].scan("thing")] == [keys[4]]
    for records in opened:
        await records.close()


async def test_one_connection_for_a_thousand(one: RedisServer) -> None:
    """A thousand concurrent calls need one connection and a few commands, whatever the pool's limit."""
    client = redis.asyncio.Redis(port=one.port, client_name=uuid.uuid4().hex)
    records = RedisRecords(client, prefix=uuid.uuid4().hex)
    await records.merge(KEY, {"first": "x"})
    before = calls_of(one)

    keys = [record_key("thing", 1, number % 100) for number in range(1000)]
    told = await asyncio.gather(*(records.merge(key, {str(number): "x"}) for number, key in enumerate(keys)))

    assert max(map(len, told)) == 10
    assert calls_of(one) - before <= 10
    assert len(our_connections(one, client.connection_pool.connection_kwargs["client_name"])) == 1
    await records.close()
    await client.aclose()


def calls_of(one: RedisServer) -> int:
    """Return how many scripts were called."""
    stats = one.do("INFO", "commandstats")
    return sum(value["calls"] for name, value in stats.items() if name in {"cmdstat_evalsha", "cmdstat_eval"})


async def test_threads_leave_together(one: RedisServer) -> None:
    """Threads that call at the same time share round trips, and each gets its own answer."""
    records = RedisRecords.from_url(one.url, prefix=uuid.uuid4().hex, is_blocking=True)

    def work(number: int) -> bool:
        key = record_key("thing", number % 3, number)
        return all(settle(records.merge(key, {str(turn): "x"})).get(str(turn)) == "x" for turn in range(20))

    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(work, range(64)))
    await records.close()


async def test_a_lonely_call_leaves_at_once(one: RedisServer) -> None:
    """One call is one command."""
    records = RedisRecords.from_url(one.url, prefix=uuid.uuid4().hex)
    await records.merge(KEY, {"a": "1"})
    before = calls_of(one)
    for _ in range(5):
        await records.merge(KEY, {"a": "1"})
    assert calls_of(one) - before == 5
    await records.close()


async def test_a_cancelled_call_confuses_nobody(one: RedisServer) -> None:
    """Answers that nobody waits for any more are not taken for those of others."""
    with proxy(one.port) as way:
        records = RedisRecords.from_url(f"redis://127.0.0.1:{way.port}/0", prefix=uuid.uuid4().hex, grace=5)
        for number in range(10):
            await records.write(record_key("thing", 1, number), {"number": str(number)})
        for _ in range(5):
            tasks = [asyncio.ensure_future(records.read(record_key("thing", 1, number))) for number in range(10)]
            await asyncio.sleep(0)
            tasks[0].cancel()
            tasks[5].cancel()
            told = await asyncio.gather(*tasks, return_exceptions=True)
            assert [isinstance(one, asyncio.CancelledError) for one in told] == [at in (0, 5) for at in range(10)]
            assert [one for one in told if isinstance(one, dict)] == [
                {"number": str(number)} for number in range(10) if number not in (0, 5)
            ]
        await records.close()


@pytest.mark.parametrize("operation", ["write", "merge", "remove"])
async def test_what_was_overtaken_is_not_carried_out(one: RedisServer, operation: str) -> None:
    """A command that comes late, on a connection that was given up, finds that later ones were carried out.

    So do those that come after it.
    """
    with proxy(one.port) as way:
        records = RedisRecords.from_url(f"redis://127.0.0.1:{way.port}/0", prefix=uuid.uuid4().hex, grace=5)
        await records.write(KEY, {"a": "0"})
        runway: Any = records._runway()
        sent: list[Any] = []
        original = runway._sender.lone
        runway._sender.lone = lambda call: sent.append(original(call)) or sent[-1]
        await (records.remove(KEY) if operation == "remove" else getattr(records, operation)(KEY, {"a": "1"}))
        await records.merge(KEY, {"b": "2"})
        await records.write(KEY, {"a": "3"})
        for late in (sent[0], sent[1], sent[0]):
            with pytest.raises(redis.ResponseError, match="something later of this sender"):
                one.do("EVALSHA", late.script.sha, len(late.keys), *late.keys, *late.arguments)
        assert await records.read(KEY) == {"a": "3"}
        await records.close()


async def test_expired_records_leave_no_timers(shared: RedisServer) -> None:
    """What expired, or was written anew without a time, is not due, and its timer is taken away when it is met."""
    records = RedisRecords.from_url(shared.url, prefix=(prefix := uuid.uuid4().hex))
    agenda = f"{{{prefix}:1}}!due:thing"
    await records.write(record_key("thing", 1, "short"), {"a": "1"}, ttl=0.05, due=1)
    await records.write(record_key("thing", 1, "again"), {"a": "1"}, ttl=0.05, due=2)
    await records.write(record_key("thing", 1, "stays"), {"a": "1"}, due=3)
    while await records.read(record_key("thing", 1, "again")):
        await asyncio.sleep(0.02)
    await records.write(record_key("thing", 1, "again"), {"b": "1"})
    assert shared.do("ZCARD", agenda) == 3

    assert await records.next_due("thing", "1") == 3
    assert [found.key.name for found in await records.due("thing", "1", 10)] == ["stays"]
    assert shared.do("ZCARD", agenda) == 1
    assert await records.remove(record_key("thing", 1, "stays"))
    assert set(shared.do("KEYS", f"*{prefix}*")) == {f"{{{prefix}:1}}:thing:again".encode(), *notes(shared, prefix)}
    await records.close()


def notes(one: RedisServer, prefix: str) -> list[Any]:
    """Return the keys under which answers are noted; they go away by themselves."""
    keys = one.do("KEYS", f"*{prefix}*!sent:*")
    assert all(one.do("PTTL", key) > 0 for key in keys)
    return keys


async def test_a_log_ends_with_its_journal(shared: RedisServer) -> None:
    """A journal that expired begins anew, without its old entries."""
    records = RedisRecords.from_url(shared.url, prefix=uuid.uuid4().hex)
    key = record_key("log", 1)
    assert await records.append(key, None, ["old"], ttl=0.03) == 1
    while await records.journal(key):
        await asyncio.sleep(0.01)
    assert await records.append(key, 0, ["new"]) == 1
    found = await records.journal(key)
    assert found is not None
    assert list(found.entries) == ["new"]
    await records.close()


async def test_many_fields_and_entries(shared: RedisServer) -> None:
    """More than fit on a script's stack."""
    records = RedisRecords.from_url(shared.url, prefix=uuid.uuid4().hex)
    fields = {str(number): "x" for number in range(9001)}
    await records.write(KEY, fields)
    assert await records.merge(KEY, fields) == fields
    assert not await records.write_new(KEY, {"a": "1"})
    assert await records.write_new(KEY, fields)
    key = record_key("log", 1)
    assert await records.append(key, 0, list(fields), fields=fields) == 1
    found = await records.journal(key)
    assert found is not None
    assert (list(found.entries), found.fields) == (list(fields), fields)
    assert await records.take(KEY, where={"5": "x"}) == fields
    await records.close()


async def test_pages_of_many(one: RedisServer) -> None:
    """The pages that follow one another look through the server's keys once."""
    records = RedisRecords.from_url(one.url, prefix=uuid.uuid4().hex)
    keys = sorted(record_key("thing", 1, number) for number in range(300))
    await asyncio.gather(*(records.write(key, {"a": "1"}) for key in keys))
    before = scans_of(one)
    found = await records.scan("thing", limit=7)
    once = scans_of(one) - before
    while len(page := await records.scan("thing", after=found[-1].key, limit=7)) == 7:
        found += page
    assert [each.key for each in [*found, *page]] == keys
    assert scans_of(one) - before == once
    await records.close()


async def test_pages_while_others_write(one: RedisServer) -> None:
    """What is written between two pages is in those that follow, and the server's keys are not looked through again."""
    records = RedisRecords.from_url(one.url, prefix=uuid.uuid4().hex)
    keys = sorted(record_key("thing", 1, number) for number in range(0, 300, 2))
    await asyncio.gather(*(records.write(key, {"a": "1"}) for key in keys))
    before = scans_of(one)
    found = page = await records.scan("thing", limit=7)
    once = scans_of(one) - before
    for number in range(1, 300, 2):
        key = record_key("thing", 1, number)
        await (records.write(key, {"a": "1"}) if number % 4 == 1 else records.merge(key, {"a": "1"}))
        await records.write(record_key("other", 1, number), {"a": "1"})
        keys += [key] if key > found[-1].key else []
        if len(page) == 7:
            page = await records.scan("thing", after=found[-1].key, limit=7)
            found += page

    assert [each.key for each in found] == sorted(keys[:150] + [key for key in keys[150:] if key <= found[-1].key])
    assert scans_of(one) - before == once
    await records.close()


def scans_of(one: RedisServer) -> int:
    return one.do("INFO", "commandstats").get("cmdstat_scan", {"calls": 0})["calls"]


async def test_closing_waits_for_what_is_under_way(one: RedisServer) -> None:
    """Calls that were made before the storage was closed are answered; connections are closed."""
    name = uuid.uuid4().hex
    records = RedisRecords.from_options(port=one.port, client_name=name, prefix=name)
    calls = [asyncio.ensure_future(records.merge(KEY, {str(number): "x"})) for number in range(50)]
    await asyncio.sleep(0)
    await records.close()
    assert len(await asyncio.gather(*calls)) == 50
    assert our_connections(one, name) == []
    with pytest.raises(StorageClosed, match=r"redis://localhost:\d+/0 was closed"):
        await records.read(KEY)


async def test_closed_by_who_cannot_wait(one: RedisServer) -> None:
    """The face for threads closes the connection of an event loop too, whose thread this may be."""
    name = uuid.uuid4().hex
    records = RedisRecords.from_options(port=one.port, client_name=name, prefix=name)
    await records.write(KEY, {"a": "1"})
    settle(records.blocking().close())
    with pytest.raises(StorageClosed):
        await records.read(KEY)
    await until_gone(lambda: our_connections(one, name))


async def until_gone(check: Callable[[], list[Any]]) -> None:
    """Let the loop run until nothing is left."""
    end = time.monotonic() + PATIENCE
    while check() and time.monotonic() < end:
        await asyncio.sleep(0.01)
    assert check() == []


def test_a_loop_that_ends_takes_its_connection_along(one: RedisServer) -> None:
    """Who forgets to close leaves no connection behind, and waits for nothing; another loop goes on."""
    name = uuid.uuid4().hex
    records = RedisRecords.from_options(port=one.port, client_name=name, prefix=name)

    async def crowd() -> None:
        calls = [asyncio.ensure_future(records.merge(KEY, {str(number): "x"})) for number in range(50)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)

    for _ in range(3):
        asyncio.run(crowd())
        one.wait_until(lambda: not our_connections(one, name), "lost the connection")
    assert settle(records.blocking().read(KEY))
    settle(records.blocking().close())


async def test_a_port_with_tls(one: RedisServer) -> None:
    """A server without TLS asked for TLS is unavailable, and nothing hangs."""
    records = RedisRecords.from_url(f"rediss://127.0.0.1:{one.port}/0", grace=0.2, timeout=1)
    with pytest.raises(StorageUnavailable, match="rediss://127.0.0.1"):
        await records.read(KEY)
    await records.close()


def test_nothing_is_imported_before_it_is_needed() -> None:
    """The module costs nobody redis-py who does not use it."""
    code = "import sys, aiostep_core.storages.redis; print('redis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"
