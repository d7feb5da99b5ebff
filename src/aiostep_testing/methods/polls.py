"""Polls: sending and stopping them."""

from __future__ import annotations

from aiostep_testing.methods.request import Request, method
from aiostep_testing.methods.sending import checked_markup, picked, send
from aiostep_testing.wire import Json, bad_request


def option(index: int, given: Json | str) -> Json:
    text = given if isinstance(given, str) else given["text"]
    return {"persistent_id": str(index), "text": text, "voter_count": 0}


@method("sendPoll")
def send_poll(request: Request) -> Json:
    given = request.params["options"]
    if len(given) < 2:
        raise bad_request("poll must have at least 2 option")
    poll: Json = {
        "id": str(10**15 + request.world.number()),
        "question": request.params["question"],
        "options": [option(index, item) for index, item in enumerate(given)],
        "total_voter_count": 0,
        "is_closed": bool(request.get("is_closed", False)),
        "is_anonymous": request.get("is_anonymous", True),
        "type": request.get("type", "regular"),
        "allows_multiple_answers": request.get("allows_multiple_answers", False),
        "allows_revoting": request.get("allows_revoting", True),
        "members_only": request.get("members_only", False),
    }
    poll |= picked(request, "correct_option_id", "explanation", "open_period", "close_date")
    message = send(request, {"poll": poll})
    request.world.polls[poll["id"]] = (request.bot, request.chat(), message)
    return message


@method("stopPoll")
def stop_poll(request: Request) -> Json:
    chat = request.chat()
    message = chat.messages.get(request.params["message_id"])
    if message is None or "poll" not in message:
        raise bad_request("message with poll to stop not found")
    if message["poll"]["is_closed"]:
        raise bad_request("poll has already been closed")
    message["poll"]["is_closed"] = True
    message.pop("reply_markup", None)
    if markup := checked_markup(request):
        message["reply_markup"] = markup
    chat.emit("edit", message, bot=request.bot)
    request.world.push("poll", message["poll"], to=[request.bot])
    poll: Json = message["poll"]
    return poll
