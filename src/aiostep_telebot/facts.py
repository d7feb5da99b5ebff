"""How telebot's objects differ from the Bot API's; see ``aiostep_core.bot_api`` for all else."""

from __future__ import annotations

from typing import Final

from telebot import types, util

from aiostep_core.bot_api import BotApi, Classes

__all__ = ["event_of", "facts_of", "key_of_object", "key_of_update", "kind_of"]

_api: Final = BotApi(
    util.update_types,
    Classes(types.Update, types.Message, types.CallbackQuery, types.User, types.Chat, types.JsonDeserializable),
    is_inaccessible=lambda message: isinstance(message, types.InaccessibleMessage),
    time_of=float,
)
kind_of = _api.kind_of
event_of = _api.event_of
facts_of = _api.facts_of
key_of_update = _api.key_of_update
key_of_object = _api.key_of_object
