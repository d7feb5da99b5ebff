"""From what telebot takes as a filter to a call that answers at once wherever that is possible."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from aiostep_core.errors import BadArgument
from aiostep_core.facts import Delivery

__all__ = ["compile_filter"]


def compile_filter(accepts: Any) -> Callable[[Delivery], object]:
    """Return a function of a delivery that gives a truth, or an awaitable of one.

    Filters of telebot are functions, as in ``func=``, or objects with a ``check``: its custom filters, text filters
    and callback data filters.

    Raises:
        BadArgument: *accepts* is neither.
    """
    check: Any = getattr(accepts, "check", None)
    call = check if callable(check) else accepts
    if isinstance(accepts, type) or not callable(call):
        raise BadArgument("filter", accepts, "a function of the update, or an object with a method check(update)")
    if call is check and not _takes_one(check):
        raise BadArgument(
            "filter", accepts, f"a filter that needs no value: lambda update: f.check(update, {'value'!r})"
        )
    return lambda delivery: call(delivery.update)


def _takes_one(check: Callable[..., Any]) -> bool:
    """Tell a simple filter from an advanced one, whose value is given in the decorator of a handler."""
    try:
        inspect.signature(check).bind(None)
    except (TypeError, ValueError):
        return False
    return True
