"""``aiostep.sync``: waiting and asking without ``await``, for bots that are made of threads.

In a plain handler each function blocks the handler's thread. In a generator decorated with ``conversation`` they give
what is to be yielded, and no thread waits::

    @bot.message_handler(commands=["start"])
    @conversation
    def start(message):
        name = yield ask("What is your name?", str)
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Generator, Iterable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar, overload

from . import asking, choosing, filling, installed, next_steps, streaming
from .choosing import Others
from .context import current_turn
from .errors import BadArgument, NoTarget, WouldDeadlock
from .keeping import current_flow
from .reports import Pending
from .threads import Outside, ThreadRuntime

__all__ = [
    "Questions",
    "Stream",
    "ask",
    "cancel",
    "choose",
    "choose_many",
    "clear",
    "confirm",
    "conversation",
    "fill",
    "next_step",
    "pending",
    "register_next_step",
    "stream",
    "unregister_steps",
    "wait_for",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
K = TypeVar("K")
D = TypeVar("D")

_OVER: Final = object()

#: What a generator handler returns.
Questions: TypeAlias = Generator[Any, Any, None]

#: Whether the code that runs is that of a generator, so that questions are yielded.
_yields: ContextVar[bool] = ContextVar("aiostep_yields", default=False)


class Later:
    """A question that a generator has yet to yield."""

    __slots__ = ("coroutine", "name")

    def __init__(self, name: str, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.name = name
        self.coroutine = coroutine

    def __repr__(self) -> str:
        return f"<{self.name}(...) that was not yielded: write `answer = yield {self.name}(...)`>"


def wait_for(*args: Any, **kwargs: Any) -> Any:
    """Wait for the next update of somebody and return it; see ``aiostep.wait_for``."""
    return _wait("wait_for", asking.wait_for(*args, **kwargs))


def ask(prompt: Any, as_: Any = None, *, check: Any = None, retry: Any = None, **kwargs: Any) -> Any:
    """Send *prompt*, wait for the answer and return it; see ``aiostep.ask``. A function as the prompt sends itself."""
    return _wait("ask", asking.ask(prompt, as_, **_outside(check, retry), **kwargs))


@overload
def choose(
    prompt: Any,
    options: Iterable[K],
    *,
    columns: int = 1,
    style: Literal["inline", "reply"] = "inline",
    others: Others = "alert",
    page_size: int = 8,
    label: Callable[[K], str] | None = None,
    default: D,
    **ask: Any,
) -> K | D: ...
@overload
def choose(
    prompt: Any,
    options: Iterable[K],
    *,
    columns: int = 1,
    style: Literal["inline", "reply"] = "inline",
    others: Others = "alert",
    page_size: int = 8,
    label: Callable[[K], str] | None = None,
    **ask: Any,
) -> K: ...
def choose(prompt: Any, options: Any, *, check: Any = None, retry: Any = None, **kwargs: Any) -> Any:
    """Send *prompt* with a button for each option, and return the one that is chosen; see ``aiostep.choose``."""
    return _wait("choose", choosing.choose(prompt, options, **_outside(check, retry), **kwargs))


@overload
def choose_many(  # pyright: ignore[reportOverlappingOverload]
    prompt: Any,
    options: Iterable[K],
    *,
    min: int = 0,
    max: int | None = None,
    chosen: Iterable[K] = (),
    columns: int = 1,
    others: Others = "alert",
    page_size: int = 8,
    label: Callable[[K], str] | None = None,
    default: D,
    **ask: Any,
) -> list[K] | D: ...
@overload
def choose_many(
    prompt: Any,
    options: Iterable[K],
    *,
    min: int = 0,
    max: int | None = None,
    chosen: Iterable[K] = (),
    columns: int = 1,
    others: Others = "alert",
    page_size: int = 8,
    label: Callable[[K], str] | None = None,
    **ask: Any,
) -> list[K]: ...
def choose_many(prompt: Any, options: Any, *, check: Any = None, retry: Any = None, **kwargs: Any) -> Any:
    """Send *prompt* with a button for each option, and return the list of those chosen; see ``aiostep.choose_many``."""
    return _wait("choose_many", choosing.choose_many(prompt, options, **_outside(check, retry), **kwargs))


@overload
def confirm(  # pyright: ignore[reportOverlappingOverload]
    prompt: Any,
    *,
    yes: str | None = None,
    no: str | None = None,
    others: Others = "alert",
    columns: int = 2,
    default: D,
    **ask: Any,
) -> bool | D: ...
@overload
def confirm(
    prompt: Any,
    *,
    yes: str | None = None,
    no: str | None = None,
    others: Others = "alert",
    columns: int = 2,
    **ask: Any,
) -> bool: ...
def confirm(prompt: Any, *, check: Any = None, retry: Any = None, **kwargs: Any) -> Any:
    """Ask a question with the buttons yes and no; return whether it was yes; see ``aiostep.confirm``."""
    return _wait("confirm", choosing.confirm(prompt, **_outside(check, retry), **kwargs))


def fill(form: type[T], *, retry: Any = None, **kwargs: Any) -> T:
    """Ask for every field of a class and return an object of it; see ``aiostep.fill``."""
    filled: T = _wait("fill", filling.fill(form, retry=_outside(None, retry)["retry"], **kwargs))
    return filled


def stream(kinds: Any = "message", **kwargs: Any) -> Stream[Any]:
    """Go through what somebody sends, in a ``with`` block and a ``for`` loop in it.

    In a generator: ``while (update := (yield updates.next())) is not None: ...``. See ``aiostep.stream``.
    """
    return Stream(streaming.stream(kinds, **kwargs))


class Stream(Generic[T_co]):
    """What ``stream`` returns: a block, and in it an iterator."""

    def __init__(self, inner: streaming.Stream[T_co]) -> None:
        self._inner = inner

    def __enter__(self) -> Stream[T_co]:
        run_now(self._inner.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        run_now(self._inner.__aexit__(kind, error, trace))

    def __iter__(self) -> Stream[T_co]:
        return self

    def __next__(self) -> T_co:
        if _yields.get():
            fix = "`while (update := (yield updates.next())) is not None:`"
            raise WouldDeadlock("a for loop cannot hand the thread of a generator back", fix)
        found: Any = _wait("next", self._next(_OVER))
        if found is _OVER:
            raise StopIteration
        update: T_co = found
        return update

    @overload
    def next(self) -> T_co | None: ...
    @overload
    def next(self, default: D) -> T_co | D: ...
    def next(self, default: Any = None) -> Any:
        """Wait for the next update and return it; *default* when there are no more."""
        return _wait("next", self._next(default))

    async def _next(self, default: Any) -> Any:
        try:
            return await self._inner.__anext__()
        except StopAsyncIteration:
            return default


def register_next_step(*args: Any, **kwargs: Any) -> None:
    """Run a function with somebody's next message; see ``aiostep.register_next_step``."""
    run_now(next_steps.register_next_step(*args, **kwargs))


