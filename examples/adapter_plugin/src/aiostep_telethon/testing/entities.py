"""From the world's JSON, which is the Bot API's, to Telethon's objects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Final

from telethon import Button, TelegramClient, types, utils

from aiostep_testing.wire import Json

__all__ = ["chat", "markup_json", "message", "peer", "user", "when"]

#: Those who stand in for somebody who is not shown; MTProto has no need of them.
_PLACEHOLDERS: Final = frozenset({1087968824, 136817688, 777000})


def when(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, timezone.utc)


def peer(marked_id: int) -> Any:
    """Turn an id of the Bot API into a peer."""
    number, kind = utils.resolve_id(marked_id)
    return kind(number)


def user(info: Json, *, is_self: bool = False) -> Any:
    """Make a user that the bot may write to."""
    is_bot = info.get("is_bot", False)
    return types.User(
        id=info["id"],
        is_self=is_self,
        bot=is_bot,
        bot_info_version=1 if is_bot else None,
        access_hash=info["id"],
        first_name=info.get("first_name"),
        username=info.get("username"),
        lang_code=info.get("language_code"),
    )


def chat(info: Json) -> Any:
    """Make a group or a channel."""
    number, _ = utils.resolve_id(info["id"])
    if info["type"] == "group":
        return types.Chat(number, info["title"], types.ChatPhotoEmpty(), 0, when(0), 1)
    return types.Channel(
        id=number,
        title=info["title"],
        photo=types.ChatPhotoEmpty(),
        date=when(0),
        access_hash=number,
        broadcast=info["type"] == "channel",
        megagroup=info["type"] == "supergroup",
        forum=info.get("is_forum", False),
    )


def message(data: Json, bot_id: int) -> Any:
    """Make a message, or a service message."""
    sender = data.get("from", {}).get("id")
    if sender is None or sender in _PLACEHOLDERS:
        sender = data.get("sender_chat", {}).get("id")
    is_private = data["chat"]["type"] == "private"
    common = {
        "id": data["message_id"],
        "peer_id": peer(data["chat"]["id"]),
        # Telegram leaves it out where the chat says it.
        "from_id": None if is_private or sender in (None, data["chat"]["id"]) else peer(sender),
        "date": when(data["date"]),
        "out": sender == bot_id,
        "post": data["chat"]["type"] == "channel",
        "reply_to": _reply_header(data),
    }
    for name, make in _ACTIONS.items():
        if name in data:
            return types.MessageService(action=make(data[name]), **common)
    return types.Message(
        message=data.get("text") or data.get("caption") or "",
        media=types.MessageMediaPhoto(photo=_photo(data["photo"])) if "photo" in data else None,
        grouped_id=int(data["media_group_id"]) if "media_group_id" in data else None,
        edit_date=when(data["edit_date"]) if "edit_date" in data else None,
        reply_markup=_markup(data.get("reply_markup")),
        **common,
    )


def _reply_header(data: Json) -> Any:
    """Say what a message replies to, and its topic: without a reply that looks like a reply to the first message."""
    thread_id, replied = data.get("message_thread_id"), data.get("reply_to_message", {}).get("message_id")
    is_topic = data.get("is_topic_message", False)
    if thread_id is None and replied is None:
        return None
    top = thread_id if replied not in (None, thread_id) else None
    return types.MessageReplyHeader(forum_topic=is_topic, reply_to_msg_id=replied or thread_id, reply_to_top_id=top)


_ACTIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "left_chat_member": lambda who: types.MessageActionChatDeleteUser(who["id"]),
    "new_chat_members": lambda people: types.MessageActionChatAddUser([one["id"] for one in people]),
    "migrate_to_chat_id": lambda new: types.MessageActionChatMigrateTo(utils.resolve_id(new)[0]),
    "migrate_from_chat_id": lambda old: types.MessageActionChannelMigrateFrom("", utils.resolve_id(old)[0]),
    "pinned_message": lambda _: types.MessageActionPinMessage(),
    "forum_topic_created": lambda topic: types.MessageActionTopicCreate(topic["name"], topic["icon_color"]),
}


def _photo(sizes: list[Json]) -> Any:
    number = abs(hash(sizes[0]["file_unique_id"]))
    return types.Photo(number, number, b"", when(0), [types.PhotoSizeEmpty("m")], 2)


def _markup(markup: Json | None) -> Any:
    if markup is None or "inline_keyboard" not in markup:
        return None
    rows = [[Button.inline(one["text"], one["callback_data"]) for one in row] for row in markup["inline_keyboard"]]
    return TelegramClient.build_reply_markup(rows)


def markup_json(markup: Any) -> Json | None:
    """Turn a markup of Telethon into that of the Bot API.

    Raises:
        NotImplementedError: it is none of those that are known here.
    """
    if markup is None:
        return None
    if isinstance(markup, types.ReplyKeyboardForceReply):
        return {"force_reply": True, "selective": bool(markup.selective)}
    if isinstance(markup, types.ReplyKeyboardHide):
        return {"remove_keyboard": True, "selective": bool(markup.selective)}
    if isinstance(markup, types.ReplyInlineMarkup):
        return {"inline_keyboard": [[_button_json(one) for one in row.buttons] for row in markup.rows]}
    if isinstance(markup, types.ReplyKeyboardMarkup):
        rows = [[{"text": one.text} for one in row.buttons] for row in markup.rows]
        return {"keyboard": rows, "one_time_keyboard": True, "selective": bool(markup.selective)}
    raise NotImplementedError(f"{type(markup).__name__} cannot be shown in the world yet")


def _button_json(button: Any) -> Json:
    data: bytes = getattr(button, "type", button).data  # it moved with layer 224
    return {"text": button.text, "callback_data": data.decode()}
