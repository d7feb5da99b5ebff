"""Durable conversations on aiogram: what is written of its objects, and its calls to Telegram as effects."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

import aiogram.exceptions
import aiogram.types
from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.dispatcher.middlewares.user_context import UserContextMiddleware
from aiogram.exceptions import TelegramAPIError
from aiogram.methods.base import Response, TelegramMethod, TelegramType
from aiogram.types import TelegramObject, Update

from aiostep_core.durable.abc import Scribe
from aiostep_core.durable.effects import CALL
from aiostep_core.durable.journal import current_flow
from aiostep_core.errors import NotDurable

from .durable_filters import command_of, found_by_filters
from .facts import kind_of
from .filters import STATE

if TYPE_CHECKING:
    from aiostep_core.keys import Key

    from .adapter import AiogramAdapter

__all__ = ["AiogramScribe", "Effects"]

_TYPES: Final[dict[str, type[TelegramObject]]] = {
    name: one for name, one in vars(aiogram.types).items() if isinstance(one, type) and issubclass(one, TelegramObject)
}
_ERRORS: Final[dict[str, type[TelegramAPIError]]] = {
    name: one
    for name, one in vars(aiogram.exceptions).items()
    if isinstance(one, type) and issubclass(one, TelegramAPIError)
}
_DETAILS: Final = ("label", "retry_after", "migrate_to_chat_id")
#: What a handler may ask for by name besides the dispatcher's own data: all of it comes with the update.
_KNOWN: Final = frozenset({"bot", "event_update", "event_from_user", "event_chat", "event_thread_id", "event_context"})
_context = UserContextMiddleware()


class AiogramScribe(Scribe):
    """Writes down aiogram's objects as Telegram sent them: its own ``model_dump`` fails on some of their defaults."""

    format = "aiogram/1"

    def __init__(self, adapter: AiogramAdapter) -> None:
        self._adapter = adapter
        self._effects = Effects()
        self._stand_ins: dict[int, Bot] = {}

    def prepare(self, carrier: Any) -> None:
        self._effects.watch(carrier[1]["bot"])

    def forget(self) -> None:
        """Leave the bots' sessions as they were."""
        self._effects.forget()

    def stand_in(self, bot_id: int, bot: Any = None) -> None:
        self._stand_ins[bot_id] = bot if bot is not None else Bot(f"{bot_id}:nowhere")

    def check(self, fn: Callable[..., Any]) -> None:
        for name, is_needed in _asked_for(fn).items():
            if name in STATE and is_needed:
                fix = "its own variables are kept, so it needs no state; set one for others in run(...)"
                raise NotDurable(f"the argument {name!r} of {fn.__qualname__}, which is aiogram's FSM,", fix)

    def arguments(self, fn: Callable[..., Any], carrier: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        names = _asked_for(fn)
        given: dict[str, Any] = {}
        if names:
            made = self._made_anyway(carrier)
            given = {name: made[name] for name in names if name in made}
        return (self._adapter.update_of(carrier),), given

    def wanted(self, fn: Callable[..., Any]) -> Mapping[str, bool]:
        known = self._adapter.target.workflow_data
        asked = _asked_for(fn)
        return {name: asked[name] for name in asked if name not in known and name not in _KNOWN and name not in STATE}

    def remake(self, fn: Callable[..., Any], carrier: Any, names: Collection[str]) -> Mapping[str, Any]:
        update, (event,) = carrier[0], self.arguments(fn, carrier)[0]
        data = self._made_anyway(carrier)
        found = found_by_filters(fn, self._adapter.target, kind_of(update), event, data) or {}
        made = {name: found[name] for name in names if name in found}
        if "command" in names and "command" not in made and (command := command_of(event)) is not None:
            made["command"] = command
        return made

    def _made_anyway(self, carrier: Any) -> dict[str, Any]:
        """Return what comes with the update, and what is the dispatcher's."""
        update, data = carrier
        return {**self._adapter.target.workflow_data, **_told_by(update), "bot": data["bot"]}

    def carrier_for(self, key: Key) -> Any:
        return None, {"bot": self._bot(key.bot_id)}

    def given(self, fn: Callable[..., Any], key: Key) -> Mapping[str, Any]:
        bot = self._adapter.bots.get(key.bot_id) or self._stand_ins.get(key.bot_id)
        return {**self._adapter.target.workflow_data, "bot": bot}

    # Updates and other objects.

    def write_update(self, carrier: Any) -> Any:
        return _dump(carrier[0])

    def read_update(self, bot_id: int, written: Any) -> Any:
        bot = self._bot(bot_id)
        update = Update.model_validate(written, context={"bot": bot})
        return update, {**self._adapter.target.workflow_data, "bot": bot, "event_update": update}

    def write(self, value: Any) -> Any | None:
        if isinstance(value, TelegramObject):
            name = type(value).__name__
            return {name: _dump(value)} if _TYPES.get(name) is type(value) else None
        if isinstance(value, (list, tuple)) and value:
            each = [self.write(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
            return None if None in each else {"list": each}
        return None

    def read(self, bot_id: int, written: Any) -> Any:
        ((name, inside),) = written.items()
        if name == "list":
            return [self.read(bot_id, one) for one in inside]
        return _TYPES[name].model_validate(inside, context={"bot": self._bot(bot_id)})

    def write_error(self, error: BaseException) -> Any | None:
        name = type(error).__name__
        if not isinstance(error, TelegramAPIError) or _ERRORS.get(name) is not type(error):
            return None
        details = {one: getattr(error, one) for one in _DETAILS if isinstance(getattr(error, one, None), (int, str))}
        return [name, error.message, details]

    def read_error(self, written: Any) -> BaseException:
        name, message, details = written
        kind = _ERRORS.get(name, TelegramAPIError)
        # Not by its __init__: that would put the message into another one.
        error = kind.__new__(kind, message)
        error.message = message
        for one, value in details.items():
            setattr(error, one, value)
        return error

    def _bot(self, bot_id: int) -> Bot:
        bot = self._adapter.bots.get(bot_id) or self._stand_ins.get(bot_id)
        if bot is None:
            raise NotDurable(f"a conversation of the bot {bot_id}, which has not started here,", "start that bot too")
        return bot


class Effects(BaseRequestMiddleware):
    """The outermost middleware of bots' sessions: what others do to a request, such as retries, is one effect."""

    def __init__(self) -> None:
        self._watched: list[Any] = []

    def watch(self, bot: Bot) -> None:
        """Look at the requests of *bot*, whose session may be that of other bots too."""
        manager = bot.session.middleware
        if not any(one is manager for one in self._watched):
            manager._middlewares.insert(0, self)  # what is registered goes inside of what is there
            self._watched.append(manager)

    def forget(self) -> None:
        """Look at no requests any more."""
        while self._watched:
            self._watched.pop()._middlewares.remove(self)

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the request, or have the conversation that makes it do so once."""
        flow = current_flow.get()
        if flow is None:
            return await make_request(bot, method)

        def perform(key: str) -> Any:
            return make_request(bot, method)

        result: Any = await flow.effect(method.__api_method__, perform, CALL)
        return result  # type: ignore[no-any-return]


def _dump(value: TelegramObject) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _told_by(update: Update) -> dict[str, Any]:
    """Return what aiogram tells handlers of an update besides itself."""
    context: Any = _context.resolve_event_context(update)
    if isinstance(context, tuple):  # of aiogram 3.4
        parts: tuple[Any, ...] = context  # pyright: ignore[reportUnknownVariableType]
        names = ("event_chat", "event_from_user", "event_thread_id")
        return {**dict(zip(names, parts, strict=True)), "event_update": update}
    told = {"event_context": context, "event_from_user": context.user, "event_chat": context.chat}
    return {**told, "event_thread_id": context.thread_id, "event_update": update}


@functools.lru_cache(maxsize=1024)
def _asked_for(fn: Callable[..., Any]) -> Mapping[str, bool]:
    """Return what a handler can be given by name, and whether it must be."""
    _, *others = inspect.signature(fn).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {one.name: one.default is inspect.Parameter.empty for one in others if one.kind in named}
