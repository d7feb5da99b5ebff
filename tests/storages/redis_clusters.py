"""Clusters and Sentinels for tests: several servers on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any

import redis

from tests.storages.redis_servers import RedisServer

SLOTS = 16384
NODES = 3
SERVICE = "bots"


@contextlib.contextmanager
def cluster(version: str) -> Generator[list[RedisServer]]:
    """Have a cluster of three masters."""
    with contextlib.ExitStack() as stack:
        nodes = list[RedisServer]()
        for _ in range(NODES):
            options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "5000", "--cluster-config-file", "nodes")
            nodes.append(RedisServer(version, *options))
            stack.callback(nodes[-1].remove)
        for number, node in enumerate(nodes):
            slots = range(number * SLOTS // NODES, (number + 1) * SLOTS // NODES)
            node.do("CLUSTER ADDSLOTS", *slots)
            node.do("CLUSTER MEET", "127.0.0.1", nodes[0].port)
        for node in nodes:
            node.wait_until(lambda node=node: is_whole(node), "knew the whole cluster")
        yield nodes


def is_whole(node: RedisServer) -> bool:
    """Tell whether a node knows who has every slot."""
    info = node.do("CLUSTER INFO")
    return info["cluster_state"] == "ok" and len(node.do("CLUSTER SLOTS")) == NODES


@contextlib.contextmanager
def sentinel(version: str) -> Generator[tuple[int, RedisServer, RedisServer]]:
    """Have a master, its replica, and the port of a Sentinel that watches them."""
    with contextlib.ExitStack() as stack:
        master, replica = RedisServer(version), RedisServer(version)
        stack.callback(master.remove)
        stack.callback(replica.remove)
        replica.do("REPLICAOF", "127.0.0.1", master.port)
        replica.wait_until(lambda: replica.do("INFO", "replication")["master_link_status"] == "up", "followed")
        watcher = RedisServer(
            version, config=[f"sentinel monitor {SERVICE} 127.0.0.1 {master.port} 1"], is_sentinel=True
        )
        stack.callback(watcher.remove)
        watcher.do("SENTINEL SET", SERVICE, "down-after-milliseconds", "300")
        watcher.wait_until(lambda: replicas(watcher) == 1, "found the replica")
        yield watcher.port, master, replica


def replicas(watcher: RedisServer) -> int:
    """Return how many replicas a Sentinel knows."""
    with redis.Redis(port=watcher.port) as client:
        known: Any = client.sentinel_master(SERVICE)
        return int(known["num-slaves"])
