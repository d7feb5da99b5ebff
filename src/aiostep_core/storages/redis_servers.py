"""Which server to talk to, and how: read from a URL or from a client that somebody passes in.

A client is never used itself. Its pool may be full, may turn answers into texts, and may send again what must not be
sent again; so connections of our own are made with the same settings.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from ..errors import BadArgument, MissingRequirement

__all__ = ["Server", "import_redis"]

# What belongs to the client that is not used, and what is decided here.
_NOT_TAKEN = frozenset(
    {
        "retry", "retry_on_error", "retry_on_timeout", "decode_responses", "encoding", "encoding_errors", "protocol",
        "legacy_responses", "health_check_interval", "event_dispatcher", "himport_registry", "cache", "cache_config",
        "maint_notifications_config", "maint_notifications_pool_handler", "maintenance_state",
        "maintenance_notification_hash", "oss_cluster_maint_notifications_handler", "orig_host_address",
        "orig_socket_timeout", "orig_socket_connect_timeout", "socket_timeout", "socket_connect_timeout",
    }
)  # fmt: skip
_OF_NODES = frozenset({"host", "port", "db", "redis_connect_func", "connection_class"})
_ACCEPTED = "a client of redis-py (redis.Redis, redis.asyncio.Redis, their RedisCluster), or use RedisRecords.from_url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to connect to.

    Attributes:
        connection_class: redis-py's class of connections.
        options: what to make one with; hides passwords.
        where: what to call it in messages; never has a password.
        is_ours: whether the client was made here and is closed here.
        client: what was passed in; a cluster's is used, others are kept because connections may point at them.
    """

    connection_class: Any
    options: Mapping[str, Any] = field(repr=False)
    where: str
    is_blocking: bool
    is_cluster: bool = False
    is_ours: bool = False
    client: Any = field(default=None, repr=False)

    @staticmethod
    def of(client: Any) -> Server:
        """Read the settings of a client.

        Raises:
            BadArgument: it is no client of redis-py.
        """
        redis, aio = import_redis()
        if isinstance(client, redis.RedisCluster | aio.RedisCluster):
            return _of_cluster(client, isinstance(client, redis.RedisCluster))
        if not isinstance(client, redis.Redis | aio.Redis):
            raise BadArgument("client", _unsaid(client), _ACCEPTED)
        pool = client.connection_pool
        options = {name: value for name, value in pool.connection_kwargs.items() if name not in _NOT_TAKEN}
        return Server(
            connection_class=pool.connection_class,
            options=options,
            where=_where(options, getattr(pool, "service_name", None), pool.connection_class),
            is_blocking=isinstance(client, redis.Redis),
            client=client,
        )

    @staticmethod
    def at(url: str, *, is_blocking: bool, **options: Any) -> Server:
        """Read the settings in a URL.

        Raises:
            BadArgument: it is not one that redis-py knows.
        """
        redis, aio = import_redis()
        kind = redis.Redis if is_blocking else aio.Redis
        try:
            return Server.of(kind.from_url(url, **options))
        except ValueError:
            # redis-py's own words may repeat parts of a password that has a slash or a hash sign in it.
            expected = "redis://[user:password@]host:port/db, rediss://... or unix:///path?db=0; quote %, / and # in it"
            raise BadArgument("url", _unsaid(url), expected) from None

    @staticmethod
    def with_options(*, is_blocking: bool, **options: Any) -> Server:
        """Read the settings in the arguments of ``redis.Redis``."""
        redis, aio = import_redis()
        return Server.of((redis.Redis if is_blocking else aio.Redis)(**options))

    async def close(self) -> None:
        """Close the client, if it was made here."""
        if not self.is_ours:
            return
        if self.is_blocking:
            self.client.close()
        else:
            await self.client.aclose()

    def connection(self, timeout: float, connect_timeout: float) -> Any:
        """Make a connection, which is not connected yet."""
        from redis.asyncio.retry import Retry as AsyncRetry
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return self.connection_class(
            **self.options,
            protocol=2,  # half the round trips of RESP3 when connecting, and nothing in it is needed
            retry=(Retry if self.is_blocking else AsyncRetry)(NoBackoff(), 0),
            # An event loop's calls have a deadline around them; redis-py would make a task of every write.
            socket_timeout=timeout if self.is_blocking else None,
            socket_connect_timeout=connect_timeout,
        )

    def twin(self) -> Server:
        """Return the same for the other face.

        Raises:
            BadArgument: the client has something that there is no counterpart of.
        """
        if self.is_cluster:
            return _cluster_twin(self)
        if "connection_pool" in self.options:
            return Server.of(_sentinel_twin(self.client, to_blocking=not self.is_blocking))
        there = _counterpart(self.connection_class)
        known = _parameters(there)
        options = {name: value for name, value in self.options.items() if name in known}
        if options.pop("redis_connect_func", None) is not None:
            raise BadArgument("client", "one with a redis_connect_func", "two storages, one for each kind of client")
        return Server(connection_class=there, options=options, where=self.where, is_blocking=not self.is_blocking)


