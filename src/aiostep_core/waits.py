"""The waiter registry: who waits for whom, and what came in between.

Rules:

* A wait is PENDING and then exactly one of CLAIMED, TIMED_OUT, CANCELLED. ``Wait.take`` is the only place where its
  state changes, and it looks the change up in ``TRANSITIONS``; whoever comes second gets False and must leave the
  update alone.
* Waits belong to a conversation, conversations to a place. A conversation that waits for nothing keeps what arrives
  for it, in order, in its mailbox; what nobody read is handed back when it closes.
* Nothing is removed by key: a newer conversation may own the key by then.

No clock and no await: the time comes in as ``now``, in seconds of any clock that only goes forward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Final

from .errors import AlreadyWaiting, BadArgument
from .facts import CHATLESS, KINDS, Delivery, Facts
from .keys import Key, MessageKey, Place, Scope

__all__ = ["FENCE", "TRANSITIONS", "UNREAD", "Conversation", "Registry", "Signal", "Wait", "WaitState"]

#: Seconds after which an old update id proves nothing: Telegram redelivers no longer, and ids may restart anywhere.
FENCE: Final = 24 * 3600.0
#: How many unread updates a mailbox keeps.
UNREAD: Final = 32
#: How many conversations may queue for one place; strangers can make this grow.
QUEUE: Final = 100


class WaitState(Enum):
    """Where a wait is in its life."""

    PENDING = "pending"
    CLAIMED = "claimed"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"

    __hash__ = object.__hash__  # Enum's is written in Python


class Signal(Enum):
    """What can happen to a wait."""

    ANSWER = "an answer arrives"
    DEADLINE = "the time is up"
    CANCEL = "it is cancelled"

    __hash__ = object.__hash__


#: The claim automaton. A signal that has no entry changes nothing: the wait has ended before.
TRANSITIONS: Final[Mapping[WaitState, Mapping[Signal, WaitState]]] = {
    WaitState.PENDING: {
        Signal.ANSWER: WaitState.CLAIMED,
        Signal.DEADLINE: WaitState.TIMED_OUT,
        Signal.CANCEL: WaitState.CANCELLED,
    },
    WaitState.CLAIMED: {},
    WaitState.TIMED_OUT: {},
    WaitState.CANCELLED: {},
}


# Looking a member up in its enumeration takes as long as three look-ups in a dictionary, until Python 3.12.
_PENDING: Final = WaitState.PENDING


class Wait:
    """One pending ``wait_for`` or ``ask``.

    Attributes:
        filter: called with the delivery; its result, or what awaiting it gives, says whether the update is meant.
        is_cancellable: whether the person may leave by a cancel word.
        is_ready: False while a ``fresh`` wait's prompt is on its way, when nothing may answer it yet.
        parts: for an answer of several messages, the further ones; None if only the first counts.
        sleeper: what whoever performs the engine's decisions wakes when the wait has ended; theirs alone.
    """

    __slots__ = (
        "after", "conversation", "delivery", "filter", "is_cancellable", "is_ready", "kinds", "opened_at", "parts",
        "reason", "sleeper", "state", "takes_commands", "takes_service", "timeout",
    )  # fmt: skip

    def __init__(
        self,
        conversation: Conversation,
        kinds: frozenset[str] = KINDS["message"],
        filter: Callable[[Delivery], object] | None = None,
        opened_at: float = 0.0,
        timeout: float | None = None,
        takes_commands: bool = False,
        takes_service: bool = False,
        *,
        is_cancellable: bool = True,
        is_ready: bool = True,
        parts: list[Delivery] | None = None,
    ) -> None:
        self.conversation = conversation
        self.parts = parts
        self.kinds = kinds
        self.filter = filter
        self.takes_commands = takes_commands
        self.takes_service = takes_service
        self.is_cancellable = is_cancellable
        self.is_ready = is_ready
        self.opened_at = opened_at
        self.timeout = timeout
        self.sleeper: Any = None
        self.after = conversation.after
        self.state: WaitState = _PENDING
        self.delivery: Delivery | None = None
        self.reason = ""

    def take(self, signal: Signal, *, delivery: Delivery | None = None, reason: str = "") -> bool:
        """Let *signal* happen; return whether it changed anything.

        The conversation stops waiting in the same breath, so that the very next update finds its mailbox open.
        """
        state = TRANSITIONS[self.state].get(signal)
        if state is None:
            return False
        self.state = state
        self.delivery = delivery
        self.reason = reason
        self.conversation.drop(self)
        return True

    def admits(self, facts: Facts, now: float) -> bool:
        """Tell whether an update of this sort may answer at all, before the user's filter is asked."""
        return (
            self.state is _PENDING
            and facts.kind in self.kinds
            and not facts.is_own
            and (facts.command is None or self.takes_commands)
            and (not facts.is_service or self.takes_service)
            and not is_fenced(facts, self.after, self.conversation.opened_at, now)
        )

    def __repr__(self) -> str:
        return f"<Wait {self.state.value} for {', '.join(sorted(self.kinds))} of {self.conversation.place.key}>"


