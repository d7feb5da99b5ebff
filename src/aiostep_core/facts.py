"""The framework-neutral view of an update, and what the kinds of update mean to a wait."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from .errors import BadArgument
from .keys import Key

__all__ = ["CHATLESS", "KINDS", "SERVICE", "Delivery", "Facts", "is_service", "kinds_of"]


class Facts(NamedTuple):
    """What the core knows of one update; an adapter makes it, purely, from the framework's object, by keywords.

    A tuple, because one is made for every update that may concern somebody, and setting the fields of a frozen class
    one by one takes three times as long.

    ``user_id`` is the actor: for an anonymous administrator or a channel that writes in a group, the ``sender_chat``.
    ``thread_id`` is set only for topic messages (``is_topic_message``), never for a reply thread.
    ``command`` has no slash; it names another bot as ``"help@other_bot"``.
    ``is_service`` marks a message that reports what somebody did, such as a pin, and that nobody wrote.
    ``gone`` says that the update reports the end of a chat, ``"blocked"``, ``"left"`` or ``"migrated"``: for the
    person ``leaver_id``, or for everybody if that is None.
    ``date`` is a POSIX time in seconds.
    """

    bot_id: int
    kind: str
    update_id: int | None = None
    chat_id: int | None = None
    chat_type: str | None = None
    user_id: int | None = None
    thread_id: int | None = None
    business_id: str | None = None
    message_id: int | None = None
    reply_to_id: int | None = None
    media_group_id: str | None = None
    inline_message_id: str | None = None
    poll_id: str | None = None
    text: str | None = None
    command: str | None = None
    callback_data: str | None = None
    is_own: bool = False
    is_edit: bool = False
    is_forum: bool = False
    is_inaccessible: bool = False
    is_service: bool = False
    gone: str | None = None
    leaver_id: int | None = None
    date: float | None = None

    @property
    def key(self) -> Key:
        """Return the full key, before any scope is applied."""
        return Key(self.bot_id, self.chat_id, self.user_id, self.thread_id, self.business_id)


class Delivery:
    """One update on its way to whoever it is for. Never changed.

    Attributes:
        update: the framework's object that users get.
        carrier: what the adapter needs to dispatch the update again.
        adapter: the adapter that brought it.
    """

    __slots__ = ("_facts", "adapter", "carrier", "update")

    def __init__(self, facts: Facts | None, update: Any, carrier: Any = None, adapter: Any = None) -> None:
        self._facts = facts
        self.update = update
        self.carrier = carrier
        self.adapter = adapter

    @property
    def facts(self) -> Facts:
        """What the core knows of the update; worked out when it is asked for, if the adapter has not done so."""
        if self._facts is None:
            facts: Facts = self.adapter.facts(self.carrier)
            self._facts = facts
        return self._facts

    @property
    def text(self) -> str | None:
        """What is written in the update; its facts say so too, but it takes ten times as long to make those."""
        if self._facts is not None:
            return self._facts.text
        text: str | None = self.adapter.text_of(self)
        return text

    @property
    def update_id(self) -> int | None:
        """The number of the update, if it has one; see ``text``."""
        if self._facts is not None:
            return self._facts.update_id
        number: int | None = self.adapter.update_id_of(self)
        return number

    def is_after(self, other: Delivery) -> bool:
        """Tell whether this update is known to be newer than *other*."""
        mine, theirs = self.facts.update_id, other.facts.update_id
        return mine is not None and theirs is not None and mine > theirs


#: A user says "message" and means it whichever way it comes; the other kinds have Telegram's own names.
KINDS: dict[str, frozenset[str]] = {
    "message": frozenset({"message", "business_message", "channel_post"}),
    "edited_message": frozenset({"edited_message", "edited_business_message", "edited_channel_post"}),
}

#: What a message has that reports something and says nothing. Reports that answer a button (a shared chat, data of a
#: web app, a payment) are not among them.
SERVICE = (
    "pinned_message",
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "message_auto_delete_timer_changed",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "proximity_alert_triggered",
    "boost_added",
    "chat_background_set",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
    "giveaway_created",
    "giveaway_completed",
    "video_chat_scheduled",
    "video_chat_started",
    "video_chat_ended",
    "video_chat_participants_invited",
)

#: Kinds that tell who but not where: a wait for them looks for the person in no chat.
CHATLESS = frozenset(
    {
        "inline_query",
        "chosen_inline_result",
        "shipping_query",
        "pre_checkout_query",
        "purchased_paid_media",
        "poll_answer",
        "business_connection",
    }
)

_MESSAGES = KINDS["message"]


def is_service(message: object) -> bool:
    """Tell whether a message, with the Bot API's names for its parts, is a service message."""
    return any(getattr(message, name, None) for name in SERVICE)


def kinds_of(kinds: str | Collection[str]) -> frozenset[str]:
    """Expand the *kinds* a user wrote to Telegram's names.

    Raises:
        BadArgument: *kinds* is empty or has something that is no name.
    """
    if kinds == "message":
        return _MESSAGES
    try:
        names = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    except TypeError:
        names = ()
    if not names or not all(isinstance(name, str) and name.isidentifier() for name in names):
        raise BadArgument("kinds", kinds, 'names of updates such as "message" or "callback_query"')
    return frozenset[str]().union(*(KINDS.get(name, frozenset({name})) for name in names))
