"""Sending prompts with a bot of telebot."""

from __future__ import annotations

import inspect
from typing import Any, Final, cast

from telebot import types

from aiostep_core.abc import Address, Sent
from aiostep_core.errors import BadArgument

__all__ = ["is_gone", "options_of", "sent_of"]

_GROUPS: Final = frozenset({"group", "supergroup"})
_BLOCKED: Final = ("blocked", "deactivated")


def options_of(to: Address, keyboard: Any, force_reply: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return what ``send_message`` is to be called with, beside chat and text.

    A bot in privacy mode sees in a group only what replies to it, so there it asks for a reply; selectively: the
    prompt replies to the person's message, and only they are asked.

    Raises:
        BadArgument: *force_reply* is none of True, False and "auto".
    """
    if force_reply not in (True, False, "auto"):
        raise BadArgument("force_reply", force_reply, 'True, False or "auto"')
    place: dict[str, Any] = {"message_thread_id": to.key.thread_id, "business_connection_id": to.key.business_id}
    is_free = keyboard is None and "reply_markup" not in options
    if is_free and (force_reply is True or (force_reply == "auto" and to.chat_type in _GROUPS)):
        is_reply = to.reply_to_id is not None and not {"reply_parameters", "reply_to_message_id"} & options.keys()
        keyboard = types.ForceReply(selective=True if is_reply else None)
        if is_reply:
            place["reply_parameters"] = types.ReplyParameters(to.reply_to_id, allow_sending_without_reply=True)
    given = {**place, "reply_markup": keyboard, **options}
    return {name: value for name, value in given.items() if value is not None}


def sent_of(result: Any) -> Sent:
    """Describe what was sent.

    Raises:
        BadArgument: it is no message.
    """
    message = result
    if isinstance(result, list) and result:
        message = cast("Any", result[0])
    if not isinstance(message, types.Message):
        raise BadArgument("prompt", type(message).__name__, "a call that sends a message")
    has_buttons = isinstance(message.reply_markup, types.InlineKeyboardMarkup)
    return Sent(message, message.chat.id, message.message_id, has_buttons)


def is_gone(error: BaseException) -> str | None:
    """Return why nobody will ever answer a prompt whose sending failed with *error*; None if somebody may.

    The exceptions of the two kinds of bot have one name and shape, and no class in common.
    """
    code, text = getattr(error, "error_code", None), getattr(error, "description", None)
    if not isinstance(text, str):
        return None
    if code == 403:
        return "blocked" if any(word in text for word in _BLOCKED) else "left"
    return "left" if code == 400 and "chat not found" in text else None


async def send(bot: Any, to: Address, prompt: Any, keyboard: Any, force_reply: Any, options: dict[str, Any]) -> Sent:
    """Send a text, or await a call such as ``bot.send_photo(...)`` that was not awaited.

    Raises:
        BadArgument: *prompt* or *force_reply* is something else.
        ApiTelegramException: Telegram refuses.
    """
    if inspect.isawaitable(prompt):
        if keyboard is not None or options:
            if inspect.iscoroutine(prompt):
                prompt.close()  # or it complains that it was never awaited
            raise BadArgument("prompt", "a call", "the keyboard and other options in the call itself")
        return sent_of(await prompt)
    if not isinstance(prompt, str):
        raise BadArgument("prompt", type(prompt).__name__, "a text, or a call such as bot.send_photo(...)")
    given = options_of(to, keyboard, force_reply, options)
    return sent_of(await bot.send_message(to.key.chat_id or 0, prompt, **given))
