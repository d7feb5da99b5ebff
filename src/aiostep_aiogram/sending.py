"""Sending prompts with an aiogram bot."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable
from typing import Any, Final, TypeGuard

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramForbiddenError
from aiogram.methods import SendMediaGroup, SendMessage
from aiogram.methods.base import TelegramMethod
from aiogram.types import (
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
)

from aiostep_core.abc import Address, Sent
from aiostep_core.errors import BadArgument
from aiostep_core.keyboards import Keyboard
from aiostep_core.texts import Plain

__all__ = ["edit", "is_gone", "is_method", "keyboard", "send"]

_GROUPS: Final = frozenset({"group", "supergroup"})


async def send(bot: Bot, to: Address, prompt: Any, keyboard: Any, force_reply: Any, options: dict[str, Any]) -> Sent:
    """Send a text, or a method of aiogram such as ``message.answer_photo(...)`` that was not awaited.

    Raises:
        BadArgument: *prompt* or *force_reply* is something else.
        TelegramAPIError: Telegram or the network refuses.
    """
    given, shown = _markup(to, keyboard, force_reply, options), None
    sent: Any
    if isinstance(prompt, str):
        sent = await _say(bot, to, prompt, given, options)
    elif is_method(prompt):
        shown = getattr(prompt, "reply_markup", None)
        sent = await bot(_with_markup(prompt, given.get("reply_markup"), options))
        if isinstance(prompt, SendMediaGroup):
            sent = sent[0]
    else:
        raise BadArgument("prompt", type(prompt).__name__, "a text, or a method such as message.answer_photo(...)")
    if not isinstance(sent, Message):
        raise BadArgument("prompt", type(prompt).__name__, "a method that sends a message")
    shown = options.get("reply_markup", given.get("reply_markup")) or shown
    return Sent(sent, sent.chat.id, sent.message_id, isinstance(shown, InlineKeyboardMarkup))


def keyboard(made: Keyboard) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove:
    """Make aiogram's own of a keyboard."""
    if made.is_inline:
        return InlineKeyboardMarkup(
            inline_keyboard=[
                [InlineKeyboardButton(text=one.text, callback_data=one.data) for one in row] for row in made.rows
            ]
        )
    if not made.rows:
        return ReplyKeyboardRemove(remove_keyboard=True, selective=True)
    rows = [
        [
            KeyboardButton(
                text=one.text,
                request_contact=True if one.request == "contact" else None,
                request_location=True if one.request == "location" else None,
            )
            for one in row
        ]
        for row in made.rows
    ]
    return ReplyKeyboardMarkup(keyboard=rows, resize_keyboard=True, one_time_keyboard=True, selective=True)


async def edit(bot: Bot, to: Address, sent: Sent, text: str | None, made: Keyboard | None) -> None:
    """Change what was sent. It is a nicety: nobody's conversation ends because Telegram or the network refuses."""
    markup = None if made is None else keyboard(made)
    place: dict[str, Any] = {"chat_id": sent.chat_id, "message_id": sent.message_id, "reply_markup": markup}
    if to.key.business_id is not None:
        place["business_connection_id"] = to.key.business_id
    with contextlib.suppress(TelegramAPIError):
        if text is None:
            await bot.edit_message_reply_markup(**place)
        else:
            await bot.edit_message_text(text, **place)


def is_method(value: object) -> TypeGuard[TelegramMethod[Any]]:
    """Tell whether *value* is a request to make: what handlers of aiogram may return instead of awaiting it."""
    return isinstance(value, TelegramMethod)


def is_gone(error: BaseException) -> str | None:
    """Return why nobody will ever answer a prompt whose sending failed with *error*; None if somebody may."""
    if isinstance(error, TelegramForbiddenError):
        return "blocked" if "blocked" in error.message or "deactivated" in error.message else "left"
    if isinstance(error, TelegramBadRequest) and "chat not found" in error.message:
        return "left"
    return None


def _say(bot: Bot, to: Address, text: str, given: dict[str, Any], options: dict[str, Any]) -> Awaitable[Any]:
    key = to.key
    if key.thread_id is not None:
        given["message_thread_id"] = key.thread_id
    if key.business_id is not None:
        given["business_connection_id"] = key.business_id
    if isinstance(text, Plain):
        given["parse_mode"] = None  # not the bot's own
    # The bot's own way to the same request takes twice as long; but it refuses an option that there is none of.
    if options:
        return bot.send_message(key.chat_id or 0, text, **{**given, **options})
    return bot(SendMessage(chat_id=key.chat_id or 0, text=text, **given))


def _markup(to: Address, keyboard: Any, force_reply: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return the reply markup, and the reply that goes with it, as a method is given them.

    A bot in privacy mode sees in a group only what replies to it, so there it asks for a reply; selectively: the
    prompt replies to the person's message, and only they are asked.
    """
    if force_reply not in (True, False, "auto"):
        raise BadArgument("force_reply", force_reply, 'True, False or "auto"')
    in_group = to.chat_type in _GROUPS
    if keyboard is not None:
        # A selective keyboard is shown to whom the message replies to, and without a reply to nobody.
        is_selective = in_group and bool(getattr(keyboard, "selective", False))
        return {"reply_markup": keyboard, **(_reply(to, options) if is_selective else {})}
    if "reply_markup" in options or not (force_reply is True or (force_reply == "auto" and in_group)):
        return {}
    reply = _reply(to, options)
    return {"reply_markup": ForceReply(selective=True if reply else None), **reply}


def _reply(to: Address, options: dict[str, Any]) -> dict[str, Any]:
    if to.reply_to_id is None or "reply_parameters" in options:
        return {}
    return {"reply_parameters": ReplyParameters(message_id=to.reply_to_id, allow_sending_without_reply=True)}


def _with_markup(method: TelegramMethod[Any], markup: Any, options: dict[str, Any]) -> TelegramMethod[Any]:
    has_none = getattr(method, "reply_markup", False) is None
    more = {**({"reply_markup": markup} if markup is not None and has_none else {}), **options}
    return method.model_copy(update=more) if more else method
