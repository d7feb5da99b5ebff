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
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any, TypeAlias

from . import asking, installed, next_steps
from .context import current_turn
from .errors import BadArgument, NoTarget, WouldDeadlock
from .reports import Pending
from .threads import Outside, ThreadRuntime

__all__ = [
    "Questions",
    "ask",
    "cancel",
    "clear",
    "conversation",
    "next_step",
    "pending",
    "register_next_step",
    "unregister_steps",
    "wait_for",
]

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


def ask(prompt: Any, *args: Any, check: Callable[[Any], Any] | None = None, retry: Any = None, **kwargs: Any) -> Any:
    """Send *prompt*, wait for the answer and return it; see ``aiostep.ask``. A function as the prompt sends itself."""
    check = None if check is None else _outside(check, "check")
    retry = _outside(retry, "retry") if callable(retry) else retry
    return _wait("ask", asking.ask(prompt, *args, check=check, retry=retry, **kwargs))


def register_next_step(*args: Any, **kwargs: Any) -> None:
    """Run a function with somebody's next message; see ``aiostep.register_next_step``."""
    _now(next_steps.register_next_step(*args, **kwargs))


def next_step(fn: Callable[..., Any], /, **kwargs: Any) -> None:
    """Run *fn* with the next message of whoever is being handled; see ``aiostep.next_step``."""
    _now(next_steps.next_step(fn, **kwargs))


def unregister_steps(target: Any = None) -> int:
    """Drop the steps registered for *target* and end its waits; return how many those were."""
    return int(_now(next_steps.unregister_steps(target)))


def pending() -> list[Pending]:
    """List who waits for what, oldest first: waits and registered steps."""
    found: list[Pending] = _now(installed.pending())
    return found


def cancel(target: Any = None, *, user: int | None = None, chat: int | None = None, reason: str = "code") -> int:
    """End the conversations with somebody; see ``aiostep.cancel``."""
    return installed.cancel(target, user=user, chat=chat, reason=reason)


def clear() -> int:
    """End every conversation with reason "code" and drop every registered step; return how many those were."""
    return int(_now(installed.clear()))


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


def _outside(fn: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Have a function of the user called without the lock.

    Raises:
        BadArgument: it is async.
    """
    if inspect.iscoroutinefunction(inspect.unwrap(fn)):
        raise BadArgument(name, fn, "a plain function: there is no event loop in a synchronous bot")
    return lambda *args: Outside(functools.partial(fn, *args))


def _wait(name: str, coroutine: Coroutine[Any, Any, Any]) -> Any:
    if _yields.get():
        return Later(name, coroutine)
    runtime = _runtime(coroutine)
    turn = current_turn.get()
    adapter: Any = turn.adapter if turn is not None else runtime.adapters[0]
    return adapter.block(coroutine)


def _now(coroutine: Coroutine[Any, Any, Any]) -> Any:
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
