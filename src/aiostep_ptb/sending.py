"""Sending prompts with a bot of python-telegram-bot."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any, Final

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
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from aiostep_core.abc import Address, Sent
from aiostep_core.errors import BadArgument
from aiostep_core.keyboards import Keyboard
from aiostep_core.texts import Plain

try:
    from telegram import ReplyParameters
except ImportError:  # before version 20.8

    def _reply_to(message_id: int) -> dict[str, Any]:
        return {"reply_to_message_id": message_id, "allow_sending_without_reply": True}
else:

    def _reply_to(message_id: int) -> dict[str, Any]:
        return {"reply_parameters": ReplyParameters(message_id=message_id, allow_sending_without_reply=True)}


__all__ = ["edit", "is_gone", "keyboard", "send"]

_GROUPS: Final = frozenset({"group", "supergroup"})
_REPLIES: Final = frozenset({"reply_parameters", "reply_to_message_id", "do_quote"})


async def send(bot: Bot, to: Address, prompt: Any, keyboard: Any, force_reply: Any, options: dict[str, Any]) -> Sent:
    """Send a text, or what a function sends: ``partial(message.reply_photo, photo)``, called with the keyboard.

    A coroutine that was not awaited, such as ``message.reply_photo(photo)``, is awaited as it is.

    Raises:
        BadArgument: *prompt* or *force_reply* is something else, or a coroutine cannot have the options.
        TelegramError: Telegram or the network refuses.
    """
    given = {**_markup(to, keyboard, force_reply, options), **options}
    if isinstance(prompt, str):
        plain: dict[str, Any] = {"parse_mode": None} if isinstance(prompt, Plain) else {}  # not the bot's own
        sent: Any = await bot.send_message(to.key.chat_id or 0, prompt, **{**plain, **_place(to), **given})
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


async def edit(bot: Bot, to: Address, sent: Sent, text: str | None, made: Keyboard | None) -> None:
    """Change what was sent. It is a nicety: nobody's conversation ends because Telegram or the network refuses."""
    place: dict[str, Any] = {"chat_id": sent.chat_id, "message_id": sent.message_id}
    if made is not None:
        place["reply_markup"] = keyboard(made)
    if to.key.business_id is not None:
        place["business_connection_id"] = to.key.business_id
    with contextlib.suppress(TelegramError):
        if text is None:
            await bot.edit_message_reply_markup(**place)
        else:
            await bot.edit_message_text(text, **place)


def is_gone(error: BaseException) -> str | None:
    """Return why nobody will ever answer a prompt whose sending failed with *error*; None if somebody may."""
    if isinstance(error, Forbidden):
        return "blocked" if "blocked" in error.message or "deactivated" in error.message else "left"
    if isinstance(error, ChatMigrated):
        return "migrated"
    if isinstance(error, BadRequest) and error.message.casefold() == "chat not found":
        return "left"
    return None


def _place(to: Address) -> dict[str, Any]:
    """Name what of the place the chat's id does not say. Old versions do not know all of these, so only if needed."""
    topic = "direct_messages_topic_id" if to.chat_type == "direct_messages" else "message_thread_id"
    place = {topic: to.key.thread_id, "business_connection_id": to.key.business_id}
    return {name: value for name, value in place.items() if value is not None}


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
    return {} if to.reply_to_id is None or _REPLIES & options.keys() else _reply_to(to.reply_to_id)


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
