"""The next-step table: what runs when somebody's next message comes. Pure; one step per place."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .decisions import Glance
from .facts import KINDS, Delivery, Facts
from .keys import ABOUT_MESSAGE, Key, Place, Scope, project
from .waits import is_fenced

__all__ = ["ATTEMPTS", "Step", "StepTable"]

#: How often a step may raise before it is dropped. It is kept at first, so that the person can answer again.
ATTEMPTS: Final = 3

_numbers = itertools.count(1)
# Looking a member up in its enumeration takes as long as three look-ups in a dictionary, until Python 3.12.
_NOBODY: Final = Glance.NOBODY
_UNCLEAR: Final = Glance.UNCLEAR
_USER_IN_CHAT: Final = Scope.USER_IN_CHAT


@dataclass(eq=False, kw_only=True)
class Step:
    """A registered next handler.

    Attributes:
        filter: called with the delivery, as a wait's is.
        filter_name: the name of the filter, if it has one; a step that comes from a storage has only that at first.
        on_timeout: called when the time is up.
        after: the id of the update whose handler registered it; nothing as old is its answer.
        expires_at: on the engine's clock, or None for never.
        failures: how often it has raised.
        origin: where in the framework its handler was found, see ``Turn``.
        origin_name: by what the adapter finds that place again in another process; nothing if it cannot.
        number: registered later means a greater number.
        stored: what the storage knows it by.
    """

    place: Place
    fn: Callable[..., Any]
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    filter: Callable[[Delivery], object] | None = None
    filter_name: str | None = None
    on_timeout: Callable[..., Any] | None = None
    after: int | None = None
    opened_at: float = 0.0
    expires_at: float | None = None
    failures: int = 0
    origin: Any = None
    origin_name: str = ""
    kinds: frozenset[str] = KINDS["message"]
    number: int = field(default_factory=_numbers.__next__)
    stored: Any = None

    @classmethod
    def plain(
        cls, place: Place, fn: Callable[..., Any], kwargs: Mapping[str, Any], after: int | None, opened_at: float
    ) -> Step:
        """Make a step without anything else, in a third of the time: what it lacks are the defaults of the class."""
        step = object.__new__(cls)
        step.place, step.fn, step.kwargs, step.after, step.opened_at = place, fn, kwargs, after, opened_at
        step.number = next(_numbers)
        return step

    @property
    def name(self) -> str:
        """The function's own name, for people to read."""
        return getattr(self.fn, "__qualname__", type(self.fn).__qualname__)

    def admits(self, facts: Facts, now: float) -> bool:
        """Tell whether an update of this sort may run the step, before its filter is asked."""
        return (
            (self.expires_at is None or now < self.expires_at)
            and facts.kind in self.kinds
            and not facts.is_own
            and facts.command is None
            and (not facts.is_service or self.filter is not None)
            and not is_fenced(facts, self.after, self.opened_at, now)
        )


class StepTable:
    """Steps by place. Expired ones go away as others come and go; no timer, no thread.

    Attributes:
        scopes: the scopes under which steps are kept, and how many; only the table changes it.
        overdue: those that are gone because their time was up, and that have an ``on_timeout`` still to be called.
    """

    def __init__(self) -> None:
        self._steps: dict[Place, Step] = {}
        self.scopes: dict[Scope, int] = {}
        self._expiry: list[tuple[float, int, Step]] = []
        self.overdue: list[Step] = []

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(list(self._steps.values()))

    def __contains__(self, place: object) -> bool:
        return place in self._steps

    def put(self, step: Step, now: float) -> Step | None:
        """Keep *step* in place of any other there; return that other one."""
        if self._expiry:
            self.expire(now)
        place, count = step.place, len(self._steps)
        old = self._steps.setdefault(place, step)
        if len(self._steps) > count:
            self.scopes[place[0]] = self.scopes.get(place[0], 0) + 1
        else:
            self._steps[place] = step
        if step.expires_at is not None:
            heapq.heappush(self._expiry, (step.expires_at, step.number, step))
            self._compact()
        return old if old is not step else None

    def get(self, place: Place, now: float) -> Step | None:
        """Return the step kept at *place*, unless its time is up."""
        step = self._steps.get(place)
        if step is not None and step.expires_at is not None and step.expires_at <= now:
            self.expire(now)
            return None
        return step

    def take_at_a_glance(
        self, bot_id: int, chat_id: int, user_id: int | None, thread_id: int | None, update_id: int
    ) -> Step | Glance:
        """Take the step that a text runs which nobody waits for, and which is no reply, command or cancel word.

        This is ``get`` for nearly all steps, where ``Step.admits`` can only say yes; without any object made for it.
        """
        if len(self.scopes) == 1 and _USER_IN_CHAT in self.scopes:
            place: Any = (_USER_IN_CHAT, (bot_id, chat_id, user_id, None, None))
            found = self._steps.get(place)
        else:
            key = Key(bot_id, chat_id, user_id, thread_id)
            places = [Place(scope, project(scope, key)) for scope in self.scopes if scope not in ABOUT_MESSAGE]
            steps = [self._steps[place] for place in places if place in self._steps]
            if len(steps) > 1:
                return _UNCLEAR
            found = steps[0] if steps else None
        if found is None:
            return _NOBODY
        if found.filter is not None or found.expires_at is not None or "message" not in found.kinds:
            return _UNCLEAR
        if found.after is not None and found.after >= update_id:
            return _UNCLEAR
        self.take(found)
        return found

    def take(self, step: Step) -> bool:
        """Remove *step* itself; return False when it is not there any more."""
        place, scopes = step.place, self.scopes
        found = self._steps.pop(place, None)
        if found is not step:
            if found is not None:
                self._steps[place] = found
            return False
        if scopes[place[0]] == 1:
            del scopes[place[0]]
        else:
            scopes[place[0]] -= 1
        return True

    def give_back(self, step: Step, now: float) -> bool:
        """Put a taken *step* back, unless a newer one has its place or its time is up."""
        self.expire(now)
        if step.place in self._steps:
            return False
        self.put(step, now)
        return step not in self.expire(now)

    def expire(self, now: float) -> list[Step]:
        """Remove and return the steps whose time is up."""
        gone: list[Step] = []
        while self._expiry and self._expiry[0][0] <= now:
            step = heapq.heappop(self._expiry)[2]
            if self.take(step):
                gone.append(step)
        self.overdue += [step for step in gone if step.on_timeout is not None]
        return gone

    def next_timeout(self, now: float) -> float | None:
        """Return when the time of the next step is up, if there may be one that has an ``on_timeout``."""
        self.expire(now)
        while self._expiry and self._steps.get(self._expiry[0][2].place) is not self._expiry[0][2]:
            heapq.heappop(self._expiry)
        return now if self.overdue else self._expiry[0][0] if self._expiry else None

    def _compact(self) -> None:
        """Forget the expiry of steps that were answered or given back, once they are the greater part."""
        if len(self._expiry) > 2 * len(self._steps) + 64:
            steps = self._steps.values()
            self._expiry = [(step.expires_at, step.number, step) for step in steps if step.expires_at is not None]
            heapq.heapify(self._expiry)

    def clear(self) -> int:
        """Remove every step; return how many there were."""
        count = len(self._steps)
        self._steps.clear()
        self.scopes.clear()
        self._expiry.clear()
        self.overdue.clear()
        return count
