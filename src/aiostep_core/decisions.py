"""What a decision is: what becomes of an update, and what that leaves to do. Frozen values, by convention."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from .facts import Delivery
    from .lanes import Held, Lane
    from .waits import Wait

__all__ = ["NOTHING", "Changes", "Decision", "Glance", "Outcome"]


class Outcome(Enum):
    """What becomes of an update."""

    PASS = "not ours: the framework goes on with it"
    CLAIMED = "it is the answer to a wait"
    KEPT = "it is in the mailbox of a conversation"
    ABSORBED = "it is a further part of an album that was an answer"
    CANCELLED = "it ended a conversation"
    NOT_YOURS = "it is a click on a keyboard meant for somebody else"
    FILTERING = "a filter is to be awaited first"
    HELD = "an earlier update of its key is being filtered"


class Changes(NamedTuple):
    """What a decision leaves to do: waits to wake, and updates that go to ordinary handlers after all."""

    ended: Sequence[Wait] = ()
    leftovers: Sequence[Delivery] = ()

    @classmethod
    def of(cls, parts: Iterable[Changes]) -> Changes:
        """Put several together, in their order."""
        ended: list[Wait] = []
        leftovers: list[Delivery] = []
        for part in parts:
            ended += part.ended
            leftovers += part.leftovers
        return cls(ended, leftovers)


NOTHING: Final = Changes()


@dataclass(slots=True, eq=False)
class Decision:
    """What becomes of one update, and what that leaves to do.

    Attributes:
        verdict: FILTERING only: what the filter of *wait* gave; await it, then call ``resume`` with its truth.
        lane: FILTERING only: where later updates of the key queue until ``release``.
        held: HELD only: the place in that queue.
        asked: the waits, or the updates of a mailbox, that a filter has been asked about.
    """

    outcome: Outcome
    delivery: Delivery | None = None
    wait: Wait | None = None
    changes: Changes = NOTHING
    verdict: Awaitable[object] | None = None
    lane: Lane | None = None
    held: Held | None = None
    asked: frozenset[object] = frozenset()


class Glance(Enum):
    """What can be told of a plain message at a glance, if not whose answer it is."""

    NOBODY = "nobody waits for it"
    UNCLEAR = "it must be looked at closely: decide"
