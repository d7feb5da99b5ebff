"""Calling a registered step as telebot calls a handler: with what it names of the middleware data, and the bot."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from aiostep_core.errors import BadArgument
from aiostep_core.steps import Step

__all__ = ["call_step", "check_step"]


def check_step(step: Step) -> frozenset[str]:
    """Return the names by which the step's function takes something beside the message and the step's arguments.

    Raises:
        BadArgument: the function does not take the step's arguments.
    """
    try:
        signature = inspect.signature(step.fn)
    except (TypeError, ValueError):
        return frozenset()  # a builtin: it will say itself
    try:
        bound = signature.bind_partial(None, *step.args, **step.kwargs)
    except TypeError as error:
        raise BadArgument("the step", step.name, f"a function that takes its arguments ({error})") from None
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(one.name for one in signature.parameters.values() if one.kind in kinds) - bound.arguments.keys()


def call_step(step: Step, event: Any, data: Mapping[str, Any] | None, bot: Any) -> Any:
    """Call the step's function; the result may be an awaitable."""
    fn: Callable[..., Any] = step.fn
    names = check_step(step)
    if not names:
        return fn(event, *step.args, **step.kwargs)
    data = data if data is not None else {}
    offered: dict[str, Any] = {**data, "data": data, "bot": bot}
    more: dict[str, Any] = {name: offered[name] for name in names & offered.keys()}
    return fn(event, *step.args, **more, **step.kwargs)
