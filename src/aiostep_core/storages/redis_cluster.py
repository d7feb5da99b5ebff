"""The way to a cluster: redis-py's client knows the nodes and follows when slots move or masters change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from .redis_commands import Command
from .redis_errors import trouble
from .redis_links import AsyncLink, BlockingLink, deadline

__all__ = ["AsyncClusterLink", "BlockingClusterLink"]

# redis-py's word for: leave the bytes alone.
_RAW = {"NEVER_DECODE": True}


class AsyncClusterLink(AsyncLink):
    """A ``redis.asyncio.RedisCluster``."""

    async def _exchange(self, commands: Sequence[Command], is_whole: bool = False) -> list[Any]:
        async with deadline(self._timeout):
            if self._connection is None:
                self._connection = self._server.connection(self._timeout, self._connect_timeout)
                await self._watch_the_loop()
            await self._connection.initialize()
            return list(await asyncio.gather(*(self._send(command, is_whole) for command in commands)))

    async def _send(self, command: Command, is_whole: bool) -> Any:
        client = self._connection
        try:
            if command.script is None and command.arguments[0] == b"SCAN":
                return await _scan(client.execute_command, client.get_primaries(), command)
            return await client.execute_command(*_arguments(command, is_whole), **_RAW)
        except self._refusal as error:
            return trouble(error)

    async def close(self, *, is_broken: bool = False) -> None:
        if not is_broken and self._connection is not None:  # it mends itself
            client, self._connection = self._connection, None
            await client.aclose()


class BlockingClusterLink(BlockingLink):
    """A ``redis.RedisCluster``."""

    async def _exchange(self, commands: Sequence[Command], is_whole: bool = False) -> list[Any]:
        if self._connection is None:
            self._connection = self._server.connection(self._timeout, self._connect_timeout)
        return [await self._send(command, is_whole) for command in commands]

    async def _send(self, command: Command, is_whole: bool) -> Any:
        client = self._connection

        async def execute(*arguments: Any, **options: Any) -> Any:
            return client.execute_command(*arguments, **options)

        try:
            if command.script is None and command.arguments[0] == b"SCAN":
                return await _scan(execute, client.get_primaries(), command)
            return await execute(*_arguments(command, is_whole), **_RAW)
        except self._refusal as error:
            return trouble(error)

    async def close(self, *, is_broken: bool = False) -> None:
        if not is_broken and self._connection is not None:  # it mends itself
            client, self._connection = self._connection, None
            client.close()


def _arguments(command: Command, is_whole: bool) -> list[Any]:
    """Write a command as redis-py looks for keys in it."""
    if command.script is None:
        name, *rest = command.arguments
        return [name.decode(), *rest]
    script = ("EVAL", command.script.source) if is_whole else ("EVALSHA", command.script.sha)
    return [*script, len(command.keys), *command.keys, *command.arguments]


async def _scan(execute: Callable[..., Awaitable[Any]], nodes: Sequence[Any], command: Command) -> list[Any]:
    """Go through the nodes one after the other; the cursor says in which it is."""
    index, _, cursor = command.arguments[1].rpartition(b":")
    at = int(index or 0)
    ordered = sorted(nodes, key=lambda node: str(node.name))
    if at >= len(ordered):  # a node went away meanwhile
        return [b"0", []]
    node = ordered[at]
    answer = await execute("SCAN", int(cursor), *command.arguments[2:], target_nodes=node, **_RAW)
    cursors, keys = answer  # the cursor of each node that was asked
    (following,) = map(int, cursors.values())
    if following == 0:
        at += 1
    return [b"0" if at == len(ordered) else b"%d:%d" % (at, following), keys]
