"""What is going on around the code that runs: the update being handled and the engine that handles it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import WaitCancelled
from .facts import Delivery, Facts
from .targets import aim

if TYPE_CHECKING:
    from .abc import Adapter, Address
    from .keys import Place
    from .runtime import Runtime
    from .sleeping import Sleep
    from .targets import Aim
    from .waits import Conversation, Wait

__all__ = ["Talk", "Turn", "current_talk", "current_turn"]


class Turn:
    """One call of a handler, from the update that led to it until the handler is done.

    Adapters make one for every update, so it holds what is at hand and works the rest out when asked.

    Attributes:
        conversations: those that the handler opened, by place.
        clicks: those that answered a wait of the handler and may still have to be answered themselves.
        origin: where in the framework the handler was found, for the steps that it registers.
        aim: at whom a wait without a target is aimed, once that is known.
        address: where its last prompt went, and at whom that was aimed.
        dozes: set by an adapter that has nothing to do when a handler waits once more; see ``doze``.
        after: the update that led to the conversations it opens, if that is not its own; see ``Conversation``.
        park: set by an adapter that must know when the handler begins to wait; called then.
        sleep: set by an adapter that has its handlers go on itself; makes what they await while they wait.
    """

    # The defaults are the class's: one is made for every update, and nearly all stay as they are here.
    conversations: dict[Place, Conversation] | None = None
    clicks: tuple[Delivery, ...] = ()
    origin: Any = None
    aim: Aim | None = None
    address: tuple[Aim, Address] | None = None
    park: Callable[[], object] | None = None
    sleep: Callable[[Wait], Sleep] | None = None
    is_over = False
    dozes = False
    after: int | None = None
    _delivery: Delivery | None = None

    def __init__(self, runtime: Runtime, adapter: Adapter[Any], carrier: Any) -> None:
        self.runtime = runtime
        self.adapter = adapter
        self.carrier = carrier

    @property
    def delivery(self) -> Delivery:
        """The update being handled."""
        if self._delivery is None:
            adapter, carrier = self.adapter, self.carrier
            self._delivery = Delivery(None, adapter.update_of(carrier), carrier, adapter)
        return self._delivery

    @property
    def facts(self) -> Facts:
        """The facts of the update being handled."""
        return self.delivery.facts

    # What a wait or a step asks of it, for adapters that can tell without the facts.

    @property
    def update_id(self) -> int | None:
        """The id of the update being handled."""
        return self.facts.update_id

    @property
    def is_of_album(self) -> bool:
        """Whether the update being handled is a part of an album."""
        return self.facts.media_group_id is not None

    def find_aim(self) -> Aim:
        """Return at whom a wait without a target is aimed.

        Raises:
            NoTarget: see ``aim``.
        """
        if self.aim is None:
            self.aim = aim(None, None, self.facts, (), self.runtime.key_of)
        return self.aim

    def find_place(self) -> Place:
        """Return the place of ``find_aim``."""
        return self.find_aim().place

    def leads_to(self, aim: Aim) -> tuple[int | None, int | None]:
        """Return the id of the update that leads to a conversation, and the id of who may leave it."""
        facts, after = self.facts, None
        if facts.bot_id == aim.key.bot_id:
            after = facts.update_id if self.after is None else self.after
        return after, facts.user_id if aim.user_id is None else aim.user_id

    def now(self) -> float:
        """Return the time on the runtime's clock."""
        return self.runtime.now()

    def conversation_at(self, place: Place) -> Conversation | None:
        """Return the conversation that the handler has open at *place*.

        Raises:
            WaitCancelled: one in this chat was ended while it did not wait, so the handler has not been told yet.
        """
        if self.conversations is None:
            return None
        for one in self.conversations.values():
            if one.reason is None:
                continue
            # Who takes a place over means that place only.
            is_here = one.reason != "replaced" and one.place.key.chat_id == place.key.chat_id
            if is_here or one.place == place:
                reason, one.reason = one.reason, None
                raise WaitCancelled(reason)
        mine = self.conversations.get(place)
        return mine if mine is not None and mine.is_open else None

    def rest(self) -> None:
        """Let go of what can be worked out again: the handler begins to wait, perhaps for long."""
        if self._delivery is not None:
            self._delivery = None


#: Set by adapters for every update: tasks that a handler starts inherit it, and later updates must not.
current_turn: ContextVar[Turn | None] = ContextVar("aiostep_turn", default=None)


class Talk(NamedTuple):
    """An ``async with conversation(...)`` block; *deadline* is on the runtime's clock.

    In a durable conversation its waits open the *conversation*, as it may go on in another process.

    It is meant by waits of the same turn only: an update dispatched from inside the block inherits the variable.
    """

    turn: Turn | None
    conversation: Conversation | None
    aim: Aim
    deadline: float | None


#: The innermost block around the code that runs.
current_talk: ContextVar[Talk | None] = ContextVar("aiostep_talk", default=None)
