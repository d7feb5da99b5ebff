"""How a durable conversation begins: with an update, or, if other code begins it, with somebody's key and arguments."""

from __future__ import annotations

import inspect
import json
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..context import Turn
from ..errors import AiostepError, BadArgument
from ..facts import Delivery, Facts
from ..keys import PERSONAL, Key
from ..targets import Aim

if TYPE_CHECKING:
    from ..abc import Adapter
    from ..runtime import Runtime
    from ..storages.values import Values
    from .abc import Scribe
    from .flows import Flow
    from .journals import Stored

__all__ = ["StartedTurn", "aim_of", "bound", "call_of", "fields_of_start", "first_fields", "read_first", "turn_of"]


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


def call_of(
    stored: Stored, fn: Callable[..., Any], scribe: Scribe, values: Values, carrier: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what the function of a conversation is called with, at its beginning and in every replay."""
    more: list[Any] = values.decode(stored.get("more")) if stored.get("more") else []
    meant = aim_of(stored)
    if meant is None:
        args, given = scribe.arguments(fn, carrier)
        return (*args, *more), given
    named: dict[str, Any] = values.decode(stored.get("named")) if stored.get("named") else {}
    known = scribe.given(fn, meant.key)
    taken = {*inspect.signature(fn).bind_partial(*more).arguments, *named}
    return tuple(more), named | _missing(fn, known, taken)


def _missing(fn: Callable[..., Any], known: Mapping[str, Any], taken: set[str]) -> dict[str, Any]:
    """Return of what is *known* by name that which *fn* asks for and nobody has given."""
    empty = inspect.Parameter.empty
    parameters = inspect.signature(fn).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    wanted = [one.name for one in parameters if one.kind in named and one.default is empty]
    return {name: known[name] for name in wanted if name in known and name not in taken}
