"""Calling a registered step as aiogram calls a handler: with whatever it names of the middleware data."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Hashable
from typing import Any, cast

from aiogram.dispatcher.event.handler import HandlerObject

from aiostep_core.errors import BadArgument
from aiostep_core.steps import Step

__all__ = ["check_step", "handler_of", "remembering_handlers"]

Handlers = Callable[[Callable[..., Any]], HandlerObject]


def handler_of(step: Step, handlers: Handlers | None = None) -> tuple[HandlerObject, dict[str, Any]]:
    """Return what calls the step's function, and the arguments that go to it by name.

    Args:
        handlers: what ``remembering_handlers`` gave.

    Raises:
        BadArgument: the function does not take the step's arguments.
    """
    fn = cast("object", step.fn)  # an object with __call__ need not be hashable, whatever the type says
    handler = (handlers if handlers is not None and isinstance(fn, Hashable) else _handler)(step.fn)
    names = check_step(step) if step.args or step.kwargs else []  # reading a signature takes 30 microseconds
    if len(names) == len(step.args):
        return handler, {**dict(zip(names, step.args, strict=True)), **step.kwargs}
    # *args in the function: no name to pass them by.
    return _handler_with_args(step), dict(step.kwargs)


def check_step(step: Step) -> list[str]:
    """Return the names of the parameters that the step's positional arguments go to, as far as they have names.

    Raises:
        BadArgument: the function does not take the step's arguments.
    """
    try:
        signature = inspect.signature(step.fn)
    except (TypeError, ValueError):
        return []  # a builtin: it will say itself
    try:
        signature.bind_partial(None, *step.args, **step.kwargs)
    except TypeError as error:
        raise BadArgument("the step", step.name, f"a function that takes its arguments ({error})") from None
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
    names = [one.name for one in signature.parameters.values() if one.kind in kinds]
    return names[1 : 1 + len(step.args)]


def remembering_handlers() -> Handlers:
    """Return a function that makes handlers, and each only once: a signature takes as long as a third of an update.

    One for each dispatcher: a function can hold its dispatcher, so nothing that lives longer may hold the function.
    """
    known = functools.lru_cache(maxsize=1024)(_handler)
    like = functools.lru_cache(maxsize=64)(_handler_of_partial)

    def handler(fn: Callable[..., Any]) -> HandlerObject:
        bound: Any = fn
        if not isinstance(fn, functools.partial) or fn.keywords:
            return known(bound)
        # A new one for each conversation that goes on: they differ only in what they hold, which is not to be kept.
        made = copy.copy(like(fn.func, len(fn.args)))
        made.callback = fn
        return made

    return handler


def _handler_of_partial(fn: Callable[..., Any], count: int) -> HandlerObject:
    return _handler(functools.partial(fn, *[None] * count))


def _handler(fn: Callable[..., Any]) -> HandlerObject:
    handler = HandlerObject(fn)
    # aiogram would run an object with an async __call__ in a thread, and not await what that gives.
    handler.awaitable |= inspect.iscoroutinefunction(getattr(fn, "__call__", None))  # noqa: B004
    return handler


def _handler_with_args(step: Step) -> HandlerObject:
    fn, args = step.fn, tuple(step.args)
    if inspect.iscoroutinefunction(inspect.unwrap(fn)):

        @functools.wraps(fn)
        async def call_async(event: Any, **data: Any) -> Any:
            return await fn(event, *args, **data)

        return HandlerObject(call_async)

    @functools.wraps(fn)
    def call(event: Any, **data: Any) -> Any:
        return fn(event, *args, **data)

    return HandlerObject(call)
