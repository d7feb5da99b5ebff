"""A journal that this process holds: reading it into a machine, and writing what the machine did."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..errors import AiostepError, NonDeterminismError, NotStorable
from .beginning import Call, read_first
from .entries import Entries
from .inbox import Inbox
from .journal import Machine
from .journals import DONE, FAILED, LEASE, RUN, Stored
from .values import Asked, Finished, How, Kind, Operation, Outcome

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from ..context import Turn
    from ..keys import Place
    from .conversations import Durables
    from .flows import Flow

__all__ = ["LATER", "Held", "Lost", "failed_fields", "holders", "name_place"]

logger = logging.getLogger("aiostep")

#: Seconds for which the result of a conversation is kept, and that its updates were taken.
_TRACE: Final = 24 * 3600.0
#: Seconds until a conversation that failed is tried again, by a process that has not tried it.
LATER: Final = 60.0
_TRIES: Final = 5
_numbers = itertools.count(1)


#: What goes on in this process now; others of the same owner have failed.
holders: Final[set[str]] = set()


class Lost(Exception):
    """Somebody else has gone on with the conversation."""


class Held(Inbox):
    """The journal of one conversation, as long as nobody else writes it.

    Attributes:
        holder: what the journal knows this by.
    """

    machine: Machine
    lock: AbstractAsyncContextManager[Any] | None = None

    def __init__(self, durables: Durables, flow: Flow, stored: Stored, turn: Turn) -> None:
        super().__init__()
        self._durables = durables
        self.flow = flow
        self.stored = stored
        self.turn = turn
        self.holder = f"{durables.owner()}/{next(_numbers)}"
        self._last_error: BaseException | None = None
        self._first: dict[str, Any] = {}
        scribe = turn.adapter.scribe
        assert scribe is not None
        self._scribe = scribe
        scribe.prepare(turn.carrier)
        self._entries = Entries(durables.values, turn.adapter, scribe, stored.bot_id)

    def wall(self) -> float:
        """Return the time that the journal is written in."""
        return self._durables.wall_clock()

    @property
    def is_running(self) -> bool:
        """Whether it does something, rather than wait for somebody."""
        return self.stored.status == RUN

    def lease(self) -> dict[str, str]:
        """Return the fields that say that this process goes on with it now."""
        return {"status": RUN, "until": repr(self.wall() + LEASE)}

    def start(self) -> None:
        """Make it ready to begin, with what a replay would begin with."""
        args, kwargs = self._call(self.turn.carrier).arguments(self.stored)
        begin = partial(self.flow.fn, *args, **kwargs)
        self.machine = Machine(begin, outcome_of=self._entries.outcome_of, entry_of=self._entries.value)

    def load(self) -> None:
        """Make it ready to go on where the journal ends.

        Raises:
            StorageDamaged: the journal cannot be read.
        """
        try:
            self.machine = self._machine_of(self.stored)
        except AiostepError:
            raise
        except Exception as error:
            raise self.stored.damaged("what it waits for, or another field", error) from error

    async def verify(self, name: str) -> None:
        """Replay the journal beside the conversation, to see whether it comes to the same question.

        Raises:
            NonDeterminismError: it does not.
        """
        stored = await self._durables.journals.load(self.stored.key)
        if stored is None:
            return
        shadow = self._machine_of(stored)
        try:
            stop = shadow.step()
            if not isinstance(stop, Operation) or stop.name != name:
                raise NonDeterminismError(shadow.position, f"comes to {stop!r} in a replay", f"waiting at {name!r}")
        finally:
            shadow.kill()

    def read_first(self) -> Any:
        """Return the update that it began with. One replay gets this very object, which is its own from then on."""
        written = self.stored.get("update")
        self._first = {written: read_first(self.stored, self._scribe)}
        return self._first[written]

    def _call(self, carrier: Any) -> Call:
        return Call(self.flow.fn, carrier, self._scribe, self._entries, self._durables.values)

    def _machine_of(self, stored: Stored) -> Machine:
        values = self._durables.values
        written = stored.get("update")
        carrier = self._first.pop(written, None) or read_first(stored, self._scribe)
        args, kwargs = self._call(carrier).arguments(stored)
        asked = values.decode(stored.get("asked")) if stored.get("asked") else None
        if asked is not None and not isinstance(asked[0], str):
            raise TypeError(f"{asked[0]!r} is no name of a question")
        begun = stored.get("begun")
        return Machine(
            partial(self.flow.fn, *args, **kwargs),
            self._entries.read_all(stored.entries, self.flow.name),
            None if asked is None else Asked(*asked),
            begun=int(begun) if begun else None,
            outcome_of=self._entries.outcome_of,
            entry_of=self._entries.value,
            book=self._book(stored),
        )

    # Signals: by name, in the order in which they came.

    def signal_for(self, name: str) -> str | None:
        """Return the first signal that an operation of this name waits for, or None."""
        kind, _, signal = name.partition(" ")
        if kind != "signal" or not self.stored.get("signals"):
            return None
        found: Any = self.stored.parts("signals", {}).get(signal)
        return found[0] if found else None

    def _without(self, name: str) -> str:
        """Return the field when the first signal for that operation was taken."""
        signals: dict[str, list[str]] = self.stored.parts("signals", {})
        del signals[name.partition(" ")[2]][0]
        return json.dumps({one: rest for one, rest in signals.items() if rest})

    # Where it waits, besides its own place.

    async def hint(self, place: Place) -> None:
        """Note that it waits at another place than its own, unless a block around has done so."""
        if place not in self.machine.blocks:
            await self._durables.journals.hint(place, self.stored.key)

    async def _forget_hint(self, place: Place) -> None:
        """Note that it does not wait there any more."""
        if place != self.stored.place and place not in self.machine.blocks:
            await self._durables.journals.forget_hint(place)

    async def hold_place(self, place: Place) -> None:
        """Keep what arrives at *place* from now on, in whichever process: a block begins."""
        if place != self.stored.place:
            await self.hint(place)

    async def leave_place(self, place: Place) -> None:
        """Keep nothing more for the block that ends; what nobody has read goes to ordinary handlers."""
        await self._forget_hint(place)
        held = (self.turn.conversations or {}).get(place)
        if held is not None and place != self.stored.place and place not in self.machine.blocks:
            self._durables.runtime.close_conversation(held)

    # Writing.

    async def save(self, fields: Mapping[str, str], *, due: float | None = None, **how: Any) -> None:
        """Write what is new.

        Raises:
            Lost: somebody else has written since.
        """
        if self.lock is None:
            return await self._save(fields, due, how)
        async with self.lock:  # several questions are out, and each may write
            return await self._save(fields, due, how)

    async def _save(self, fields: Mapping[str, str], due: float | None, how: dict[str, Any]) -> None:
        journals, machine, fields = self._durables.journals, self.machine, dict(fields)
        if self.stored.get("holder") != self.holder:
            fields |= {"holder": self.holder, "owner": self._durables.owner()}
        if fields.get("status") == RUN:
            due = float(fields["until"])
        for _ in range(_TRIES):
            fields["inbox"] = self._inbox(fields)
            if (signal := how.get("without")) is not None:
                fields["signals"] = self._without(signal)
            texts = [self._entries.write(entry) for entry in machine.fresh]
            keep = how.get("keep", machine.keep)
            known = self.stored.fields
            changed = {name: value for name, value in fields.items() if known.get(name, "") != value}
            if await journals.append(self.stored, texts, changed, due=due, keep=keep, ttl=how.get("ttl")):
                machine.flushed()
                return
            there = await journals.load(self.stored.key)
            if there is None or there.get("holder") != self.holder:
                raise Lost
            # Somebody has put an update into the inbox.
            self.stored = there
            self._receive()
        raise Lost

    async def _end(self, how: str, value: Any) -> None:
        """Write down that it is over; its place is free."""
        try:
            result = self._durables.values.encode(value, "the result")
        except NotStorable as error:
            logger.warning("the result of the durable conversation %s is not kept: %s", self.flow.name, error)
            result = "null"
        self.machine.fresh.clear()
        empty = dict.fromkeys("asked inbox update to more named found book until begun".split(), "")
        await self.save({**empty, "status": DONE, "ended": how, "result": result}, keep=0, ttl=_TRACE)

    async def fail(self, error: BaseException) -> None:
        """Write down that its code raised, and have errors of ours say where: it goes on when that is mended.

        An effect whose own error ended it is forgotten, or it would fail with the same error for ever.
        """
        is_own = self._last_error is error
        name_place(error, self.flow.name, self.machine.position - is_own)
        keep = None
        if is_own:
            if self.machine.fresh:
                self.machine.fresh.pop()
            else:
                keep = self.machine.stored - 1
        how = {} if keep is None else {"keep": keep}
        with contextlib.suppress(Lost):
            failed = failed_fields(self.stored, error, self._durables.owner())
            await self.save({**failed, **self._seen()}, due=self.wall() + LATER, **how)

    async def set_aside(self, error: BaseException) -> None:
        """Write down that the journal cannot be read here."""
        await self._durables.set_aside(self.stored, error, self._seen())

    async def _begin_anew(self, finished: Finished) -> None:
        """Go back to a position, or begin again with an empty journal."""
        machine, values = self.machine, self._durables.values
        fields = self.lease() | {"epoch": self._next_epoch(), "begun": "", "asked": ""}
        if finished.how is How.AGAIN:
            machine.fresh.clear()
            fields |= {"more": values.encode(list(finished.value), "the arguments of continue_as_new()"), "book": ""}
            await self.save(fields, keep=0)
        else:
            position: int = finished.value
            del machine.fresh[max(0, position - machine.stored) :]
            stored = min(position, machine.stored)
            await self.save(fields, keep=stored if machine.keep is None else min(stored, machine.keep))
        await self._reload()

    async def _carry(self) -> None:
        """Begin the new code with the answers that there are."""
        stored, values = self.stored, self._durables.values
        book: dict[str, str] = stored.parts("book", {})
        for text in stored.entries:
            entry = self._entries.read(text)
            if entry.kind in (Kind.WAIT, Kind.EFFECT) and entry.tag in ("v", "o", "u", "m"):
                book[f"{entry.kind} {entry.name}"] = values.encode(list(entry), "the journal")
        logger.info("the durable conversation %s begins anew, with %d answers", self.flow.name, len(book))
        self._withdraw()
        self.machine.fresh.clear()
        anew = {"epoch": self._next_epoch(), "book": json.dumps(book), "begun": "", "asked": ""}
        seen, self.delivery = self._seen(), None
        version = {"version": str(self.flow.version)}
        await self.save({**self.lease(), **anew, **version, **seen}, keep=0)
        await self._reload()

    def _next_epoch(self) -> str:
        return str(int(self.stored.number("epoch") or 0) + 1)

    async def _reload(self) -> None:
        self.machine.kill()
        stored = await self._durables.journals.load(self.stored.key)
        if stored is None or stored.get("holder") != self.holder:
            raise Lost
        self.stored = stored
        self.load()

    def _book(self, stored: Stored) -> dict[str, Outcome]:
        written: dict[str, str] = stored.parts("book", {})
        return {name: self._entries.outcome_of(self._entries.read(text)) for name, text in written.items()}


def failed_fields(stored: Stored, error: BaseException, owner: str) -> dict[str, str]:
    """Return what is written of a conversation that *owner* cannot go on with."""
    tried = " ".join([*stored.get("tried").split()[-7:], owner])
    return {"status": FAILED, "tried": tried, "ended": f"{type(error).__name__}: {error}"[:500]}


def name_place(error: BaseException, name: str, position: int) -> None:
    """Have an error of ours say in which conversation it was raised, and where in that."""
    said = str(error)
    if isinstance(error, AiostepError) and len(error.args) == 1 and not said.startswith("in the durable conversation"):
        error.args = (f"in the durable conversation {name!r}, at operation {position}: {said}",)
