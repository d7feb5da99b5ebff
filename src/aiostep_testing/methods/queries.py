"""Answering button presses, inline queries and join requests; reactions."""

from __future__ import annotations

from aiostep_testing.groups import Group
from aiostep_testing.methods.request import Request, method
from aiostep_testing.wire import bad_request

TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


@method("answerCallbackQuery")
def answer_callback_query(request: Request) -> bool:
    click = request.world.clicks.pop(request.params["callback_query_id"], None)
    if click is None or click.bot is not request.bot:
        raise bad_request(TOO_OLD)
    if len(request.get("text") or "") > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    click.resolve(request.params)
    click.chat.emit("answer", request.params | click.place(), bot=request.bot)
    return True


@method("answerInlineQuery")
def answer_inline_query(request: Request) -> bool:
    query = request.world.inline_queries.pop(request.params["inline_query_id"], None)
    if query is None or query.bot is not request.bot:
        raise bad_request(TOO_OLD)
    ids = [result["id"] for result in request.params["results"]]
    if len(ids) != len(set(ids)):
        raise bad_request("RESULT_ID_DUPLICATE")
    query.resolve(request.params)
    return True


@method("setMessageReaction")
def set_message_reaction(request: Request) -> bool:
    chat = request.chat()
    message = chat.messages.get(request.params["message_id"])
    if message is None:
        raise bad_request("message to react not found")
    chat.emit("reaction", message | {"reaction": request.get("reaction") or []}, bot=request.bot)
    return True


@method("approveChatJoinRequest", "declineChatJoinRequest")
def decide_join_request(request: Request) -> bool:
    chat, user_id = request.chat(), request.params["user_id"]
    if not isinstance(chat, Group) or user_id not in chat.join_requests:
        raise bad_request("HIDE_REQUESTER_MISSING")
    chat.join_requests.discard(user_id)
    if request.name == "approveChatJoinRequest":
        request.world.people[user_id].join(chat, approved_by=request.bot)
    return True
