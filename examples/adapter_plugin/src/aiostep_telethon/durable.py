"""Durable conversations in Telethon: what is written of its objects, and its requests as effects.

Objects are written by the names of their classes and fields, not as the bytes that Telegram sent: the numbers in those
change with nearly every release of Telethon, and a conversation outlives some.
"""

from __future__ import annotations

import base64
import functools
import inspect
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from telethon import errors, events, functions, types, utils
from telethon.errors import RPCError
from telethon.tl import TLObject, TLRequest, custom
from telethon.tl.alltlobjects import tlobjects

from aiostep_core.durable.abc import Scribe
from aiostep_core.durable.effects import CALL, PURE
from aiostep_core.durable.journal import current_flow
from aiostep_core.errors import NonDurableAwait, NotDurable

if TYPE_CHECKING:
    from .adapter import TelethonAdapter

__all__ = ["TelethonScribe"]


def _name_of(cls: type) -> str:
    """Return the name in the journal: "types.User", or "types.messages.ChatFull", as there is a ChatFull besides."""
    return f"{cls.__module__.removeprefix('telethon.tl.')}.{cls.__name__}"


_TYPES: Final[dict[str, Any]] = {_name_of(one): one for one in tlobjects.values() if not issubclass(one, TLRequest)}
_ERRORS: Final[dict[str, Any]] = {
    name: one for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, RPCError)
}


