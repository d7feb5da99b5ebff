"""The contracts of storages, lowest first: ``Records``, and on them ``StateStorage`` and ``StepStorage``.

Who brings a new place to keep things implements ``Records`` and has everything: states, data, next steps, journals
and timers are the same code on every storage.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..facts import KINDS
from .state_abc import BlockingStateStorage as BlockingStateStorage
from .state_abc import StateContext as StateContext
from .state_abc import StateStorage as StateStorage

if TYPE_CHECKING:
    from ..facts import Facts
    from ..keys import Place, Scope
    from ..steps import Step, StepTable

__all__ = [
    "BlockingStateStorage",
    "Found",
    "Journal",
    "RecordKey",
    "Records",
    "StateContext",
    "StateStorage",
    "StepStorage",
]


class RecordKey(NamedTuple):
    """The name of a record.

    Attributes:
        kind: what sort of thing it is, such as "state" or "step"; an identifier.
        space: what is kept together, such as a bot's id; a storage that is spread over several servers keeps the
            records of one space on one of them.
        name: the rest; any text, parts joined by ``record_name`` so that no two lists of parts are alike.
    """

    kind: str
    space: str
    name: str


class Found(NamedTuple):
    """A record that a search came across.

    Attributes:
        ttl: the seconds that it has left, or None for no end.
        due: when it is due, in seconds since the epoch, or None.
    """

    key: RecordKey
    fields: Mapping[str, str]
    ttl: float | None = None
    due: float | None = None


class Journal(NamedTuple):
    """A journal as it was read: its record's fields, what was appended so far, and how often it was changed."""

    fields: Mapping[str, str]
    entries: Sequence[str]
    revision: int


class Records(ABC):
    """Where records are kept: small mappings of texts, each under its key.

    Every method is atomic, also towards other processes: nobody sees half of it, and of two that exclude each other
    exactly one succeeds. When it returns, the change is as durable as the storage promises; when it raises, nothing
    was changed, except that ``StorageUnavailable`` may leave it open. A call that may be carried out twice, because
    its answer was lost, must have the same effect as once.

    Texts may be any Python strings, lone surrogates and zero characters included. A record without fields does not
    exist. A time to live (*ttl*) is in seconds and greater than zero; a record whose time is up does not exist, and
    really goes away without anybody asking for it. A *due* time is wall-clock time in seconds since the epoch.

    An instance has one of two faces. With ``is_blocking`` its methods never suspend: they do their work on the spot,
    from any thread, and whoever has no event loop runs them by ``settle``. Else they belong to the event loop they
    are first used in. ``blocking`` and ``asynchronous`` give the other face of the same storage.

    Raises:
        StorageUnavailable: (every method) it cannot be reached, is full, read-only or will not have us.
        StorageClosed: (every method) it was closed.
    """

    is_blocking: bool = False

    @abstractmethod
    def blocking(self) -> Records:
        """Return the face for threads; itself if it is that."""

    @abstractmethod
    def asynchronous(self) -> Records:
        """Return the face for an event loop; itself if it is that."""

    @abstractmethod
    async def read(self, key: RecordKey, *, touch: float | None = None) -> dict[str, str]:
        """Return the fields of a record; none if there is no such record.

        Args:
            touch: give the record, if it has a time to live, this one from now on.
        """

    @abstractmethod
    async def read_many(self, keys: Sequence[RecordKey]) -> list[dict[str, str]]:
        """Return the fields of several records of one space, in the order of *keys*, as they are at one moment."""

    @abstractmethod
    async def write(
        self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None, due: float | None = None
    ) -> None:
        """Put a record in place of whatever was there. Without *fields* this removes it."""

    @abstractmethod
    async def write_new(
        self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None, due: float | None = None
    ) -> bool:
        """Put a record where there is none; return whether the record there is now this one.

        That is so too if a record with the same *fields* was there: the call may have been made before.
        """

    @abstractmethod
    async def merge(self, key: RecordKey, fields: Mapping[str, str], *, ttl: float | None = None) -> dict[str, str]:
        """Put *fields* into a record, which need not exist; return all its fields then.

        Without *ttl* a record that exists keeps its time.
        """

    @abstractmethod
    async def remove(self, key: RecordKey, *, where: Mapping[str, str] | None = None) -> bool:
        """Remove a record, if its fields have the values that *where* says; return whether it was removed.

        Of several who remove the same record exactly one is told True.
        """

    async def take(self, key: RecordKey, *, where: Mapping[str, str] | None = None) -> dict[str, str]:
        """Do what ``remove`` does, and return the fields the record had; none if it was not removed.

        This default takes two calls or more. A storage that can do it in one should.
        """
        while fields := await self.read(key):
            if any(fields.get(name) != value for name, value in (where or {}).items()):
                return {}
            if await self.remove(key, where=fields):
                return fields
        return {}

    @abstractmethod
    async def scan(
        self, kind: str, *, space: str | None = None, after: RecordKey | None = None, limit: int = 500
    ) -> list[Found]:
        """Return records of a *kind*, ordered by key, those greater than *after*; fewer than *limit* are the last.

        This is for people and for cleaning up: it may be slow, and may miss what comes and goes meanwhile.
        """

    # Timers: records that are due.

    @abstractmethod
    async def due(self, kind: str, space: str, now: float, *, limit: int = 100) -> list[Found]:
        """Return records whose time has come, the most overdue first. To own one, ``remove`` it."""

    @abstractmethod
    async def next_due(self, kind: str, space: str) -> float | None:
        """Return when the next record is due, or None while none is."""

    # Journals: records with a list that only grows.

    @abstractmethod
    async def journal(self, key: RecordKey) -> Journal | None:
        """Return a journal, or None if there is none."""

    @abstractmethod
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
        """Append to a journal if it is at *revision*; return its new revision, or None if it is not.

        A journal that does not exist is at revision 0. Its revision only grows, and grows with every change. The
        *ttl* and *due* given here take the place of those it had.

        Args:
            revision: None: at whatever revision it is.
            fields: what to put into the record's fields.
            keep: first drop all but so many of the entries there are.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of what was opened here, not of what was passed in. Again is harmless. Closes the other face too."""


