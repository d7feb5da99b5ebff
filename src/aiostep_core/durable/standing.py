"""Durable conversations seen from outside: where they stand, what they came to, their ends and their signals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..context import current_turn
from ..errors import BadArgument, StorageDamaged, WaitCancelled
from ..installed import runtime_of
from ..keys import Key, MessageKey
from ..storages.abc import RecordKey
from ..targets import aim
from .journals import DONE, FAILED, KIND, PARK, RUN, Stored, key_of
from .signals import put_signal

if TYPE_CHECKING:
    from ..keys import Scope
    from ..storages.values import Values
    from .conversations import Durables

__all__ = ["Standing", "Standings", "Where", "end_durable", "result", "send_signal", "where"]

_STATES: Final = {RUN: "running", PARK: "waiting", FAILED: "failed", DONE: "done"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one durable conversation stands.

    Attributes:
        name, version: which conversation it is.
        key: who it is with.
        state: "running", "waiting", "failed" or "done".
        question: what it waits for.
        ended: how it ended, or why it failed.
        result: what it returned.
    """

    name: str
    version: int
    key: Key | MessageKey
    state: str
    question: str | None
    ended: str
    result: Any


class Standings(list[Standing]):
    """Where some durable conversations stand.

    Attributes:
        more: pass it to ``where(after=...)`` for those that follow; None: there are no more.
    """

    more: str | None = None


class Where:
    """What ``where()`` returns: await it for a list, or go through all with ``async for``."""

    def __init__(self, target: Any, scope: Scope | None, limit: int, after: str | None) -> None:
        self._target = target
        self._scope = scope
        self._limit = limit
        self._after = after

    def __await__(self) -> Generator[Any, Any, Standings]:
        return self.read().__await__()

    async def __aiter__(self) -> AsyncIterator[Standing]:
        page = await self.read()
        while True:
            for one in page:
                yield one
            if page.more is None:
                return
            page = await Where(None, None, self._limit, page.more).read()

    async def read(self) -> Standings:
        """Return the list."""
        durables = _durables()
        if self._target is not None or self._scope is not None:
            stored = await durables.journals.load(key_of(_place(self._target, self._scope)))
            return Standings([] if stored is None else [_standing(stored, durables.values)])
        after = None if self._after is None else RecordKey(KIND, *self._after.partition("/")[::2])
        # One more than is wanted tells whether there are more.
        found = await durables.journals.scan(after, self._limit + 1)
        here = found[: self._limit]
        standings = Standings(_standing(one, durables.values) for one in here)
        if len(found) > len(here):
            standings.more = f"{here[-1].key.space}/{here[-1].key.name}"
        return standings


def where(target: Any = None, *, scope: Scope | None = None, limit: int = 1000, after: str | None = None) -> Where:
    """Tell where the durable conversations stand: all of them, or that with *target*. Those that are over stay a day.

    ``await where()`` gives a list; ``async for one in where()`` goes through all, and keeps few of them in memory.

    Args:
        limit: so many at a time.
        after: the ``more`` of the list before.

    Raises:
        NotInstalled, NoTarget, BadArgument: (when it is awaited) as for ``wait_for``.
        BadArgument: *limit* or *after* makes no sense.
    """
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise BadArgument("limit", limit, "a whole number from 1")
    if after is not None and (not isinstance(after, str) or "/" not in after):
        raise BadArgument("after", after, "the `more` of a list that where() gave")
    return Where(target, scope, limit, after)


async def result(target: Any = None, *, scope: Scope | None = None) -> Any:
    """Return what the last durable conversation with *target* returned.

    Raises:
        BadArgument: there is none, or it is not over.
        WaitCancelled: it was ended instead.
    """
    for one in await where(target, scope=scope) if target is not None or scope is not None else await _mine():
        if one.state == "done":
            if one.ended != "returned":
                raise WaitCancelled(one.ended.partition(" ")[2] or one.ended, "the conversation was ended")
            return one.result
        raise BadArgument("target", target, f"a conversation that is over: {one.name} is {one.state}")
    raise BadArgument("target", target, "somebody with whom a durable conversation was held")


async def end_durable(target: Any = None, *, scope: Scope | None = None, reason: str = "code") -> bool:
    """End the durable conversation with *target*, in whichever process it is; return whether there was one.

    Its wait raises ``WaitCancelled`` with *reason*, and it runs to its end before this returns.
    """
    durables = _durables()
    stored = await durables.journals.load(key_of(_place(target, scope)))
    if stored is None or not stored.is_open:
        return False
    await durables.end(stored, reason)
    return True


async def send_signal(name: str, value: Any = None, *, to: Any = None, scope: Scope | None = None) -> bool:
    """Give *value* to the durable conversation with *to*, which awaits ``signal(name)`` or will; False: there is none.

    Raises:
        NotStorable: *value* cannot be kept.
    """
    durables = _durables()
    text = durables.values.encode(value, "the signal's value")
    return await put_signal(durables, key_of(_place(to, scope)), name, text)


async def _mine() -> list[Standing]:
    durables = _durables()
    stored = await durables.journals.load(key_of(_place(None, None)))
    return [] if stored is None else [_standing(stored, durables.values)]


def _durables() -> Durables:
    return runtime_of(current_turn.get()).steps.durables


def _place(target: Any, scope: Scope | None) -> Any:
    turn = current_turn.get()
    runtime = runtime_of(turn)
    return aim(target, scope, None if turn is None else turn.facts, runtime.bot_ids(), runtime.key_of).place


def _standing(stored: Stored, values: Values) -> Standing:
    asked: Any = _read(stored.get("asked"), values) if stored.status == PARK else None
    return Standing(
        name=stored.get("name"),
        version=int(stored.number("version") or 0),
        key=stored.place.key,
        state=_STATES.get(stored.status, stored.status),
        question=str(asked[0]).partition(" ")[2] if isinstance(asked, list) and asked else None,  # pyright: ignore[reportUnknownArgumentType]
        ended=stored.get("ended"),
        result=_read(stored.get("result"), values),
    )


def _read(written: str, values: Values) -> Any:
    """Return what was written; None if that is nothing, or damaged: who looks at all must see the others."""
    try:
        return values.decode(written) if written else None
    except StorageDamaged:
        return None
