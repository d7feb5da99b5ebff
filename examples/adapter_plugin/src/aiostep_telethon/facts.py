"""From an update of Telethon to ``Facts``: pure functions, which nothing that Telegram sends makes raise.

Traps: an anonymous administrator has no ``from_id`` or the group's own, so the chat itself is the actor. A message
in a topic "replies" to the one that opened it, and only ``forum_topic`` tells it from a reply in an ordinary group.
A click names neither topic nor business connection. There are no update ids.
"""

from __future__ import annotations

import re
from typing import Any, Final

from telethon import events, types, utils
from telethon.tl import TLObject

from aiostep_core.facts import Facts
from aiostep_core.keys import Key

__all__ = ["EVENTS", "facts_of", "key_of_object", "kind_of", "thread_of"]

#: What makes the object that handlers get, for the kinds that Telethon has events of.
EVENTS: Final[dict[str, Any]] = {
    "message": events.NewMessage,
    "edited_message": events.MessageEdited,
    "callback_query": events.CallbackQuery,
    "chat_action": events.ChatAction,
    "inline_query": events.InlineQuery,
}
_KINDS: Final[dict[type, str]] = {
    types.UpdateNewMessage: "message",
    types.UpdateNewChannelMessage: "message",
    types.UpdateShortMessage: "message",
    types.UpdateShortChatMessage: "message",
    types.UpdateEditMessage: "edited_message",
    types.UpdateEditChannelMessage: "edited_message",
    types.UpdateBotCallbackQuery: "callback_query",
    types.UpdateInlineBotCallbackQuery: "callback_query",
    types.UpdateBotInlineQuery: "inline_query",
}
_COMMAND: Final = re.compile(r"/(\w{1,64})(?:@(\w+))?(?:\s|$)")
_AWAY: Final = (type(None), types.ChannelParticipantLeft, types.ChannelParticipantBanned)


def kind_of(update: Any) -> str:
    """Return the Bot API's name of an update, or Telethon's where the Bot API has none."""
    kind = _KINDS.get(type(update))
    if isinstance(getattr(update, "message", None), types.MessageService):
        return "chat_action"  # not "message": a filter for messages would have to expect it
    return kind or type(update).__name__


def facts_of(update: Any, bot_id: int, username: str | None) -> Facts:
    """Return what the core needs to know of an update of the bot with this id and, if it is known, this username."""
    kind = kind_of(update)
    entities = getattr(update, "_entities", {})
    if kind in ("message", "edited_message"):
        event = EVENTS[kind].build(update, None, bot_id)
        return _facts_of_message(event.message, kind, entities, bot_id, username)
    if isinstance(update, types.UpdateBotCallbackQuery):
        return Facts(
            bot_id=bot_id,
            kind=kind,
            user_id=update.user_id,
            message_id=update.msg_id,
            callback_data=(update.data or b"").decode("utf-8", "replace"),
            **_chat(update.peer, entities),
        )
    if isinstance(update, types.UpdateInlineBotCallbackQuery):
        return Facts(bot_id=bot_id, kind=kind, user_id=update.user_id, inline_message_id=_inline_id(update.msg_id))
    return _facts_of_other(update, kind, entities, bot_id)


def _facts_of_message(message: Any, kind: str, entities: dict[int, Any], bot_id: int, username: str | None) -> Facts:
    text = message.message or None
    thread_id, reply_to_id = thread_of(message)
    return Facts(
        bot_id=bot_id,
        kind=kind,
        user_id=message.sender_id or message.chat_id,
        thread_id=thread_id,
        message_id=message.id,
        reply_to_id=reply_to_id,
        media_group_id=str(message.grouped_id) if message.grouped_id else None,
        text=text,
        command=_command(text, username) if text is not None else None,
        is_own=bool(message.out),
        is_edit=kind == "edited_message",
        date=message.date.timestamp() if message.date is not None else None,
        **_chat(message.peer_id, entities),
    )


def thread_of(message: Any) -> tuple[int | None, int | None]:
    """Return the topic that a message is in, and the message that it replies to."""
    header = message.reply_to
    replied = getattr(header, "reply_to_msg_id", None)  # a story that is replied to is no message
    if not getattr(header, "forum_topic", False):
        return None, replied
    top = header.reply_to_top_id
    return (top, replied) if top is not None else (replied, None)


