"""What a handler's filters find in an update, asked again: a durable conversation needs it whenever it is replayed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from aiogram import Router
from aiogram.filters import CommandObject
from aiogram.types import Message

from aiostep_core.storages.records import settle

from .filters import STATE

__all__ = ["command_of", "found_by_filters"]


def found_by_filters(
    fn: Callable[..., Any], router: Router, kind: str, event: Any, data: dict[str, Any]
) -> dict[str, Any] | None:
    """Return *data* with what is found on the way to the handler *fn* below *router*; None: no handler takes *event*.

    The filters are those of the code as it is now. They are asked here and now, without an event loop: one that has to
    wait for something gives nothing.
    """
    observer = router.observers.get(kind)
    if observer is not None:
        here = _passed(observer._handler.filters, event, data)
        if here is None:
            return None
        data = here
        for handler in observer.handlers:
            if inspect.unwrap(handler.callback, stop=lambda one: one is fn) is fn:
                found = _passed(handler.filters, event, data)
                if found is not None:
                    return found
    for one in router.sub_routers:
        found = found_by_filters(fn, one, kind, event, data)
        if found is not None:
            return found
    return None


def command_of(event: Any) -> CommandObject | None:
    """Return the command that a message begins with, where no filter of the handler says so any more."""
    text = (event.text or event.caption or "") if isinstance(event, Message) else ""
    first, _, rest = text.partition(" ")
    if len(first) < 2:
        return None
    name, _, mention = first[1:].partition("@")
    return CommandObject(prefix=first[0], command=name, mention=mention or None, args=rest.strip() or None)


def _passed(filters: Iterable[Any] | None, event: Any, data: dict[str, Any]) -> dict[str, Any] | None:
    """Return *data* with what *filters* find; None: one of them does not take *event*."""
    for one in filters or ():
        if STATE & one.params:  # it was asked when the conversation began, and states have changed since
            continue
        try:
            verdict = one.callback(event, **one._prepare_kwargs(data))
            if inspect.isawaitable(verdict):
                verdict = settle(_awaiting(verdict))
        except Exception:  # noqa: BLE001 - it wants what a middleware makes, or an event loop
            return None
        if not verdict:
            return None
        if isinstance(verdict, dict):
            data = {**data, **verdict}
    return data


async def _awaiting(verdict: Any) -> Any:
    return await verdict