def next_step(fn: Callable[..., Any], /, **kwargs: Any) -> None:
    """Run *fn* with the next message of whoever is being handled; see ``aiostep.next_step``."""
    run_now(next_steps.next_step(fn, **kwargs))


def unregister_steps(target: Any = None) -> int:
    """Drop the steps registered for *target* and end its waits; return how many those were."""
    return int(run_now(next_steps.unregister_steps(target)))


def pending() -> list[Pending]:
    """List who waits for what, oldest first: waits and registered steps."""
    found: list[Pending] = run_now(installed.pending())
    return found


def cancel(target: Any = None, *, user: int | None = None, chat: int | None = None, reason: str = "code") -> int:
    """End the conversations with somebody; see ``aiostep.cancel``."""
    return installed.cancel(target, user=user, chat=chat, reason=reason)


def clear() -> int:
    """End every conversation with reason "code" and drop every registered step; return how many those were."""
    return int(run_now(installed.clear()))


def conversation(fn: Callable[..., Questions]) -> Callable[..., None]:
    """Make a handler of a generator that yields its questions: it needs no thread while it waits.

    Raises:
        BadArgument: *fn* is no generator function.
    """
    if not inspect.isgeneratorfunction(fn):
        raise BadArgument("fn", fn, "a generator function, which yields: `name = yield ask(...)`")

    @functools.wraps(fn)
    def start(*args: Any, **kwargs: Any) -> None:
        turn = current_turn.get()
        if turn is None or not isinstance(turn.runtime, ThreadRuntime):
            raise NoTarget("a conversation is a handler: it must be called by a bot that aiostep.install() knows")
        adapter: Any = turn.adapter
        adapter.detach(turn, _converse(fn(*args, **kwargs)))

    return start


async def _converse(generator: Generator[Any, Any, Any]) -> None:
    """Await what *generator* yields, one question after the other; its own code runs without the lock."""
    value: Any = None
    error: BaseException | None = None
    while True:
        is_done, question = await Outside(functools.partial(_step, generator, value, error))
        if is_done:
            return
        value = error = None
        try:
            if not isinstance(question, Later):
                raise BadArgument("what is yielded", question, "a question: `yield ask(...)` or `yield wait_for(...)`")
            value = await question.coroutine
        except Exception as raised:  # noqa: BLE001 - it belongs to the generator
            error = raised


def _step(generator: Generator[Any, Any, Any], value: Any, error: BaseException | None) -> tuple[bool, Any]:
    token = _yields.set(True)
    try:
        return False, generator.send(value) if error is None else generator.throw(error)
    except StopIteration:
        return True, None
    finally:
        _yields.reset(token)


def _outside(check: Any, retry: Any) -> dict[str, Any]:
    """Return the functions of a question, or what stands in their place, to be called without the lock.

    Raises:
        BadArgument: one of them is async.
    """
    for name, fn in (("check", check), ("retry", retry)):
        if callable(fn) and inspect.iscoroutinefunction(inspect.unwrap(fn)):
            raise BadArgument(name, fn, "a plain function: there is no event loop in a synchronous bot")

    def outside(*args: Any) -> Any:
        return Outside(functools.partial(retry, *args))

    return {"check": check, "retry": outside if callable(retry) else retry}


def _wait(name: str, coroutine: Coroutine[Any, Any, Any]) -> Any:
    if _yields.get():
        return Later(name, coroutine)
    if current_flow.get() is not None:
        coroutine.close()
        raise WouldDeadlock(
            f"a durable conversation waits without a thread, and {name}() of aiostep.sync holds one",
            f"write `await {name}(...)` with that of aiostep",
        )
    runtime = _runtime(coroutine)
    turn = current_turn.get()
    adapter: Any = turn.adapter if turn is not None else runtime.adapters[0]
    return adapter.block(coroutine)


def run_now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run what does not wait."""
    return _runtime(coroutine).block(coroutine)


def _runtime(coroutine: Coroutine[Any, Any, Any]) -> ThreadRuntime:
    try:
        runtime = installed.runtime_of(current_turn.get())
    except BaseException:
        coroutine.close()
        raise
    if not isinstance(runtime, ThreadRuntime):
        coroutine.close()
        raise WouldDeadlock("this bot runs on an event loop", "await the function of the same name in aiostep")
    return runtime