def is_fenced(facts: Facts, after: int | None, opened_at: float, now: float) -> bool:
    """Tell whether the update is older than, or is, the one that led to the question."""
    return after is not None and facts.update_id is not None and facts.update_id <= after and now - opened_at < FENCE


class Conversation:
    """One run of a handler that asks: a place, the waits that are open there, and what arrived in between.

    Attributes:
        place: where it is filed.
        also: further places it is filed under: the keyboards of its prompts, its person where a kind names no chat.
        user_id: the person it is with, or None when anybody in the place may answer.
        starter_id: whose cancel command ends it.
        after: the id of the update that led to it; nothing as old answers.
        reason: why it ended, while the handler has not been told.
        passed: told of commands that pass while no answer can be taken; theirs alone who ask and set it.
        is_silent: it only keeps what arrives while a step runs; nobody who looks for conversations means it.
        overflow: how many updates found the mailbox full.
        keeper: who looks after what is unread, if that is to outlive the process: ``put`` is called with each update,
            and ``close`` at the end with all, which returns what is to go to ordinary handlers.
    """

    __slots__ = (
        "after", "also", "is_open", "is_orphan", "is_silent", "keeper", "kinds", "opened_at", "overflow", "owner",
        "passed", "place", "reason", "starter_id", "unread", "user_id", "waits",
    )  # fmt: skip

    def __init__(
        self,
        place: Place,
        owner: object = None,
        user_id: int | None = None,
        starter_id: int | None = None,
        after: int | None = None,
        opened_at: float = 0.0,
    ) -> None:
        self.place = place
        self.owner = owner
        self.user_id = user_id
        self.starter_id = starter_id if starter_id is not None else user_id
        self.after = after
        self.opened_at = opened_at
        self.kinds = KINDS["message"] if isinstance(place.key, Key) else frozenset[str]()
        self.also: tuple[Place, ...] = ()
        self.waits: tuple[Wait, ...] = ()
        self.unread: list[Delivery] | None = None
        self.reason: str | None = None
        self.passed: Callable[[Delivery], object] | None = None
        self.overflow = 0
        self.is_open = True
        self.is_orphan = False
        self.is_silent = False
        self.keeper: Any = None

    @property
    def is_waiting(self) -> bool:
        """Whether an answer can be taken right now."""
        return any(wait.is_ready for wait in self.waits)

    def drop(self, wait: Wait) -> None:
        """Forget *wait*, by identity."""
        # Almost always there is just the one.
        self.waits = () if self.waits == (wait,) else tuple(other for other in self.waits if other is not wait)

    def concerns(self, place: Place, facts: Facts) -> bool:
        """Tell whether an update found under *place* is this conversation's business.

        Under its own place it is. Under the further ones only for the reason they were added.
        """
        if place == self.place or place.scope is Scope.BUTTONS:
            return self.user_id is None or facts.user_id == self.user_id
        if isinstance(self.place.key, MessageKey):  # it is filed there for its starter's cancel command only
            return False
        if place.scope is Scope.GLOBAL_USER:
            return facts.chat_id is None
        return place.scope is Scope.USER_IN_CHAT and facts.is_inaccessible

    def is_left_from(self, place: Place) -> bool:
        """Tell whether its starter's cancel word, found under *place*, is about this conversation.

        Further places count only for what cannot name its own, which a cancel word can; but a message has no words.
        """
        return place == self.place or isinstance(self.place.key, MessageKey)

    def takes_at_once(self, user_id: int | None, kind: str, update_id: int) -> bool:
        """Tell whether a plain message, filed here and nowhere else, is its answer beyond any doubt."""
        if len(self.waits) != 1 or self.also or self.user_id not in (None, user_id):
            return False
        wait = self.waits[0]
        return (
            wait.filter is None
            and wait.is_ready
            and kind in wait.kinds
            and (self.after is None or update_id > self.after)
        )

    def keeps(self, facts: Facts, now: float) -> bool:
        """Tell whether the mailbox is the right place for an update that nobody waits for at this moment."""
        return (
            self.is_open
            and not self.is_waiting
            and self.place.scope is not Scope.ANY  # it would hold up everybody
            and facts.command is None
            and not facts.is_own
            and not facts.is_service
            and facts.kind in self.kinds
            and not is_fenced(facts, self.after, self.opened_at, now)
        )

    def put(self, delivery: Delivery) -> bool:
        """Keep *delivery* for the next wait; return False when too much is unread already."""
        if self.unread is None:
            self.unread = []
        if len(self.unread) >= UNREAD:
            self.overflow += 1
            return False
        self.unread.append(delivery)
        if self.keeper is not None:
            self.keeper.put(delivery)
        return True

    def __repr__(self) -> str:
        state = "closed" if not self.is_open else "waiting" if self.waits else "running"
        return f"<Conversation {state} with {self.place.key}, {len(self.unread or ())} unread>"


