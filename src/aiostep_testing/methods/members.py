"""What a bot does to the members of a chat."""

from __future__ import annotations

from typing import Any

from aiostep_testing.groups import SharedChat
from aiostep_testing.methods.request import Request, method
from aiostep_testing.wire import Json, bad_request, forbidden


def member_chat(request: Request) -> tuple[SharedChat, Json]:
    """Find the chat and the user.

    Raises:
        ApiError: the chat is a private one, or nobody has that id.
    """
    chat = request.chat(write=False)
    if not isinstance(chat, SharedChat):
        raise bad_request("chat member status can't be changed in private chats")
    return chat, user(request)


def user(request: Request) -> Json:
    user_id = request.params["user_id"]
    for bot in request.world.bots.values():
        if bot.id == user_id:
            return bot.user
    if user_id not in request.world.people:
        raise bad_request("user not found")
    return request.world.people[user_id].user


def change(request: Request, status: str, **extra: Any) -> bool:
    """Give the user a new status and tell the administrators' bots."""
    chat, who = member_chat(request)
    if chat.status(request.bot.id) != "administrator":
        raise bad_request("not enough rights to restrict/unrestrict chat member")
    if chat.status(who["id"]) == "creator":
        raise bad_request("can't remove chat owner")
    old, new = chat.set_member(who, status, **extra)
    if old != new:
        request.world.push_member("chat_member", chat, request.bot.user, old, new, to=chat.admin_bots())
    return True


@method("getChatMember")
def get_chat_member(request: Request) -> Json:
    chat = request.chat(write=False)
    who = user(request)
    if isinstance(chat, SharedChat):
        return chat.member(who)
    return {"status": "member", "user": who}


@method("banChatMember")
def ban_chat_member(request: Request) -> bool:
    return change(request, "kicked", until_date=request.get("until_date", 0))


@method("unbanChatMember")
def unban_chat_member(request: Request) -> bool:
    chat, who = member_chat(request)
    if chat.status(who["id"]) != "kicked" and request.get("only_if_banned"):
        return True
    return change(request, "left")


@method("restrictChatMember")
def restrict_chat_member(request: Request) -> bool:
    chat, who = member_chat(request)
    if chat.status(who["id"]) not in ("member", "restricted"):
        raise forbidden("user is not a member of the chat")
    smallest: Json = request.world.schema.smallest("ChatMemberRestricted")
    rights = {name: bool(request.params["permissions"].get(name)) for name in smallest if name.startswith("can_")}
    return change(request, "restricted", **rights, until_date=request.get("until_date", 0), is_member=True)


@method("promoteChatMember")
def promote_chat_member(request: Request) -> bool:
    rights = {name: value for name, value in request.params.items() if name.startswith("can_")}
    if not any(rights.values()):
        return change(request, "member")
    return change(request, "administrator", **rights, can_be_edited=True)
