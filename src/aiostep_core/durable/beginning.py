"""How a durable conversation begins: with an update, or, if other code begins it, with somebody's key and arguments."""

from __future__ import annotations

import contextlib
import inspect
import json
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..context import Turn
from ..errors import AiostepError, BadArgument, NotDurable, NotStorable
from ..facts import Delivery, Facts
from ..keys import PERSONAL, Key
from ..targets import Aim
from .values import Entry, Kind

if TYPE_CHECKING:
    from ..abc import Adapter
    from ..runtime import Runtime
    from ..storages.values import Values
    from .abc import Scribe
    from .entries import Entries
    from .flows import Flow
    from .journals import Stored

__all__ = ["Call", "StartedTurn", "aim_of", "bound", "fields_of_start", "first_fields", "read_first", "turn_of"]


class StartedTurn(Turn):
    """The turn of a conversation that no update has begun: with whom it is, is all that is known."""

    def __init__(self, runtime: Runtime, adapter: Adapter[Any], meant: Aim) -> None:
        key = meant.key
        assert adapter.scribe is not None
        super().__init__(runtime, adapter, adapter.scribe.carrier_for(key))
        self.aim = meant
        facts = Facts(
            bot_id=key.bot_id,
            kind="start",
            chat_id=key.chat_id,
            chat_type="private" if key.chat_id is not None and key.chat_id == key.user_id else None,
            user_id=key.user_id,
            thread_id=key.thread_id,
            business_id=key.business_id,
        )
        self._started = Delivery(facts, None, self.carrier, adapter)

    @property
    def delivery(self) -> Delivery:
        """What stands for the update: its ``update`` is None."""
        return self._started


def turn_of(runtime: Runtime, adapter: Adapter[Any], stored: Stored) -> Turn:
    """Return a turn for what goes on without an update: that of its beginning.

    Raises:
        StorageDamaged: that cannot be read.
    """
    assert adapter.scribe is not None
    meant = aim_of(stored)
    if meant is not None:
        return StartedTurn(runtime, adapter, meant)
    return Turn(runtime, adapter, read_first(stored, adapter.scribe))


def aim_of(stored: Stored) -> Aim | None:
    """Return at whom a conversation is aimed that no update has begun; None: one has.

    Raises:
        StorageDamaged: it cannot be read.
    """
    if not stored.get("to"):
        return None
    try:
        key, place = Key(stored.bot_id, *stored.parts("to", [])), stored.place
    except TypeError as error:
        raise stored.damaged("with whom it was begun", error) from error
    return Aim(place, key, key.user_id if place.scope in PERSONAL else None, None)


def read_first(stored: Stored, scribe: Scribe) -> Any:
    """Return the update that a conversation began with, or what stands for it.

    Raises:
        StorageDamaged: it cannot be read.
    """
    meant = aim_of(stored)
    if meant is not None:
        return scribe.carrier_for(meant.key)
    written = stored.parts("update", {})
    try:
        return scribe.read_update(stored.bot_id, written)
    except AiostepError:
        raise
    except Exception as error:
        raise stored.damaged("the update at the beginning", error) from error


def first_fields(stored: Stored, flow: Flow, format: str, update: Any, wall: float) -> dict[str, str]:
    """Return what a journal says of the beginning; what *stored* has already is kept."""
    return {
        **stored.fields,
        "id": secrets.token_hex(8),
        "name": flow.name,
        "version": str(flow.version),
        "format": format,
        "opened": repr(wall),
        "update": json.dumps(update, separators=(",", ":"), ensure_ascii=False),
        "epoch": "0",
    }


# What a conversation is called with that no update has begun.