class Registry:
    """Open conversations by place.

    Attributes:
        index: one dictionary per scope in use; only the registry changes it.
        people: that of USER_IN_CHAT, also when it is empty, and so not in the index.
    """

    def __init__(self) -> None:
        self.index: dict[Scope, dict[Key | MessageKey, tuple[Conversation, ...]]] = {}
        self.people: dict[Key | MessageKey, tuple[Conversation, ...]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __bool__(self) -> bool:
        return self._count > 0

    def __iter__(self) -> Iterator[Conversation]:
        """Go through the open conversations, each once; safe while they open and close, also in other threads."""
        # A copy is made in one go; a list of items is not: its tuples can start the collector, and that other threads.
        for scope, keys in self.index.copy().items():
            for key, bucket in keys.copy().items():
                yield from (one for one in bucket if one.place.scope is scope and one.place.key == key)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes under which anything is filed."""
        return tuple(self.index)

    def at(self, place: Place) -> tuple[Conversation, ...]:
        """Return the conversations filed under *place*, oldest first."""
        keys = self.index.get(place.scope)
        return keys.get(place.key, ()) if keys is not None else ()

    def open(self, conversation: Conversation, on_conflict: str = "replace") -> tuple[Conversation, ...]:
        """File *conversation*; return those that it replaces, still filed.

        Raises:
            AlreadyWaiting: the place is taken and *on_conflict* is "reject", or the queue is full.
            BadArgument: *on_conflict* is no known policy.
        """
        rivals = self._rivals(conversation)
        if on_conflict not in ("replace", "queue", "reject"):
            raise BadArgument("on_conflict", on_conflict, '"replace", "queue" or "reject"')
        if rivals and on_conflict == "reject":
            raise AlreadyWaiting(_key_of(rivals[0]))
        if on_conflict == "queue" and len(rivals) >= QUEUE:
            raise AlreadyWaiting(_key_of(rivals[0]), f"{QUEUE} more are queued")
        self._file(conversation, conversation.place)
        self._count += 1
        key = conversation.place.key
        if isinstance(key, Key) and key.user_id is not None and (key.thread_id, key.business_id) != (None, None):
            # A click on a message that Telegram no longer shows us names neither topic nor business connection, and
            # who leaves a group leaves all its topics.
            self.also(conversation, Place(Scope.USER_IN_CHAT, Key(key.bot_id, key.chat_id, key.user_id)))
        return rivals if on_conflict == "replace" else ()

    def add_wait(self, wait: Wait) -> None:
        """Open *wait* in its conversation and file the conversation where such answers can come from."""
        conversation = wait.conversation
        conversation.waits = (*conversation.waits, wait)
        conversation.is_silent = False
        if not wait.kinds <= conversation.kinds:  # a set of its own is a fifth of what a wait takes
            conversation.kinds |= wait.kinds
        key = conversation.place.key
        if isinstance(key, Key) and key.user_id is not None and wait.kinds & CHATLESS:
            self.also(conversation, Place(Scope.GLOBAL_USER, Key(key.bot_id, None, key.user_id)))

    def also(self, conversation: Conversation, place: Place) -> None:
        """File *conversation* under *place* too, until it closes."""
        if conversation.is_open and place != conversation.place and place not in conversation.also:
            conversation.also = (*conversation.also, place)
            self._file(conversation, place)

    def close(self, conversation: Conversation) -> list[Delivery]:
        """Take *conversation* out and return what nobody read, in order of arrival. Again is harmless."""
        if not conversation.is_open:
            return []
        conversation.is_open = False
        self._count -= 1
        for place in (conversation.place, *conversation.also):
            self._unfile(conversation, place)
        unread, conversation.unread = conversation.unread or [], None
        return unread if conversation.keeper is None else list[Delivery](conversation.keeper.close(unread))

    def _rivals(self, conversation: Conversation) -> tuple[Conversation, ...]:
        own = conversation.place
        filed = self.at(own)
        return tuple(one for one in filed if one.place == own and one is not conversation) if filed else ()

    def _file(self, conversation: Conversation, place: Place) -> None:
        scope = place.scope
        keys = self.index.get(scope)
        if keys is None:
            keys = self.index[scope] = self.people if scope is Scope.USER_IN_CHAT else {}
        keys[place.key] = (*keys.get(place.key, ()), conversation)

    def _unfile(self, conversation: Conversation, place: Place) -> None:
        keys = self.index[place.scope]
        rest = tuple(one for one in keys[place.key] if one is not conversation)
        if rest:
            keys[place.key] = rest
        else:
            del keys[place.key]
            if not keys:
                del self.index[place.scope]


def _key_of(conversation: Conversation) -> Key:
    key = conversation.place.key
    return key if isinstance(key, Key) else Key(key.bot_id, key.chat_id, conversation.user_id)
