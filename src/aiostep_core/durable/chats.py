"""Which stored conversations are in which group: when a group is lost, they end, and nobody has to look through all.

For each group there is one journal, whose entries are the names of the conversations that began there. It is written
before they are, so there may be too many names in it, but none is missing. When the group is lost, a record beside it
says why (``gone``), since when (``at``) and how many of the names are to be looked at still (``left``), and is due: so
they end though a crash comes in between, a few at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from ..keys import Key, Place, Scope
from ..storages.step_fields import key_at
from .journals import KIND, Stored

if TYPE_CHECKING:
    from ..facts import Facts
    from ..storages.abc import RecordKey
    from .conversations import Durables

__all__ = ["Chats"]

logger = logging.getLogger("aiostep")

INDEX: Final = "durable-in"
GONE: Final = "durable-gone"
#: How many conversations end at once, and the seconds until the next do.
_BATCH: Final = 50
_PAUSE: Final = 1.0
#: After so many changes the names of those that are over are taken out.
_MANY: Final = 256
_TRIES: Final = 5
#: Seconds for which it is kept that a group was lost.
_TRACE: Final = 3600.0


class Chats:
    """The groups of one engine's stored conversations."""

    def __init__(self, durables: Durables) -> None:
        self._durables = durables

    async def note(self, place: Place) -> None:
        """Note that a conversation begins at *place*."""
        key = place.key
        if not self._durables.is_durable or key.chat_id is None or key.chat_id >= 0:
            return
        index = _index_of(key.bot_id, key.chat_id)
        revision = await self._durables.journals.add(index, key_at(KIND, place).name)
        if revision and revision % _MANY == 0:
            await self._tidy(index)

    async def lose(self, facts: Facts) -> None:
        """End everything that is stored of a group."""
        durables, journals = self._durables, self._durables.journals
        if facts.chat_id is None or not durables.is_durable:
            return
        index = await journals.load(_index_of(facts.bot_id, facts.chat_id))
        if index is None or not index.entries:
            return
        key, wall = index.key._replace(kind=GONE), durables.wall_clock()
        fields = {"gone": facts.gone or "left", "at": repr(wall), "left": str(len(index.entries))}
        for _ in range(_TRIES):
            there = await journals.load(key) or Stored(key, {})
            if await journals.append(there, [], fields, due=wall):
                await self.end_some(key)
                return

    async def tend(self, bot_ids: Collection[int]) -> None:
        """Go on with groups whose process has died before all of their conversations had ended."""
        for gone in await self._durables.journals.due(bot_ids, self._durables.wall_clock(), GONE):
            await self.end_some(gone.key)

    async def end_some(self, key: RecordKey) -> None:
        """End some of the conversations of a group that is lost, and have the others end soon."""
        durables, journals = self._durables, self._durables.journals
        gone, index = await journals.load(key), await journals.load(key._replace(kind=INDEX))
        if gone is None or index is None or not gone.get("gone"):
            return
        left = min(int(gone.number("left") or 0), len(index.entries))
        batch = index.entries[: min(left, _BATCH)]
        found = [one for one in await self._stored(key, batch) if one.is_open]
        since = gone.number("at") or 0.0
        newer = [one for one in found if (one.number("opened") or 0.0) > since]
        for one in found:
            if one not in newer and one.key not in durables.live:
                await durables.leave(one, gone.get("gone"))
        rest = [*index.entries[len(batch) :], *(one.key.name for one in newer)]
        if await journals.append(index, rest, {}, keep=0):
            left -= len(batch)
        if left:
            await journals.append(gone, [], {"left": str(left)}, due=durables.wall_clock() + 10 * _PAUSE)
            durables.runtime.call_later(_PAUSE, self._go_on, key)
        else:
            await journals.append(gone, [], {"gone": "", "left": ""}, ttl=_TRACE)

    def _go_on(self, key: RecordKey) -> None:
        if self._durables.runtime.closed_for is None:
            self._durables.runtime.start(self.end_some(key))

    async def _tidy(self, key: RecordKey) -> None:
        """Take out the names of those that are over, unless somebody else changes the record meanwhile."""
        journals = self._durables.journals
        index = await journals.load(key)
        if index is None:
            return
        names = [one.key.name for one in await self._stored(key, index.entries) if one.is_open]
        # Whoever begins writes here first: the last ones may not be there yet.
        await journals.append(index, [*dict.fromkeys([*names, *index.entries[-_BATCH:]])], {}, keep=0)

    async def _stored(self, key: RecordKey, names: Sequence[str]) -> list[Stored]:
        keys = [key._replace(kind=KIND, name=name) for name in dict.fromkeys(names)]
        found: list[Stored] = []
        for first in range(0, len(keys), _MANY):
            some = keys[first : first + _MANY]
            read = await self._durables.journals.look(some)
            found += [Stored(one, dict(fields)) for one, fields in zip(some, read, strict=True) if fields]
        return found


def _index_of(bot_id: int, chat_id: int) -> RecordKey:
    return key_at(INDEX, Place(Scope.CHAT, Key(bot_id, chat_id)))