def _facts_of_other(update: Any, kind: str, entities: dict[int, Any], bot_id: int) -> Facts:
    """Make the facts of what is no message: which end of a chat it reports, if any, and for whom."""
    message: Any = getattr(update, "message", None)
    action = getattr(message, "action", None)
    peer, user_id, gone = _peer_of(update), getattr(update, "user_id", None), None
    leaver_id = user_id
    if isinstance(update, types.UpdateBotStopped) and update.stopped:
        peer, gone = types.PeerUser(user_id), "blocked"
    elif isinstance(update, (types.UpdateChannelParticipant, types.UpdateChatParticipant)):
        gone = "left" if isinstance(update.new_participant, _AWAY) else None
    elif isinstance(action, types.MessageActionChatDeleteUser):
        gone, leaver_id = "left", action.user_id
    elif isinstance(action, types.MessageActionChatMigrateTo):
        gone, leaver_id = "migrated", None
    return Facts(
        bot_id=bot_id,
        kind=kind,
        user_id=message.sender_id if kind == "chat_action" else user_id,
        text=update.query if kind == "inline_query" else None,
        is_service=kind == "chat_action",
        gone=gone,
        leaver_id=None if gone is None or leaver_id == bot_id else leaver_id,
        **_chat(peer, entities),
    )


def _peer_of(update: Any) -> Any:
    """Find the chat of any update, wherever its class keeps it."""
    message = getattr(update, "message", None)
    if isinstance(message, types.MessageService):
        return message.peer_id
    if isinstance(getattr(update, "channel_id", None), int):
        return types.PeerChannel(update.channel_id)
    if isinstance(getattr(update, "chat_id", None), int):
        return types.PeerChat(update.chat_id)
    return getattr(update, "peer", None)


def _chat(peer: Any, entities: dict[int, Any]) -> dict[str, Any]:
    """Return the facts about a chat: ids are marked as in the Bot API, -100... for a channel."""
    if not isinstance(peer, (types.PeerUser, types.PeerChat, types.PeerChannel)):
        return {}
    chat_id = utils.get_peer_id(peer)
    entity = entities.get(chat_id)
    if isinstance(peer, types.PeerUser):
        return {"chat_id": chat_id, "chat_type": "private"}
    if isinstance(peer, types.PeerChat):
        return {"chat_id": chat_id, "chat_type": "group"}
    chat_type = "channel" if getattr(entity, "broadcast", False) else "supergroup"
    return {"chat_id": chat_id, "chat_type": chat_type, "is_forum": bool(getattr(entity, "forum", False))}


def _inline_id(msg_id: Any) -> str:
    return f"{msg_id.dc_id}:{msg_id.id}:{msg_id.access_hash}"


def _command(text: str, username: str | None) -> str | None:
    match = _COMMAND.match(text)
    if match is None:
        return None
    name, mention = match.groups()
    if mention is None or username is None or mention.casefold() == username.casefold():
        return str(name)
    return f"{name}@{mention}"


def key_of_object(target: Any, bot_id: int) -> Key | None:
    """Return the key of an event, a message, a user, a chat or an update; None if it names nobody.

    Raises:
        TypeError: *target* is nothing of Telethon's.
    """
    if isinstance(target, types.User):
        return Key(bot_id, None, target.id)
    if isinstance(target, (types.Chat, types.Channel)):
        return Key(bot_id, utils.get_peer_id(target))
    if isinstance(target, (events.NewMessage.Event, events.MessageEdited.Event)):
        target = target.message
    if isinstance(target, types.Message):
        # The bot's own message is about whom it was sent to.
        user_id = target.sender_id or target.chat_id
        if target.out or user_id == bot_id:
            user_id = target.chat_id if target.chat_id > 0 else None
        return Key(bot_id, target.chat_id, user_id, thread_of(target)[0])
    if isinstance(target, events.CallbackQuery.Event):
        return Key(bot_id, target.chat_id, target.sender_id)
    if isinstance(target, events.common.EventCommon):
        target = target.original_update
    if not isinstance(target, TLObject):
        raise TypeError(target)
    key = facts_of(target, bot_id, None).key
    return key if key.chat_id is not None or key.user_id is not None else None
