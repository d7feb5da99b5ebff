"""What a journal is made of, and what passes between a conversation and whoever drives it. Pure values."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from ..facts import Delivery

__all__ = [
    "Again",
    "Asked",
    "Entry",
    "Evicted",
    "Finished",
    "How",
    "Kind",
    "Known",
    "MadeOf",
    "Operation",
    "Outcome",
    "Rewound",
]


class Kind:
    """What an entry, or an operation, is."""

    WAIT: Final = "wait"
    SEVERAL: Final = "several"
    EFFECT: Final = "effect"
    PATCH: Final = "patch"
    SUB: Final = "sub"


class Entry(NamedTuple):
    """One line of a journal.

    Attributes:
        tag: what sort of outcome *payload* is; the codec's business.
        note: of a wait, the id of the update that answered it.
    """

    kind: str
    name: str
    tag: str = ""
    payload: Any = None
    note: Any = None


class Asked(NamedTuple):
    """A question that is out: its name, and what its asker needs to go on with it after a restart."""

    name: str
    state: Any = None


class Outcome(NamedTuple):
    """How an operation ended, as the coroutine gets to know it."""

    value: Any = None
    error: BaseException | None = None

    def get(self) -> Any:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value


class MadeOf:
    """An answer that cannot be kept: the question makes it of the updates again, whenever it is replayed."""

    __slots__ = ("deliveries",)

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        self.deliveries = deliveries


class How(Enum):
    """How a run of the coroutine ended."""

    RETURNED = "returned"
    REWOUND = "rewound"
    AGAIN = "again"


class Finished(NamedTuple):
    """The coroutine is done: *value* is its result, its last error, a position, or new arguments."""

    how: How
    value: Any


class Evicted(BaseException):
    """Raised by operations of a conversation that is only taken out of memory: its ``finally`` must do nothing."""


class Rewound(BaseException):
    """Raised to go back to a position."""


class Again(BaseException):
    """Raised to begin anew, with other arguments and an empty journal."""


class Operation:
    """What a conversation asks of the outside; awaiting it gives the outcome.

    Attributes:
        perform: does it; called by the driver, outside of the conversation.
        options: what the driver needs to know besides.
        state: of a wait, what was kept of it when it was asked before; None: it is asked for the first time.
        is_in_doubt: of an effect, or a prompt, whether it was begun before and nobody knows how it ended.
    """

    __slots__ = ("is_in_doubt", "kind", "name", "options", "perform", "state")

    def __init__(self, kind: str, name: str, perform: Callable[..., Any], options: Any = None) -> None:
        self.kind = kind
        self.name = name
        self.perform = perform
        self.options = options
        self.state: Any = None
        self.is_in_doubt = False

    def __await__(self) -> Generator[Operation, Any, Any]:
        return (yield self)

    def __repr__(self) -> str:
        return f"<Operation {self.kind} {self.name!r}>"


class Known:
    """An outcome that is known already, to be awaited like an operation."""

    __slots__ = ("_outcome",)

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from ()
        return self._outcome.get()
