"""From the update of any framework that keeps the Bot API's names to ``Facts`` and ``Key``: pure, no framework.

An adapter makes one ``BotApi`` and tells it the few things that its framework has in a way of its own. Traps that are
met here, once for all of them: an anonymous administrator and a channel that writes in a group come with one and the
same ``from`` for everybody, so their ``sender_chat`` is the actor; channels that vote or react are in the same way.
``message_thread_id`` is also set on plain replies, so it counts only with ``is_topic_message``. A click on a message
that Telegram no longer shows names the chat, but neither topic nor business connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Final, NamedTuple

from .facts import Facts, is_service
from .keys import Key

__all__ = ["BotApi", "Classes", "actor_of", "is_about_message", "may_be_loss"]

#: Telegram's placeholders for "an anonymous administrator", "a channel" and "the linked channel".
PLACEHOLDERS: Final = frozenset({1087968824, 136817688, 777000})
_COMMAND: Final = re.compile(r"/(\w{1,64})(?:@(\w+))?(?:\s|$)")
_MESSAGES: Final = frozenset(
    {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "business_message",
        "edited_business_message",
        "guest_message",
    }
)
_GONE: Final = frozenset({"left", "kicked"})


class _Parts(NamedTuple):
    """In which attributes an event has its chat, its person (the first that is there) and its business connection."""

    chat: str | None = None
    people: tuple[str, ...] = ()
    business: str | None = None


_QUERY: Final = _Parts(people=("from_user",))
_CHANGE: Final = _Parts("chat", ("from_user",))
_PARTS: Final[Mapping[str, _Parts]] = {
    "inline_query": _QUERY,
    "chosen_inline_result": _QUERY,
    "shipping_query": _QUERY,
    "pre_checkout_query": _QUERY,
    "purchased_paid_media": _QUERY,
    "my_chat_member": _CHANGE,
    "chat_member": _CHANGE,
    "chat_join_request": _CHANGE,
    "poll": _Parts(),
    "poll_answer": _Parts(people=("voter_chat", "user")),
    "message_reaction": _Parts("chat", ("actor_chat", "user")),
    "message_reaction_count": _Parts("chat"),
    "business_connection": _Parts(people=("user",), business="id"),
    "deleted_business_messages": _Parts("chat", business="business_connection_id"),
}
#: Of what is not in the table: looking for what there may not be is slow.
_ANYTHING: Final = _Parts("chat", ("from_user", "user"), "business_connection_id")


def actor_of(message: Any) -> int | None:
    """Return who wrote *message*: a person, or the channel or group in whose name it is."""
    user = message.from_user
    if user is None:
        return None
    if message.sender_chat is not None and user.id in PLACEHOLDERS:
        return message.sender_chat.id  # type: ignore[no-any-return]
    return user.id  # type: ignore[no-any-return]


def is_about_message(update: Any) -> bool:
    """Tell quickly whether an update is, or may be, about a message that was there before it; see ``concerns``."""
    message = update.message
    return message is None or message.reply_to_message is not None or message.media_group_id is not None


def may_be_loss(update: Any) -> bool:
    """Tell quickly whether an update may report a loss (``Facts.gone``)."""
    message = update.message
    if message is None:
        return update.my_chat_member is not None or update.chat_member is not None
    return message.left_chat_member is not None or message.migrate_to_chat_id is not None


class Classes(NamedTuple):
    """What a framework calls these types of the Bot API; *anything* is the base of all."""

    update: type[Any]
    message: type[Any]
    click: type[Any]
    user: type[Any]
    chat: type[Any]
    anything: type[Any]


class BotApi:
    """Reads the updates of one framework.

    Args:
        kinds: Telegram's names of all updates that the framework knows.
        is_inaccessible: tells a message that Telegram no longer shows; asked only about those under buttons.
        time_of: the POSIX time that a message's ``date`` stands for.
        topic_of: the topic of a message, if forums are not all that has topics.
        chat_type: the Bot API's name for the type of a chat.
    """

    def __init__(
        self,
        kinds: Iterable[str],
        classes: Classes,
        *,
        is_inaccessible: Callable[[Any], bool],
        time_of: Callable[[Any], float],
        topic_of: Callable[[Any], int | None] | None = None,
        chat_type: Callable[[Any], str] = attrgetter("type"),
    ) -> None:
        self._rare = tuple(name for name in kinds if name not in ("message", "callback_query"))
        self._classes = classes
        self._is_inaccessible = is_inaccessible
        self._time_of = time_of
        self._topic_of = topic_of
        self._chat_type = chat_type
        self._keys: Mapping[str, Callable[[Any, int], Key]] = {
            **dict.fromkeys(_MESSAGES, self._key_of_message),
            "callback_query": self._key_of_click,
            "chat_boost": _key_of_boost,
        }
        #: What only some kinds tell.
        self._details: Mapping[str, Callable[[Any], dict[str, Any]]] = {
            "callback_query": self._of_click,
            "message_reaction": self._of_reaction,
            "message_reaction_count": self._of_reaction,
            "my_chat_member": self._of_own_membership,
            "chat_member": self._of_membership,
            "poll": lambda poll: {"poll_id": poll.id},
            "poll_answer": lambda answer: {"poll_id": answer.poll_id},
            "inline_query": lambda query: {"text": query.query},
            "chosen_inline_result": lambda result: {"inline_message_id": result.inline_message_id},
        }

    def kind_of(self, update: Any) -> str:
        """Return Telegram's name of the update; "" for one that this version of the framework does not know."""
        if update.message is not None:
            return "message"
        if update.callback_query is not None:
            return "callback_query"
        for name in self._rare:
            if getattr(update, name, None) is not None:
                return name
        return ""

    def event_of(self, update: Any) -> Any:
        """Return the message, the callback query ... in an update, or the update itself if it is unknown."""
        kind = self.kind_of(update)
        return getattr(update, kind) if kind else update

    def key_of_update(self, update: Any, bot_id: int) -> Key:
        """Return the full key of an update; this runs for every update while anybody waits."""
        message = update.message
        if message is not None:
            if self._topic_of is not None:
                thread_id = self._topic_of(message)
            else:  # as in _thread_of, without a call
                thread_id = message.message_thread_id if message.is_topic_message else None
            return Key(bot_id, message.chat.id, actor_of(message), thread_id, None)
        click = update.callback_query
        if click is not None:
            return self._key_of_click(click, bot_id)
        kind = self.kind_of(update)
        return self.key_of_event(kind, getattr(update, kind), bot_id) if kind else Key(bot_id)

    def facts_of(self, update: Any, bot_id: int, username: str | None) -> Facts:
        """Return what the core needs to know of an update.

        Args:
            username: the bot's own, to tell its commands from another bot's; None while it is not known.
        """
        message = update.message
        if message is not None:
            key = self.key_of_update(update, bot_id)
            return self._facts_of_message(update.update_id, "message", key, message, username)
        kind = self.kind_of(update)
        event: Any = getattr(update, kind) if kind else None
        key = self.key_of_event(kind, event, bot_id) if kind else Key(bot_id)
        if kind in _MESSAGES:
            return self._facts_of_message(update.update_id, kind, key, event, username)
        return Facts(
            bot_id=bot_id,
            kind=kind,
            update_id=update.update_id,
            chat_id=key.chat_id,
            user_id=key.user_id,
            thread_id=key.thread_id,
            business_id=key.business_id,
            **self._details.get(kind, self._of_anything)(event),
        )

    def key_of_object(self, target: Any, bot_id: int) -> Key | None:
        """Return the key of any object of the framework that names a chat or a user; None if it names neither.

        The bot's own message, which is what its methods return, is about whom it was sent to: in a private chat the
        person, elsewhere the author of the message that it replies to, or anybody.

        Raises:
            TypeError: *target* is no object of the framework.
        """
        classes = self._classes
        if isinstance(target, classes.user):
            return Key(bot_id, None, target.id)
        if isinstance(target, classes.chat):
            return Key(bot_id, target.id, target.id if target.type == "private" else None)
        if isinstance(target, classes.update):
            key = self.key_of_update(target, bot_id)
        elif isinstance(target, classes.message):
            key = self.key_of_event("message", target, bot_id)
            key = key._replace(user_id=_receiver(target)) if key.user_id == bot_id else key
        elif isinstance(target, classes.anything):
            key = self.key_of_event("callback_query" if isinstance(target, classes.click) else "", target, bot_id)
        else:
            raise TypeError(target)
        return key if key.chat_id is not None or key.user_id is not None else None

    def key_of_event(self, kind: str, event: Any, bot_id: int) -> Key:
        """Return the full key of what is in an update of this *kind*."""
        read = self._keys.get(kind)
        return read(event, bot_id) if read is not None else _key_of_parts(_PARTS.get(kind, _ANYTHING), event, bot_id)

    def _thread_of(self, message: Any) -> int | None:
        if self._topic_of is not None:
            return self._topic_of(message)
        return message.message_thread_id if message.is_topic_message else None

    def _key_of_message(self, message: Any, bot_id: int) -> Key:
        business_id = getattr(message, "business_connection_id", None)
        return Key(bot_id, message.chat.id, actor_of(message), self._thread_of(message), business_id)

    def _key_of_click(self, click: Any, bot_id: int) -> Key:
        message = click.message
        if message is None:
            return Key(bot_id, None, click.from_user.id)
        if self._is_inaccessible(message):
            return Key(bot_id, message.chat.id, click.from_user.id)
        business_id = getattr(message, "business_connection_id", None)
        return Key(bot_id, message.chat.id, click.from_user.id, self._thread_of(message), business_id)

    def _facts_of_message(self, update_id: int, kind: str, key: Key, message: Any, username: str | None) -> Facts:
        """Make the facts of the most frequent kinds in one go."""
        text = message.text if message.text is not None else message.caption
        reply, chat, user = message.reply_to_message, message.chat, message.from_user
        if reply is not None and getattr(reply, "forum_topic_created", None) is not None:
            reply = None  # every message of a topic "replies" to the one that opened it
        gone, leaver_id = _loss(message, key.bot_id)
        # In the order of the fields: by keywords a tuple takes three times as long.
        return Facts(
            key.bot_id,
            kind,
            update_id,
            key.chat_id,
            self._chat_type(chat),
            key.user_id,
            key.thread_id,
            key.business_id,
            message.message_id or None,  # an ephemeral message has the id 0, which says nothing
            reply.message_id if reply is not None else None,
            message.media_group_id,
            None,
            None,
            text,
            _command(text, username) if text is not None and text[:1] == "/" else None,
            None,
            user is not None and user.id == key.bot_id,
            message.edit_date is not None,
            bool(chat.is_forum),
            False,
            text is None and is_service(message),
            gone,
            leaver_id,
            self._time_of(message.date),
        )

    def _of_chat(self, chat: Any) -> dict[str, Any]:
        return {"chat_type": self._chat_type(chat), "is_forum": bool(chat.is_forum)}

    def _of_click(self, click: Any) -> dict[str, Any]:
        message, data = click.message, click.data
        details: dict[str, Any] = {
            # A framework may let bots put any object into a button.
            "callback_data": data if isinstance(data, str) else None,
            "inline_message_id": click.inline_message_id,
        }
        if message is not None:
            chat = message.chat
            details |= {
                "chat_type": self._chat_type(chat),
                "is_forum": bool(chat.is_forum),
                "message_id": message.message_id,
                "is_inaccessible": self._is_inaccessible(message),
            }
        return details

    def _of_reaction(self, event: Any) -> dict[str, Any]:
        return {**self._of_chat(event.chat), "message_id": event.message_id}

    def _of_own_membership(self, event: Any) -> dict[str, Any]:
        details = self._of_chat(event.chat)
        if event.new_chat_member.status in _GONE:
            is_private = event.chat.type == "private"
            details |= {
                "gone": "blocked" if is_private else "left",
                "leaver_id": event.chat.id if is_private else None,
            }
        return details

    def _of_membership(self, event: Any) -> dict[str, Any]:
        details = self._of_chat(event.chat)
        if event.new_chat_member.status in _GONE:
            details |= {"gone": "left", "leaver_id": event.new_chat_member.user.id}
        return details

    def _of_anything(self, event: Any) -> dict[str, Any]:
        chat = getattr(event, "chat", None)
        return self._of_chat(chat) if chat is not None else {}


