"""From an aiogram update to ``Facts`` and ``Key``: pure functions over a table of update kinds.

Rows of the table that are traps: an anonymous administrator and a channel that writes in a group come with one and
the same ``from`` for everybody, so their ``sender_chat`` is the actor. ``message_thread_id`` is also set on plain
replies, so it counts only with ``is_topic_message``. A click on a message that Telegram no longer shows names the
chat, but neither topic nor business connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiogram import Bot
from aiogram.types import CallbackQuery, Chat, InaccessibleMessage, Message, Update, User

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


def kind_of(update: Update) -> str:
    """Return Telegram's name of the update; "" for one that this aiogram does not know.

    ``Update.event_type`` says the same, but hashes the whole update for its cache.
    """
    if update.message is not None:
        return "message"
    if update.callback_query is not None:
        return "callback_query"
    for name in update.model_fields_set:
        if name != "update_id" and getattr(update, name) is not None:
            return name
    return ""


def event_of(update: Update) -> Any:
    """Return what users get: the message, the callback query ... or the update itself if it is unknown."""
    kind = kind_of(update)
    return getattr(update, kind) if kind else update


def key_of_update(update: Update, bot_id: int) -> Key:
    """Return the full key of an update; this runs for every update while anybody waits."""
    message = update.message
    if message is not None:
        thread_id = message.message_thread_id if message.is_topic_message else None
        return Key(bot_id, message.chat.id, _actor(message), thread_id, None)
    kind = kind_of(update)
    return _key(kind, getattr(update, kind), bot_id) if kind else Key(bot_id)


def facts_of(update: Update, bot: Bot) -> Facts:
    """Return what the core needs to know of an update."""
    kind = kind_of(update)
    event: Any = getattr(update, kind) if kind else None
    key = _key(kind, event, bot.id) if kind else Key(bot.id)
    if kind in _MESSAGES:
        return _facts_of_message(update.update_id, kind, key, event, bot)
    return Facts(
        bot_id=key.bot_id,
        kind=kind,
        update_id=update.update_id,
        chat_id=key.chat_id,
        user_id=key.user_id,
        thread_id=key.thread_id,
        business_id=key.business_id,
        **_DETAILS.get(kind, _no_details)(event),
    )


def key_of_object(target: object, bot_id: int) -> Key | None:
    """Return the key of any aiogram object that names a chat or a user; None if it names neither.

    Raises:
        TypeError: *target* is no aiogram object.
    """
    if isinstance(target, Update):
        return _or_none(key_of_update(target, bot_id))
    if isinstance(target, User):
        return Key(bot_id, None, target.id)
    if isinstance(target, Chat):
        return Key(bot_id, target.id, target.id if target.type == "private" else None)
    if isinstance(target, (Message, CallbackQuery)):
        return _or_none(_key("callback_query" if isinstance(target, CallbackQuery) else "message", target, bot_id))
    if type(target).__module__.startswith("aiogram.types"):
        return _or_none(_key("", target, bot_id))
    raise TypeError(target)


def _or_none(key: Key) -> Key | None:
    return key if key.chat_id is not None or key.user_id is not None else None


def _actor(message: Message) -> int | None:
    user = message.from_user
    if user is None:
        return None
    if message.sender_chat is not None and user.id in _PLACEHOLDERS:
        return message.sender_chat.id
    return user.id


def _key(kind: str, event: Any, bot_id: int) -> Key:
    if kind in _MESSAGES:
        thread_id = event.message_thread_id if event.is_topic_message else None
        return Key(bot_id, event.chat.id, _actor(event), thread_id, getattr(event, "business_connection_id", None))
    if kind == "callback_query":
        return _key_of_click(event, bot_id)
    if kind == "poll_answer":
        return Key(bot_id, _id(event, "voter_chat"), _id(event, "user"))
    if kind == "chat_boost":
        # Only the source of a premium boost names who did it.
        source = event.boost.source
        return Key(bot_id, event.chat.id, source.user.id if source.source == "premium" else None)
    chat_id, user_id = _id(event, "chat"), _id(event, "from_user")
    if user_id is None:
        user_id = _id(event, "user")
    business = getattr(event, "id", None) if kind == "business_connection" else None
    return Key(bot_id, chat_id, user_id, None, business or getattr(event, "business_connection_id", None))


def _key_of_click(click: CallbackQuery, bot_id: int) -> Key:
    message = click.message
    if message is None:
        return Key(bot_id, None, click.from_user.id)
    if isinstance(message, InaccessibleMessage):
        return Key(bot_id, message.chat.id, click.from_user.id)
    thread_id = message.message_thread_id if message.is_topic_message else None
    return Key(bot_id, message.chat.id, click.from_user.id, thread_id, getattr(message, "business_connection_id", None))


def _id(event: Any, name: str) -> int | None:
    value = getattr(event, name, None)
    return value.id if value is not None else None


def _facts_of_message(update_id: int, kind: str, key: Key, message: Message, bot: Bot) -> Facts:
    """Make the facts of the most frequent kinds in one go."""
    text = message.text if message.text is not None else message.caption
    reply, chat, user = message.reply_to_message, message.chat, message.from_user
    if reply is not None and reply.forum_topic_created is not None:
        reply = None  # every message of a topic "replies" to the one that opened it
    gone, leaver_id = _loss(message, bot)
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
        command=_command(text, bot) if text is not None and text[:1] == "/" else None,
        is_own=user is not None and user.id == key.bot_id,
        is_edit=message.edit_date is not None,
        is_service=text is None and is_service(message),
        is_forum=bool(chat.is_forum),
        gone=gone,
        leaver_id=leaver_id,
        date=message.date.timestamp(),
    )


def _loss(message: Message, bot: Bot) -> tuple[str | None, int | None]:
    """Return which end of a chat a service message reports, and for whom."""
    if message.migrate_to_chat_id is not None:
        return "migrated", None
    if message.left_chat_member is not None:
        left = message.left_chat_member.id
        return "left", left if left != bot.id else None
    return None, None


def _command(text: str, bot: Bot) -> str | None:
    match = _COMMAND.match(text)
    if match is None:
        return None
    name, mention = match.groups()
    # aiogram fills this before it polls; asking for it here would mean awaiting.
    me = getattr(bot, "_me", None)
    username = me.username if me is not None else None
    if mention is None or username is None or mention.casefold() == username.casefold():
        return str(name)
    return f"{name}@{mention}"


def _click_details(click: CallbackQuery) -> dict[str, Any]:
    message = click.message
    details: dict[str, Any] = {"callback_data": click.data, "inline_message_id": click.inline_message_id}
    if message is not None:
        details |= {
            "chat_type": message.chat.type,
            "message_id": message.message_id,
            "is_forum": bool(message.chat.is_forum),
            "is_inaccessible": isinstance(message, InaccessibleMessage),
        }
    return details


def _reaction_details(event: Any) -> dict[str, Any]:
    return {"chat_type": event.chat.type, "message_id": event.message_id, "is_forum": bool(event.chat.is_forum)}


def _my_membership_details(event: Any) -> dict[str, Any]:
    details = {"chat_type": event.chat.type, "is_forum": bool(event.chat.is_forum)}
    if event.new_chat_member.status in _GONE:
        is_private = event.chat.type == "private"
        details |= {
            "gone": "blocked" if is_private else "left",
            "leaver_id": event.chat.id if is_private else None,
        }
    return details


def _membership_details(event: Any) -> dict[str, Any]:
    details = {"chat_type": event.chat.type, "is_forum": bool(event.chat.is_forum)}
    if event.new_chat_member.status in _GONE:
        details |= {"gone": "left", "leaver_id": event.new_chat_member.user.id}
    return details


def _no_details(event: Any) -> dict[str, Any]:
    chat = getattr(event, "chat", None)
    return {"chat_type": chat.type, "is_forum": bool(chat.is_forum)} if chat is not None else {}


_DETAILS: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "callback_query": _click_details,
    "message_reaction": _reaction_details,
    "message_reaction_count": _reaction_details,
    "my_chat_member": _my_membership_details,
    "chat_member": _membership_details,
    "poll": lambda poll: {"poll_id": poll.id},
    "poll_answer": lambda answer: {"poll_id": answer.poll_id},
    "inline_query": lambda query: {"text": query.query},
    "chosen_inline_result": lambda result: {"inline_message_id": result.inline_message_id},
}