def import_redis() -> tuple[Any, Any]:
    """Return ``redis`` and ``redis.asyncio``.

    Raises:
        MissingRequirement: it is not installed.
    """
    try:
        import redis
        import redis.asyncio
    except ImportError:
        raise MissingRequirement("redis", "redis>=6.2", "pip install 'aiostep[redis]'") from None
    return redis, redis.asyncio


def _where(options: Mapping[str, Any], service: str | None, connection_class: Any) -> str:
    database = f"/{options.get('db') or 0}"
    if service is not None:
        return f"sentinel://{service}{database}"
    if "path" in options:
        return f"unix://{options['path']}?db={options.get('db') or 0}"
    scheme = "rediss" if "SSL" in connection_class.__name__ else "redis"
    return f"{scheme}://{options.get('host', 'localhost')}:{options.get('port', 6379)}{database}"


def _unsaid(got: object) -> object:
    """Return what to show of something that may have a password in it."""
    if isinstance(got, str):
        scheme = got.partition("://")[0] if "://" in got else ""
        try:
            host = urlsplit(got).hostname or ""
        except ValueError:
            host = ""
        return f"{scheme}://...{host}" if scheme else "a text without a scheme"
    return type(got)


def _counterpart(connection_class: Any) -> Any:
    from redis import connection as blocking
    from redis.asyncio import connection as suspending

    for name in ("Connection", "SSLConnection", "UnixDomainSocketConnection"):
        here, there = getattr(blocking, name), getattr(suspending, name)
        if connection_class in (here, there):
            return there if connection_class is here else here
    raise BadArgument("client", connection_class, "two storages: this class of connections has only one face")


def _parameters(connection_class: Any) -> set[str]:
    return {
        name
        for base in connection_class.__mro__
        if "__init__" in vars(base)
        for name in inspect.signature(base.__init__).parameters
    }


def _sentinel_twin(client: Any, *, to_blocking: bool) -> Any:
    """Make the other kind of client of the same service."""
    import redis.asyncio.sentinel
    import redis.sentinel

    there: Any = redis.sentinel if to_blocking else redis.asyncio.sentinel
    pool = client.connection_pool
    manager = pool.sentinel_manager
    addresses = [
        (known["host"], known["port"]) for known in (one.connection_pool.connection_kwargs for one in manager.sentinels)
    ]
    kept = {k: v for k, v in pool.connection_kwargs.items() if k not in _NOT_TAKEN and k != "connection_pool"}
    is_tls = "SSL" in pool.connection_class.__name__
    asked = {
        name: value for name, value in manager.sentinel_kwargs.items() if name not in {"retry", "event_dispatcher"}
    }
    twin = there.Sentinel(addresses, manager.min_other_sentinels, asked)
    find = twin.master_for if pool.is_master else twin.slave_for
    return find(pool.service_name, **kept, **({"ssl": True} if is_tls else {}))


def _of_cluster(client: Any, is_blocking: bool) -> Server:
    nodes = client.nodes_manager
    options = nodes.connection_kwargs if is_blocking else client.connection_kwargs
    first = next(iter(nodes.startup_nodes.values()))
    return Server(
        connection_class=None,
        options=options,
        where=f"redis cluster at {first.host}:{first.port}",
        is_blocking=is_blocking,
        is_cluster=True,
        client=client,
    )


def _cluster_twin(server: Server) -> Server:
    import redis.asyncio.cluster
    import redis.cluster

    there: Any = redis.asyncio.cluster if server.is_blocking else redis.cluster
    nodes = [there.ClusterNode(node.host, node.port) for node in server.client.nodes_manager.startup_nodes.values()]
    known = _parameters(there.RedisCluster) | _parameters(there.ClusterNode)
    options = {
        name: value
        for name, value in server.options.items()
        if name in known and name not in _NOT_TAKEN and name not in _OF_NODES
    }
    if server.options.get("connection_class") is not None and "SSL" in server.options["connection_class"].__name__:
        options["ssl"] = True
    return replace(Server.of(there.RedisCluster(startup_nodes=nodes, **options)), is_ours=True)
