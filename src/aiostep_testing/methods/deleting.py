"""Deleting messages."""

from __future__ import annotations

from aiostep_testing.methods.request import Request, method
from aiostep_testing.wire import bad_request


@method("deleteMessage")
def delete_message(request: Request) -> bool:
    chat = request.chat()
    message = chat.hide(request.params["message_id"])
    if message is None:
        raise bad_request("message to delete not found")
    chat.emit("delete", message, bot=request.bot)
    return True


@method("deleteMessages")
def delete_messages(request: Request) -> bool:
    chat = request.chat()
    for message_id in request.params["message_ids"]:
        if message := chat.hide(message_id):
            chat.emit("delete", message, bot=request.bot)
    return True
