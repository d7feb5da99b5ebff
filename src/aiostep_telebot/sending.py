"""Sending prompts with a bot of telebot."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any, Final, cast

from telebot import apihelper, asyncio_helper, types

from aiostep_core.abc import Address, Sent
from aiostep_core.errors import BadArgument
from aiostep_core.keyboards import Button, Keyboard
from aiostep_core.texts import Plain

__all__ = ["REFUSALS", "change_of", "edit", "is_gone", "keyboard", "options_of", "send", "sent_of"]

_GROUPS: Final = frozenset({"group", "supergroup"})
_BLOCKED: Final = ("blocked", "deactivated")
#: What the two kinds of bot raise when Telegram or the network refuse.
REFUSALS: Final = (asyncio_helper.ApiException, asyncio_helper.RequestTimeout, apihelper.ApiException, OSError)


def options_of(to: Address, prompt: str, keyboard: Any, force_reply: Any, options: dict[str, Any]) -> dict[str, Any]:
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
    # A selective keyboard is shown to whom the message replies to, and without a reply to nobody.
    wants_reply = to.chat_type in _GROUPS and bool(getattr(keyboard, "selective", False))
    is_reply = to.reply_to_id is not None and not {"reply_parameters", "reply_to_message_id"} & options.keys()
    if is_free and (force_reply is True or (force_reply == "auto" and to.chat_type in _GROUPS)):
        keyboard, wants_reply = types.ForceReply(selective=True if is_reply else None), True
    if wants_reply and is_reply:
        place["reply_parameters"] = types.ReplyParameters(to.reply_to_id, allow_sending_without_reply=True)
    if isinstance(prompt, Plain):
        place["parse_mode"] = ""  # not the bot's own, which None would mean
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


def keyboard(
    made: Keyboard,
) -> types.InlineKeyboardMarkup | types.ReplyKeyboardMarkup | types.ReplyKeyboardRemove:
    """Make telebot's own of a keyboard."""
    if not (made.is_inline or made.rows):
        return types.ReplyKeyboardRemove(selective=True)
    markup: Any = (
        types.InlineKeyboardMarkup()
        if made.is_inline
        else types.ReplyKeyboardMarkup(resize_keyboard=True, one_time_keyboard=True, selective=True)
    )
    make = _inline_key if made.is_inline else _key
    for row in made.rows:
        markup.row(*map(make, row))
    return markup  # type: ignore[no-any-return]


def change_of(to: Address, sent: Sent, text: str | None, made: Keyboard | None) -> tuple[str, dict[str, Any]]:
    """Return the method that changes what was sent, and what it is to be called with."""
    given: dict[str, Any] = {"chat_id": sent.chat_id, "message_id": sent.message_id}
    if made is not None:
        given["reply_markup"] = keyboard(made)
    if to.key.business_id is not None:
        given["business_connection_id"] = to.key.business_id
    return ("edit_message_reply_markup", given) if text is None else ("edit_message_text", {"text": text, **given})


async def edit(bot: Any, to: Address, sent: Sent, text: str | None, made: Keyboard | None) -> None:
    """Change what was sent. It is a nicety: nobody's conversation ends because Telegram or the network refuses."""
    method, given = change_of(to, sent, text, made)
    with contextlib.suppress(*REFUSALS):
        await getattr(bot, method)(**given)


def _inline_key(one: Button) -> Any:
    return types.InlineKeyboardButton(one.text, callback_data=one.data)


def _key(one: Button) -> Any:
    request: dict[str, Any] = {} if one.request is None else {f"request_{one.request}": True}
    return types.KeyboardButton(one.text, **request)


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
    given = options_of(to, prompt, keyboard, force_reply, options)
    return sent_of(await bot.send_message(to.key.chat_id or 0, prompt, **given))
