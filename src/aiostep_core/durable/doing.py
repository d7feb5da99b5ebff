"""Doing what a durable conversation does once: its effects, and those that a crash has cut."""

from __future__ import annotations

import inspect
from typing import Any

from ..errors import EffectInDoubt
from ..storages.records import settle
from .effects import Effect
from .held import Held
from .journal import current_flow
from .values import Entry, Evicted, Kind, Operation, Outcome

__all__ = ["Doing"]


class Doing(Held):
    """A journal, and the effects that are written into it.

    Attributes:
        broken: why its code was left in the middle of an effect.
    """

    broken: Exception | None = None

    def _key(self) -> str:
        """Return what the operation that is next is known by, however often it is begun."""
        return f"{self.stored.get('id')}/{self.stored.get('epoch')}/{self.machine.position}"

    async def _effect(self, operation: Operation) -> Outcome:
        """Do what is done once; record it, and return what it comes to."""
        how: Effect = operation.options
        key = self._key()
        known = await self._settle_doubt(operation, how, key) if operation.is_in_doubt else None
        if known is None:
            if self.flow.durability == "intent" and not how.is_pure and not operation.is_in_doubt:
                await self.save({**self.lease(), "begun": str(self.machine.position)})
            known = await self._perform(operation, key)
        entry, outcome = known
        self._last_error = outcome.error
        self.machine.record(entry)
        if self.flow.durability == "step" and not how.is_pure:
            await self.save(self.lease())
        return outcome

    def perform_now(self, operation: Operation) -> Outcome:
        """Do an effect of code that does not await it, while that runs.

        Raises:
            Evicted: it comes to nothing here; ``broken`` says why.
        """
        token = current_flow.set(None)
        try:
            if self._durables.journals.is_for_threads:
                runtime: Any = self._durables.runtime
                return runtime.block(self._effect(operation))  # type: ignore[no-any-return]
            # A call that blocks, on an event loop that it blocks: nothing can be written meanwhile.
            return settle(self._performed(operation))
        except Exception as error:  # noqa: BLE001 - it is not the conversation's, which might catch it
            self.broken = error
            raise self.machine.leave(Evicted()) from None
        finally:
            current_flow.reset(token)

    async def _performed(self, operation: Operation) -> Outcome:
        entry, outcome = await self._perform(operation, self._key())
        self._last_error = outcome.error
        self.machine.record(entry)
        return outcome

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
        given = self if operation.options.is_ours else key
        if not self._durables.journals.is_for_threads:
            return operation.perform(given)
        from ..threads import Outside

        return await Outside(lambda: operation.perform(given))

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
