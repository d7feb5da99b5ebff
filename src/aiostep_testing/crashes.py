"""Kill a bot at every point where its process can die, and look whether that makes a difference.

A *play* is a function that plays one scenario from its beginning to its end. It is played once without a crash, then
once for each point that it passed, with a crash there. The bot of a play gets its records from ``Life.records``, and
its effects say ``life.point("before the payment")``, as often as they like. When the process has died, the play starts
another one, on the same storage, and delivers again what was not confirmed::

    async def play(lives: Lives) -> Played:
        life = lives.begin()
        ...
        if life.is_over:
            life = lives.begin()
        ...
        return Played(outcome=..., effects=[...])

    report = await crash_matrix(play)
    assert report.worst <= 1
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiostep_core.storages.abc import Found, Journal, RecordKey, Records

__all__ = ["Crash", "Life", "Lives", "MortalRecords", "Played", "Report", "crash_matrix"]

T = TypeVar("T")


class Crash(BaseException):
    """The process dies. No code of a bot should catch it."""


class Lives:
    """The processes of one play, one after the other.

    Args:
        crash_at: the number of the point at which the process dies; None: it does not.

    Attributes:
        points: the points that were passed, in all lives.
    """

    def __init__(self, crash_at: int | None = None) -> None:
        self._crash_at = crash_at
        self.points: list[str] = []
        self.current: Life | None = None

    def begin(self) -> Life:
        """Begin a life; one that goes on ends."""
        self.current = Life(self)
        return self.current

    @property
    def crashed_at(self) -> str | None:
        """The point at which a process has died, if one has."""
        at = self._crash_at
        return self.points[at] if at is not None and at < len(self.points) else None

    def pass_point(self, where: str) -> bool:
        """Note a point; return whether the process dies there."""
        self.points.append(where)
        return len(self.points) - 1 == self._crash_at


class Life:
    """One process. Once it has died, nothing that it does has an effect."""

    def __init__(self, lives: Lives) -> None:
        self._lives = lives
        self._has_died = False

    @property
    def is_over(self) -> bool:
        """Whether the process has died, or another one has taken its place."""
        return self._has_died or self._lives.current is not self

    def point(self, where: str) -> None:
        """Pass a point at which the process can die.

        Raises:
            Crash: it does, or has done so.
        """
        if self.is_over:
            raise Crash(where)
        if self._lives.pass_point(where):
            self._has_died = True
            raise Crash(where)

    def records(self, inner: Records) -> MortalRecords:
        """Return *inner* as this process sees them: it can die before and after each change."""
        return MortalRecords(inner, self)


class MortalRecords(Records):
    """Records of a process that can die before and after each change."""

    def __init__(self, inner: Records, life: Life) -> None:
        self._inner = inner
        self._life = life

    def blocking(self) -> Records:
        return MortalRecords(self._inner.blocking(), self._life)

    def asynchronous(self) -> Records:
        return self

    async def _change(self, what: str, change: Coroutine[Any, Any, T]) -> T:
        try:
            self._life.point(f"before {what}")
        except Crash:
            change.close()
            raise
        result = await change
        self._life.point(f"after {what}")
        return result

    async def _look(self, look: Coroutine[Any, Any, T]) -> T:
        if self._life.is_over:
            look.close()
            raise Crash("a read")
        return await look

    async def read(self, key: RecordKey, *, touch: float | None = None) -> dict[str, str]:
        return await self._look(self._inner.read(key, touch=touch))

    async def read_many(self, keys: Sequence[RecordKey]) -> list[dict[str, str]]:
        return await self._look(self._inner.read_many(keys))

    async def write(
        self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None, due: float | None = None
    ) -> None:
        await self._change(f"write {key.kind}", self._inner.write(key, fields, ttl=ttl, due=due))

    async def write_new(
        self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None, due: float | None = None
    ) -> bool:
        return await self._change(f"write {key.kind}", self._inner.write_new(key, fields, ttl=ttl, due=due))

    async def merge(self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None) -> dict[str, str]:
        return await self._change(f"merge {key.kind}", self._inner.merge(key, fields, ttl=ttl))

    async def remove(self, key: RecordKey, *, where: Mapping[str, str] | None = None) -> bool:
        return await self._change(f"remove {key.kind}", self._inner.remove(key, where=where))

    async def scan(
        self, kind: str, *, space: str | None = None, after: RecordKey | None = None, limit: int = 500
    ) -> list[Found]:
        return await self._look(self._inner.scan(kind, space=space, after=after, limit=limit))

    async def due(self, kind: str, space: str, now: float, *, limit: int = 100) -> list[Found]:
        return await self._look(self._inner.due(kind, space, now, limit=limit))

    async def next_due(self, kind: str, space: str) -> float | None:
        return await self._look(self._inner.next_due(kind, space))

    async def journal(self, key: RecordKey) -> Journal | None:
        return await self._look(self._inner.journal(key))

    async def append(
        self,
        key: RecordKey,
        revision: int | None,
        entries: Sequence[str],
        *,
        fields: Mapping[str, str] | None = None,
        keep: int | None = None,
        ttl: float | None = None,
        due: float | None = None,
    ) -> int | None:
        append = self._inner.append(key, revision, entries, fields=fields, keep=keep, ttl=ttl, due=due)
        return await self._change(f"append {key.kind}", append)

    async def close(self) -> None:
        """Leave the inner records open: the next process needs them."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a play came to: what must not depend on a crash, and the effects it had, in order."""

    outcome: object
    effects: Sequence[Hashable] = ()


@dataclass(slots=True)
class Report:
    """What crashes made of a play.

    Attributes:
        points: how many points a process can die at.
        different: where another outcome came of it, and which.
        repeated: where effects were repeated, and how many.
        lost: where effects are missing, and which.
    """

    points: int = 0
    reference: Played | None = None
    different: dict[str, object] = field(default_factory=dict[str, object])
    repeated: dict[str, int] = field(default_factory=dict[str, int])
    lost: dict[str, list[Hashable]] = field(default_factory=dict[str, "list[Hashable]"])

    @property
    def worst(self) -> int:
        """The most effects that one crash repeated."""
        return max(self.repeated.values(), default=0)


async def crash_matrix(play: Callable[[Lives], Awaitable[Played]]) -> Report:
    """Play without a crash, and once with a crash at each point.

    Raises:
        AssertionError: a play passed no point, or a process that was to die did not.
    """
    lives = Lives()
    report = Report(reference=await play(lives))
    points = list(lives.points)
    assert points, "the play passed no point; pass it the records of life.records(...)"
    assert report.reference is not None
    report.points = len(points)
    wanted = Counter(report.reference.effects)
    for number in range(len(points)):
        lives = Lives(number)
        played = await play(lives)
        where = f"{number}: {lives.crashed_at}"
        assert lives.crashed_at is not None, f"the play did not come to point {number}, {points[number]}"
        had = Counter(played.effects)
        if played.outcome != report.reference.outcome:
            report.different[where] = played.outcome
        if more := had - wanted:
            report.repeated[where] = more.total()
        if missing := wanted - had:
            report.lost[where] = list(missing.elements())
    return report
