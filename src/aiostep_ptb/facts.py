"""How python-telegram-bot's objects differ from the Bot API's; see ``aiostep_core.bot_api`` for all else."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from telegram import CallbackQuery, Chat, Message, TelegramObject, Update, User

from aiostep_core.bot_api import BotApi, Classes, actor_of

__all__ = ["actor_of", "event_of", "facts_of", "key_of_object", "key_of_update", "kind_of", "thread_of"]


def thread_of(message: Any) -> int | None:
    """Return the topic that *message* is in: of a forum, or a person's own in a channel's direct messages."""
    if message.is_topic_message:
        return message.message_thread_id  # type: ignore[no-any-return]
    topic = getattr(message, "direct_messages_topic", None)
    return topic.topic_id if topic is not None else None


def _chat_type(chat: Any) -> str:
    # Prompts into a channel's direct messages take another parameter for the topic, see sending.py.
    # The method of the framework's own class is written in Python.
    return "direct_messages" if getattr(chat, "is_direct_messages", None) else str.__str__(chat.type)


def _is_inaccessible(message: Any) -> bool:
    # Without is_accessible, up to version 20.7, only the date tells: such a message is from the year 1970.
    return not getattr(message, "is_accessible", True) or message.date.timestamp() == 0


_api: Final = BotApi(
    [name for name in Update.__slots__ if name[0] != "_" and name != "update_id"],
    Classes(Update, Message, CallbackQuery, User, Chat, TelegramObject),
    is_inaccessible=_is_inaccessible,
    time_of=datetime.timestamp,
    topic_of=thread_of,
    chat_type=_chat_type,
)
kind_of = _api.kind_of
event_of = _api.event_of
facts_of = _api.facts_of
key_of_update = _api.key_of_update
key_of_object = _api.key_of_object
