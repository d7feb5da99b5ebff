"""One durable conversation going on in this process: what drives its machine."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any, Final

from ..errors import EffectInDoubt, NonDeterminismError, NotDurable, StorageDamaged, WaitCancelled, WaitEnded
from ..waits import WaitState
from .contexts import held_by
from .effects import Effect
from .held import Held, Lost
from .journals import PARK, key_of
from .kept import Kept
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


class Left(Exception):
    """The conversation is out of memory, and as it is in the storage."""


def _held(found: list[str]) -> NotDurable:
    return NotDurable(f"{', '.join(found)}, which is held open while the conversation waits,", "leave it before asking")


class _Signalled(Exception):
    """The signal that an operation waits for is there already."""


class Run(Held):
    """A durable conversation that this process goes on with.

    Attributes:
        over: done when nothing goes on here any more, if anybody wants to know.
    """

    def __init__(self, durables: Durables, flow: Flow, stored: Stored, turn: Turn) -> None:
        super().__init__(durables, flow, stored, turn)
        self.kept: Kept | None = None
        self._is_evicted = False
        self.over: Any = None
        self._reason: str | None = None

    @property
    def is_leaving(self) -> bool:
        """Whether it is being taken out of memory, to go on elsewhere or later."""
        return self._is_evicted or self._durables.is_closing

    # From outside.

    def cancel(self, reason: str) -> None:
        """Have its wait, or its next one, raise ``WaitCancelled``."""
        self._reason = reason
        if self.kept is not None and self.kept.wait is not None and self.kept.wait.state is WaitState.PENDING:
            runtime = self._durables.runtime
            runtime.perform(runtime.engine.end(self.kept.wait.conversation, reason))

    def notice(self) -> None:
        """Look whether a signal has come that it waits for."""
        if self.kept is not None and self.kept.wait is not None and self.signal_for(self.kept.name) is not None:
            runtime = self._durables.runtime
            runtime.perform(runtime.engine.end(self.kept.wait.conversation, "signal"))

    def leave(self) -> None:
        """Take it out of memory; it must be waiting."""
        if self.kept is not None and self.kept.wait is not None:
            self._is_evicted = self.kept.wait.conversation.is_silent = True
            self.cancel("evicted")

    async def go(self) -> Any:
        """Go on until it is over; return its result. None if somebody else goes on with it, or nobody does now."""
        self._durables.add(self)
        try:
            return await self._go()
        except Left:
            return None
        finally:
            self.machine.kill()
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
        delivery, stored = self.delivery, await self._durables.journals.load(self.stored.key)
        update_id = None if delivery is None else delivery.facts.update_id
        if stored is not None and stored.has_seen(update_id):
            self._withdraw()
            raise Left
        if stored is None or not stored.is_open:
            self._hand_back()
            raise Left
        self.stored = stored
        if stored.is_held(self.wall()):
            if delivery is not None:
                self._withdraw()
                await self._put_into_inbox(delivery)
            raise Left
        if (flow := self._durables.flow_of(stored.fields)) is None:
            self._hand_back()
            raise Left
        self.flow = flow
        try:
            self.load()
        except StorageDamaged as error:
            await self.set_aside(error)
            raise
        self._receive(stored.get("inbox"))

    # Driving.

    async def _go(self) -> Any:
        while True:
            try:
                stop = await self._step()
                if isinstance(stop, Operation):
                    await (self._wait(stop) if stop.kind == Kind.WAIT else self._effect(stop))
                elif stop.how is How.RETURNED:
                    await self._end("returned", stop.value)
                    return stop.value
                else:
                    await self._begin_anew(stop)
            except Lost:
                self.machine.kill()
                if self.delivery is None or self.conversation is None:
                    raise Left from None
                self.offer(self.delivery, self.conversation)
                await self.take_over()

    async def _step(self) -> Operation | Finished:
        """Let the conversation's own code run."""
        try:
            self._check_length()
            if not self._durables.journals.is_for_threads:
                return self.machine.step()
            from ..threads import Outside

            return await Outside(self.machine.step)
        except Evicted:
            raise Left from None
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

    async def _wait(self, operation: Operation) -> None:
        """Ask, or go on asking, until there is an outcome."""
        if self.flow.strict and (found := held_by(self.machine.coroutine)):
            return self.machine.resume(Outcome(error=_held(found)))
        await self._announce(operation)
        kept = self.kept = Kept(self, operation)
        try:
            if self._reason is not None:
                raise WaitCancelled(self._reason)
            if (text := self.signal_for(operation.name)) is not None:
                raise _Signalled(text)
            if operation.is_in_doubt and self.flow.on_doubt == "raise":
                raise EffectInDoubt(operation.name, self._key())
            value, self.delivery = await operation.perform(kept)
            entry, outcome = self._entries.answer(operation.name, value, self.delivery)
        except (Lost, Left, NonDeterminismError):
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to the conversation
            if (text := self.signal_for(operation.name)) is not None:
                entry, outcome = self._entries.answer(operation.name, self._durables.values.decode(text), None)
                return await self._conclude(kept, entry, outcome, operation.name)
            if self.is_leaving and isinstance(error, WaitCancelled):
                raise Left from None
            entry, outcome = self._entries.error(Kind.WAIT, operation.name, error)
        finally:
            self.kept = None
        return await self._conclude(kept, entry, outcome)

    async def _conclude(self, kept: Kept, entry: Entry, outcome: Outcome, signal: str | None = None) -> None:
        """Write down how a question ended."""
        if kept.wait is not None:
            self.conversation = kept.wait.conversation
        self._reason = None
        self._note(entry, outcome)
        await self.save({**self.lease(), "asked": "", **self._seen()}, without=signal)
        self.delivery = None
        if kept.wait is not None and kept.wait.conversation.place != self.stored.place:
            await self._durables.journals.forget_hint(kept.wait.conversation.place)

    async def _announce(self, operation: Operation) -> None:
        """Write down that a prompt is about to be sent, if that is wanted; or find out that it was."""
        if operation.is_in_doubt and self.flow.on_doubt == "skip":
            operation.state = {"at": self.wall()}
        elif self.flow.durability == "intent" and operation.options is not None and operation.state is None:
            await self.save({**self.lease(), "begun": str(self.machine.position)})

    def _key(self) -> str:
        """Return what the operation that is next is known by, however often it is begun."""
        return f"{self.stored.get('id')}/{self.stored.get('epoch')}/{self.machine.position}"

    async def _effect(self, operation: Operation) -> None:
        """Do what is done once."""
        how: Effect = operation.options
        key = self._key()
        known = await self._settle_doubt(operation, how, key) if operation.is_in_doubt else None
        if known is None:
            if self.flow.durability == "intent" and not how.is_pure and not operation.is_in_doubt:
                await self.save({**self.lease(), "begun": str(self.machine.position)})
            known = await self._perform(operation, key)
        self._note(*known)
        if self.flow.durability == "step" and not how.is_pure:
            await self.save(self.lease())

    async def _perform(self, operation: Operation, key: str) -> tuple[Entry, Outcome]:
        try:
            value = await self._called(operation, key)
            if inspect.isawaitable(value):
                value = await value
            return self._entries.value(Kind.EFFECT, operation.name, value)
        except Exception as error:  # noqa: BLE001 - it belongs to the conversation
            return self._entries.error(Kind.EFFECT, operation.name, error)

    async def _called(self, operation: Operation, key: str) -> Any:
        """Call what an effect does; without a loop, without the lock."""
        if not self._durables.journals.is_for_threads:
            return operation.perform(key)
        from ..threads import Outside

        return await Outside(lambda: operation.perform(key))

    async def _settle_doubt(self, operation: Operation, how: Effect, key: str) -> tuple[Entry, Outcome] | None:
        """Return what became of an effect that was cut, or None if it is to be done again."""
        policy = how.on_doubt or self.flow.on_doubt
        if how.reconcile is not None:
            found = how.reconcile(key)
            was_done, value = await found if inspect.isawaitable(found) else found
            return self._entries.value(Kind.EFFECT, operation.name, value) if was_done else None
        if policy == "raise":
            return self._entries.error(Kind.EFFECT, operation.name, EffectInDoubt(operation.name, key))
        if policy == "skip" and (how.is_call or how.on_doubt is not None):
            return self._entries.value(Kind.EFFECT, operation.name, None)
        return None

    def _note(self, entry: Entry, outcome: Outcome) -> None:
        self._last_error = outcome.error
        self.machine.record(entry)
        self.machine.resume(outcome)

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
        firm = not wait.is_cancellable
        about = (("commands", wait.takes_commands), ("service", wait.takes_service), ("firm", firm))
        takes = [name for name, is_so in about if is_so]
        fields = {"status": PARK, "asked": self._asked(kept), "kinds": " ".join(sorted(wait.kinds))}
        fields["due"] = "" if deadline is None else repr(deadline)
        place = wait.conversation.place
        fields["at"] = "" if place == self.stored.place else key_of(place).name
        if fields["at"]:
            await self._durables.journals.hint(place, self.stored.key)
        await self.save({**fields, "takes": " ".join(takes)}, due=deadline)
        if self.flow.verify:
            await self.verify(kept.name)

    async def refuse(self, kept: Kept, delivery: Delivery, deadline: float | None) -> None:
        """Write down that an update was no good answer."""
        self.delivery = delivery
        await self.save({"asked": self._asked(kept), **self._seen()}, due=deadline)
        self.delivery = None

    def waits(self, wait: Wait, reading: object) -> None:
        """Note that it waits; an update for whose sake it goes on may turn out not to be meant."""
        if wait.state is not WaitState.PENDING:
            self.delivery = wait.delivery
        elif reading is None:  # no filter is thinking about it
            self._hand_back()
        self.conversation = wait.conversation
        self._durables.touch(self)

    def _asked(self, kept: Kept) -> str:
        return self._durables.values.encode([kept.name, kept.state], "the question")
