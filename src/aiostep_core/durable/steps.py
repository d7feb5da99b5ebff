"""Steps and durable conversations as one storage of steps: an update that nobody waits for may be for either."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from ..context import current_turn
from ..facts import Facts
from ..keys import Place, Scope, personal
from ..steps import Step
from ..storages.abc import StepStorage
from .journals import Stored, key_of
from .resumption import Resumption

if TYPE_CHECKING:
    from ..storages.steps import RecordedSteps
    from .conversations import Durables

__all__ = ["StepsAndConversations"]


class StepsAndConversations(StepStorage):
    """A durable storage of steps, and what is to go on from the journals beside it."""

    is_durable = True

    def __init__(self, steps: RecordedSteps, durables: Durables) -> None:
        self.steps_only = steps
        self._durables = durables

    @property
    def suspends(self) -> bool:  # type: ignore[override]
        return self.steps_only.suspends

    @property
    def scopes(self) -> Collection[Scope]:
        return self.steps_only.scopes

    def is_kind(self, facts: Facts) -> bool:
        if not self._durables.is_used:
            return self.steps_only.is_kind(facts)
        return True

    def may_have(self, place: Place) -> bool:
        return self.steps_only.may_have(place)

    async def put(self, step: Step, now: float) -> Step | None:
        return await self.steps_only.put(step, now)

    async def find(self, places: Sequence[Place], now: float) -> list[Step]:
        if not self._durables.is_used or not places:
            return await self.steps_only.find(places, now)
        # One look at the storage for both: nearly all updates are of strangers, for whom there is nothing.
        ours, theirs = self._durables.keys_of(places), self.steps_only.keys_of(places)
        read = await self._durables.journals.look([*ours, *theirs])
        resumptions: list[Step] = list(await self._durables.among(places, ours, read[: len(ours)]))
        return resumptions + self.steps_only.among(theirs, read[len(ours) :], now)

    async def take(self, step: Step) -> bool:
        return isinstance(step, Resumption) or await self.steps_only.take(step)

    async def confirm(self, step: Step) -> None:
        if not isinstance(step, Resumption):
            await self.steps_only.confirm(step)

    async def discard(self, step: Step) -> bool:
        if not isinstance(step, Resumption):
            return await self.steps_only.discard(step)
        run = self._durables.live.get(step.stored.key)
        if run is not None and run.turn is current_turn.get():
            return False  # who drops the steps of a person does not mean the conversation that does so
        await self._durables.end(step.stored, "code")
        return True

    async def give_back(self, step: Step, now: float) -> bool:
        return isinstance(step, Resumption) or await self.steps_only.give_back(step, now)

    async def lose(self, facts: Facts) -> None:
        durables, leaver = self._durables, facts.leaver_id
        if not durables.is_used:
            return
        if leaver is None:
            await durables.chats.lose(facts)
            return
        # Who leaves a group goes on with what is not of that group; who blocks the bot, with nothing.
        around = personal(facts.key._replace(user_id=leaver))
        keys = [key_of(one) for one in around if one.key.chat_id is not None or facts.gone == "blocked"]
        for key, fields in zip(keys, await durables.journals.look(keys), strict=True):
            stored = Stored(key, dict(fields))
            if fields and stored.is_open and key not in durables.live:
                await durables.leave(stored, facts.gone or "left")

    async def steps(self, now: float) -> Iterable[Step]:
        return await self.steps_only.steps(now)

    async def clear(self) -> int:
        return await self.steps_only.clear()

    async def tend(self, bot_ids: Collection[int], now: float) -> list[Step]:
        await self._durables.tend(bot_ids)
        if self._durables.is_used:
            await self._durables.chats.tend(bot_ids)
        return await self.steps_only.tend(bot_ids, now)

    async def next_tending(self, bot_ids: Collection[int], now: float) -> float | None:
        ours, theirs = await self._durables.next_tending(bot_ids), await self.steps_only.next_tending(bot_ids, now)
        return min([at for at in (None if ours is None else now + ours, theirs) if at is not None], default=None)

    async def close(self) -> None:
        await self.steps_only.close()
