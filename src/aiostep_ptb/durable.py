"""Durable conversations on python-telegram-bot: what is written of its objects, and its calls as effects."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import telegram
import telegram.error
from telegram import Bot, TelegramObject, Update
from telegram.error import TelegramError

from aiostep_core.durable.abc import Scribe
from aiostep_core.durable.effects import CALL
from aiostep_core.durable.journal import current_flow
from aiostep_core.errors import NotDurable

from .durable_contexts import context_for, context_without_update

if TYPE_CHECKING:
    from aiostep_core.keys import Key

    from .adapter import PTBAdapter

__all__ = ["Calls", "PTBScribe"]

_TYPES: Final[dict[str, type[TelegramObject]]] = {
    name: one for name, one in vars(telegram).items() if isinstance(one, type) and issubclass(one, TelegramObject)
}
_ERRORS: Final[dict[str, type[TelegramError]]] = {
    name: one for name, one in vars(telegram.error).items() if isinstance(one, type) and issubclass(one, TelegramError)
}


class PTBScribe(Scribe):
    """Writes down the framework's objects as Telegram sent them."""

    format = "ptb/1"

    def __init__(self, adapter: PTBAdapter) -> None:
        self._adapter = adapter
        self._calls = Calls()
        self._stood_in: set[int] = set()

    def prepare(self, carrier: Any) -> None:
        self._calls.watch(self._adapter.target.bot)

    def forget(self) -> None:
        """Leave the bot as it was."""
        self._calls.forget()

    def stand_in(self, bot_id: int, bot: Any = None) -> None:
        self._stood_in.add(bot_id)

    def check(self, fn: Callable[..., Any]) -> None:
        try:
            inspect.signature(fn).bind(None, None)
        except TypeError as error:
            fix = "make it a function of (update, context)"
            raise NotDurable(f"{fn.__qualname__}, which is called otherwise ({error}),", fix) from None

    def arguments(self, fn: Callable[..., Any], carrier: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (carrier, context_for(fn, carrier, self._adapter.target)), {}

    def given(self, fn: Callable[..., Any], key: Key) -> Mapping[str, Any]:
        return {"bot": self._adapter.target.bot, "context": context_without_update(fn, key, self._adapter.target)}

    # Updates and other objects.

    def write_update(self, carrier: Any) -> Any:
        if not isinstance(carrier, Update):
            fix = "begin it in a handler of updates from Telegram, or by start_durable(...)"
            raise NotDurable(f"a conversation that a {type(carrier).__name__} began", fix)
        try:
            return _dump(carrier)
        except TypeError:
            fix = "do without arbitrary_callback_data, or ask with choose()"
            raise NotDurable("an update with callback data that are no text", fix) from None

    def read_update(self, bot_id: int, written: Any) -> Any:
        return Update.de_json(written, self._bot(bot_id))

    def write(self, value: Any) -> Any | None:
        if isinstance(value, TelegramObject):
            name = type(value).__name__
            return {name: _dump(value)} if _TYPES.get(name) is type(value) else None
        if isinstance(value, (list, tuple)) and value:
            each = [self.write(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
            return None if None in each else {"tuple" if isinstance(value, tuple) else "list": each}
        return None

    def read(self, bot_id: int, written: Any) -> Any:
        ((name, inside),) = written.items()
        if name in ("list", "tuple"):
            each = [self.read(bot_id, one) for one in inside]
            return each if name == "list" else tuple(each)
        return _TYPES[name].de_json(inside, self._bot(bot_id))

    def write_error(self, error: BaseException) -> Any | None:
        name = type(error).__name__
        if not isinstance(error, TelegramError) or _ERRORS.get(name) is not type(error):
            return None
        reduced: Any = error.__reduce__()
        return [name, [one if isinstance(one, (int, str)) else str(one) for one in reduced[1]]]

    def read_error(self, written: Any) -> BaseException:
        name, args = written
        kind: Any = _ERRORS.get(name)
        return TelegramError(*map(str, args)) if kind is None else kind(*args)

    def _bot(self, bot_id: int) -> Bot:
        bot: Bot = self._adapter.target.bot
        if bot_id != self._adapter.bot_id and bot_id not in self._stood_in:
            raise NotDurable(f"a conversation of the bot {bot_id}, which is not this one,", "start that bot too")
        return bot


class Calls:
    """Makes a bot's calls to Telegram effects of the conversation that makes them.

    The bot's class is swapped for a subclass, as that of an application is: so what a rate limiter does, such as to
    wait, is a part of the effect, and a replay does not wait.
    """

    def __init__(self) -> None:
        self._bot: Bot | None = None
        self._ours: type[Bot] | None = None
        self._original: type[Bot] | None = None

    def watch(self, bot: Bot) -> None:
        """Look at the calls of *bot* from now on."""
        if self._bot is None:
            self._bot, self._original = bot, type(bot)
            self._ours = bot.__class__ = _with_effects(type(bot))

    def forget(self) -> None:
        """Look at no calls any more."""
        bot, self._bot = self._bot, None
        if bot is not None and self._original is not None and type(bot) is self._ours:
            bot.__class__ = self._original


def _with_effects(original: type[Bot]) -> type[Bot]:
    class Durable(original):  # type: ignore[valid-type,misc]
        __slots__ = ()

        async def _do_post(self, endpoint: str, data: Any, **options: Any) -> Any:
            post = super()._do_post
            flow = current_flow.get()
            if flow is None:
                return await post(endpoint, data, **options)

            def perform(key: str) -> Any:
                return post(endpoint, data, **options)

            result = await flow.effect(endpoint, perform, CALL)
            return True if result is None else result  # one that was skipped; Telegram never says null

    Durable.__name__, Durable.__qualname__, Durable.__module__ = (
        original.__name__,
        original.__qualname__,
        original.__module__,
    )
    return Durable


def _dump(value: TelegramObject) -> Any:
    return json.loads(value.to_json())  # to_dict() has members of enumerations in it
