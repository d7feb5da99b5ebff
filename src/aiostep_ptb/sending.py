"""Sending prompts with a bot of python-telegram-bot."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any, Final

import httpx
from telegram import (
    Bot,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from aiostep_core.abc import Address, Failure, Sent
from aiostep_core.errors import BadArgument
from aiostep_core.keyboards import Keyboard
from aiostep_core.sending import change_of, manner_of, place_of
from aiostep_core.texts import Plain

try:
    from telegram import ReplyParameters
except ImportError:  # before version 20.8

    def _reply_to(message_id: int) -> dict[str, Any]:
        return {"reply_to_message_id": message_id, "allow_sending_without_reply": True}
else:

    def _reply_to(message_id: int) -> dict[str, Any]:
        return {"reply_parameters": ReplyParameters(message_id=message_id, allow_sending_without_reply=True)}


__all__ = ["edit", "failure_of", "keyboard", "send"]

#: The framework tells the error codes by the classes of its errors; those that are not here are refusals for good. A
#: bad request is a network error too, and a 5xx is nothing else.
_STATUSES: Final[dict[type[TelegramError], int | None]] = {
    BadRequest: 400,
    Forbidden: 403,
    RetryAfter: 429,
    NetworkError: None,
}
#: What its usual way to Telegram raises before anything is sent.
_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


async def send(bot: Bot, to: Address, prompt: Any, keyboard: Any, force_reply: Any, options: dict[str, Any]) -> Sent:
    """Send a text, or what a function sends: ``partial(message.reply_photo, photo)``, called with the keyboard.

    A coroutine that was not awaited, such as ``message.reply_photo(photo)``, is awaited as it is.

    Raises:
        BadArgument: *prompt* or *force_reply* is something else, or a coroutine cannot have the options.
        TelegramError: Telegram or the network refuses.
    """
    given = {**_shown(to, keyboard, force_reply, options), **options}
    if isinstance(prompt, str):
        plain: dict[str, Any] = {"parse_mode": None} if isinstance(prompt, Plain) else {}  # not the bot's own
        sent: Any = await bot.send_message(to.key.chat_id or 0, prompt, **{**plain, **place_of(to), **given})
    elif inspect.isawaitable(prompt):
        if keyboard is not None or force_reply is True or options:
            _close(prompt)
            raise BadArgument("prompt", _kind(prompt), "a function, which can be given the keyboard or options")
        sent = await prompt
    elif _is_function(prompt):
        sent = await prompt(**given)
    else:
        raise BadArgument("prompt", _kind(prompt), "a text, or a function that sends a message")
    first = _first(sent)
    if not isinstance(first, Message):
        raise BadArgument("prompt", _kind(prompt), "something that sends a message")
    shown = given.get("reply_markup") or first.reply_markup
    return Sent(first, first.chat.id, first.message_id, isinstance(shown, InlineKeyboardMarkup))


def keyboard(made: Keyboard) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove:
    """Make the framework's own of a keyboard."""
    if made.is_inline:
        return InlineKeyboardMarkup(
            [[InlineKeyboardButton(one.text, callback_data=one.data) for one in row] for row in made.rows]
        )
    if not made.rows:
        return ReplyKeyboardRemove(selective=True)
    rows = [[_key(one.text, one.request) for one in row] for row in made.rows]
    return ReplyKeyboardMarkup(rows, resize_keyboard=True, one_time_keyboard=True, selective=True)


async def edit(bot: Bot, to: Address, sent: Sent, text: str | None, made: Keyboard | None) -> Failure | None:
    """Change what was sent. It is a nicety: nobody's conversation ends because Telegram or the network refuses."""
    method, given = change_of(to, sent, text, None if made is None else keyboard(made))
    try:
        await getattr(bot, method)(**given)
    except TelegramError as error:
        return failure_of(error)
    return None


def failure_of(error: BaseException) -> Failure | None:
    """Describe an error of python-telegram-bot; None: it is none."""
    if not isinstance(error, TelegramError):
        return None
    seconds = None
    if isinstance(error, RetryAfter):
        _, (seconds, *_) = error.__reduce__()  # its attribute warns that it will be a timedelta one day
    return Failure(
        status=next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 400),
        text=error.message,
        retry_after=seconds,
        is_migrated=isinstance(error, ChatMigrated),
        is_unsent=isinstance(error.__cause__, _UNSENT),
    )


def _shown(to: Address, keyboard: Any, force_reply: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return the reply markup, and the reply that goes with it, as a method is given them."""
    manner = manner_of(to, keyboard, force_reply, options)
    markup = ForceReply(selective=manner.is_selective or None) if manner.forces_reply else keyboard
    given = {} if markup is None else {"reply_markup": markup}
    return given if manner.reply_to_id is None else {**given, **_reply_to(manner.reply_to_id)}


def _key(text: str, request: str | None) -> KeyboardButton:
    return KeyboardButton(
        text,
        request_contact=True if request == "contact" else None,
        request_location=True if request == "location" else None,
    )


def _close(prompt: Any) -> None:
    """Say that a coroutine is not awaited on purpose."""
    if inspect.iscoroutine(prompt):
        prompt.close()


def _is_function(prompt: Any) -> bool:
    return callable(prompt)


def _first(sent: Any) -> Any:
    """Return the message that was sent, or the first one of an album."""
    with contextlib.suppress(TypeError, LookupError):
        return sent if isinstance(sent, Message) else sent[0]
    return sent


def _kind(prompt: Any) -> str:
    return type(prompt).__name__
