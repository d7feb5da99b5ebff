"""From a telebot update to ``Facts`` and ``Key``: pure functions over a table of update kinds.

Rows of the table that are traps: an anonymous administrator and a channel that writes in a group come with one and
the same ``from`` for everybody, so their ``sender_chat`` is the actor. ``message_thread_id`` is also set on plain
replies, so it counts only with ``is_topic_message``. A click on a message that Telegram no longer shows names the
chat, but neither topic nor business connection; telebot's object for it logs a warning for whatever else it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from telebot import types, util

from aiostep_core.facts import Facts, is_service
from aiostep_core.keys import Key

__all__ = ["event_of", "facts_of", "key_of_object", "key_of_update", "kind_of"]

#: Telegram's placeholders for "an anonymous administrator", "a channel" and "the linked channel".
_PLACEHOLDERS: Final = frozenset({1087968824, 136817688, 777000})
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


def kind_of(update: types.Update) -> str:
    """Return Telegram's name of the update; "" for one that this telebot does not know."""
    if update.message is not None:
        return "message"
    if update.callback_query is not None:
        return "callback_query"
    for name in util.update_types:
        if getattr(update, name, None) is not None:
            return name
    return ""


def event_of(update: types.Update) -> Any:
    """Return what users get: the message, the callback query ... or the update itself if it is unknown."""
    kind = kind_of(update)
    return getattr(update, kind) if kind else update


def key_of_update(update: types.Update, bot_id: int) -> Key:
    """Return the full key of an update; this runs for every update while anybody waits."""
    message: Any = update.message
    if message is not None:
        thread_id = message.message_thread_id if message.is_topic_message else None
        return Key(bot_id, message.chat.id, _actor(message), thread_id, None)
    kind = kind_of(update)
    return _key(kind, getattr(update, kind), bot_id) if kind else Key(bot_id)


def facts_of(update: types.Update, bot_id: int, username: str | None) -> Facts:
    """Return what the core needs to know of an update of the bot with this id and, if it is known, this username."""
    kind = kind_of(update)
    event: Any = getattr(update, kind) if kind else None
    key = _key(kind, event, bot_id) if kind else Key(bot_id)
    if kind in _MESSAGES:
        return _facts_of_message(update.update_id, kind, key, event, username)
    return Facts(
        bot_id=bot_id,
        kind=kind,
        update_id=update.update_id,
        chat_id=key.chat_id,
        user_id=key.user_id,
        thread_id=key.thread_id,
        business_id=key.business_id,
        **_DETAILS.get(kind, _no_details)(event),
    )


def key_of_object(target: object, bot_id: int) -> Key | None:
    """Return the key of any telebot object that names a chat or a user; None if it names neither.

    The bot's own message, which is what its methods return, is about whom it was sent to: in a private chat the
    person, elsewhere the author of the message that it replies to, or anybody.

    Raises:
        TypeError: *target* is no telebot object.
    """
    if isinstance(target, types.Update):
        return _or_none(key_of_update(target, bot_id))
    if isinstance(target, types.User):
        return Key(bot_id, None, target.id)
    if isinstance(target, types.Chat):
        return Key(bot_id, target.id, target.id if target.type == "private" else None)
    if isinstance(target, types.Message):
        key = _key("message", target, bot_id)
        return key._replace(user_id=_receiver(target)) if key.user_id == bot_id else key
    if isinstance(target, types.CallbackQuery):
        return _key("callback_query", target, bot_id)
    if isinstance(target, types.JsonDeserializable):
        return _or_none(_key("", target, bot_id))
    raise TypeError(target)


def _or_none(key: Key) -> Key | None:
    return key if key.chat_id is not None or key.user_id is not None else None


def _receiver(message: Any) -> int | None:
    if message.chat.type == "private":
        return int(message.chat.id)
    return _actor(message.reply_to_message) if message.reply_to_message is not None else None


def _actor(message: Any) -> int | None:
    user = message.from_user
    if user is None:
        return None
    if message.sender_chat is not None and user.id in _PLACEHOLDERS:
        return int(message.sender_chat.id)
    return int(user.id)


