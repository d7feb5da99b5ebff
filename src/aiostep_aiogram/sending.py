"""Sending prompts with an aiogram bot."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final, TypeGuard

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
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
from aiohttp import ClientConnectorError

from aiostep_core.abc import Address, Failure, Sent
from aiostep_core.errors import BadArgument
from aiostep_core.keyboards import Keyboard
from aiostep_core.sending import change_of, manner_of, place_of
from aiostep_core.texts import Plain

__all__ = ["edit", "failure_of", "is_method", "keyboard", "send"]

#: aiogram tells the error codes by the classes of its errors; those that are not here are refusals for good.
_STATUSES: Final[dict[type[TelegramAPIError], int | None]] = {
    TelegramForbiddenError: 403,
    TelegramRetryAfter: 429,
    TelegramServerError: 500,
    TelegramEntityTooLarge: 413,
    TelegramNetworkError: None,
}


async def send(bot: Bot, to: Address, prompt: Any, keyboard: Any, force_reply: Any, options: dict[str, Any]) -> Sent:
    """Send a text, or a method of aiogram such as ``message.answer_photo(...)`` that was not awaited.

    Raises:
        BadArgument: *prompt* or *force_reply* is something else.
        TelegramAPIError: Telegram or the network refuses.
    """
    given, shown = _shown(to, keyboard, force_reply, options), None
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


async def edit(bot: Bot, to: Address, sent: Sent, text: str | None, made: Keyboard | None) -> Failure | None:
    """Change what was sent. It is a nicety: nobody's conversation ends because Telegram or the network refuses."""
    method, given = change_of(to, sent, text, None if made is None else keyboard(made))
    try:
        await getattr(bot, method)(**given)
    except TelegramAPIError as error:
        return failure_of(error)
    return None


def is_method(value: object) -> TypeGuard[TelegramMethod[Any]]:
    """Tell whether *value* is a request to make: what handlers of aiogram may return instead of awaiting it."""
    return isinstance(value, TelegramMethod)


def failure_of(error: BaseException) -> Failure | None:
    """Describe an error of aiogram; None: it is none."""
    if not isinstance(error, TelegramAPIError):
        return None
    return Failure(
        status=next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 400),
        text=error.message,
        retry_after=error.retry_after if isinstance(error, TelegramRetryAfter) else None,
        is_migrated=isinstance(error, TelegramMigrateToChat),
        is_unsent=isinstance(error.__cause__, ClientConnectorError),
    )


def _say(bot: Bot, to: Address, text: str, given: dict[str, Any], options: dict[str, Any]) -> Awaitable[Any]:
    chat_id, given = to.key.chat_id or 0, {**given, **place_of(to)}
    if isinstance(text, Plain):
        given["parse_mode"] = None  # not the bot's own
    # The bot's own way to the same request takes twice as long; but it refuses an option that there is none of.
    if options:
        return bot.send_message(chat_id, text, **{**given, **options})
    return bot(SendMessage(chat_id=chat_id, text=text, **given))


def _shown(to: Address, keyboard: Any, force_reply: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return the reply markup, and the reply that goes with it, as a method is given them."""
    manner = manner_of(to, keyboard, force_reply, options)
    markup = ForceReply(selective=manner.is_selective or None) if manner.forces_reply else keyboard
    given = {} if markup is None else {"reply_markup": markup}
    if manner.reply_to_id is not None:
        given["reply_parameters"] = ReplyParameters(message_id=manner.reply_to_id, allow_sending_without_reply=True)
    return given


def _with_markup(method: TelegramMethod[Any], markup: Any, options: dict[str, Any]) -> TelegramMethod[Any]:
    has_none = getattr(method, "reply_markup", False) is None
    more = {**({"reply_markup": markup} if markup is not None and has_none else {}), **options}
    return method.model_copy(update=more) if more else method