class TelethonScribe(Scribe):
    """Writes an update together with the users and chats that it names: without them nobody could answer it."""

    format = "telethon/1"

    def __init__(self, adapter: TelethonAdapter) -> None:
        self._adapter = adapter
        self._stood_in: set[int] = set()
        self._old_clicks: deque[int] = deque(maxlen=1000)  # what goes on answers at once, or never

    def prepare(self, carrier: Any) -> None:
        self._adapter.watch_requests(self._request, _find)

    def stand_in(self, bot_id: int, bot: Any = None) -> None:
        self._stood_in.add(bot_id)

    def check(self, fn: Callable[..., Any]) -> None:
        try:
            inspect.signature(fn).bind(None)
        except TypeError as error:
            raise NotDurable(
                f"{fn.__qualname__}, which is called otherwise ({error}),", "make it a function of (event)"
            ) from None

    def arguments(self, fn: Callable[..., Any], carrier: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        event = self._adapter.update_of(carrier)
        for callback, builder in self._adapter.target.list_event_handlers():
            if inspect.unwrap(callback, stop=lambda one: one is fn) is fn and _match(builder, event):
                break
        return (event,), {}

    # Updates and other objects.

    def write_update(self, carrier: Any) -> Any:
        if not isinstance(carrier, TLObject):
            fix = "begin it in a handler of updates from Telegram"
            raise NotDurable(f"a conversation that a {type(carrier).__name__} began", fix)
        written = _dump(carrier)
        numbers = set(_numbers(written))
        around = [_dump(one) for one in carrier._entities.values() if one.id in numbers]
        return {"update": written, "around": around}

    def read_update(self, bot_id: int, written: Any) -> Any:
        update = _load(written["update"])
        if isinstance(update, types.UpdateBotCallbackQuery):
            self._old_clicks.append(update.query_id)
        update._entities = self._known(bot_id, written["around"])
        return update

    def write(self, value: Any) -> Any | None:
        if isinstance(value, events.common.EventCommon):
            return {"event": self.write_update(value.original_update)}
        each: list[Any] = value if type(value) is list else [value]
        if not any(isinstance(one, TLObject) and _name_of(type(one)) in _TYPES for one in each):
            return None
        around = [_dump(who) for one in _messages(each) for who in (one._chat, one._sender) if who is not None]
        return {"object": _dump(value), "around": around}

    def read(self, bot_id: int, written: Any) -> Any:
        if "event" in written:
            return self._adapter.update_of(self.read_update(bot_id, written["event"]))
        value, known = _load(written["object"]), self._known(bot_id, written["around"])
        for one in _messages(value if isinstance(value, list) else [value]):
            one._finish_init(self._adapter.target, known, None)
        return value

    def write_error(self, error: BaseException) -> Any | None:
        name = type(error).__name__
        if not isinstance(error, RPCError) or _ERRORS.get(name) is not type(error):
            return None
        reduced: Any = error.__reduce__()
        return [name, str(error), list(reduced[1][1:])]  # the first is the request

    def read_error(self, written: Any) -> BaseException:
        name, text, args = written
        kind: Any = _ERRORS.get(name)
        error: BaseException = RPCError(None, text) if kind is None else kind(None, *args)
        error.args = (text,)  # it would say that no request caused it
        return error

    def _known(self, bot_id: int, written: list[Any]) -> dict[int, Any]:
        """Return users and chats by their ids, and let the client know those that it has not met since it started."""
        if bot_id not in self._adapter.bot_ids() and bot_id not in self._stood_in:
            raise NotDurable(f"a conversation of the bot {bot_id}, which is not this one,", "start that bot too")
        around = [_load(one) for one in written]
        cache = self._adapter.target._mb_entity_cache
        new = [one for one in around if cache.get(one.id) is None]
        users = [one for one in new if isinstance(one, types.User)]
        cache.extend(users, [one for one in new if not isinstance(one, types.User)])
        return {utils.get_peer_id(one): one for one in around}

    # Requests are effects.

    async def _request(self, call: Callable[..., Any], sender: Any, request: Any, *args: Any, **options: Any) -> Any:
        """Stand in the place of ``client._call``, which every request passes."""
        flow = current_flow.get()
        if flow is None:
            return await call(sender, request, *args, **options)
        requests = request if utils.is_list_like(request) else [request]
        for one in requests:
            if hasattr(one, "random_id"):
                # By this number Telethon finds the message in the result, so a replay needs the one that was sent.
                one.random_id = await flow.effect("random_id", functools.partial(_number_of, one), PURE)

        def perform(key: str) -> Any:
            return call(sender, request, *args, **options)

        try:
            effect = flow.effect(", ".join(type(one).__name__ for one in requests), perform, CALL)
        except NonDurableAwait:
            # Telethon answers a click in a task of its own when the conversation edits or responds by its event.
            if not isinstance(request, functions.messages.SetBotCallbackAnswerRequest):
                raise
            return request.query_id in self._old_clicks or await perform("")
        return await effect


async def _find(find: Callable[[Any], Any], peer: Any) -> Any:
    """Stand in the place of ``client.get_input_entity``: what it asks Telegram depends on whom the client has met."""
    flow = current_flow.get()
    if flow is None:
        return await find(peer)
    try:
        return utils.get_input_peer(peer)
    except TypeError:
        return await flow.effect("get_input_entity", lambda key: find(peer), PURE)


def _number_of(request: Any, key: str) -> Any:
    return request.random_id


# Objects in terms of JSON, and back.


def _dump(value: Any) -> Any:
    if isinstance(value, TLObject):
        kind: Any = type(value)
        fields = {name: getattr(value, name) for name in _fields(kind)}
        return {"_": _name_of(kind)} | {name: _dump(one) for name, one in fields.items() if one is not None}
    if isinstance(value, bytes):
        return {"_": "bytes", "base64": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"_": "date", "seconds": value.timestamp()}
    return [_dump(one) for one in value] if isinstance(value, list) else value


def _load(written: Any) -> Any:
    if isinstance(written, list):
        return [_load(one) for one in written]
    if not isinstance(written, dict):
        return written
    if written["_"] == "bytes":
        return base64.b64decode(written["base64"])
    if written["_"] == "date":
        return datetime.fromtimestamp(written["seconds"], timezone.utc)
    kind = _TYPES[written["_"]]
    return kind(**{name: _load(written.get(name)) for name in _fields(kind)})  # other releases have other fields


@functools.cache
def _fields(cls: Any) -> tuple[str, ...]:
    return tuple(inspect.signature(cls).parameters)


def _numbers(written: Any) -> Iterator[int]:
    """Go through all numbers, among which are the ids of everybody who is named."""
    if isinstance(written, (dict, list)):
        for one in written.values() if isinstance(written, dict) else written:
            yield from _numbers(one)
    elif isinstance(written, int):
        yield written


def _messages(values: Iterable[Any]) -> list[Any]:
    return [one for one in values if isinstance(one, custom.Message)]


def _match(builder: Any, event: Any) -> bool:
    """Give *event* what the pattern of *builder* finds in it, as Telethon's filter does."""
    if not isinstance(event, type(builder).Event):
        return False
    if isinstance(builder, events.NewMessage) and builder.pattern:
        event.pattern_match = builder.pattern(event.message.message or "")
    elif isinstance(builder, events.CallbackQuery) and callable(builder.match):
        event.data_match = event.pattern_match = builder.match(event.query.data)
    else:
        return True
    return bool(event.pattern_match)
