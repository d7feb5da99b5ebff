"""Durable conversations seen from outside, without ``await``: for the plain code of bots that are made of threads."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from .. import blocking
from ..errors import WouldDeadlock
from . import standing, starting
from .journal import current_flow
from .standing import Standings

if TYPE_CHECKING:
    from ..keys import Scope

__all__ = ["end_durable", "result", "send_signal", "start_durable", "where"]

T = TypeVar("T")


def start_durable(flow: Callable[..., Any] | str, /, *args: Any, to: Any = None, **kwargs: Any) -> bool:
    """Begin a durable conversation with *to*, without an update; see ``aiostep.start_durable``."""
    return _now("start_durable", starting.start_durable(flow, *args, to=to, **kwargs))


def end_durable(target: Any = None, *, scope: Scope | None = None, reason: str = "code") -> bool:
    """End the durable conversation with *target*; see ``aiostep.end_durable``."""
    return _now("end_durable", standing.end_durable(target, scope=scope, reason=reason))


def send_signal(name: str, value: Any = None, *, to: Any = None, scope: Scope | None = None) -> bool:
    """Give *value* to the durable conversation with *to*; see ``aiostep.send_signal``."""
    return _now("send_signal", standing.send_signal(name, value, to=to, scope=scope))


def where(target: Any = None, *, scope: Scope | None = None, limit: int = 1000, after: str | None = None) -> Standings:
    """List where the durable conversations stand; see ``aiostep.where``."""
    return _now("where", standing.where(target, scope=scope, limit=limit, after=after).read())


def result(target: Any = None, *, scope: Scope | None = None) -> Any:
    """Return what the last durable conversation with *target* returned; see ``aiostep.result``."""
    return _now("result", standing.result(target, scope=scope))


def _now(name: str, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run what does not wait for a person.

    Raises:
        WouldDeadlock: a durable conversation calls it.
    """
    if current_flow.get() is not None:
        coroutine.close()
        fix = f"write `await {name}(...)` with that of aiostep" if name == "start_durable" else "call it in run(...)"
        raise WouldDeadlock(f"{name}() of aiostep.sync is for plain code, not for a durable conversation", fix)
    found: T = blocking.run_now(coroutine)
    return found
