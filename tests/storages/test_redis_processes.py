"""Redis: processes that are killed while they write, and forks."""

from __future__ import annotations

import os
import random
import select
import signal
import time
import uuid
import warnings

import pytest

from aiostep_core.storages.records import record_key, settle
from aiostep_core.storages.redis import RedisRecords
from tests.storages.redis_servers import SHARED

KEY = record_key("thing", 1, "key")
KILLS = 200
PATIENCE = 10.0

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def test_killed_while_writing() -> None:
    """At whatever moment a process is killed, each write it was told of is there, and none is there by half."""
    records = RedisRecords.from_url(SHARED.get("8.2").url, prefix=uuid.uuid4().hex, is_blocking=True)
    settle(records.write(KEY, {"a": "0", "b": "0"}))
    rng = random.Random(4)
    done = 0
    for _ in range(KILLS):
        told, write_end = os.pipe()
        child = forked(records, done, write_end)
        os.close(write_end)
        told_of = last_told(told, child, rng.uniform(0, 0.002)) or done
        os.close(told)
        fields = settle(records.read(KEY))
        assert fields["a"] == fields["b"]
        assert told_of <= int(fields["a"]) <= told_of + 1
        done = int(fields["a"])
    journal = settle(records.journal(record_key("log", 1)))
    assert journal is not None
    entries = [int(entry) for entry in journal.entries]
    assert entries == sorted(entries)
    assert set(range(1, done + 1)) <= set(entries) <= set(range(1, done + 2))
    settle(records.close())


def forked(records: RedisRecords, done: int, tell: int) -> int:
    """Have a process that writes ever greater numbers, and tells which of them it was told are written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            while True:
                done += 1
                settle(records.append(record_key("log", 1), None, [str(done)]))
                settle(records.write(KEY, {"a": str(done), "b": str(done)}))
                os.write(tell, b"%d\n" % done)
        finally:
            os._exit(1)
    return child


def last_told(told: int, child: int, seconds: float) -> int | None:
    """Kill a process a moment after it told of something; return the last that it told of."""
    assert select.select([told], [], [], PATIENCE)[0], "the process never wrote"
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    numbers = b""
    while part := os.read(told, 1 << 16):
        numbers += part
    return int(numbers.split()[-1]) if numbers else None
