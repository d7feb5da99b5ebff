"""One update and its handlers, from their beginning until the last of them has ended."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from telegram import Update

from aiostep_core.context import Turn
from aiostep_core.keys import Key, Place, Scope
from aiostep_core.targets import Aim

from .facts import actor_of, thread_of
from .naps import Nap

if TYPE_CHECKING:
    from aiostep_core.steps import Step
    from aiostep_core.waits import Conversation, Wait

    from .adapter import PTBAdapter

__all__ = ["Flow", "StepFlow"]

# Looking a member up in its enumeration takes as long as three look-ups in a dictionary, until Python 3.12.
_USER_IN_CHAT: Final = Scope.USER_IN_CHAT


class Flow(Turn):
    """The handlers of one update.

    Attributes:
        step: the step that it shall run, until that begins.
        children: how many non-blocking handlers have not ended yet.
        naps: how many of its tasks wait for an answer right now.
        error: what a handler has raised; the framework has passed it to the error handlers.
        failure: what the framework itself has raised.
        is_done: all blocking handlers have ended.
        is_handed_back: the framework has gone on already.
        task: what the handlers run in, once that is theirs for good.
    """

    adapter: PTBAdapter

    # Defaults of the class, not slots: hardly any flow needs them, and every update makes one.
    step: Step | None = None
    children: int = 0
    naps: int = 0
    error: BaseException | None = None
    failure: BaseException | None = None
    is_done: bool = False
    is_handed_back: bool = False
    task: asyncio.Task[None] | None = None
    _gates: list[asyncio.Future[None]] | None = None

    def __init__(self, carrier: Any) -> None:  # runtime and adapter are the class's, see Flows
        self.carrier = carrier

    @property
    def is_idle(self) -> bool:
        """Whether the framework may go on."""
        return self.is_done or self.naps > 0

    async def idle(self) -> None:
        """Wait until the framework may go on."""
        while not self.is_idle:
            gate = asyncio.get_running_loop().create_future()
            self._gates = [*(self._gates or ()), gate]
            await gate

    def release(self) -> None:
        """Let those look again who wait for this to be idle."""
        gates, self._gates = self._gates, None
        for gate in gates or ():
            if not gate.done():
                gate.set_result(None)

    def pause(self) -> None:
        """Note that the handlers wait for something for the first time."""

    # What waits and steps ask about the update, without its facts: making those takes as long as a whole step.

    @property
    def update_id(self) -> int | None:
        carrier = self.carrier
        return carrier.update_id if isinstance(carrier, Update) else self.facts.update_id

    @property
    def is_of_album(self) -> bool:
        message = self.carrier.message if isinstance(self.carrier, Update) else None
        return super().is_of_album if message is None else message.media_group_id is not None

    def find_aim(self) -> Aim:
        if self.aim is None:
            message = self.carrier.message if isinstance(self.carrier, Update) else None
            user_id = actor_of(message) if message is not None else None
            if message is None or user_id is None or message.chat.is_forum or thread_of(message) is not None:
                return super().find_aim()
            key = Key(self.adapter.bot_id, message.chat.id, user_id, None, None)
            self.aim = Aim(Place(_USER_IN_CHAT, key), key, user_id, None)
        return self.aim

    def leads_to(self, aim: Aim) -> tuple[int | None, int | None]:
        is_own = aim.user_id is not None and aim.key.bot_id == self.adapter.bot_id
        if not is_own or not isinstance(self.carrier, Update):
            return super().leads_to(aim)
        return self.carrier.update_id if self.after is None else self.after, aim.user_id

    def now(self) -> float:
        clock = self.adapter.clock
        return clock() if clock is not None else self.runtime.now()

    def sleep(self, wait: Wait) -> Nap:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Make what a handler awaits while it waits."""
        return Nap(self, wait)

    def go_on_in_turn(self, nap: Nap) -> None:
        """Let a task go on whose time is up; between two updates, if they are handled one by one."""
        adapter = self.adapter
        if adapter.is_concurrent or self.is_done:  # jobs and non-blocking handlers have no turns
            nap.go_on_soon()
        else:
            adapter.flows.turns.make_up_for(nap)

    def begin_nap(self) -> None:
        """Note that one of the tasks has stopped until an answer comes."""
        self.naps += 1
        if self._gates is not None:
            self.release()


class StepFlow(Flow):
    """The run of a step that was found at a glance.

    What arrives while it runs is to be kept for it, but nothing can arrive before it waits for something. So the
    conversation that keeps it is opened when it does, or when somebody asks for it; most steps need none.

    Attributes:
        opens: the step whose conversation is not open yet.
    """

    opens: Step | None = None
    place: Place

    @cached_property
    def conversations(self) -> dict[Place, Conversation] | None:  # type: ignore[override]
        """Those that the step has opened, and its own."""
        self.pause()
        return self.__dict__.get("conversations")

    def find_place(self) -> Place:
        message = self.carrier.message
        if message.chat.is_forum or thread_of(message) is not None or self.place[0] is not _USER_IN_CHAT:
            return super().find_place()
        return self.place

    def pause(self) -> None:
        step, self.opens = self.opens, None
        if step is not None:
            self.runtime.open_for_step(step, self)

    def end(self) -> None:
        """Note that the step is over. If it has waited for nothing, nothing has arrived either."""
        if self.opens is not None:
            self.opens = None
            self.conversations = None  # pyright: ignore[reportIncompatibleVariableOverride]
