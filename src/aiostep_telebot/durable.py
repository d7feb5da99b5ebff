"""Durable conversations on telebot, of both kinds: what is written of its objects, and its calls as effects."""

from __future__ import annotations

import functools
import inspect
import itertools
import json
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from telebot import apihelper, asyncio_helper, types

from aiostep_core.context import current_turn
from aiostep_core.durable.abc import Scribe
from aiostep_core.durable.effects import CALL
from aiostep_core.durable.flows import is_starter
from aiostep_core.durable.journal import current_flow
from aiostep_core.errors import NotDurable

if TYPE_CHECKING:
    from aiostep_core.keys import Key

    from .base import BotAdapter
    from .threaded import TelebotAdapter

__all__ = ["TelebotScribe", "begin_without_loop"]

T = TypeVar("T")

#: Where an update keeps what it was made of; telebot keeps that of messages and clicks only.
_RAW: Final = "aiostep_raw"
_WRITTEN: Final[dict[str, Any]] = {"Message": types.Message, "CallbackQuery": types.CallbackQuery}
_DETAILS: Final = ("function_name", "result_json", "error_code", "description")


class TelebotScribe(Scribe):
    """Writes down what Telegram sent, of which telebot makes the same objects again."""

    format = "telebot/1"

    def __init__(self, adapter: BotAdapter[Any]) -> None:
        self._adapter = adapter
        self._stood_in: set[int] = set()

    def prepare(self, carrier: Any) -> None:
        _calls.watch(self)

    def forget(self) -> None:
        """Leave telebot as it was, unless other bots have durable conversations."""
        _calls.forget(self)

    def stand_in(self, bot_id: int, bot: Any = None) -> None:
        self._stood_in.add(bot_id)

    def check(self, fn: Callable[..., Any]) -> None:
        for name in _asked_for(fn):
            if name != "bot":
                fix = "get it inside of run(...)"
                raise NotDurable(f"the argument {name!r} of {fn.__qualname__}, which a middleware makes,", fix)

    def arguments(self, fn: Callable[..., Any], carrier: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        given = {"bot": self._adapter.target} if "bot" in _asked_for(fn) else {}
        return (self._adapter.update_of(carrier),), given

    def given(self, fn: Callable[..., Any], key: Key) -> Mapping[str, Any]:
        return {"bot": self._adapter.target}

    # Updates and other objects.

    def write_update(self, carrier: Any) -> Any:
        raw = getattr(carrier, _RAW, None)
        if raw is not None:
            return raw
        event = self._adapter.update_of(carrier)
        inside = getattr(event, "json", None)
        if inside is None:
            fix = "install aiostep on a durable storage after the modules with your @durable functions are imported"
            raise NotDurable(f"the first update of a process, if that is a {type(event).__name__},", fix)
        name = next(name for name, value in _things_in(carrier).items() if value is event)
        return {"update_id": carrier.update_id, name: _plain(inside)}

    def read_update(self, bot_id: int, written: Any) -> Any:
        if bot_id != self._adapter.bot_id and bot_id not in self._stood_in:
            raise NotDurable(f"a conversation of the bot {bot_id}, which is not this one,", "start that bot too")
        update: Any = types.Update
        return update.de_json(written)

    def write(self, value: Any) -> Any | None:
        name = type(value).__name__
        if _WRITTEN.get(name) is type(value):
            return {name: _plain(value.json)}
        if isinstance(value, list) and value:
            each = [self.write(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
            return None if None in each else {"list": each}
        return None

    def read(self, bot_id: int, written: Any) -> Any:
        ((name, inside),) = written.items()
        if name == "list":
            return [self.read(bot_id, one) for one in inside]
        return _WRITTEN[name].de_json(inside)

    def write_error(self, error: BaseException) -> Any | None:
        name = type(error).__name__
        if not any(errors.get(name) is type(error) for errors in _ERRORS.values()):
            return None
        details = {one: getattr(error, one) for one in _DETAILS if hasattr(error, one)}
        return [name, str(error), details]

    def read_error(self, written: Any) -> BaseException:
        name, message, details = written
        errors = _ERRORS[self._adapter.requests]
        kind: Any = errors.get(name, errors["ApiException"])
        # Not by its __init__: that wants what requests or aiohttp received.
        error: Any = kind.__new__(kind, message)
        error.args = (message,)
        for one, value in {"result": None, "request": None, "response": None, **details}.items():
            setattr(error, one, value)
        return error  # type: ignore[no-any-return]


class Calls:
    """Makes telebot's calls to Telegram effects of the conversation that makes them.

    Its bots have no place for that, but all calls go through one function of each of its modules.
    """

    def __init__(self) -> None:
        self._users: list[TelebotScribe] = []
        self._undo: list[Callable[[], object]] = []

    def watch(self, scribe: TelebotScribe) -> None:
        """Look at the calls from now on."""
        if any(one is scribe for one in self._users):
            return
        self._users.append(scribe)
        if len(self._users) == 1:
            self._replace(asyncio_helper, "_process_request", _awaited)
            self._replace(apihelper, "_make_request", _called)
            self._replace(apihelper, "download_file", _refused)
            self._replace_de_json()

    def forget(self, scribe: TelebotScribe) -> None:
        """Look at no calls any more, if this was the last that wanted it."""
        self._users = [one for one in self._users if one is not scribe]
        while self._undo and not self._users:
            self._undo.pop()()

    def _replace(self, module: ModuleType, name: str, make: Callable[[Any], Any]) -> None:
        original = getattr(module, name)
        ours = make(original)
        setattr(module, name, ours)

        def undo() -> None:
            if getattr(module, name) is ours:  # else somebody has put theirs around ours, which does no harm
                setattr(module, name, original)

        self._undo.append(undo)

    def _replace_de_json(self) -> None:
        """Have updates keep what they are made of."""
        update: Any = types.Update
        original: Any = _things_in(types.Update)["de_json"]

        def de_json(cls: Any, json_string: Any) -> Any:
            made: Any = original.__get__(None, cls)(json_string)
            if made is not None:
                setattr(made, _RAW, _plain(json_string))
            return made

        update.de_json = classmethod(de_json)
        self._undo.append(lambda: setattr(update, "de_json", original))


def _awaited(original: Callable[..., Any]) -> Callable[..., Any]:
    async def process_request(token: str, url: str, *args: Any, **kwargs: Any) -> Any:
        flow = current_flow.get()
        if flow is None:
            return await original(token, url, *args, **kwargs)

        def perform(key: str) -> Any:
            return original(token, url, *args, **kwargs)

        return await flow.effect(url, perform, CALL)

    return process_request


def _called(original: Callable[..., Any]) -> Callable[..., Any]:
    def make_request(token: str, method_name: str, *args: Any, **kwargs: Any) -> Any:
        flow = current_flow.get()
        if flow is None:
            return original(token, method_name, *args, **kwargs)

        def perform(key: str) -> Any:
            return original(token, method_name, *args, **kwargs)

        return _plain(flow.effect_now(method_name, perform, CALL))  # telebot changes some of what it gets

    return make_request


def _refused(original: Callable[..., Any]) -> Callable[..., Any]:
    def download_file(*args: Any, **kwargs: Any) -> Any:
        if current_flow.get() is not None:
            fix = "do it in a function of its own, which keeps the file: await run(fn, file_id)"
            raise NotDurable("download_file() in a durable conversation", fix)
        return original(*args, **kwargs)

    return download_file


_calls: Final = Calls()


def begin_without_loop(adapter: TelebotAdapter) -> Callable[[], None]:
    """Let durable conversations, which are coroutines, be handlers of a bot without an event loop; return the undoing.

    Telebot would only make the coroutine. Ours need nobody who awaits them.
    """
    bot: Any = adapter.target
    build = bot._build_handler_dict
    attributes = _things_in(adapter.target)
    lists: list[list[Any]] = [value for name, value in attributes.items() if name.endswith("_handlers")]

    def build_ours(handler: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return build(_without_loop(handler, adapter), *args, **kwargs)  # type: ignore[no-any-return]

    def change(fn: Callable[[Any], Any]) -> None:
        for handler in itertools.chain(*lists):
            handler["function"] = fn(handler["function"])

    change(lambda handler: _without_loop(handler, adapter))
    adapter.replace("_build_handler_dict", build_ours)
    return lambda: change(lambda handler: getattr(handler, "aiostep_original", handler))


def _without_loop(handler: Any, adapter: TelebotAdapter) -> Any:
    if not is_starter(handler):
        return handler

    @functools.wraps(handler)
    def start(*args: Any, **kwargs: Any) -> None:
        turn = current_turn.get()
        assert turn is not None
        adapter.detach(turn, handler(*args, **kwargs))

    setattr(start, "aiostep_original", handler)  # noqa: B010 - functions have no such attribute for type checkers
    return start


def _plain(value: T) -> T:
    """Return JSON that nobody else changes."""
    copy: T = json.loads(value if isinstance(value, (str, bytes)) else json.dumps(value))
    return copy


@functools.lru_cache(maxsize=1024)
def _asked_for(fn: Callable[..., Any]) -> tuple[str, ...]:
    """Return what a handler must be given by name."""
    _, *others = inspect.signature(fn).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(one.name for one in others if one.kind in named and one.default is inspect.Parameter.empty)


def _things_in(place: object) -> dict[str, Any]:
    return vars(place)


def _errors_of(module: ModuleType) -> dict[str, type[Exception]]:
    return {
        name: one for name, one in _things_in(module).items() if isinstance(one, type) and issubclass(one, Exception)
    }


_http: Any = apihelper
#: The errors of calls, by the module that makes them.
_ERRORS: Final[dict[ModuleType, dict[str, type[Exception]]]] = {
    apihelper: {**_errors_of(_http.requests.exceptions), **_errors_of(apihelper)},
    asyncio_helper: _errors_of(asyncio_helper),
}
