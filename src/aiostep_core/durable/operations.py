"""What a durable conversation does besides asking: effects, the clock, chance, going back, and parts of its own."""

from __future__ import annotations

import functools
import inspect
import random as _random
import uuid as _uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from ..errors import BadArgument
from ..setting import Setting, seconds
from .effects import PURE, Effect
from .journal import Machine, current_flow
from .values import Again, Rewound

__all__ = [
    "back",
    "checkpoint",
    "continue_as_new",
    "now",
    "patched",
    "random",
    "rewind",
    "run",
    "signal",
    "sub",
    "uuid",
]

if TYPE_CHECKING:
    from .kept import Kept

T = TypeVar("T")

_DOUBTS: Final = ("redo", "skip", "raise")


async def run(
    fn: Callable[..., Any],
    /,
    *args: Any,
    name: str | None = None,
    on_doubt: str | None = None,
    reconcile: Callable[[str], Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Call *fn* once, and return what it returned then whenever the conversation is replayed.

    Everything that has an effect or depends on the outside goes through here: a database, a payment, a file. The
    result must be a value that can be stored. Outside of a durable conversation it simply calls.

    Args:
        name: what the call is known by in the journal; by default the function's name.
        on_doubt: what to do if a crash cut the call: "redo", "skip" (the result is then None) or "raise"; see
            ``durable``. It is noticed only with ``durability="intent"``.
        reconcile: called then, with the effect's key; returns whether it was done, and its result. A parameter
            ``key`` of *fn* is given the same key: it is the same whenever the call is made again.

    Raises:
        Exception: what *fn* raised.
    """
    if not callable(fn):
        raise BadArgument("fn", fn, "the function itself, not the result of calling it: run(save, order)")
    if on_doubt is not None and on_doubt not in _DOUBTS:
        raise BadArgument("on_doubt", on_doubt, ", ".join(f'"{one}"' for one in _DOUBTS))
    takes_key = _takes_key(fn) and "key" not in kwargs
    flow = current_flow.get()
    if flow is None:
        more = {"key": str(_uuid.uuid4())} if takes_key else {}
        result = fn(*args, **kwargs, **more)
        return await result if inspect.isawaitable(result) else result

    def perform(key: str) -> Any:
        return fn(*args, **kwargs, **({"key": key} if takes_key else {}))

    return await flow.effect(name or _name_of(fn), perform, Effect(on_doubt=on_doubt, reconcile=reconcile))


async def now() -> datetime:
    """Return the time, with its zone (UTC): that at which the conversation came here first."""
    moment: datetime = await _pure("now", lambda _: datetime.now(timezone.utc))
    return moment


async def random() -> float:
    """Return a random number from 0 to 1, the same in every replay; make others of it, as ``int(number * 6) + 1``."""
    number: float = await _pure("random", lambda _: _random.random())  # noqa: S311 - no secret is made of it
    return number


async def uuid() -> _uuid.UUID:
    """Return a random UUID, the same in every replay."""
    made: _uuid.UUID = await _pure("uuid", lambda _: _uuid.uuid4())
    return made


def patched(name: str) -> bool:
    """Tell whether the conversation runs the new code: true for those that come here for the first time.

    Write ``if patched("ask-mail"): ...`` around what is new. Those who were past this place when it was deployed go on
    in the old code, also when they are replayed.
    """
    return _flow("patched()").patched(name)


def checkpoint() -> int:
    """Return a position to ``rewind`` to."""
    return _flow("checkpoint()").position


def rewind(to: int) -> NoReturn:
    """Go back to a ``checkpoint``: what happened since is forgotten, but not undone. Does not return.

    Raises:
        BadArgument: *to* is no position before this one.
    """
    flow = _flow("rewind()")
    if not isinstance(to, int) or not 0 <= to <= flow.position:
        raise BadArgument("to", to, "what checkpoint() returned")
    raise flow.leave(Rewound(to))


def back(questions: int = 1) -> NoReturn:
    """Go back to the question before the one that was answered last, and ask it again. Does not return.

    Args:
        questions: how many to go back by; further than the first there is no going.
    """
    flow = _flow("back()")
    if not isinstance(questions, int) or questions < 0:
        raise BadArgument("questions", questions, "a number of questions")
    asks = flow.asks
    raise flow.leave(Rewound(asks[max(0, len(asks) - 1 - questions)] if asks else 0))


def continue_as_new(*args: Any) -> NoReturn:
    """Begin again, with an empty journal: for conversations without an end. Does not return.

    Args:
        args: what the handler is called with, after what the framework gives it.
    """
    raise _flow("continue_as_new()").leave(Again(args))


async def signal(name: str, *, timeout: float | timedelta | None = None) -> Any:
    """Wait until somebody calls ``send_signal(name, value)`` for this conversation; return the value.

    A signal that came before is not lost.

    Raises:
        WaitTimeout: none came in time.
        WaitCancelled: the conversation was ended.
    """
    flow, limit = _flow("signal()"), seconds("timeout", timeout)
    setting = Setting.find(None, None)

    async def perform(kept: Kept) -> tuple[Any, None]:
        runtime = setting.runtime
        wait, reading = setting.open(frozenset(), timeout=kept.left_of(limit), fresh=True)
        try:
            await kept.asked(wait, {}, reading=reading)
        except BaseException:
            runtime.abandon(wait, reading)
            raise
        await runtime.outcome(wait, setting.turn, reading)
        raise AssertionError("a signal wakes by ending the wait")

    return await flow.wait(f"signal {name}", perform)


async def sub(fn: Callable[..., Awaitable[T]], /, *args: Any, name: str | None = None, **kwargs: Any) -> T:
    """Run a part of the conversation; once it is over, only its result stays in the journal.

    Raises:
        Exception: what *fn* raised; its operations stay in the journal then.
    """
    flow = current_flow.get()
    if flow is None:
        return await fn(*args, **kwargs)
    known = name or _name_of(fn)
    found = flow.folded(known)
    if found is None:
        start = flow.position
        value = await fn(*args, **kwargs)
        found = flow.fold(start, known, value)
    result: T = found.get()
    return result


async def _pure(name: str, make: Callable[[str], Any]) -> Any:
    flow = current_flow.get()
    return make("") if flow is None else await flow.effect(name, make, PURE)


def _flow(what: str) -> Machine:
    flow = current_flow.get()
    if flow is None:
        raise BadArgument("place", f"{what} outside of a durable conversation", "a handler with @durable(...)")
    return flow


def _name_of(fn: Callable[..., Any]) -> str:
    fn = fn.func if isinstance(fn, functools.partial) else fn
    return getattr(fn, "__qualname__", type(fn).__qualname__)


@functools.lru_cache(maxsize=1024)
def _parameters(code: Any) -> frozenset[str]:
    return frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def _takes_key(fn: Callable[..., Any]) -> bool:
    code = getattr(fn, "__code__", None)
    return code is not None and "key" in _parameters(code)
