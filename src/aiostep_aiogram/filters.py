"""From what aiogram takes as a filter to a call that answers at once wherever that is possible.

aiogram itself runs every plain filter in a thread, ``F.text == "yes"`` too: 65 to 110 microseconds and, worse, a place
where updates overtake each other. A magic filter or a plain function is called inline here, in 2.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram.dispatcher.event.handler import CallableObject
from aiogram.filters import Filter
from magic_filter import MagicFilter

from aiostep_core.errors import BadArgument
from aiostep_core.facts import Delivery

__all__ = ["compile_filter"]


def compile_filter(accepts: Any) -> Callable[[Delivery], object]:
    """Return a function of a delivery that gives a truth, or an awaitable of one.

    Raises:
        BadArgument: *accepts* cannot be called.
    """
    if isinstance(accepts, MagicFilter):
        return lambda delivery: accepts.resolve(delivery.update)
    if not callable(accepts):
        raise BadArgument("filter", accepts, "F, an aiogram filter, or a function of the update")
    parameters = _parameters(accepts)
    if isinstance(accepts, Filter) or _is_async(accepts) or STATE & parameters.keys():
        return _awaited(accepts)
    names = _extra_names(parameters)
    if not names:
        return lambda delivery: accepts(delivery.update)
    return lambda delivery: accepts(delivery.update, **_pick(names, delivery))


def _awaited(accepts: Any) -> Callable[[Delivery], Awaitable[object]]:
    """Call a filter as aiogram does: with those of the middleware data that it names."""

    @functools.wraps(accepts)
    async def call(event: Any, **data: Any) -> Any:
        verdict = accepts(event, **data)
        return await verdict if inspect.isawaitable(verdict) else verdict

    filter_object = CallableObject(call)
    filter_object.awaitable = True  # it looks through functools.wraps
    if not (filter_object.varkw or STATE & filter_object.params):
        return lambda delivery: filter_object.call(delivery.update, **_data_of(delivery))

    async def with_state(delivery: Delivery) -> object:
        return await filter_object.call(delivery.update, **_data_of(delivery), **await _state_of(delivery))

    return with_state


async def _state_of(delivery: Delivery) -> dict[str, Any]:
    """Return what aiogram adds to the data after us: the state of the person, unless states are disabled."""
    data = delivery.carrier[1]
    fsm, bot = data["dispatcher"].fsm, data["bot"]
    context = fsm.resolve_event_context(bot, data) if fsm in data["dispatcher"].update.outer_middleware else None
    if context is None:
        return {}
    return {"state": context, "raw_state": await context.get_state(), "fsm_storage": fsm.storage}


def _data_of(delivery: Delivery) -> dict[str, Any]:
    update, data = delivery.carrier
    return {**data, "event_update": update}


def _is_async(accepts: Any) -> bool:
    # An object with an async __call__ is no coroutine function itself, but so is what it is called by.
    return inspect.iscoroutinefunction(inspect.unwrap(accepts)) or inspect.iscoroutinefunction(
        getattr(accepts, "__call__", None)  # noqa: B004
    )


def _parameters(accepts: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters after the first, which is the update."""
    try:
        parameters = list(inspect.signature(accepts).parameters.values())
    except (TypeError, ValueError):
        return {}
    return {one.name: one for one in parameters[1:]}


def _extra_names(parameters: dict[str, inspect.Parameter]) -> frozenset[str]:
    """Name those that a plain filter wants from the middleware data."""
    wanted = [one for one in parameters.values() if one.default is one.empty and one.kind not in _VARIADIC]
    return frozenset(one.name for one in wanted)


STATE = frozenset({"state", "raw_state", "fsm_storage"})
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _pick(names: frozenset[str], delivery: Delivery) -> dict[str, Any]:
    data = _data_of(delivery)
    return {name: data[name] for name in names if name in data}
