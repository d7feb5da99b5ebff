"""Redis: a connection that breaks after the server did something and before it said so."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from aiostep_core.storages.abc import RecordKey
from aiostep_core.storages.records import record_key, settle
from aiostep_core.storages.redis import RedisRecords
from tests.storages.redis_servers import SHARED, VERSIONS, RedisServer
from tests.storages.tcp_proxy import TcpProxy, proxy

pytestmark = pytest.mark.anyio

KEY = record_key("thing", 1, "key")


class Place:
    """A storage whose answers get lost, and another one of the same place whose do not."""

    def __init__(self, server: RedisServer, way: TcpProxy, is_blocking: bool) -> None:
        self.way = way
        prefix = uuid.uuid4().hex
        self.records = RedisRecords.from_url(
            f"redis://127.0.0.1:{way.port}/0", prefix=prefix, is_blocking=is_blocking, grace=5
        )
        self.other = RedisRecords.from_url(server.url, prefix=prefix, is_blocking=True)

    def lose_one(self, *, then: Any = None) -> None:
        """Lose the next answer; run *then*, a call of the other storage, before anybody knows."""
        self.way.lose = 1
        self.way.on_loss = None if then is None else lambda: settle(then)

    def teach(self) -> None:
        """Have the server know all scripts, so that no answer is lost that only says that it does not."""
        key = record_key("thing", 2, "key")
        for call in (
            *(self.other.write(key, {"a": "1"}), self.other.write_new(key, {}), self.other.merge(key, {})),
            *(self.other.take(key), self.other.remove(key), self.other.append(key, None, [])),
        ):
            settle(call)

    async def close(self) -> None:
        await self.records.close()
        await self.other.close()


@pytest.fixture(params=VERSIONS, scope="module")
def way(request: pytest.FixtureRequest) -> Iterator[tuple[RedisServer, TcpProxy]]:
    server = SHARED.get(request.param)
    with proxy(server.port) as one:
        yield server, one


@pytest.fixture(params=[True, False], ids=["blocking", "asynchronous"])
async def place(request: pytest.FixtureRequest, way: tuple[RedisServer, TcpProxy]) -> Any:
    server, one = way
    opened = Place(server, one, request.param)
    await opened.records.read(KEY)
    opened.teach()
    yield opened
    assert one.lose == 0, "the answer that should have been lost was never waited for"
    await opened.close()


async def test_a_removal_is_told_once(place: Place) -> None:
    """Who removed a record is told so by the second try; a record that somebody wrote meanwhile stays."""
    await place.records.write(KEY, {"a": "old"})
    place.lose_one(then=place.other.write(KEY, {"a": "new"}))

    assert await place.records.remove(KEY) is True
    assert await place.records.read(KEY) == {"a": "new"}


async def test_what_was_taken_is_told_again(place: Place) -> None:
    """The fields of a record that was taken arrive, although the record is gone."""
    await place.records.write(KEY, {"a": "1", "b": "\ud800\0"})
    place.lose_one()

    assert await place.records.take(KEY) == {"a": "1", "b": "\ud800\0"}
    assert await place.records.take(KEY) == {}


async def test_nothing_taken_is_told_again(place: Place) -> None:
    """Who came too late is not given what came after."""
    place.lose_one(then=place.other.write(KEY, {"a": "new"}))

    assert await place.records.take(KEY) == {}
    assert await place.records.read(KEY) == {"a": "new"}
    await place.records.remove(KEY)


async def test_entries_are_appended_once(place: Place) -> None:
    """A journal has each entry once, and its revision is told."""
    journal = record_key("journal", 1, uuid.uuid4().hex)
    place.lose_one()
    assert await place.records.append(journal, None, ["one"]) == 1
    place.lose_one(then=place.other.append(journal, 2, ["three"]))
    assert await place.records.append(journal, 1, ["two"]) == 2

    found = await place.records.journal(journal)
    assert found is not None
    assert (list(found.entries), found.revision) == (["one", "two", "three"], 3)


async def test_a_refused_append_stays_refused(place: Place) -> None:
    """Who was told no by the first try is not told yes by the second."""
    journal = record_key("journal", 1, uuid.uuid4().hex)
    place.lose_one(then=place.other.append(journal, None, ["theirs"]))

    assert await place.records.append(journal, 1, ["ours"]) is None


async def test_writing_does_not_come_back(place: Place) -> None:
    """What somebody wrote after us stays, also when we are only told then that we wrote."""
    for write in (place.records.write, place.records.merge):
        place.lose_one(then=place.other.write(KEY, {"a": "later"}))
        answer = await write(KEY, {"a": "sooner"})
        assert answer in (None, {"a": "later"})
        assert await place.records.read(KEY) == {"a": "later"}
    await place.records.remove(KEY)


async def test_a_new_record_is_new_once(place: Place) -> None:
    """Who wrote it is told so, also if it was removed meanwhile; it does not come back."""
    place.lose_one(then=place.other.remove(KEY))

    assert await place.records.write_new(KEY, {"a": "1"})
    assert await place.records.read(KEY) == {}


async def test_reading_is_done_again(place: Place) -> None:
    """A lost answer to a question is asked for again."""
    await place.records.write(KEY, {"a": "1"}, ttl=60, due=5)
    place.lose_one()
    assert await place.records.read(KEY, touch=60) == {"a": "1"}
    place.lose_one()
    assert await place.records.read_many([KEY, KEY]) == [{"a": "1"}] * 2
    place.lose_one()
    assert [one.key for one in await place.records.due("thing", "1", 10)] == [KEY]
    await place.records.remove(KEY)


async def test_answers_that_are_lost_again_and_again(place: Place) -> None:
    """However often."""
    await place.records.write(KEY, {"a": "1"})
    place.lose_one()
    place.way.lose = 4

    assert await place.records.remove(KEY) is True
    assert await place.records.remove(KEY) is False


async def test_a_batch_is_carried_out_once(place: Place) -> None:
    """Calls that went together are each answered what they were answered the first time."""
    names = [record_key("thing", 1, "batch", number) for number in range(30)]
    for name in names[::2]:
        await place.records.write(name, {"a": "1"})
    journal = record_key("journal", 1, uuid.uuid4().hex)
    place.way.on_loss = None
    place.way.lose = 3

    calls: list[Any] = [call for name in names for call in (place.records.remove(name), appended(place, journal))]
    calls += [place.records.merge(KEY, {"b": "1"}), place.records.take(KEY)]
    told: list[Any]
    if place.records.is_blocking:
        with ThreadPoolExecutor(16) as pool:
            told = list(pool.map(settle, calls))
    else:
        told = list(await asyncio.gather(*calls))
    place.way.lose = 0

    assert told[0:60:2] == [number % 2 == 0 for number in range(30)]
    assert sorted(told[1:60:2]) == list(range(1, 31))
    found = await place.records.journal(journal)
    assert found is not None
    assert list(found.entries) == ["x"] * 30


def appended(place: Place, journal: RecordKey) -> Any:
    """Append to a journal, whatever its revision is."""
    return place.records.append(journal, None, ["x"])
