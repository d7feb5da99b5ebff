"""What was seen a short while ago: updates that come twice, and the rest of an album. Pure and bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from .facts import Delivery, Facts

__all__ = ["RecentAlbums", "RecentUpdates"]

#: Seconds in which a further part of an album can arrive; the ids are never used again, so long is safe.
_ALBUM_LIFE: Final = 300.0


class RecentUpdates:
    """The update ids of each bot that were seen last: at least *size* of them, at most three times as many.

    This is asked for every update. Nearly always the id is the one after the last, and that only moves the end of a
    range; to put each into a set takes five times as long.
    """

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._bots: dict[int, RecentIds] = {}

    def of(self, bot_id: int) -> RecentIds:
        """Return the ids of one bot."""
        recent = self._bots.get(bot_id)
        if recent is None:
            recent = self._bots[bot_id] = RecentIds(self._size)
        return recent

    def add(self, bot_id: int, update_id: int) -> bool:
        """Note the update; return False when it was noted before."""
        recent = self._bots.get(bot_id)
        return (self.of(bot_id) if recent is None else recent).add(update_id)

    def discard(self, bot_id: int, update_id: int) -> None:
        """Forget the update: it was not handled, and may be delivered again."""
        recent = self._bots.get(bot_id)
        if recent is not None:
            recent.discard(update_id)


class RecentIds:
    """Ids without a gap, from *start* to before *end*, and two generations of single ones, all of them lower.

    So an id that is the *end* is certainly new.
    """

    __slots__ = ("_new", "_old", "_size", "end", "start")

    def __init__(self, size: int) -> None:
        self._size = size
        self.start = self.end = -1
        self._new: set[int] = set()
        self._old: set[int] = set()

    def add(self, update_id: int) -> bool:
        """Note an id; return False when it was noted before."""
        if update_id == self.end:
            self.end = update_id + 1
            return True
        if self.start <= update_id < self.end and update_id >= self.end - self._size:
            return False
        if update_id in self._new or update_id in self._old:
            return False
        if update_id > self.end:
            self._scatter()
            self.start, self.end = update_id, update_id + 1
        else:
            self._put(update_id)
        return True

    def discard(self, update_id: int) -> None:
        """Forget an id."""
        if self.start <= update_id < self.end:
            self._scatter()
        self._new.discard(update_id)
        self._old.discard(update_id)

    def _scatter(self) -> None:
        """Make single ids of the range."""
        ids, self.start = range(max(self.start, self.end - self._size), self.end), self.end
        for one in ids:
            self._put(one)

    def _put(self, update_id: int) -> None:
        self._new.add(update_id)
        if len(self._new) >= self._size:
            # Ids may begin anywhere after a quiet week: the range is not remembered for ever either.
            self._new, self._old = set(), self._new
            self._scatter()


class RecentAlbums:
    """Albums whose first part was an answer: the other parts belong to it and answer nothing else.

    Attributes:
        seen: when each of them was last added, in that order.
        collected: the parts of those that somebody wants all of.
    """

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self.seen: OrderedDict[tuple[int, int | None, str], float] = OrderedDict()
        self.collected: dict[tuple[int, int | None, str], list[Delivery]] = {}

    def __bool__(self) -> bool:
        return bool(self.seen)

    def add(self, facts: Facts, now: float, parts: list[Delivery] | None = None) -> None:
        """Note that *facts* was an answer; the further parts go to *parts*."""
        if facts.media_group_id is not None:
            key = (facts.bot_id, facts.chat_id, facts.media_group_id)
            self.seen[key] = now
            self.seen.move_to_end(key)
            if parts is not None:
                self.collected[key] = parts
            while len(self.seen) > self._size:
                self._forget_oldest()

    def discard(self, facts: Facts) -> None:
        """Forget the album of *facts*: it was no answer after all."""
        if facts.media_group_id is not None:
            key = (facts.bot_id, facts.chat_id, facts.media_group_id)
            self.seen.pop(key, None)
            self.collected.pop(key, None)

    def collect(self, delivery: Delivery) -> None:
        """Give a further part to whoever wants it."""
        facts = delivery.facts
        if self.collected and facts.media_group_id is not None:
            parts = self.collected.get((facts.bot_id, facts.chat_id, facts.media_group_id))
            if parts is not None:
                parts.append(delivery)

    def settle(self, facts: Facts) -> None:
        """Note that somebody has all parts of the album of *facts*."""
        if facts.media_group_id is not None:
            self.collected.pop((facts.bot_id, facts.chat_id, facts.media_group_id), None)

    def _forget_oldest(self) -> None:
        key, _ = self.seen.popitem(last=False)
        self.collected.pop(key, None)

    def has(self, facts: Facts, now: float) -> bool:
        """Tell whether *facts* is a further part of an album that was an answer."""
        while self.seen and now - next(iter(self.seen.values())) > _ALBUM_LIFE:
            self._forget_oldest()
        group = facts.media_group_id
        return group is not None and (facts.bot_id, facts.chat_id, group) in self.seen
