"""Sending: text, places, contacts, dice, and what every new message of a bot has in common."""

from __future__ import annotations

from typing import Any

from aiostep_testing.accounts import public_user
from aiostep_testing.chats import BusinessChat, Chat
from aiostep_testing.entities import format_text
from aiostep_testing.groups import Channel, Group
from aiostep_testing.methods.request import Request, method
from aiostep_testing.wire import Json, bad_request

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024


def send(request: Request, content: Json) -> Json:
    """Put a new message of the bot into the chat and return it."""
    chat = request.chat()
    markup = checked_markup(request)
    inline = {"reply_markup": markup} if markup and "inline_keyboard" in markup else {}
    reply_to, thread = reply_target(request, chat), thread_of(request, chat)
    message = chat.add(sender(request, chat), content | inline, thread=thread, reply_to=reply_to)
    remember_keyboard(chat, markup)
    shown = message | ({"reply_markup": markup} if markup else {})
    chat.emit("message", shown, bot=request.bot)
    if isinstance(chat, Channel):
        chat.forward_post(message)
    return message


def sender(request: Request, chat: Chat) -> Json:
    """Say who a bot's message is from."""
    if isinstance(chat, BusinessChat):
        return {"from": chat.connection.owner.user, "sender_business_bot": public_user(request.bot.user)}
    if isinstance(chat, Channel):
        return {"sender_chat": chat.info}
    return {"from": public_user(request.bot.user)}


def remember_keyboard(chat: Chat, markup: Json | None) -> None:
    if markup and "keyboard" in markup:
        chat.keyboard = markup
    elif markup and markup.get("remove_keyboard"):
        chat.keyboard = None


def checked_markup(request: Request) -> Json | None:
    """Return reply_markup.

    Raises:
        ApiError: a button has no action, or its callback_data is not 1 to 64 bytes long.
    """
    markup: Json | None = request.get("reply_markup")
    for row in (markup or {}).get("inline_keyboard", ()):
        for button in row:
            if not button.get("text"):
                raise bad_request("inline keyboard button text must be non-empty")
            if len(button) < 2 or button.keys() <= {"text", "icon_custom_emoji_id", "style"}:
                raise bad_request("Text buttons are unallowed in the inline keyboard")
            if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
                raise bad_request("BUTTON_DATA_INVALID")
    return markup


def reply_target(request: Request, chat: Chat) -> Json | None:
    """Find the message that is replied to.

    Raises:
        ApiError: it is gone, and sending without it is not allowed.
    """
    reply: Json = request.get("reply_parameters") or {}
    message_id = reply.get("message_id", request.get("reply_to_message_id"))
    if message_id is None:
        return None
    message = chat.messages.get(message_id)
    lenient = reply.get("allow_sending_without_reply", request.get("allow_sending_without_reply"))
    if message is None and not lenient:
        raise bad_request("message to be replied not found")
    return message


def thread_of(request: Request, chat: Chat) -> int | None:
    """Find the topic to write to.

    Raises:
        ApiError: there is none with that id, or it is closed.
    """
    thread: int | None = request.get("message_thread_id")
    if thread is None or not isinstance(chat, Group):
        return thread
    topic = chat.topics.get(thread)
    if topic is None:
        if not chat.is_forum and thread in chat.messages:
            return thread
        raise bad_request("message thread not found")
    if topic.closed and request.name != "deleteForumTopic" and chat.status(request.bot.id) != "administrator":
        raise bad_request("TOPIC_CLOSED")
    return thread


def formatted(request: Request, name: str, limit: int, entities_name: str = "entities") -> tuple[str, list[Json]]:
    """Read a text or caption with its markup.

    Raises:
        ApiError: it is empty, too long, or its markup is broken.
    """
    text, entities = format_text(request.get(name) or "", request.get("parse_mode"), request.get(entities_name))
    if name == "text" and not text.strip():
        raise bad_request("message text is empty")
    if len(text) > limit:
        raise bad_request("message is too long" if name == "text" else "message caption is too long")
    return text, entities


def text_content(request: Request) -> Json:
    text, entities = formatted(request, "text", TEXT_LIMIT)
    return {"text": text} | ({"entities": entities} if entities else {})


def caption_content(request: Request) -> Json:
    text, entities = formatted(request, "caption", CAPTION_LIMIT, "caption_entities")
    content: Json = {"caption": text} if text else {}
    return content | ({"caption_entities": entities} if entities else {})


def picked(request: Request, *names: str) -> Json:
    """Take those of *names* that were given."""
    return {name: request.params[name] for name in names if name in request.params}


@method("sendMessage")
def send_message(request: Request) -> Json:
    request.chat()  # the server looks for the chat before it reads the text
    return send(request, text_content(request))


@method("sendLocation")
def send_location(request: Request) -> Json:
    names = (
        "latitude",
        "longitude",
        "horizontal_accuracy",
        "live_period",
        "heading",
        "proximity_alert_radius",
    )
    return send(request, {"location": picked(request, *names)})


@method("sendVenue")
def send_venue(request: Request) -> Json:
    location = picked(request, "latitude", "longitude")
    return send(request, {"venue": {"location": location} | picked(request, "title", "address"), "location": location})


@method("sendContact")
def send_contact(request: Request) -> Json:
    return send(request, {"contact": picked(request, "phone_number", "first_name", "last_name", "vcard")})


@method("sendDice")
def send_dice(request: Request) -> Json:
    emoji = request.get("emoji", "\N{GAME DIE}")
    return send(request, {"dice": {"emoji": emoji, "value": 1 + request.world.number() % 6}})


@method("sendChatAction")
def send_chat_action(request: Request) -> bool:
    chat = request.chat()
    what: dict[str, Any] = {"action": request.params["action"]}
    if thread := thread_of(request, chat):
        what |= {"message_thread_id": thread, "is_topic_message": True}
    chat.emit("action", what, bot=request.bot)
    return True
