"""The contexts that durable conversations are given: made again, of the update and the handler, whenever they go on."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from telegram.ext import BaseHandler, CallbackContext, ConversationHandler

from aiostep_core.durable.journal import current_flow
from aiostep_core.errors import NotDurable

if TYPE_CHECKING:
    from aiostep_core.keys import Key

__all__ = ["context_for", "context_without_update"]

#: What of a context is not the same in a replay.
_LIVE: Final = ("user_data", "chat_data", "bot_data", "job_queue", "update_queue")
_Handler: TypeAlias = "BaseHandler[Any, Any, Any]"  # before 21.0 it takes fewer parameters
_Contexts = type[CallbackContext[Any, Any, Any, Any]]


def context_for(fn: Callable[..., Any], update: Any, application: Any) -> Any:
    """Return the context that the handler of *fn* gets for *update*, with what its filter finds in that.

    A handler is asked whether it takes the update, so that ``args``, ``matches`` and what filters of data add are those
    of the code as it is now. Where no handler of *fn* takes it, to ask for them is an error.
    """
    context: Any = _kept(application.context_types.context).from_update(update, application)
    try:
        found = _check(fn, update, application)
    except RuntimeError:  # a bot that has not started does not know its name
        found = None
    if found is not None:
        handler, result = found
        handler.collect_additional_context(context, update, application, result)
        return context
    message = update.effective_message
    text = (message.text or message.caption or "") if message is not None else ""
    if text.startswith("/"):  # as CommandHandler gives them
        context.args = text.split()[1:]
    context.aiostep_lacks = fn.__qualname__
    return context


def context_without_update(fn: Callable[..., Any], key: Key, application: Any) -> Any:
    """Return the context that *fn* gets in a conversation with *key* that no update has begun."""
    kept: Any = _kept(application.context_types.context)
    context = kept(application, chat_id=key.chat_id, user_id=key.user_id)
    context.aiostep_lacks = fn.__qualname__
    return context


def _check(fn: Callable[..., Any], update: Any, application: Any) -> tuple[_Handler, Any] | None:
    """Return the first handler of *fn* that takes *update*, and what its check gives."""
    for group in application.handlers.values():
        for handler in _handlers(group):
            if inspect.unwrap(handler.callback, stop=lambda one: one is fn) is fn:
                result = handler.check_update(update)
                if result is not None and result is not False:
                    return handler, result
    return None


def _handlers(handlers: Iterable[_Handler]) -> Iterator[_Handler]:
    """Go through handlers, and those inside of conversations of the framework."""
    for handler in handlers:
        if isinstance(handler, ConversationHandler):
            yield from _handlers(handler.entry_points)
            for state in handler.states.values():
                yield from _handlers(state)
            yield from _handlers(handler.fallbacks)
        elif callable(getattr(handler, "callback", None)):
            yield handler


@functools.lru_cache(maxsize=64)
def _kept(context: _Contexts) -> _Contexts:
    """Return the class of contexts that a durable conversation can be given.

    What others change meanwhile would be another thing whenever it is replayed, and what it changes would be changed
    again.
    """

    def guarded(name: str) -> property:
        def get(self: Any) -> Any:
            if current_flow.get() is not None:
                fix = f"use it in a function of its own: await run(fn, context), where fn uses context.{name}"
                raise NotDurable(f"context.{name} in a durable conversation", fix)
            return getattr(context, name).__get__(self)

        return property(get)

    def get_matches(self: Any) -> Any:
        value: Any = inspect.getattr_static(context, "matches").__get__(self)
        if value is None and "aiostep_lacks" in vars(self):
            raise _lacks(self, "matches")
        return value

    def set_matches(self: Any, value: Any) -> None:
        inspect.getattr_static(context, "matches").__set__(self, value)

    def get_other(self: Any, name: str) -> Any:
        if "aiostep_lacks" in vars(self) and not name.startswith("_"):
            raise AttributeError(str(_lacks(self, name)), name=name, obj=self)
        raise AttributeError(f"{context.__name__!r} object has no attribute {name!r}", name=name, obj=self)

    body: dict[str, Any] = {name: guarded(name) for name in _LIVE if isinstance(getattr(context, name, None), property)}
    body |= {"matches": property(get_matches, set_matches), "__slots__": (), "__module__": context.__module__}
    if not hasattr(context, "__getattr__"):
        body["__getattr__"] = get_other
    return type(context.__name__, (context,), body)


def _lacks(context: Any, name: str) -> NotDurable:
    what = f"context.{name} of {context.aiostep_lacks}, for which no handler takes the update that began it,"
    fix = "give the durable function itself to a handler whose filter takes it, or look at update.message.text again"
    return NotDurable(what, fix)
