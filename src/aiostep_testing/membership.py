"""What a user is in a chat, and what privacy mode lets a bot see there."""

from __future__ import annotations

from typing import Any

from aiostep_testing.accounts import BotAccount, public_user
from aiostep_testing.entities import slices
from aiostep_testing.schema import Schema
from aiostep_testing.wire import Json

IN_CHAT = frozenset({"creator", "administrator", "member", "restricted"})
TYPES = {
    "creator": "ChatMemberOwner",
    "administrator": "ChatMemberAdministrator",
    "member": "ChatMemberMember",
    "restricted": "ChatMemberRestricted",
    "left": "ChatMemberLeft",
    "kicked": "ChatMemberBanned",
}

# The accounts Telegram shows as the sender when there is no person to show.
GROUP_ANONYMOUS_BOT: Json = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
CHANNEL_BOT: Json = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
TELEGRAM: Json = {"id": 777000, "is_bot": False, "first_name": "Telegram"}

CONTENT = [
    "text",
    "audio",
    "document",
    "animation",
    "photo",
    "sticker",
    "story",
    "video",
    "video_note",
    "voice",
    "contact",
    "dice",
    "game",
    "poll",
    "venue",
    "location",
    "checklist",
    "paid_media",
    "live_photo",
]


def chat_member(user: Json, status: str, **extra: Any) -> Json:
    """Describe a member with every field that the status requires."""
    smallest: Json = Schema.load().smallest(TYPES[status])
    if status in ("administrator", "creator"):
        smallest["is_anonymous"] = False
    if status == "kicked":
        smallest["until_date"] = 0
    return smallest | {"user": public_user(user)} | extra


def addresses(message: Json, bot: BotAccount) -> bool:
    """Tell whether a bot in privacy mode is shown *message*."""
    if not any(kind in message for kind in CONTENT):
        return True  # a service message
    if message.get("reply_to_message", {}).get("from", {}).get("id") == bot.id:
        return True
    if message.get("via_bot", {}).get("id") == bot.id:
        return True
    text = message.get("text") or message.get("caption") or ""
    entities: list[Json] = message.get("entities") or message.get("caption_entities") or []
    return any(_names(kind, part, bot) for kind, part in slices(text, entities))


def _names(kind: str, part: str, bot: BotAccount) -> bool:
    """Tell whether one entity is a command for this bot, or a mention of it."""
    if kind == "mention":
        return part[1:].lower() == bot.username.lower()
    if kind == "bot_command":
        _, _, name = part.partition("@")
        return not name or name.lower() == bot.username.lower()
    return False
