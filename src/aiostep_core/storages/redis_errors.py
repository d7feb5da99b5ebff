"""What the errors of redis-py and of the server mean to us: try again, or say what to do."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from ..errors import StorageDamaged, StorageError, StorageUnavailable

__all__ = ["Meaning", "Trouble", "refusals", "trouble"]


class Meaning(Enum):
    """What to do about an error."""

    LOST = "connect again and send it again"
    LATER = "send it again in a moment"
    NO_SCRIPT = "send the script itself"
    FINAL = "give up"


class Trouble(NamedTuple):
    """An error of the server or of the way to it.

    Attributes:
        problem: the rest of a sentence that begins with the name of the storage.
        fix: what to do about it.
    """

    meaning: Meaning
    problem: str
    fix: str
    cause: BaseException
    is_damage: bool = False

    @property
    def may_pass(self) -> bool:
        """Tell whether to send it again."""
        return self.meaning is not Meaning.FINAL

    def error(self, where: str) -> StorageError:
        """Return a new error for a caller; its ``__cause__`` is set."""
        if self.is_damage:
            error: StorageError = StorageDamaged(where, self.problem, self.fix)
        else:
            error = StorageUnavailable(where, self.problem, self.fix)
        error.__cause__ = self.cause
        return error


class _Row(NamedTuple):
    pattern: str
    meaning: Meaning
    problem: str
    fix: str


# Tried from the top. redis-py takes the code off some messages and puts it into the name of the class, and Lua puts
# its own words in front of them; so they are looked for anywhere.
_KNOWN = (
    _Row("NoScriptError|NOSCRIPT", Meaning.NO_SCRIPT, "does not keep scripts", "allow EVAL and EVALSHA"),
    _Row("BusyLoadingError|LOADING", Meaning.LATER, "is still loading its data", "wait until it has started"),
    _Row(r"BUSY\b", Meaning.LATER, "is busy with somebody's script", "find it with SLOWLOG, or end it: SCRIPT KILL"),
    _Row(
        "ClusterDownError|CLUSTERDOWN|TryAgainError|TRYAGAIN|MasterDownError|MASTERDOWN|SlotNotCovered",
        Meaning.LATER,
        "is a cluster in which the keys have no node just now",
        "see CLUSTER INFO; it recovers once every slot has a node",
    ),
    # A failover makes a replica of a master; whoever connects again may find the new one.
    _Row(
        "ReadOnlyError|READONLY",
        Meaning.LOST,
        "is a read-only replica",
        "connect to the master, or by Sentinel: pass what Sentinel(...).master_for(name) returns",
    ),
    _Row(
        "OutOfMemoryError|OOM",
        Meaning.FINAL,
        "has no memory left and refused to write",
        "raise maxmemory or remove what it holds",
    ),
    _Row(
        "NoPermissionError|NOPERM|user executing the script|No permissions",
        Meaning.FINAL,
        "does not let this user do what is needed",
        "give it the keys {PREFIX:* and the categories @read, @write, @scripting and @connection (ACL SETUSER)",
    ),
    _Row(
        "AuthenticationError|AuthenticationWrong|NOAUTH|WRONGPASS|invalid password",
        Meaning.FINAL,
        "refused the user name or password",
        "correct the URL or the password= of the client",
    ),
    _Row("MISCONF", Meaning.FINAL, "cannot save to its disk and refuses to write", "see the server's log"),
    _Row("NOREPLICAS", Meaning.FINAL, "has too few replicas and refuses to write", "see min-replicas-to-write"),
    _Row(
        "MovedError|MOVED|AskError|CrossSlot|CROSSSLOT",
        Meaning.FINAL,
        "is a node of a cluster",
        "pass a client that knows clusters: redis.asyncio.RedisCluster or redis.RedisCluster",
    ),
    _Row(
        "unknown command|Unknown Redis command", Meaning.FINAL, "lacks a command", "use Redis 6.2 or newer, or Valkey"
    ),
    _Row("DB index|Invalid Database", Meaning.FINAL, "has no such database", "correct the number in the URL or db="),
    _Row(
        "CERTIFICATE_VERIFY_FAILED",
        Meaning.FINAL,
        "has a certificate that cannot be trusted, and was told nothing",
        "pass the file of who signed it, rediss://...?ssl_ca_certs=/path/to/ca.pem, or the host name that it is for",
    ),
    _Row(
        "InvalidResponse|ProtocolError|[Pp]rotocol error",
        Meaning.FINAL,
        "does not answer as a Redis server does",
        "correct the host and port; with TLS the URL begins with rediss://",
    ),
    _Row(
        "RedisClusterException",
        Meaning.LOST,
        "is a cluster of which no node can be reached",
        "start the servers, or correct the addresses",
    ),
    _Row(
        "MasterNotFoundError|SlaveNotFoundError",
        Meaning.LOST,
        "was not found by any Sentinel",
        "correct the service name or the Sentinels' addresses",
    ),
)
_LATE = "see whether it is overloaded, or unreachable, or, with rediss://, does not speak TLS"
_REPORT = "what its server says is in the cause of this error"


def refusals() -> type[Exception]:
    """Return the class of what a server answers when it does not do what it was asked for."""
    from redis.exceptions import ResponseError

    return ResponseError


def trouble(error: BaseException) -> Trouble | None:
    """Tell what an error means; None: it is not one of Redis or of the network."""
    from redis.exceptions import ConnectionError as NotConnected
    from redis.exceptions import RedisError, ResponseError
    from redis.exceptions import TimeoutError as Late

    kind, text = type(error), str(error)
    if isinstance(error, Late | TimeoutError):
        return Trouble(Meaning.FINAL, "did not answer in time", _LATE, error)
    words = f"{kind.__name__}: {text}"
    for row in _KNOWN:
        if re.search(row.pattern, words):
            return Trouble(row.meaning, row.problem, row.fix, error)
    if "WRONGTYPE" in text:
        problem = "has a key of ours that holds something else"
        return Trouble(Meaning.FINAL, problem, "choose another prefix, or another database", error, is_damage=True)
    if isinstance(error, ResponseError) or kind.__name__ == "OperationFailed":
        return Trouble(Meaning.FINAL, f"refused: {text}", _REPORT, error)
    if isinstance(error, NotConnected | OSError | EOFError):
        return Trouble(Meaning.LOST, f"cannot be reached ({text})", "start the server, or correct the address", error)
    return Trouble(Meaning.FINAL, f"failed: {words}", _REPORT, error) if isinstance(error, RedisError) else None
