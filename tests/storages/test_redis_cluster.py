"""Redis on several nodes: a cluster under the contract of storages, and a master that Sentinel replaces."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel

from aiostep_core.storages.records import record_key, settle
from aiostep_core.storages.redis import RedisRecords
from aiostep_testing.storage_contract import RecordsContract, StorageHarness
from tests.storages.redis_clusters import SERVICE, cluster, sentinel
from tests.storages.redis_servers import OLDEST, RedisServer

KEY = record_key("thing", 1, "key")


@pytest.fixture(scope="module", autouse=True)
def nodes() -> Iterator[list[RedisServer]]:
    with cluster(OLDEST) as three:
        ClusterHarness.port = three[0].port
        yield three


class ClusterHarness(StorageHarness):
    name: ClassVar[str] = "redis cluster"
    port: ClassVar[int] = 0

    def __init__(self, folder: Any) -> None:
        super().__init__(folder)
        self.prefix = uuid.uuid4().hex
        self._clients: list[redis.RedisCluster] = []

    def open(self) -> RedisRecords:
        # The other face makes a client of its own, and closes it.
        client = redis.RedisCluster(host="127.0.0.1", port=self.port, decode_responses=len(self._clients) % 2 == 0)
        self._clients.append(client)
        return RedisRecords(client, prefix=self.prefix)

    def close(self) -> None:
        for client in self._clients:
            client.close()


class TestCluster(RecordsContract):
    harness_class = ClusterHarness


@pytest.mark.anyio
@pytest.mark.parametrize("is_blocking", [True, False])
async def test_spaces_are_spread(nodes: list[RedisServer], is_blocking: bool) -> None:
    """Every node has some spaces; all are found by a scan, and concurrent calls for all of them are answered."""
    kind: Any = redis.RedisCluster if is_blocking else redis.asyncio.RedisCluster
    client = kind(host="127.0.0.1", port=nodes[0].port)
    records = RedisRecords(client, prefix=uuid.uuid4().hex)
    keys = sorted(record_key("thing", space, name) for space in range(20) for name in range(3))

    if is_blocking:
        told = [settle(records.merge(key, {"a": "1"})) for key in keys]
    else:
        told = list(await asyncio.gather(*(records.merge(key, {"a": "1"}) for key in keys)))
    for node in nodes:
        node.do("SCRIPT FLUSH")
    assert told == [{"a": "1"}] * 60
    assert [found.key for found in await records.scan("thing", limit=100)] == keys
    assert [found.key for found in await records.scan("thing", after=keys[9], limit=4)] == keys[10:14]
    assert all(node.do("DBSIZE") > 5 for node in nodes)
    assert await records.remove(keys[0])
    await records.close()
    if is_blocking:
        assert client.ping()
        client.close()
    else:
        assert await client.ping()
        await client.aclose()


@pytest.mark.anyio
async def test_a_slot_that_moves(nodes: list[RedisServer]) -> None:
    """Records are found where they were moved to."""
    client = redis.asyncio.RedisCluster(host="127.0.0.1", port=nodes[0].port)
    records = RedisRecords(client, prefix=uuid.uuid4().hex)
    await records.write(KEY, {"a": "1"})
    name = records._layout.names(KEY).record
    slot = nodes[0].do("CLUSTER KEYSLOT", name)
    source = next(node for node in nodes if owns(node, slot))
    target = next(node for node in nodes if node is not source)
    ids = {node.port: node.do("CLUSTER MYID").decode() for node in nodes}
    target.do("CLUSTER SETSLOT", slot, "IMPORTING", ids[source.port])
    source.do("CLUSTER SETSLOT", slot, "MIGRATING", ids[target.port])
    for key in source.do("CLUSTER GETKEYSINSLOT", slot, 100):
        source.do("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)
    for node in (target, source, *nodes):
        node.do("CLUSTER SETSLOT", slot, "NODE", ids[target.port])

    assert await records.merge(KEY, {"b": "2"}) == {"a": "1", "b": "2"}
    await records.close()
    await client.aclose()


def owns(node: RedisServer, slot: int) -> bool:
    """Tell whether a node has a slot."""
    first = next(line for line in node.do("CLUSTER NODES").values() if "myself" in line["flags"])
    return any(int(start) <= slot <= int(end) for start, end in first["slots"])


@pytest.mark.anyio
@pytest.mark.parametrize("is_blocking", [True, False])
async def test_a_failover(is_blocking: bool) -> None:
    """When the master dies, the one that Sentinel makes of its replica is found; both faces follow."""
    with sentinel(OLDEST) as (port, master, replica):
        kind: Any = redis.sentinel if is_blocking else redis.asyncio.sentinel
        manager = kind.Sentinel([("127.0.0.1", port)])
        records = RedisRecords(manager.master_for(SERVICE, db=2), prefix="p", grace=15)
        twin = records.asynchronous() if is_blocking else records.blocking()
        assert repr(records) == f"<RedisRecords sentinel://{SERVICE}/2 prefix='p'>"
        await records.write(KEY, {"a": "1"})
        assert await twin.read(KEY) == {"a": "1"}
        master.do("WAIT", 1, 5000)
        master.kill()

        assert await records.merge(KEY, {"b": "2"}) == {"a": "1", "b": "2"}
        assert await twin.merge(KEY, {"c": "3"}) == {"a": "1", "b": "2", "c": "3"}
        assert replica.do("INFO", "replication")["role"] == "master"
        await records.close()
        for one in manager.sentinels:
            one.close() if is_blocking else await one.aclose()
