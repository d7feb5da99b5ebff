"""Forum topics."""

from __future__ import annotations

from aiostep_testing.accounts import public_user
from aiostep_testing.groups import Group, Topic
from aiostep_testing.methods.request import Request, method
from aiostep_testing.wire import Json, bad_request


def forum(request: Request) -> Group:
    """Find the forum.

    Raises:
        ApiError: the chat is none.
    """
    chat = request.chat()
    if not isinstance(chat, Group) or not chat.is_forum:
        raise bad_request("the chat is not a forum")
    return chat


def topic(request: Request) -> Topic:
    """Find the topic.

    Raises:
        ApiError: there is none with that id.
    """
    found = forum(request).topics.get(request.params["message_thread_id"])
    if found is None:
        raise bad_request("message thread not found")
    return found


def announce(request: Request, where: Topic, content: Json) -> None:
    """Put a service message into the topic."""
    sender = {"from": public_user(request.bot.user)}
    message = where.group.add(sender, content, thread=where.id)
    where.group.emit("message", message, bot=request.bot)


@method("createForumTopic")
def create_forum_topic(request: Request) -> Json:
    name = request.params["name"]
    if len(name) > 128:
        raise bad_request("TOPIC_TITLE_TOO_LONG")
    icon_color = request.get("icon_color", 7322096)
    created = forum(request).open_topic(name, {"from": public_user(request.bot.user)}, icon_color)
    return {"message_thread_id": created.id, "name": name, "icon_color": icon_color}


@method("editForumTopic")
def edit_forum_topic(request: Request) -> bool:
    found = topic(request)
    name = request.get("name") or found.name
    if name == found.name:
        raise bad_request("TOPIC_NOT_MODIFIED")
    found.name = name
    announce(request, found, {"forum_topic_edited": {"name": name}})
    return True


@method("closeForumTopic", "reopenForumTopic")
def switch_forum_topic(request: Request) -> bool:
    found, closing = topic(request), request.name == "closeForumTopic"
    if found.closed is closing:
        raise bad_request("TOPIC_NOT_MODIFIED")
    found.closed = closing
    announce(request, found, {"forum_topic_closed" if closing else "forum_topic_reopened": {}})
    return True


@method("deleteForumTopic")
def delete_forum_topic(request: Request) -> bool:
    found = topic(request)
    group = found.group
    del group.topics[found.id]
    for number, message in list(group.messages.items()):
        if message.get("message_thread_id") == found.id:
            group.hide(number)
    return True
