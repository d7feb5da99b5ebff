"""The replay machine of a durable conversation: one coroutine and its journal. Pure: no await, no clock, no storage.

Rules:

* The coroutine is driven by hand. It stops at an ``Operation``, which is the only thing it may await; anything else
  raises ``NonDurableAwait`` inside of it, at the line that awaits. So a replay needs no event loop, and a conversation
  that waits is a coroutine that nobody runs.
* Every operation is one entry, written when it is over. Operations are known by their order and their names. A replay
  answers from the entries, in order; the first operation that has none is handed out, to be performed.
* While the conversation waits, the journal says for what (``asked``). A replay is only over when that wait is reached
  again: whatever else the code does there is another code, and an answer to "age?" is never given to "e-mail?".
* What the live code gets is what a replay would get, so the first run differs in nothing from the later ones.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar
from typing import Any, Final

from ..errors import NonDeterminismError, NonDurableAwait
from .values import Again, Asked, Entry, Evicted, Finished, How, Kind, Known, Operation, Outcome, Rewound

__all__ = ["Machine", "current_flow", "is_same_name"]

#: How alike two texts of a question must be to be one question whose wording was mended.
_ALIKE: Final = 0.75


class Machine:
    """One run of a conversation's coroutine.

    Args:
        begin: makes the coroutine.
        entries: what happened so far.
        asked: what it waits for, if it does.
        begun: the position of the effect that was begun last, if starts are kept.
        outcome_of: what the coroutine gets for an entry.
        entry_of: makes the entry of a kind, a name and a value, and what the coroutine gets for it.
        book: answers by name that are given without asking, of an earlier version of the code.

    Attributes:
        position: how many operations are over.
        fresh: entries that are not stored yet.
        keep: how many of the stored entries stay; None: all.
        asks: the positions at which questions began.
        blocks: the places of the blocks in which the code is, such as that of a stream.
        waiting: of several questions at once, those that are open still.
        perform_now: what ``effect_now`` calls with an operation; returns the outcome, which it has recorded.
        ending: why the coroutine is being left, if it is.
    """

    def __init__(
        self,
        begin: Callable[[], Coroutine[Any, Any, Any]],
        entries: Sequence[Entry] = (),
        asked: Asked | None = None,
        *,
        begun: int | None = None,
        outcome_of: Callable[[Entry], Outcome] = lambda entry: Outcome(entry.payload),
        entry_of: Callable[[str, str, Any], tuple[Entry, Outcome]] = lambda kind, name, value: (
            Entry(kind, name, "v", value),
            Outcome(value),
        ),
        book: dict[str, Outcome] | None = None,
    ) -> None:
        self._entries: Sequence[Entry] = entries
        self._asked = asked
        self._begun = begun
        self._outcome_of = outcome_of
        self._entry_of = entry_of
        self._next = Outcome()
        self._is_running = False
        self.position = 0
        self.stored = len(entries)
        self.fresh: list[Entry] = []
        self.keep: int | None = None
        self.asks: list[int] = []
        self.blocks: list[Any] = []
        self.waiting: set[Operation] = set()
        self.perform_now: Callable[[Operation], Outcome] | None = None
        self.ending: BaseException | None = None
        self.is_dead = False
        self.book = book or {}
        # With a book, nothing is said until the first question that it has no answer to.
        self.is_muted = bool(self.book)
        self.coroutine = begin()

    @property
    def is_replaying(self) -> bool:
        """Whether what the code does now was done before."""
        return self.position < len(self._entries) or self._asked is not None

    # For the conversation: what it may await.

    def wait(self, name: str, perform: Callable[..., Any], options: Any = None) -> Awaitable[Any]:
        """Return the operation that waits for somebody."""
        self._check("a question")
        self.asks.append(self.position)
        if self.book and (known := self.book.get(f"{Kind.WAIT} {name}")) is not None:
            return Known(known)
        self.is_muted = False
        return Operation(Kind.WAIT, name, perform, options)

    def several(self, branches: list[tuple[int, Any]]) -> Operation:
        """Return the operation that is over when the first of several waits is; it gives a number and an outcome."""
        self._check("several questions")
        self.waiting = {one for _, one in branches}
        return Operation(Kind.SEVERAL, Kind.SEVERAL, _nothing, branches)

    def effect(self, name: str, perform: Callable[..., Any], options: Any = None) -> Awaitable[Any]:
        """Return the operation that does something which is done once."""
        self._check(name)
        if self.is_muted and (known := self.book.get(f"{Kind.EFFECT} {name}")) is not None:
            return Known(known)
        return Operation(Kind.EFFECT, name, perform, options)

    def effect_now(self, name: str, perform: Callable[..., Any], options: Any = None) -> Any:
        """Do the same without awaiting, for frameworks whose calls block: ``perform_now`` does what a driver would.

        Raises:
            Exception: what *perform* raised.
        """
        self._check(name)
        if self.is_muted and (known := self.book.get(f"{Kind.EFFECT} {name}")) is not None:
            return known.get()
        operation = Operation(Kind.EFFECT, name, perform, options)
        found = self._replayed(operation)
        if found is None:
            if self.perform_now is None:
                raise self._differs(f"does {operation.kind} {name!r}", "nothing more")
            found = self.perform_now(operation)
        return found.get()

    def patched(self, name: str) -> bool:
        """Tell whether this conversation runs the code behind the patch: all do that come here for the first time."""
        self._check("patched()")
        if self.position < len(self._entries):
            entry = self._entries[self.position]
            if entry.kind != Kind.PATCH or entry.name != name:
                return False
            self.position += 1
            return True
        if self._asked is not None:  # it waits further on, in the code as it was
            return False
        self.record(Entry(Kind.PATCH, name))
        return True

    def folded(self, name: str) -> Outcome | None:
        """Return the outcome of a part that is over, or None if it has to be run, or to be gone on with."""
        self._check(name)
        if self.position >= len(self._entries) or self._entries[self.position].kind != Kind.SUB:
            return None
        return self._replayed(Operation(Kind.SUB, name, _nothing))

    def fold(self, start: int, name: str, value: Any) -> Outcome:
        """Put one entry with *value* in the place of all since *start*; return what a replay would give."""
        self._check(name)
        entry, outcome = self._entry_of(Kind.SUB, name, value)
        if start < self.stored:
            self.keep = start if self.keep is None else min(start, self.keep)
            self.stored, self.fresh = start, []
        else:
            del self.fresh[start - self.stored :]
        self.position = start
        self.asks = [one for one in self.asks if one < start]
        self.record(entry)
        return outcome

    def leave(self, ending: BaseException) -> BaseException:
        """Return what the conversation is to raise so that it is left at once; its ``finally`` does nothing more."""
        self._check("leaving")
        self.ending = ending
        return ending

    # For the driver.

    def step(self) -> Operation | Finished:
        """Run through all that happened before; return the first operation that did not, or how it ended.

        Raises:
            NonDeterminismError: the code does something else than the journal says.
            Exception: what the code raised; the journal is as it was.
        """
        while True:
            stop = self._advance()
            if isinstance(stop, Finished):
                return stop
            found = self._replayed(stop)
            if found is None:
                return stop
            self._next = found

    def record(self, entry: Entry) -> None:
        """Note what is over."""
        self.fresh.append(entry)
        self.position += 1

    def resume(self, outcome: Outcome) -> None:
        """Say what ``step`` hands to the coroutine."""
        self._next = outcome

    def flushed(self) -> None:
        """Note that everything is stored."""
        self.stored += len(self.fresh)
        self.fresh, self.keep = [], None

    def kill(self) -> None:
        """Let go of the coroutine. What it does in ``finally`` is not done."""
        self.is_dead = True
        token = current_flow.set(self)
        try:
            with contextlib.suppress(BaseException):
                self.coroutine.close()
        finally:
            current_flow.reset(token)

    def where(self) -> str:
        """Return the file and the line at which the code stands."""
        frame: Any = None
        found: Any = self.coroutine
        root = getattr(found.cr_frame, "f_globals", {}).get("__name__", "").partition(".")[0]
        while found is not None and getattr(found, "cr_frame", None) is not None:
            if frame is None or found.cr_frame.f_globals.get("__name__", "").partition(".")[0] == root:
                frame = found.cr_frame
            found = found.cr_await
        return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"

    # Inside.

    def _advance(self) -> Operation | Finished:
        """Let the coroutine run until it awaits something."""
        token = current_flow.set(self)
        self._is_running = True
        try:
            value, error = self._next
            self._next = Outcome()
            stop = self.coroutine.send(value) if error is None else self.coroutine.throw(error)
            while not isinstance(stop, Operation):
                _leave(stop)
                stop = self.coroutine.throw(NonDurableAwait(stop, self.where()))
            return stop
        except StopIteration as end:
            return self._finished(How.RETURNED, end.value)
        except (Rewound, Again, Evicted) as raised:
            ending = self.ending or raised
            if isinstance(ending, Evicted):
                raise
            return Finished(How.REWOUND if isinstance(ending, Rewound) else How.AGAIN, ending.args[0])
        finally:
            self._is_running = False
            current_flow.reset(token)

    def _finished(self, how: How, value: Any) -> Finished:
        if isinstance(self.ending, Evicted):
            raise self.ending
        if self.ending is not None:  # somebody caught what is no exception
            return Finished(How.REWOUND if isinstance(self.ending, Rewound) else How.AGAIN, self.ending.args[0])
        if self.is_replaying:
            raise self._differs("returns", self._expected())
        return Finished(how, value)

    def _replayed(self, stop: Operation) -> Outcome | None:
        """Return what the journal says of *stop*; None: nothing, it is to be performed."""
        if stop.kind == Kind.SEVERAL:
            return self._replayed_branch(stop)
        if self.position < len(self._entries):
            entry = self._entries[self.position]
            if entry.kind != stop.kind or not is_same_name(entry.name, stop.name):
                raise self._differs(f"does {stop.kind} {stop.name!r}", self._expected())
            self.position += 1
            return self._outcome_of(entry)
        self._entries = ()
        if self._asked is not None:
            if stop.kind != Kind.WAIT or not is_same_name(self._asked.name, stop.name):
                raise self._differs(f"does {stop.kind} {stop.name!r}", self._expected())
            stop.state, self._asked = self._asked.state, None
        elif stop.kind in (Kind.EFFECT, Kind.WAIT) and self._begun == self.position:
            stop.is_in_doubt, self._begun = True, None
        return None

    def _replayed_branch(self, stop: Operation) -> Outcome | None:
        branches: dict[str, Operation] = {str(number): one for number, one in stop.options}
        if self.position < len(self._entries):
            entry = self._entries[self.position]
            number, _, name = entry.name.partition(" ")
            if entry.kind != Kind.WAIT or number not in branches or not is_same_name(name, branches[number].name):
                raise self._differs(f"waits for several: {list(branches.values())!r}", self._expected())
            self.position += 1
            return Outcome((int(number), self._outcome_of(entry)))
        self._entries = ()
        if self._asked is not None:
            known: dict[str, Any] = self._asked.state if self._asked.name == Kind.SEVERAL else {}
            for number, (name, state) in known.items():
                if number not in branches or not is_same_name(name, branches[number].name):
                    raise self._differs(f"waits for several: {list(branches.values())!r}", self._expected())
                branches[number].state = state
            if not known:
                raise self._differs("waits for several", self._expected())
            self._asked = None
        return None

    def _expected(self) -> str:
        if self.position < len(self._entries):
            entry = self._entries[self.position]
            return f"{entry.kind} {entry.name!r}"
        assert self._asked is not None
        return f"waiting at {self._asked.name!r}"

    def _differs(self, code: str, journal: str) -> NonDeterminismError:
        return NonDeterminismError(self.position, code, journal, self.where())

    def _check(self, what: str) -> None:
        """Refuse what is not done by the coroutine while it runs.

        Raises:
            NonDurableAwait: it is done by a task that the conversation started.
        """
        if self.is_dead or self.ending is not None:
            raise Evicted
        if not self._is_running:
            raise NonDurableAwait(what, "")


#: The conversation whose code runs right now. Unset while the driver performs what it asked for.
current_flow: ContextVar[Machine | None] = ContextVar("aiostep_flow", default=None)


def _leave(awaited: Any) -> None:
    """Look at how *awaited* ends, once it does: a future nobody looks at reports its error at any later time."""
    if hasattr(awaited, "add_done_callback"):
        awaited.add_done_callback(_look_at)


def _look_at(future: Any) -> None:
    if not future.cancelled():
        future.exception()


def is_same_name(recorded: str, name: str) -> bool:
    """Tell whether an operation is the one that was recorded: a question's wording may have been mended."""
    if recorded == name:
        return True
    kind, mark, old = recorded.partition(": ")
    other, _, new = name.partition(": ")
    if not mark or kind != other:
        return False
    return difflib.SequenceMatcher(None, old, new, autojunk=False).ratio() >= _ALIKE


def _nothing(*_: Any) -> None:
    """Stand for what is never performed."""
