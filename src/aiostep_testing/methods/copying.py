"""Forwarding and copying messages."""

from __future__ import annotations

from aiostep_testing.methods.request import Request, method
from aiostep_testing.methods.sending import caption_content, send
from aiostep_testing.wire import Json, bad_request

ENVELOPE = frozenset(
    [
        "message_id",
        "from",
        "sender_chat",
        "sender_business_bot",
        "chat",
        "date",
        "edit_date",
        "reply_markup",
        "reply_to_message",
        "message_thread_id",
        "is_topic_message",
        "business_connection_id",
        "media_group_id",
        "via_bot",
        "is_automatic_forward",
        "author_signature",
    ]
)


def source(request: Request, message_id: int, verb: str) -> Json:
    """Find a message of from_chat_id.

    Raises:
        ApiError: there is none.
    """
    message = request.chat("from_chat_id", write=False).messages.get(message_id)
    if message is None:
        raise bad_request(f"message to {verb} not found")
    return message


def content_of(message: Json) -> Json:
    return {k: v for k, v in message.items() if k not in ENVELOPE}


def origin_of(message: Json) -> Json:
    """Describe where a forwarded message comes from."""
    if "forward_origin" in message:
        return dict(message["forward_origin"])
    date = message["date"]
    if message["chat"]["type"] == "channel":
        return {"type": "channel", "date": date, "chat": message["chat"], "message_id": message["message_id"]}
    if "sender_chat" in message:
        return {"type": "chat", "date": date, "sender_chat": message["sender_chat"]}
    return {"type": "user", "date": date, "sender_user": message["from"]}


def forward(request: Request, message_id: int) -> Json:
    message = source(request, message_id, "forward")
    return send(request, content_of(message) | {"forward_origin": origin_of(message)})


def copy(request: Request, message_id: int) -> Json:
    content = content_of(source(request, message_id, "copy"))
    content.pop("forward_origin", None)
    if request.get("caption") is not None:
        content = {k: v for k, v in content.items() if not k.startswith("caption")} | caption_content(request)
    return {"message_id": send(request, content)["message_id"]}


@method("forwardMessage")
def forward_message(request: Request) -> Json:
    return forward(request, request.params["message_id"])


@method("forwardMessages")
def forward_messages(request: Request) -> list[Json]:
    return [{"message_id": forward(request, number)["message_id"]} for number in known_ids(request)]


@method("copyMessage")
def copy_message(request: Request) -> Json:
    return copy(request, request.params["message_id"])


@method("copyMessages")
def copy_messages(request: Request) -> list[Json]:
    return [copy(request, number) for number in known_ids(request)]


def known_ids(request: Request) -> list[int]:
    """List those of message_ids that exist; the server skips the others."""
    messages = request.chat("from_chat_id", write=False).messages
    return [number for number in request.params["message_ids"] if number in messages]
