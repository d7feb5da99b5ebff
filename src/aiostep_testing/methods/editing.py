"""Editing what was sent, in chats and inline."""

from __future__ import annotations

from typing import Any

from aiostep_testing.chats import BusinessChat, Chat
from aiostep_testing.methods.media import input_media
from aiostep_testing.methods.request import Request, method
from aiostep_testing.methods.sending import caption_content, checked_markup, text_content
from aiostep_testing.wire import Json, bad_request

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as "
    "a current content and reply markup of the message"
)
TEXT = ("text", "entities", "link_preview_options")
CAPTION = ("caption", "caption_entities")
MEDIA = ("photo", "document", "audio", "video", "animation", "voice", *CAPTION)


def target(request: Request) -> tuple[Chat, Json]:
    """Find the message to edit.

    Raises:
        ApiError: it does not exist, or is not the bot's own.
    """
    if inline_id := request.get("inline_message_id"):
        known = request.world.inline_messages.get(inline_id)
        if known is None or known[0] is not request.bot:
            raise bad_request("MESSAGE_ID_INVALID")
        return known[1], known[2]
    if request.get("message_id") is None:
        raise bad_request("message identifier is not specified")
    chat = request.chat()
    message = chat.messages.get(request.params["message_id"])
    if message is None:
        raise bad_request("message to edit not found")
    if not written_by(request, chat, message):
        raise bad_request("message can't be edited")
    return chat, message


def written_by(request: Request, chat: Chat, message: Json) -> bool:
    """Tell whether the bot may edit *message* as its own."""
    if isinstance(chat, BusinessChat):
        return bool(message.get("sender_business_bot", {}).get("id") == request.bot.id)
    if "from" not in message:
        return bool(message.get("sender_chat", {}).get("id") == chat.id)  # an administrator edits channel posts
    return bool(message["from"]["id"] == request.bot.id)


def change(request: Request, content: Json, *, replaces: tuple[str, ...] = ()) -> Any:
    """Put new content and the new keyboard into the message.

    Raises:
        ApiError: nothing would change.
    """
    chat, message = target(request)
    markup = checked_markup(request)
    # The keyboard is part of what is edited: leaving it out takes it away.
    old = {k: v for k, v in message.items() if k in (*replaces, "reply_markup")}
    new = content | ({"reply_markup": markup} if markup and markup.get("inline_keyboard") else {})
    if old == new:
        raise bad_request(NOT_MODIFIED)
    for key in old:
        del message[key]
    message |= new | {"edit_date": int(request.world.clock.time())}
    chat.emit("edit", message, bot=request.bot)
    return True if request.get("inline_message_id") else message


@method("editMessageText")
def edit_message_text(request: Request) -> Any:
    if not request.get("text"):
        raise bad_request("message text is empty")
    _, message = target(request)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    return change(request, text_content(request), replaces=TEXT)


@method("editMessageCaption")
def edit_message_caption(request: Request) -> Any:
    _, message = target(request)
    if not any(kind in message for kind in MEDIA[:6]):
        raise bad_request("there is no caption in the message to edit")
    return change(request, caption_content(request), replaces=CAPTION)


@method("editMessageReplyMarkup")
def edit_message_reply_markup(request: Request) -> Any:
    return change(request, {})


@method("editMessageMedia")
def edit_message_media(request: Request) -> Any:
    return change(request, input_media(request, request.params["media"]), replaces=MEDIA)
