"""Telling an answer to a question from what somebody said before they saw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .abc import Sent
from .facts import KINDS

if TYPE_CHECKING:
    from .facts import Delivery
    from .waits import Conversation

__all__ = ["Freshness"]


class Freshness:
    """What came before a prompt.

    The ids of messages count up in each chat, so they say what was written first. When a message reaches us does not:
    the bot may have been busy. It decides only about what has no such id: a click, or a message in another chat.

    Attributes:
        since: the chat and id of the prompt, if it is known.
    """

    __slots__ = ("_old", "since")

    def __init__(self) -> None:
        self.since: list[int] | None = None
        self._old: frozenset[Delivery] = frozenset()

    def begin(self, sent: Sent | None, conversation: Conversation) -> None:
        """Note that a prompt is out, and what is unread in its *conversation*."""
        self.since = None if sent is None or sent.chat_id is None else [sent.chat_id, sent.message_id]
        self._old = frozenset(conversation.unread or ())

    def recall(self, since: list[int] | None) -> None:
        """Go on with a prompt that was sent by another process."""
        self.since = since

    def allows(self, delivery: Delivery) -> bool:
        """Tell whether an update can be about the prompt."""
        facts = delivery.facts
        if self.since is not None and facts.message_id is not None and facts.chat_id == self.since[0]:
            if facts.kind in KINDS["message"]:
                return facts.message_id > self.since[1]
            if facts.message_id == self.since[1]:
                return True
        return delivery not in self._old