class StepStorage(ABC):
    """Where registered next steps are kept, one per place.

    Times are those of the engine's clock. ``take`` and ``give_back`` are atomic: whatever else looks at the storage
    sees the step there or not. A storage in this process must not await anything, so that updates keep their order
    for free; the engine holds the later updates of a key while another storage answers.
    """

    #: Whether its methods may suspend.
    suspends: bool = False
    #: Whether what it keeps outlives the process.
    is_durable: bool = False
    #: The table itself, if that is all there is: whoever looks there need not await anything.
    table: StepTable | None = None

    def is_kind(self, facts: Facts) -> bool:
        """Tell whether an update of this sort can be for one of the steps."""
        return facts.kind in KINDS["message"] and facts.command is None

    @property
    @abstractmethod
    def scopes(self) -> Collection[Scope]:
        """The scopes under which there can be steps; an empty collection means that there are none for certain.

        Always the same collection: whoever asks about every update keeps it.
        """

    def may_have(self, place: Place) -> bool:
        """Tell, without awaiting, whether there may be a step at *place*. False is certain."""
        return place.scope in self.scopes

    @abstractmethod
    async def put(self, step: Step, now: float) -> Step | None:
        """Keep *step*, in place of any other at its place; return that one, or None if this storage cannot tell.

        Raises:
            NotDurable: the step, its filter or its ``on_timeout`` has no name, and this outlives the process.
            NotStorable: an argument cannot be written down.
        """

    @abstractmethod
    async def find(self, places: Sequence[Place], now: float) -> list[Step]:
        """Return the steps at *places* whose time is not up, in that order."""

    @abstractmethod
    async def take(self, step: Step) -> bool:
        """Remove *step*, which is about to run; True for exactly one of those who try.

        A storage that outlives the process keeps it aside until ``confirm``, and puts it back if the process dies.
        """

    async def confirm(self, step: Step) -> None:
        """Note that a taken *step* has run, or will not run again."""
        return

    async def discard(self, step: Step) -> bool:
        """Remove *step*, which will not run; True for exactly one of those who try."""
        return await self.take(step)

    @abstractmethod
    async def give_back(self, step: Step, now: float) -> bool:
        """Put a taken *step* back, unless a newer one has its place; return whether it is there."""

    async def lose(self, facts: Facts) -> None:
        """End what would go on with a person who is gone; see ``Facts.gone``."""
        return

    @abstractmethod
    async def steps(self, now: float) -> Iterable[Step]:
        """Return the steps whose time is not up."""

    @abstractmethod
    async def clear(self) -> int:
        """Remove all steps; return how many there were."""

    # Time.

    async def tend(self, bot_ids: Collection[int], now: float) -> list[Step]:
        """Take and return the steps of these bots whose time is up and that have an ``on_timeout``.

        Also look after those that run. To be called again at ``next_tending``, or a second later if that is past: of
        very many, as after a long time in which no bot ran, it should take a few, those whose time was up first.
        """
        return []

    async def next_tending(self, bot_ids: Collection[int], now: float) -> float | None:
        """Return when to call ``tend``; None: when a step that has an ``on_timeout`` was put."""
        return None

    def blocking(self) -> StepStorage:
        """Return the same storage for a runtime of threads; itself if it never suspends."""
        return self

    async def close(self) -> None:
        """Let go of what was opened here; it is opened again when it is needed. Again is harmless."""
        return
