"""Updates, conversations and waits as tests write them: one group, two people, no framework and no loop."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from aiostep_core.engine import Decision, Engine, Outcome
from aiostep_core.facts import KINDS, Delivery, Facts
from aiostep_core.keys import Key, MessageKey, Place, Scope, project
from aiostep_core.waits import Conversation, Wait

BOT, OTHER_BOT = 1, 2
ALICE, BOB = 10, 11
GROUP, OTHER_GROUP = -100, -200

_ids = itertools.count(1000)


def facts(text: str | None = "hi", **details: Any) -> Facts:
    """Make the facts of a message from Alice in the group, newer than all before."""
    values: dict[str, Any] = {"bot_id": BOT, "kind": "message", "chat_id": GROUP, "chat_type": "supergroup"}
    values |= {"user_id": ALICE, "update_id": next(_ids), "text": text}
    if text is not None and text.startswith("/") and "command" not in details:
        values["command"] = text[1:]
    values |= details
    return Facts(**values)


def message(text: str | None = "hi", **details: Any) -> Delivery:
    """Make a message; it is its own update."""
    made = facts(text, **details)
    return Delivery(made, made)


def click(on: int = 7, data: str = "x", **details: Any) -> Delivery:
    """Make a click on a button of the message *on*."""
    values: dict[str, Any] = {"kind": "callback_query", "message_id": on, "callback_data": data}
    values |= details
    return message(None, **values)


def photo(group: str = "album", **details: Any) -> Delivery:
    """Make one part of an album."""
    return message(None, media_group_id=group, **details)


def place(scope: Scope = Scope.USER_IN_CHAT, **parts: Any) -> Place:
    """Make the place that *scope* leaves of Alice in the group."""
    values: dict[str, Any] = {"bot_id": BOT, "chat_id": GROUP, "user_id": ALICE} | parts
    return Place(scope, project(scope, Key(**values)))


def buttons(message_id: int | str = 7, chat_id: int | None = GROUP) -> Place:
    """Make the place of the keyboard under a message."""
    return Place(Scope.BUTTONS, MessageKey(BOT, chat_id, message_id))


class Desk:
    """An engine whose decisions are performed on paper.

    Attributes:
        ended: the waits that ended, in order.
        leftovers: what went to ordinary handlers after all, in order.
    """

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine if engine is not None else Engine()
        self.now = 0.0
        self.ended: list[Wait] = []
        self.leftovers: list[Delivery] = []

    def converse(self, at: Place | None = None, *, on_conflict: str = "replace", **details: Any) -> Conversation:
        """Open a conversation, by default Alice's in the group, as a handler's first wait does."""
        at = at if at is not None else place()
        key = at.key
        if isinstance(key, Key) and "user_id" not in details:
            details["user_id"] = key.user_id
        details.setdefault("opened_at", self.now)
        made = Conversation(at, **details)
        self._perform(self.engine.open(made, on_conflict))
        return made

    def wait(
        self,
        conversation: Conversation | None = None,
        *,
        kinds: Iterable[str] = KINDS["message"],
        filter: Callable[[Delivery], object] | None = None,
        fresh: bool = False,
        **details: Any,
    ) -> Wait:
        """Open a wait; the mailbox is read at once."""
        conversation = conversation if conversation is not None else self.converse()
        made = Wait(conversation, kinds=frozenset(kinds), filter=filter, opened_at=self.now, **details)
        decision = self.engine.ask(made, self.now, fresh=fresh)
        if decision is not None:
            self._perform(decision.changes)
        return made

    def decide(self, delivery: Delivery) -> Decision:
        """Let an update arrive."""
        decision = self.engine.decide(delivery, self.now)
        self._perform(decision.changes)
        return decision

    def arrive(self, delivery: Delivery) -> Outcome:
        """Let an update arrive; return what became of it."""
        return self.decide(delivery).outcome

    def finish(self, conversation: Conversation) -> None:
        """Let the handler of *conversation* return."""
        self._perform(self.engine.finish(conversation))

    def end(self, conversation: Conversation, reason: str = "code") -> None:
        """End *conversation* from outside."""
        self._perform(self.engine.end(conversation, reason))

    def _perform(self, changes: Any) -> None:
        self.ended += changes.ended
        self.leftovers += changes.leftovers


class Verdict:
    """What an asynchronous filter gives: an awaitable that answers when the test says so."""

    def __init__(self) -> None:
        self.is_awaited = False

    def __await__(self) -> Any:
        self.is_awaited = True
        yield self
