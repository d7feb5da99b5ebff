"""telebot's own next steps in a storage of ours: code that calls ``register_next_step_handler`` stays as it is.

::

    bot = TeleBot(TOKEN, next_step_backend=AiostepStepBackend("sqlite:///bot.db", "shop-bot"))

    @step("shop.got_name")
    def got_name(message): ...

    bot.register_next_step_handler(message, got_name)
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from telebot import Handler, types
from telebot.handler_backends import HandlerBackend

from aiostep_core.errors import AiostepError, NotDurable
from aiostep_core.named import name_of, named
from aiostep_core.storages.abc import RecordKey
from aiostep_core.storages.records import record_key, settle
from aiostep_core.storages.source import RecordsLike, RecordsSource
from aiostep_core.storages.storable import DEFAULT_TYPES, StorableType, StorableTypes
from aiostep_core.storages.values import Values

__all__ = ["AiostepStepBackend"]

logger = logging.getLogger("aiostep")

_KIND: Final = "telebot-handler"


class AiostepStepBackend(HandlerBackend):
    """Keeps what ``register_next_step_handler`` registers, or with ``reply_backend=`` what ``register_for_reply`` does.

    What is registered is in the storage at once, not after some minutes, and of several workers exactly one gets it. A
    callback needs a name, by ``@step``; its arguments are what ``Values`` can write down, messages and callback queries
    among them. For all the rest the rules are telebot's: whoever writes next in the chat is the answer.

    Args:
        storage: a URL, or ``Records`` that you close yourself.
        name: tells this bot's steps from those of other bots, and from its replies, in the same storage.
        types: the registry of storable classes.
    """

    def __init__(self, storage: RecordsLike, name: str, *, types: StorableTypes = DEFAULT_TYPES) -> None:
        base: Any = super()
        base.__init__()
        self._source = RecordsSource(storage, blocking=True)
        self._name = name
        self._values = Values(_MessageTypes(types))
        self._reported: set[str] = set()

    def register_handler(self, handler_group_id: int, handler: Any) -> None:
        """Keep a handler.

        Raises:
            NotDurable: its callback has no name.
            NotStorable: an argument cannot be written down.
        """
        fields = {_new_name(): self._written(handler["callback"], handler["args"], handler["kwargs"])}
        settle(self._source.records.merge(self._key(handler_group_id), fields))

    def clear_handlers(self, handler_group_id: int) -> None:
        """Drop the handlers of a chat."""
        settle(self._source.records.remove(self._key(handler_group_id)))

    def get_handlers(self, handler_group_id: int) -> list[Any] | None:
        """Take the handlers of a chat, in the order in which they were registered; None if there are none.

        Those whose callback nobody has here are kept, and logged once.
        """
        key = self._key(handler_group_id)
        fields = settle(self._source.records.take(key))
        if not fields:
            return None
        read = {name: self._read(fields[name]) for name in sorted(fields)}
        unknown = {name: fields[name] for name, handler in read.items() if handler is None}
        if unknown:
            settle(self._source.records.merge(key, unknown))
        return [handler for handler in read.values() if handler is not None] or None

    def load_handlers(self, filename: str | None = None, del_file_after_loading: bool = True) -> None:
        """Do nothing: what is in the storage is there already."""

    def close(self) -> None:
        """Close what was opened here; it is opened again when it is needed."""
        self._source.close_now()

    def _key(self, group_id: int) -> RecordKey:
        return record_key(_KIND, self._name, group_id)

    def _written(self, callback: Callable[..., Any], args: Any, kwargs: Any) -> str:
        name = name_of(callback)
        if name is None:
            shown = getattr(callback, "__qualname__", repr(callback))
            short = getattr(callback, "__name__", "name")
            raise NotDurable(f"the next step {shown}", f'give it a name that stays: @step("{short}")')
        return self._values.encode([name, list(args), dict(kwargs)], "handler")

    def _read(self, text: str) -> Any:
        try:
            name, args, kwargs = self._values.decode(text)
        except AiostepError as error:
            self._report(f"a stored next step cannot be read, and is kept: {error}")
            return None
        callback = named(name)
        if callback is None:
            self._report(f"a stored next step is called {name!r}, and no function is; it is kept")
            return None
        handler: Any = Handler
        return handler(callback, *args, **kwargs)

    def _report(self, problem: str) -> None:
        if problem not in self._reported and len(self._reported) < 1000:
            self._reported.add(problem)
            logger.warning("%s", problem)


class _MessageTypes(StorableTypes):
    """Beside all that is storable, messages and callback queries: of nothing else telebot keeps what it was sent."""

    _OWN: Final = {f"telebot.{cls.__name__}": cls for cls in (types.Message, types.CallbackQuery)}

    def __init__(self, others: StorableTypes) -> None:
        super().__init__()
        self._others = others

    def of(self, cls: type[Any]) -> StorableType | None:
        """Return how instances of exactly *cls* are stored, or None."""
        return _entry(cls) if cls in self._OWN.values() else self._others.of(cls)

    def named(self, name: str) -> StorableType | None:
        """Return what is registered as *name*, or None."""
        own = self._OWN.get(name)
        return _entry(own) if own is not None else self._others.named(name)


def _entry(cls: Any) -> StorableType:
    return StorableType(f"telebot.{cls.__name__}", cls, lambda update: update.json, cls.de_json)


def _new_name() -> str:
    """Return the name of a field, later ones greater."""
    return f"{time.time_ns():020d}-{secrets.token_hex(4)}"
