"""One durable conversation going on in this process: what drives its machine."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

from ..decisions import Changes
from ..errors import (
    EffectInDoubt,
    NonDeterminismError,
    NotDurable,
    NotStorable,
    StorageDamaged,
    StorageUnavailable,
    WaitCancelled,
    WaitEnded,
)
from ..waits import Signal, WaitState
from .contexts import held_by
from .doing import Doing
from .held import Lost
from .journals import PARK, key_of, names_of, what_takes
from .kept import Kept
from .several import Several
from .values import Entry, Evicted, Finished, How, Kind, Operation, Outcome

if TYPE_CHECKING:
    from ..context import Turn
    from ..facts import Delivery
    from ..waits import Wait
    from .conversations import Durables
    from .flows import Flow
    from .journals import Stored

__all__ = ["Left", "Run"]

logger = logging.getLogger("aiostep")

#: Operations after which it is said that a journal grows.
_MANY: Final = 1000
_AS_IT_IS: Final = contextlib.nullcontext()


class Left(Exception):
    """The conversation is out of memory, and as it is in the storage."""


class _Signalled(Exception):
    """The signal that an operation waits for is there already."""


class Run(Doing):
    """A durable conversation that this process goes on with.

    Attributes:
        over: done when nothing goes on here any more, if anybody wants to know.
        has_left: whether it goes on elsewhere or later.
    """

    def __init__(self, durables: Durables, flow: Flow, stored: Stored, turn: Turn) -> None:
        super().__init__(durables, flow, stored, turn)
        self.kept: Kept | None = None
        self.several: Several | None = None
        self._is_evicted = False
        self.over: Any = None
        self.has_left = False
        self._reason: str | None = None

    @property
    def is_leaving(self) -> bool:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether it is being taken out of memory, to go on elsewhere or later."""
        return self._is_evicted or self._durables.is_closing

    # From outside.

    @property
    def _open_waits(self) -> list[Wait]:
        """The waits that are open; of one question, or of several."""
        waits = [] if self.several is None else self.several.waits
        if self.kept is not None and self.kept.wait is not None:
            waits.append(self.kept.wait)
        return [wait for wait in waits if wait.state is WaitState.PENDING]

    @property
    def _claimed(self) -> list[Delivery]:
        kept = [*([] if self.several is None else self.several.kept), *([] if self.kept is None else [self.kept])]
        return [one.wait.delivery for one in kept if one.wait is not None and one.wait.delivery is not None]

    def cancel(self, reason: str) -> None:
        """Have its wait, or its next one, raise ``WaitCancelled``."""
        self._reason = reason
        runtime = self._durables.runtime
        for conversation in {wait.conversation for wait in self._open_waits}:
            runtime.perform(runtime.engine.end(conversation, reason))

    def notice(self) -> None:
        """Look whether a signal has come that it waits for."""
        runtime = self._durables.runtime
        every = [] if self.several is None else self.several.kept
        for kept in [*every, *([] if self.kept is None else [self.kept])]:
            if kept.wait is not None and self.signal_for(kept.name) is not None:
                if kept.wait.take(Signal.CANCEL, reason="signal"):
                    runtime.perform(Changes(ended=[kept.wait]))
                return

    async def look_for_signals(self) -> None:
        """Look whether another process has put one into the journal, which is due although this one looks after it."""
        there = await self._durables.journals.load(self.stored.key)
        if there is not None and there.get("holder") == self.holder and there.status == PARK:
            self.stored = there
            self.notice()

    def leave(self) -> None:
        """Take it out of memory; it must be waiting."""
        waits = self._open_waits
        if waits:
            self._is_evicted = True
            for wait in waits:
                wait.conversation.is_silent = True
            self.cancel("evicted")

    def cut(self) -> None:
        """Note that its task is cancelled; what is only in memory ends with that."""
        self._is_evicted = self._durables.is_durable

    async def go(self) -> Any:
        """Go on until it is over; return its result. None if somebody else goes on with it, or nobody does now."""
        self._durables.add(self)
        try:
            return await self._go()
        except Left:
            self.has_left = True
            for conversation in self._mailboxes:
                conversation.is_silent = True  # it is not over: nobody says goodbye
            await self._leave_behind()
            return None
        finally:
            self.machine.kill()
            self._close_several()
            self._durables.remove(self)
            if self.over is not None and not self.over.done():
                self.over.set_result(None)

    async def resume(self) -> Any:
        """Do the same with a journal that is not read yet, for the sake of ``delivery``, if there is one."""
        self._durables.add(self)
        try:
            await self.take_over()
        except BaseException as error:
            self._durables.remove(self)
            if isinstance(error, Left):
                return None
            self._withdraw()  # whoever handles the error has it
            raise
        return await self.go()

    async def take_over(self) -> None:
        """Read the journal, and go on from there if that is up to us.

        Raises:
            Left: it is not.
        """
        delivery, stored = self.delivery, await self._durables.journals.reload(self.stored)
        update_id = None if delivery is None else delivery.facts.update_id
        if stored is not None and stored.has_seen(update_id):
            self._withdraw()
            raise Left
        if stored is None or not stored.is_open or (self._reason is None and self._durables.has_failed_here(stored)):
            self._hand_back()
            raise Left
        self.stored = stored
        if self._durables.is_held(stored):
            if delivery is not None:
                self._withdraw()
                await self._put_into_inbox(delivery)
            raise Left
        if (flow := self._durables.flow_of(stored.fields)) is None:
            self._hand_back()
            raise Left
        self.flow = flow
        try:
            self._receive()
            self.load()
        except StorageDamaged as error:
            await self.set_aside(error)
            raise

    # Driving.

    async def _go(self) -> Any:
        while True:
            try:
                stop = await self._step()
                if isinstance(stop, Operation):
                    await self._do(stop)
                elif stop.how is How.RETURNED:
                    await self._end("returned", stop.value)
                    return stop.value
                else:
                    await self._begin_again(stop)
            except Lost:
                self.machine.kill()
                self._close_several()
                if self.delivery is None or self.conversation is None:
                    raise Left from None
                self.offer(self.delivery, self.conversation)
                await self.take_over()

    async def _begin_again(self, stop: Finished) -> None:
        try:
            await self._begin_anew(stop)
        except NotStorable as error:
            await self.fail(error)
            raise

    async def _step(self) -> Operation | Finished:
        """Let the conversation's own code run."""
        try:
            self._check_length()
            if self.machine.perform_now is None:
                self.machine.perform_now = self.perform_now
            if not self._durables.journals.is_for_threads:
                return self.machine.step()
            from .thread_tasks import step_outside

            return await step_outside(self.machine)
        except Evicted:
            broken, self.broken = self.broken, None
            raise broken or Left() from None
        except WaitEnded as ended:
            await self._end(f"{type(ended).__name__} {getattr(ended, 'reason', '')}".rstrip(), None)
            raise
        except NonDeterminismError as error:
            if self.flow.on_change != "carry":
                await self.fail(error)
                raise
            await self._carry()
            return await self._step()
        except Exception as error:
            await self.fail(error)
            raise

    async def _do(self, operation: Operation) -> None:
        if self.several is not None:
            self.several.close(self.machine.waiting)
        if operation.kind == Kind.SEVERAL:
            await self._wait_for_several(operation)
        elif operation.kind == Kind.WAIT:
            await self._wait(operation)
        else:
            self.machine.resume(await self._effect(operation))

    async def _wait_for_several(self, operation: Operation) -> None:
        """Ask all of several, until one has an outcome."""
        self.several = self.several or Several(self, self._durables.tasks())
        self.lock = self.several.lock
        entry, outcome, kept = await self.several.next(operation)
        self.delivery = kept.delivery
        await self._conclude(kept, entry, outcome)

    def _close_several(self) -> None:
        if self.several is not None:
            self.several.close(set())

    async def _wait(self, operation: Operation) -> None:
        """Ask, or go on asking, until there is an outcome."""
        if self.flow.strict and (found := held_by(self.machine.coroutine)):
            what = f"{', '.join(found)}, which is held open while the conversation waits,"
            return self.machine.resume(Outcome(error=NotDurable(what, "leave it before asking")))
        await self._announce(operation)
        kept = self.kept = Kept(self, operation)
        try:
            entry, outcome = await self.ask(operation, kept)
        finally:
            self.kept = None
        self.delivery = kept.delivery
        return await self._conclude(kept, entry, outcome)

    async def ask(self, operation: Operation, kept: Kept) -> tuple[Entry, Outcome]:
        """Perform a wait; return what it comes to.

        Raises:
            Lost, Left, StorageError: it comes to nothing here.
        """
        try:
            if self._reason is not None and operation.state is None:
                raise WaitCancelled(self._reason)
            if (text := self.signal_for(operation.name)) is not None:
                raise _Signalled(text)
            if operation.is_in_doubt and self.flow.on_doubt == "raise":
                raise EffectInDoubt(operation.name, self._key())
            with _AS_IT_IS if self._reason is None else self.hiding_unread():
                value, kept.delivery = await operation.perform(kept)
            return self._entries.answer(operation.name, value, kept.delivery, kept.made_of)
        except (Lost, Left, NonDeterminismError, StorageUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to the conversation
            if (text := self.signal_for(operation.name)) is not None:
                kept.signal = operation.name
                return self._entries.answer(operation.name, self._durables.values.decode(text), None)
            if self.is_leaving and isinstance(error, WaitCancelled):
                raise Left from None
            return self._entries.error(Kind.WAIT, operation.name, error)

    async def _conclude(self, kept: Kept, entry: Entry, outcome: Outcome) -> None:
        """Write down how a question ended."""
        if kept.wait is not None:
            self.conversation = kept.wait.conversation
        self._forget_copies()
        self._reason = None
        self._note(entry, outcome)
        await self.save({**self.lease(), "asked": "", **self._seen()}, without=kept.signal)
        self.delivery = None
        if kept.wait is not None and kept.wait.conversation.place != self.stored.place:
            await self._forget_hint(kept.wait.conversation.place)

    async def _announce(self, operation: Operation) -> None:
        """Write down that a prompt is about to be sent, if that is wanted; or find out that it was."""
        if operation.is_in_doubt and self.flow.on_doubt == "skip":
            operation.state = {"at": self.wall()}
        elif self.flow.durability == "intent" and operation.options is not None and operation.state is None:
            await self.save({**self.lease(), "begun": str(self.machine.position)})

    def _check_length(self) -> None:
        """Refuse a journal that grows for ever.

        Raises:
            NotDurable: it is too long.
        """
        position = self.machine.position
        if position and position % _MANY == 0:
            logger.warning(
                "the durable conversation %s has done %d operations; continue_as_new() would begin a new journal",
                self.flow.name,
                position,
            )
        if position > self.flow.limit:
            raise NotDurable(f"the journal of {self.flow.name}, of {position} operations,", "use continue_as_new()")

    # A wait, by way of ``Kept``.

    async def park(self, kept: Kept, wait: Wait, deadline: float | None) -> None:
        """Write down that the conversation waits."""
        place = wait.conversation.place
        fields = {
            "status": PARK,
            "asked": self._asked(kept),
            "kinds": names_of(wait.kinds),
            "due": "" if deadline is None else repr(deadline),
            "at": "" if place == self.stored.place else key_of(place).name,
            "takes": what_takes(wait.takes_commands, wait.takes_service, not wait.is_cancellable),
        }
        if fields["at"]:
            await self.hint(place)
        await self.save(fields, due=deadline)
        if self.flow.verify:
            await self.verify(kept.name)

    async def refuse(self, kept: Kept, delivery: Delivery) -> None:
        """Write down that an update was no good answer."""
        self.delivery = delivery
        self._forget_copies()
        await self.save({"asked": self._asked(kept), **self._seen()}, due=self.stored.due)
        self.delivery = None

    def waits_for_all(self) -> None:
        """Note that all of several questions are out."""
        for wait in self._open_waits:
            self.watch(wait.conversation)
        self._tidy_up()
        self._durables.touch(self)

    def encode(self, value: object) -> str:
        """Return what is asked, as it is kept."""
        return self._durables.values.encode(value, "the questions")

    def seen_too(self, delivery: Delivery) -> dict[str, str]:
        """Return the fields that say that the update was taken."""
        return self.stored.seen_with(delivery.update_id)

    def _tidy_up(self) -> None:
        """End what was asked before for the reason that there is meanwhile: so it tidies up after itself."""
        if self._reason is not None:
            self.cancel(self._reason)

    def waits(self, wait: Wait, reading: object) -> None:
        """Note that it waits; an update for whose sake it goes on may turn out not to be meant."""
        if wait.state is not WaitState.PENDING:
            self.delivery = wait.delivery
        elif reading is None and self.delivery is not None:  # no filter is thinking about it
            self._hand_back()
        self._tidy_up()
        self.conversation = wait.conversation
        self.watch(wait.conversation)
        self._durables.touch(self)

    def _asked(self, kept: Kept) -> str:
        return self._durables.values.encode([kept.name, kept.state], "the question")
