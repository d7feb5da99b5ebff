"""The updates that a conversation has not taken yet: in mailboxes in memory, and, while it is stored, in its journal.

An update that comes in the middle of a turn is written down too, so that no crash loses it; and what is unread when
the conversation is taken out of memory stays with it, rather than going to ordinary handlers.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Final

from ..decisions import Changes, Outcome
from ..errors import StorageUnavailable
from ..waits import UNREAD
from .entries import Entries
from .journals import PARK, RUN, Stored

if TYPE_CHECKING:
    from ..context import Turn
    from ..facts import Delivery
    from ..waits import Conversation
    from .conversations import Durables

__all__ = ["Inbox"]

_TRIES: Final = 5


class Inbox:
    """What is unread of one conversation.

    Attributes:
        delivery: the update that is being looked at, until it is written down.
        conversation: where in the registry the conversation waits, or did.
    """

    stored: Stored
    turn: Turn
    is_leaving: bool
    _durables: Durables
    _scribe: Any
    _entries: Entries

    def __init__(self) -> None:
        self.delivery: Delivery | None = None
        self.conversation: Conversation | None = None
        self._held_back: Delivery | None = None
        self._left: list[Delivery] = []

    # The update for whose sake it goes on.

    def offer(self, delivery: Delivery, conversation: Conversation) -> None:
        """Put *delivery* where the wait will look first."""
        self.delivery, self.conversation = delivery, conversation
        conversation.unread = [delivery, *(conversation.unread or ())]
        self.watch(conversation)

    def _withdraw(self) -> bool:
        """Take the update out again; return whether it was there, unread."""
        there = [one for one in self._mailboxes if self.delivery in (one.unread or ())]
        for conversation in there:
            conversation.unread = [one for one in conversation.unread or () if one is not self.delivery]
        return bool(there)

    def _forget_copies(self) -> None:
        """Take the update that is being looked at out of the mailbox, if it came by way of another process, too."""
        full = [one for one in self._mailboxes if one.unread]
        update_id = None if self.delivery is None or not full else self.delivery.update_id
        for one in full if update_id is not None else ():
            one.unread = [each for each in one.unread or () if each.update_id != update_id]

    def _hand_back(self) -> None:
        """Let the update go to ordinary handlers: it is not meant."""
        if self._withdraw() and self.delivery is not None:
            self._durables.runtime.perform(Changes(leftovers=[self.delivery]))
        self.delivery = None

    def hold_back(self) -> None:
        """Keep the update back until several waits are open: which of them it is for is the engine's to decide."""
        if self._withdraw():
            self._held_back, self.delivery = self.delivery, None

    async def deliver(self) -> None:
        """Let the engine decide about the update that was held back."""
        delivery, self._held_back = self._held_back, None
        if delivery is None:
            return
        runtime = self._durables.runtime
        if self._durables.journals.is_for_threads:
            decision = runtime.engine.decide(delivery, runtime.now())
            runtime.perform(decision.changes)
        else:
            decision = await runtime.settle(runtime.meet(delivery))
            runtime.filtering.stop(decision)
        if decision.outcome is Outcome.PASS:
            runtime.perform(Changes(leftovers=[delivery]))

    @contextlib.contextmanager
    def hiding_unread(self) -> Generator[None, None, None]:
        """Let no question find an answer that has come: it is only asked to be ended."""
        hidden = [(one, one.unread) for one in self._mailboxes if one.unread]
        for conversation, _ in hidden:
            conversation.unread = None
        try:
            yield
        finally:
            for conversation, unread in hidden:
                if conversation.is_open:
                    conversation.unread = [*(unread or ()), *(conversation.unread or ())]
                else:
                    self._durables.runtime.perform(Changes(leftovers=self.close(unread or [])))

    def _seen(self) -> dict[str, str]:
        return self.stored.seen_with(None if self.delivery is None else self.delivery.update_id)

    # What comes meanwhile. Called by the conversation in the registry.

    def watch(self, conversation: Conversation) -> None:
        """Look after what *conversation* keeps."""
        if self._durables.is_durable:
            conversation.keeper = self

    def put(self, delivery: Delivery) -> None:
        """Note that an update is unread."""
        if self.stored.revision and self.stored.status == RUN:
            self._durables.runtime.start(self._keep())

    def close(self, unread: list[Delivery]) -> list[Delivery]:
        """Return what is to go to ordinary handlers, of what was unread at the end."""
        if not self.is_leaving or not self.stored.is_open:
            return unread
        self._left += unread
        return []

    # Writing and reading.

    async def _keep(self) -> None:
        """Write down what has come, unless the conversation has done so along with its own."""
        for _ in range(_TRIES):
            stored, inbox = self.stored, self._inbox({})
            if stored.status != RUN or stored.get("inbox") == inbox:
                return
            if await self._durables.journals.append(stored, [], {"inbox": inbox}, due=stored.number("until")):
                return

    async def _leave_behind(self) -> None:
        """Let the conversation go on elsewhere, at once, with what is unread here."""
        stored, fields = self.stored, {"inbox": self._inbox({})}
        if not self._durables.is_durable or not self.is_leaving or not stored.revision:
            return
        due = stored.due
        if stored.status == RUN:
            due = self._durables.wall_clock()
            fields["until"] = "0"
        if any(stored.get(name) != value for name, value in fields.items()):
            try:
                await self._durables.journals.append(stored, [], fields, due=due)
            except StorageUnavailable:
                return  # others will see that nobody looks after it any more

    def _inbox(self, fields: Mapping[str, str]) -> str:
        """Return what is unread as it is written along with *fields*."""
        if not self._durables.is_durable:
            return ""
        held_back = [] if self._held_back is None else [self._held_back]
        every = [*self._claimed, *held_back, *self._left, *(one for box in self._mailboxes for one in box.unread or ())]
        if not every:
            return ""
        seen = fields.get("seen", self.stored.get("seen")).split()
        # It has been looked at, and is not meant; else it would have been taken.
        refused = self.delivery if fields.get("status") == PARK else None
        found = {
            one.facts.update_id: one for one in every if one is not refused and str(one.facts.update_id) not in seen
        }
        return json.dumps([self._scribe.write_update(one.carrier) for one in found.values()]) if found else ""

    @property
    def _claimed(self) -> list[Delivery]:
        """The answers that its waits have, and that it has not."""
        return []

    @property
    def _mailboxes(self) -> list[Conversation]:
        """The conversations that keep what it has not read."""
        every = list((self.turn.conversations or {}).values())
        if self.conversation is not None and self.conversation not in every:
            every.append(self.conversation)
        return every

    async def _put_into_inbox(self, delivery: Delivery) -> None:
        """Leave the update to the process that goes on with the conversation right now."""
        journals, stored = self._durables.journals, self.stored
        written = self._scribe.write_update(delivery.carrier)
        for _ in range(_TRIES):
            inbox = [one for one in stored.parts("inbox", []) if not stored.has_seen(one["update_id"])]
            if any(one["update_id"] == written["update_id"] for one in inbox):
                return
            due = stored.number("until") or 0.0
            if len(inbox) < UNREAD and await journals.append(
                stored, [], {"inbox": json.dumps([*inbox, written])}, due=due
            ):
                return
            there = await journals.load(stored.key)
            if there is None or there.status != RUN or there.has_seen(delivery.facts.update_id):
                break
            stored = there
        # It waits by now, or is over, or has more to read than it may.
        self._durables.runtime.perform(Changes(leftovers=[delivery]))

    def _receive(self) -> None:
        """Put what came to other processes, or before, into the mailbox.

        Raises:
            StorageDamaged: it cannot be read.
        """
        for written in self.stored.parts("inbox", []):
            try:
                delivery = self._entries.delivery_of(written)
            except Exception as error:
                raise self.stored.damaged("the inbox", error) from error
            update_id, unread = delivery.facts.update_id, [one for box in self._mailboxes for one in box.unread or ()]
            if not self.stored.has_seen(update_id) and all(one.facts.update_id != update_id for one in unread):
                self._take_in(delivery)

    def _take_in(self, delivery: Delivery) -> None:
        """Keep an update for the next wait."""
        runtime, conversation = self._durables.runtime, self.conversation
        if conversation is None or not conversation.is_open:
            assert self.turn.aim is not None
            conversation = self.conversation = runtime.open_conversation(self.turn.aim, self.turn)
            self.watch(conversation)
        if not conversation.put(delivery):
            runtime.perform(Changes(leftovers=[delivery]))
