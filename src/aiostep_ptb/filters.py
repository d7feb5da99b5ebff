"""From what the framework takes as a filter to a call that answers at once wherever that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from telegram import Update
from telegram.ext import BaseHandler, CallbackContext
from telegram.ext.filters import BaseFilter

from aiostep_core.errors import BadArgument
from aiostep_core.facts import Delivery

__all__ = ["collect", "compile_filter"]


def compile_filter(accepts: Any) -> Callable[[Delivery], object]:
    """Return a function of a delivery that gives a truth, or an awaitable of one.

    Raises:
        BadArgument: *accepts* cannot be called.
    """
    if isinstance(accepts, BaseFilter):
        return _Filter(accepts)
    if isinstance(accepts, BaseHandler):
        return _Handler(accepts)  # pyright: ignore[reportUnknownArgumentType]
    # A class would make an object of the update, which is true.
    if isinstance(accepts, type) or not callable(accepts):
        raise BadArgument("filter", accepts, "a filter such as filters.TEXT, a handler, or a function of the update")
    return lambda delivery: accepts(delivery.update)


def collect(accepts: object, update: Any, application: Any, context: CallbackContext[Any, Any, Any, Any]) -> None:
    """Put what the filter of a step finds in *update* where a handler would have it: ``context.matches``, ``args``."""
    if isinstance(accepts, (_Filter, _Handler)):
        accepts.collect(update, application, context)


class _Filter:
    """One of ``telegram.ext.filters``."""

    __slots__ = ("_filter",)

    def __init__(self, filter: BaseFilter) -> None:
        self._filter = filter

    def __call__(self, delivery: Delivery) -> object:
        update = delivery.update
        return isinstance(update, Update) and self._filter.check_update(update)

    def collect(self, update: Any, application: Any, context: CallbackContext[Any, Any, Any, Any]) -> None:
        found: Any = self._filter.check_update(update)
        if isinstance(found, dict):
            context.update(cast("dict[str, object]", found))


class _Handler:
    """A handler: whether it would handle the update. Its callback is not called."""

    __slots__ = ("_handler",)

    def __init__(self, handler: BaseHandler[Any, Any, Any]) -> None:
        self._handler = handler

    def __call__(self, delivery: Delivery) -> object:
        found = self._handler.check_update(delivery.update)
        return found is not None and found is not False

    def collect(self, update: Any, application: Any, context: CallbackContext[Any, Any, Any, Any]) -> None:
        found = self._handler.check_update(update)
        self._handler.collect_additional_context(context, update, application, found)
