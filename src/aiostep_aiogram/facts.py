"""How aiogram's objects differ from the Bot API's; see ``aiostep_core.bot_api`` for all else."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from aiogram import Bot
from aiogram.types import CallbackQuery, Chat, InaccessibleMessage, Message, TelegramObject, Update, User

from aiostep_core.bot_api import BotApi, Classes
from aiostep_core.facts import Facts

__all__ = ["event_of", "facts_of", "key_of_object", "key_of_update", "kind_of"]

# ``Update.event_type`` tells the kind too, but hashes the whole update for its cache.
_api: Final = BotApi(
    [name for name in Update.model_fields if name != "update_id"],
    Classes(Update, Message, CallbackQuery, User, Chat, TelegramObject),
    is_inaccessible=lambda message: isinstance(message, InaccessibleMessage),
    time_of=datetime.timestamp,
)
kind_of = _api.kind_of
event_of = _api.event_of
key_of_update = _api.key_of_update
key_of_object = _api.key_of_object


def facts_of(update: Update, bot: Bot) -> Facts:
    """Return what the core needs to know of an update."""
    # aiogram fills this before it polls; asking for it here would mean awaiting.
    me = getattr(bot, "_me", None)
    return _api.facts_of(update, bot.id, me.username if me is not None else None)
