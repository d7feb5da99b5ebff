"""What a bot asks about chats, and what it does to them as a whole."""

from __future__ import annotations

from aiostep_testing.chats import Chat
from aiostep_testing.groups import SharedChat
from aiostep_testing.membership import IN_CHAT
from aiostep_testing.methods.request import Request, method
from aiostep_testing.wire import Json, bad_request


@method("getChat")
def get_chat(request: Request) -> Json:
    chat = request.chat(write=False)
    full: Json = request.world.schema.smallest("ChatFullInfo")
    full |= {"accent_color_id": 0, "max_reaction_count": 11} | chat.info
    if chat.pinned and (message := chat.messages.get(chat.pinned[-1])):
        full["pinned_message"] = message
    return full


@method("getChatMemberCount")
def get_chat_member_count(request: Request) -> int:
    chat = request.chat(write=False)
    if not isinstance(chat, SharedChat):
        return 2
    return sum(1 for member in chat.members.values() if member["status"] in IN_CHAT)


@method("getChatAdministrators")
def get_chat_administrators(request: Request) -> list[Json]:
    chat = shared(request)
    people = (m for m in chat.members.values() if not m["user"]["is_bot"])
    return [m for m in people if m["status"] in ("creator", "administrator")]


def shared(request: Request) -> SharedChat:
    """Find a group or a channel.

    Raises:
        ApiError: the chat is a private one.
    """
    chat = request.chat(write=False)
    if not isinstance(chat, SharedChat):
        raise bad_request("there are no administrators in the private chat")
    return chat


@method("pinChatMessage")
def pin_chat_message(request: Request) -> bool:
    chat, message_id = request.chat(), request.params["message_id"]
    if message_id not in chat.messages:
        raise bad_request("message to pin not found")
    if message_id not in chat.pinned:
        chat.pinned.append(message_id)
    return True


@method("unpinChatMessage")
def unpin_chat_message(request: Request) -> bool:
    chat: Chat = request.chat()
    message_id = request.get("message_id", chat.pinned[-1] if chat.pinned else None)
    if message_id not in chat.pinned:
        raise bad_request("message to unpin not found")
    chat.pinned.remove(message_id)
    return True


@method("unpinAllChatMessages")
def unpin_all_chat_messages(request: Request) -> bool:
    request.chat().pinned.clear()
    return True


@method("leaveChat")
def leave_chat(request: Request) -> bool:
    chat = request.chat()
    if not isinstance(chat, SharedChat):
        raise bad_request("chat member status can't be changed in private chats")
    old, new = chat.set_member(request.bot.user, "left")
    request.world.push_member("my_chat_member", chat, request.bot.user, old, new, to=[request.bot])
    return True
