"""What was seen a short while ago: updates that come twice, and the rest of an album. Pure and bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from .facts import Facts

__all__ = ["RecentAlbums", "RecentUpdates"]

#: Seconds in which a further part of an album can arrive; the ids are never used again, so long is safe.
_ALBUM_LIFE: Final = 300.0


class RecentUpdates:
    """The update ids of each bot that were seen last: at least *size* of them, at most twice as many.

    Two generations of a plain set cost a third of an ordered dictionary, and this is asked for every update.
    """

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._bots: dict[int, tuple[set[int], set[int]]] = {}

    def add(self, bot_id: int, update_id: int) -> bool:
        """Note the update; return False when it was noted before."""
        generations = self._bots.get(bot_id)
        if generations is None:
            generations = self._bots[bot_id] = (set(), set())
        new, old = generations
        if update_id in new or update_id in old:
            return False
        new.add(update_id)
        if len(new) >= self._size:
            self._bots[bot_id] = (set(), new)
        return True

    def discard(self, bot_id: int, update_id: int) -> None:
        """Forget the update: it was not handled, and may be delivered again."""
        for generation in self._bots.get(bot_id, ()):
            generation.discard(update_id)


class RecentAlbums:
    """Albums whose first part was an answer: the other parts belong to it and answer nothing else.

    Attributes:
        seen: when each of them was last added, in that order.
    """

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self.seen: OrderedDict[tuple[int, int | None, str], float] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self.seen)

    def add(self, facts: Facts, now: float) -> None:
        """Note that *facts* was an answer."""
        if facts.media_group_id is not None:
            key = (facts.bot_id, facts.chat_id, facts.media_group_id)
            self.seen[key] = now
            self.seen.move_to_end(key)
            while len(self.seen) > self._size:
                self.seen.popitem(last=False)

    def discard(self, facts: Facts) -> None:
        """Forget the album of *facts*: it was no answer after all."""
        if facts.media_group_id is not None:
            self.seen.pop((facts.bot_id, facts.chat_id, facts.media_group_id), None)

    def has(self, facts: Facts, now: float) -> bool:
        """Tell whether *facts* is a further part of an album that was an answer."""
        while self.seen and now - next(iter(self.seen.values())) > _ALBUM_LIFE:
            self.seen.popitem(last=False)
        group = facts.media_group_id
        return group is not None and (facts.bot_id, facts.chat_id, group) in self.seen