def bound(flow: Flow, known: Mapping[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Return the arguments as they are kept: a list, and those by name.

    Args:
        known: what the framework gives by name.

    Raises:
        BadArgument: the function cannot be called with them.
    """
    signature = inspect.signature(flow.fn)
    try:
        given = signature.bind_partial(*args, **kwargs)
        signature.bind(*args, **kwargs, **_missing(flow.fn, known, {*given.arguments}))
    except TypeError as error:
        got = ", ".join([*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())])
        wanted = (
            f"what {flow.fn.__qualname__}{signature} can be called with ({error}). No update begins it, so nobody "
            "gives it one: take what it needs as arguments, or give the parameter of the update the default None"
        )
        raise BadArgument("the arguments", f"({got})", wanted) from None
    return list(given.args), dict(given.kwargs)


def fields_of_start(values: Values, key: Key, more: list[Any], named: dict[str, Any]) -> dict[str, str]:
    """Return what is written of a beginning without an update.

    Raises:
        NotStorable: an argument cannot be written down.
    """
    fields = {"to": json.dumps(key[1:])}
    if more:
        fields["more"] = values.encode(more, "the arguments")
    if named:
        fields["named"] = values.encode(named, "the arguments")
    return fields


class Call:
    """What the function of a conversation is called with, at its beginning and in every replay.

    Args:
        carrier: the update that it began with, or what stands for it.
    """

    def __init__(self, fn: Callable[..., Any], carrier: Any, scribe: Scribe, entries: Entries, values: Values) -> None:
        self._fn = fn
        self._carrier = carrier
        self._scribe = scribe
        self._entries = entries
        self._values = values

    def fields_of(self, called_with: tuple[Any, ...], given: Mapping[str, Any]) -> dict[str, str]:
        """Return what is written of the arguments of a handler besides the update.

        Args:
            given: what the framework calls it with by name.

        Raises:
            NotDurable: it asks for what can be neither kept nor made again.
            NotStorable: one of the arguments that its caller has added cannot be kept.
        """
        fields: dict[str, str] = {}
        args, _ = self._scribe.arguments(self._fn, self._carrier)
        if more := list(called_with[len(args) :]):
            fields["more"] = self._values.encode(more, "the arguments")
        wanted = self._scribe.wanted(self._fn)
        if found := self._found(wanted, given) if wanted else None:
            fields["found"] = self._values.encode(found, "the arguments")
        return fields

    def _found(self, wanted: Mapping[str, bool], given: Mapping[str, Any]) -> dict[str, Any]:
        """Return, by name, the outcomes that are kept; of what is to be made again, nothing."""
        found: dict[str, Any] = {}
        again = [name for name, is_needed in wanted.items() if is_needed or name in given]
        for name in [name for name in again if name in given]:
            with contextlib.suppress(NotStorable):
                entry, _ = self._entries.value(Kind.EFFECT, name, given[name])
                found[name] = [entry.tag, entry.payload]
        again = [name for name in again if name not in found]
        made = self._remade(again)
        for name in again:
            if name in made:
                found[name] = []
            elif wanted[name]:
                raise _not_durable(self._fn, name, given.get(name))
        return found

    def arguments(self, stored: Stored) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return what the function is called with, positions and names.

        Raises:
            NotDurable: something cannot be made again, as the code is now.
        """
        more: list[Any] = self._values.decode(stored.get("more")) if stored.get("more") else []
        meant = aim_of(stored)
        if meant is None:
            args, named = self._scribe.arguments(self._fn, self._carrier)
            if stored.get("found"):
                named = {**named, **self._found_again(self._values.decode(stored.get("found")))}
            return (*args, *more), self._but_taken((*args, *more), named) if more else named
        known = self._scribe.given(self._fn, meant.key)
        added: dict[str, Any] = self._values.decode(stored.get("named")) if stored.get("named") else {}
        taken = {*inspect.signature(self._fn).bind_partial(*more).arguments, *added}
        return tuple(more), added | _missing(self._fn, known, taken)

    def _but_taken(self, args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        """Return *named* without what is given by position: that comes from the author."""
        parameters = list(inspect.signature(self._fn).parameters)
        return {name: value for name, value in named.items() if name not in parameters[: len(args)]}

    def _remade(self, names: list[str]) -> Mapping[str, Any]:
        return self._scribe.remake(self._fn, self._carrier, names) if names else {}

    def _found_again(self, found: dict[str, list[Any]]) -> dict[str, Any]:
        kept = {
            name: self._entries.outcome_of(Entry(Kind.EFFECT, name, *written)).get()
            for name, written in found.items()
            if written
        }
        again = [name for name, written in found.items() if not written]
        made = self._remade(again)
        for name in again:
            if name not in made and self._scribe.wanted(self._fn).get(name):
                raise _not_durable(self._fn, name, None)
        return kept | {name: made[name] for name in again if name in made}


def _not_durable(fn: Callable[..., Any], name: str, value: Any) -> NotDurable:
    what = f"the argument {name!r} of {fn.__qualname__}, which a middleware or a filter makes,"
    shown = "" if value is None else f"of {type(value)} nothing can be kept, and "
    fix = (
        f"{shown}no handler of the function finds it in the stored update: get it inside of run(...), or keep what it "
        "comes from in the dispatcher's data"
    )
    return NotDurable(what, fix)


def _missing(fn: Callable[..., Any], known: Mapping[str, Any], taken: set[str]) -> dict[str, Any]:
    """Return of what is *known* by name that which *fn* asks for and nobody has given."""
    empty = inspect.Parameter.empty
    parameters = inspect.signature(fn).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    wanted = [one.name for one in parameters if one.kind in named and one.default is empty]
    return {name: known[name] for name in wanted if name in known and name not in taken}
