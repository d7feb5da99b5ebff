"""Which server to talk to, and how: read from a URL or from a client that somebody passes in.

A client is never used itself. Its pool may be full, may turn answers into texts, and may send again what must not be
sent again; so connections of our own are made with the same settings.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
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
_OF_NODES = frozenset({"host", "port", "db", "path", "redis_connect_func", "connection_class", "parser_class"})
_ACCEPTED = "a client of redis-py (redis.Redis, redis.asyncio.Redis, their RedisCluster), or use RedisRecords.from_url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to connect to.

    Attributes:
        connection_class: redis-py's class of connections, or of clients of a cluster.
        options: what to make one with; hides passwords.
        where: what to call it in messages; never has a password.
        nodes: of a cluster: where to ask for the others.
        client: what was passed in; kept because its connections may point at it.
        sentinels: clients that were made here to ask where the master is, to be closed with the connection.
    """

    connection_class: Any
    options: Mapping[str, Any] = field(repr=False)
    where: str
    is_blocking: bool
    is_cluster: bool = False
    nodes: Sequence[tuple[str, int]] = ()
    client: Any = field(default=None, repr=False)
    sentinels: Sequence[Any] = ()

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
            _check_database(url)
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

    def connection(self, timeout: float, connect_timeout: float) -> Any:
        """Make a connection, which is not connected yet; to a cluster a client."""
        if self.is_cluster:
            return self._cluster_client(timeout, connect_timeout)
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

    def _cluster_client(self, timeout: float, connect_timeout: float) -> Any:
        there = import_redis()[0 if self.is_blocking else 1].cluster
        nodes = [there.ClusterNode(host, port) for host, port in self.nodes]
        return there.RedisCluster(
            startup_nodes=nodes, socket_timeout=timeout, socket_connect_timeout=connect_timeout, **self.options
        )

    def twin(self) -> Server:
        """Return the same for the other face.

        Raises:
            BadArgument: the client has something that there is no counterpart of.
        """
        if "connection_pool" in self.options:
            client = _sentinel_twin(self.client, to_blocking=not self.is_blocking)
            return replace(Server.of(client), sentinels=client.connection_pool.sentinel_manager.sentinels)
        there = _counterpart(self.connection_class)
        known = _parameters(there)
        options = {name: value for name, value in self.options.items() if name in known}
        if options.pop("redis_connect_func", None) is not None:
            raise BadArgument("client", "one with a redis_connect_func", "two storages, one for each kind of client")
        return replace(self, connection_class=there, options=options, is_blocking=not self.is_blocking)


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


def _check_database(url: str) -> None:
    """Refuse a database that is no number: redis-py takes the first one in its place, and says nothing.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(url)
    database = parts.path.strip("/")
    if parts.scheme in ("redis", "rediss") and database and not database.isdecimal():
        raise ValueError(database)


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

    redis, aio = import_redis()
    if issubclass(connection_class, redis.RedisCluster | aio.RedisCluster):
        return aio.RedisCluster if issubclass(connection_class, redis.RedisCluster) else redis.RedisCluster
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
    manager = client.nodes_manager
    nodes = [(node.host, node.port) for node in manager.startup_nodes.values()]
    given = manager.connection_kwargs if is_blocking else client.connection_kwargs
    options = {name: value for name, value in given.items() if name not in _NOT_TAKEN and name not in _OF_NODES}
    if "SSL" in getattr(given.get("connection_class"), "__name__", ""):
        options["ssl"] = True
    if manager.address_remap is not None:
        options["address_remap"] = manager.address_remap
    known = _parameters(type(client))
    return Server(
        connection_class=type(client),
        options={name: value for name, value in options.items() if name in known or not known},
        where=f"redis cluster at {nodes[0][0]}:{nodes[0][1]}",
        is_blocking=is_blocking,
        is_cluster=True,
        nodes=nodes,
    )
