"""Sending prompts with a bot of telebot."""

from __future__ import annotations

import inspect
from typing import Any, Final, cast

import aiohttp
import urllib3
from telebot import apihelper, asyncio_helper, types

from aiostep_core.abc import Address, Failure, Sent
from aiostep_core.errors import BadArgument
from aiostep_core.keyboards import Button, Keyboard
from aiostep_core.sending import change_of, manner_of, place_of
from aiostep_core.texts import Plain

__all__ = ["REFUSALS", "edit", "failure_of", "keyboard", "options_of", "send", "sent_of"]

_http: Any = apihelper
_requests: Any = _http.requests  # without types
#: What the two kinds of bot raise when Telegram or the network refuse.
REFUSALS: Final = (asyncio_helper.ApiException, asyncio_helper.RequestTimeout, apihelper.ApiException, OSError)


def options_of(to: Address, prompt: str, keyboard: Any, force_reply: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return what ``send_message`` is to be called with, beside chat and text.

    Raises:
        BadArgument: *force_reply* is none of True, False and "auto".
    """
    manner = manner_of(to, keyboard, force_reply, options)
    shown: dict[str, Any] = {"reply_markup": keyboard, **place_of(to)}
    if manner.forces_reply:
        shown["reply_markup"] = types.ForceReply(selective=manner.is_selective or None)
    if manner.reply_to_id is not None:
        shown["reply_parameters"] = types.ReplyParameters(manner.reply_to_id, allow_sending_without_reply=True)
    if isinstance(prompt, Plain):
        shown["parse_mode"] = ""  # not the bot's own, which None would mean
    return {name: value for name, value in {**shown, **options}.items() if value is not None}


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


async def edit(bot: Any, to: Address, sent: Sent, text: str | None, made: Keyboard | None) -> Failure | None:
    """Change what was sent. It is a nicety: nobody's conversation ends because Telegram or the network refuses."""
    method, given = change_of(to, sent, text, None if made is None else keyboard(made))
    try:
        await getattr(bot, method)(**given)
    except REFUSALS as error:
        return failure_of(error)
    return None


def _inline_key(one: Button) -> Any:
    return types.InlineKeyboardButton(one.text, callback_data=one.data)


def _key(one: Button) -> Any:
    request: dict[str, Any] = {} if one.request is None else {f"request_{one.request}": True}
    return types.KeyboardButton(one.text, **request)


def failure_of(error: BaseException, *, has_retried: bool = False) -> Failure | None:
    """Describe an error of telebot; None: it is none. If it *has_retried* itself, that is not to be done twice.

    The exceptions of the two kinds of bot have one name and shape, and no class in common.
    """
    if not isinstance(error, REFUSALS):
        return None
    result: Any = getattr(error, "result_json", None) or {}
    parameters: Any = result.get("parameters") or {}
    return Failure(
        status=getattr(error, "error_code", None),
        text=getattr(error, "description", None) or "",
        retry_after=parameters.get("retry_after"),
        is_migrated="migrate_to_chat_id" in parameters,
        is_unsent=_is_unsent(error) and not has_retried,
    )


def _is_unsent(error: BaseException) -> bool:
    """Tell whether there was no connection; libraries below telebot say so."""
    if isinstance(error, asyncio_helper.RequestTimeout):
        return isinstance(error.__cause__, aiohttp.ClientConnectorError)
    if isinstance(error, _requests.ConnectTimeout):
        return True
    cause = error.args[0] if isinstance(error, _requests.ConnectionError) and error.args else None
    return isinstance(getattr(cause, "reason", None), urllib3.exceptions.NewConnectionError)


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