def _key_of_parts(parts: _Parts, event: Any, bot_id: int) -> Key:
    chat = getattr(event, parts.chat, None) if parts.chat is not None else None
    person = None
    for name in parts.people:
        person = getattr(event, name, None)
        if person is not None:
            break
    return Key(
        bot_id,
        chat.id if chat is not None else None,
        person.id if person is not None else None,
        None,
        getattr(event, parts.business, None) if parts.business is not None else None,
    )


def _key_of_boost(event: Any, bot_id: int) -> Key:
    # Only the source of a premium boost names who did it.
    source = event.boost.source
    is_paid = getattr(source, "source", None) == "premium"
    return Key(bot_id, event.chat.id, source.user.id if is_paid else None)


def _receiver(message: Any) -> int | None:
    if message.chat.type == "private":
        return message.chat.id  # type: ignore[no-any-return]
    return actor_of(message.reply_to_message) if message.reply_to_message is not None else None


def _loss(message: Any, bot_id: int) -> tuple[str | None, int | None]:
    """Return which end of a chat a service message reports, and for whom."""
    if message.migrate_to_chat_id is not None:
        return "migrated", None
    if message.left_chat_member is not None:
        left = message.left_chat_member.id
        return "left", left if left != bot_id else None
    return None, None


def _command(text: str, username: str | None) -> str | None:
    match = _COMMAND.match(text)
    if match is None:
        return None
    name, mention = match.groups()
    if mention is None or username is None or mention.casefold() == username.casefold():
        return str(name)
    return f"{name}@{mention}"