def _key(kind: str, event: Any, bot_id: int) -> Key:
    if kind in _MESSAGES:
        thread_id = event.message_thread_id if event.is_topic_message else None
        return Key(bot_id, event.chat.id, _actor(event), thread_id, event.business_connection_id)
    if kind == "callback_query":
        return _key_of_click(event, bot_id)
    if kind == "poll_answer":
        return Key(bot_id, _id(event, "voter_chat"), _id(event, "user"))
    if kind == "chat_boost":
        # Only the source of a premium boost names who did it.
        source = event.boost.source
        is_premium = getattr(source, "source", None) == "premium"
        return Key(bot_id, event.chat.id, _id(source, "user") if is_premium else None)
    chat_id, user_id = _id(event, "chat"), _id(event, "from_user")
    if user_id is None:
        user_id = _id(event, "user")
    business = getattr(event, "id", None) if kind == "business_connection" else None
    return Key(bot_id, chat_id, user_id, None, business or getattr(event, "business_connection_id", None))


def _key_of_click(click: Any, bot_id: int) -> Key:
    message, user_id = click.message, click.from_user.id
    if message is None:
        return Key(bot_id, None, user_id)
    if isinstance(message, types.InaccessibleMessage):
        return Key(bot_id, message.chat.id, user_id)
    thread_id = message.message_thread_id if message.is_topic_message else None
    return Key(bot_id, message.chat.id, user_id, thread_id, message.business_connection_id)


def _id(event: Any, name: str) -> int | None:
    value = getattr(event, name, None)
    return value.id if value is not None else None


def _facts_of_message(update_id: int, kind: str, key: Key, message: Any, username: str | None) -> Facts:
    """Make the facts of the most frequent kinds in one go."""
    text = message.text if message.text is not None else message.caption
    reply, chat = message.reply_to_message, message.chat
    if reply is not None and getattr(reply, "forum_topic_created", None) is not None:
        reply = None  # every message of a topic "replies" to the one that opened it
    gone, leaver_id = _loss(message, key.bot_id)
    return Facts(
        bot_id=key.bot_id,
        kind=kind,
        update_id=update_id,
        chat_id=key.chat_id,
        chat_type=chat.type,
        user_id=key.user_id,
        thread_id=key.thread_id,
        business_id=key.business_id,
        # An ephemeral message has the id 0, which says nothing.
        message_id=message.message_id or None,
        reply_to_id=reply.message_id if reply is not None else None,
        media_group_id=message.media_group_id,
        text=text,
        command=_command(text, username) if text is not None and text[:1] == "/" else None,
        is_own=message.from_user is not None and message.from_user.id == key.bot_id,
        is_edit=message.edit_date is not None,
        is_service=text is None and is_service(message),
        is_forum=bool(chat.is_forum),
        gone=gone,
        leaver_id=leaver_id,
        date=float(message.date),
    )


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


def _chat_details(event: Any) -> dict[str, Any]:
    return {"chat_type": event.chat.type, "is_forum": bool(event.chat.is_forum)}


def _click_details(click: Any) -> dict[str, Any]:
    message = click.message
    details: dict[str, Any] = {"callback_data": click.data, "inline_message_id": click.inline_message_id}
    if message is not None:
        details |= _chat_details(message)
        details |= {
            "message_id": message.message_id,
            "is_inaccessible": isinstance(message, types.InaccessibleMessage),
        }
    return details


def _my_membership_details(event: Any) -> dict[str, Any]:
    details = _chat_details(event)
    if event.new_chat_member.status in _GONE:
        is_private = event.chat.type == "private"
        details |= {
            "gone": "blocked" if is_private else "left",
            "leaver_id": event.chat.id if is_private else None,
        }
    return details


def _membership_details(event: Any) -> dict[str, Any]:
    details = _chat_details(event)
    if event.new_chat_member.status in _GONE:
        details |= {"gone": "left", "leaver_id": event.new_chat_member.user.id}
    return details


def _no_details(event: Any) -> dict[str, Any]:
    return _chat_details(event) if getattr(event, "chat", None) is not None else {}


_DETAILS: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "callback_query": _click_details,
    "message_reaction": lambda event: {**_chat_details(event), "message_id": event.message_id},
    "message_reaction_count": lambda event: {**_chat_details(event), "message_id": event.message_id},
    "my_chat_member": _my_membership_details,
    "chat_member": _membership_details,
    "poll": lambda poll: {"poll_id": poll.id},
    "poll_answer": lambda answer: {"poll_id": answer.poll_id},
    "inline_query": lambda query: {"text": query.query},
    "chosen_inline_result": lambda result: {"inline_message_id": result.inline_message_id},
}
