"""Whose answer is meant: from what a user writes as a target to a place in the registry. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from .errors import BadArgument, NoTarget
from .facts import Facts
from .keys import ABOUT_MESSAGE, PERSONAL, Key, MessageKey, MessageScope, Place, Scope, default_scope, project
from .waits import Conversation

__all__ = ["Aim", "aim", "is_with"]


class Aim(NamedTuple):
    """A resolved target.

    Attributes:
        key: the full key, to send prompts to.
        user_id: who may answer; None for anybody in the place.
        home: where the starter's cancel command is looked for.
    """

    place: Place
    key: Key
    user_id: int | None
    home: Place | None


def aim(
    target: object,
    scope: Scope | MessageScope | None,
    facts: Facts | None,
    bot_ids: Collection[int],
    key_of: Callable[[object], Key | None],
) -> Aim:
    """Resolve *target* and *scope* inside the handler of the update with *facts*, or outside any handler (None).

    A number names a user, or a chat when it is the current chat or negative. A user who is not the current one is
    meant in the current group, else in their private chat.

    Raises:
        NoTarget: nothing says whose answer is meant, or of which bot.
        BadArgument: *target* or *scope* is nothing of the kind.
    """
    if target is None and scope is None and facts is not None and None not in (facts.chat_id, facts.user_id):
        scope, key = default_scope(facts), facts.key  # by far the most frequent
        return Aim(Place(scope, project(scope, key)), key, key.user_id, None)
    if scope is not None and not isinstance(scope, (Scope, MessageScope)):
        raise BadArgument("scope", scope, "a Scope, such as Scope.CHAT or Scope.BUTTONS(message)")
    if target is None and facts is None and isinstance(scope, MessageScope) and len(bot_ids) == 1:
        target = Key(next(iter(bot_ids)), scope.chat_id)
    key = _key(target, facts, bot_ids, key_of)
    if isinstance(scope, MessageScope):
        return _aim_at_message(scope, key, facts if target is None else None)
    if scope in ABOUT_MESSAGE:
        raise BadArgument("scope", scope, f"{scope}(message), the message it is about")
    scope = scope or _scope_for(target, key, facts)
    if scope in PERSONAL and key.user_id is None:
        raise NoTarget(f"{key} names no user, which {scope} needs; pass a user as target, or scope=Scope.CHAT")
    if scope is not Scope.ANY and scope is not Scope.GLOBAL_USER and key.chat_id is None:
        raise NoTarget(f"{key} names no chat, which {scope} needs; pass a chat as target, or scope=Scope.GLOBAL_USER")
    user_id = key.user_id if scope in PERSONAL else None
    return Aim(Place(scope, project(scope, key)), key, user_id, None)


def is_with(one: Conversation, key: Key | None, user: int | None, chat: int | None) -> bool:
    """Tell whether a conversation is with the person or chat that a ``cancel`` means."""
    where, people = one.place.key, (one.user_id, one.starter_id)
    if key is not None:
        is_there = where.bot_id == key.bot_id and where.chat_id in (key.chat_id, None)
        return is_there and (key.user_id is None or key.user_id in people)
    return (user is None or user in people) and (chat is None or where.chat_id == chat)


def _key(target: object, facts: Facts | None, bot_ids: Collection[int], key_of: Callable[[object], Key | None]) -> Key:
    if target is None:
        if facts is None:
            raise NoTarget(
                "outside a handler nothing says whose answer is meant; pass a target: a user id, a chat id or a Key"
            )
        if facts.chat_id is None and facts.user_id is None:
            raise NoTarget(f"a {facts.kind} update names neither user nor chat; pass a target")
        return facts.key
    if isinstance(target, Key):
        return target
    if isinstance(target, (bool, str, float, bytes)) or (isinstance(target, int) and not target):
        raise BadArgument("target", target, "a user id, a chat id, a Key or an update of the framework")
    if isinstance(target, int):
        return _key_of_number(target, facts, bot_ids)
    key = key_of(target)
    if key is None:
        raise NoTarget(f"this {type(target).__name__} has neither user nor chat; pass a user id, a chat id or a Key")
    return key


def _key_of_number(number: int, facts: Facts | None, bot_ids: Collection[int]) -> Key:
    if facts is None:
        if len(bot_ids) != 1:
            seen = f"{len(bot_ids)} bots are running" if bot_ids else "no bot has started yet"
            raise NoTarget(
                f"the number {number} does not say of which bot, and {seen}; pass Key(bot_id, chat_id, user_id)"
            )
        bot_id = next(iter(bot_ids))
        return Key(bot_id, number, number if number > 0 else None)
    if number == facts.user_id:
        return facts.key
    if number == facts.chat_id:
        return facts.key._replace(user_id=None)
    if number < 0:
        return Key(facts.bot_id, number)
    if facts.chat_id is not None and facts.chat_id < 0:
        return facts.key._replace(user_id=number)
    return Key(facts.bot_id, number, number)


def _scope_for(target: object, key: Key, facts: Facts | None) -> Scope:
    in_this_chat = facts is not None and facts.chat_id == key.chat_id
    in_topic = key.thread_id is not None or (in_this_chat and facts is not None and facts.is_forum)
    if key.chat_id is None:
        return Scope.GLOBAL_USER if key.user_id is not None else Scope.ANY
    if key.user_id is None:
        return Scope.CHAT_TOPIC if in_topic else Scope.CHAT
    if target is None and facts is not None:
        return default_scope(facts)
    return Scope.USER_IN_TOPIC if in_topic else Scope.USER_IN_CHAT


def _aim_at_message(scope: MessageScope, key: Key, facts: Facts | None) -> Aim:
    chat_id = scope.chat_id if scope.chat_id is not None else key.chat_id
    if scope.poll_id is not None:
        message = MessageKey(key.bot_id, None, f"poll {scope.poll_id}")
    elif isinstance(scope.message_id, str):
        message = MessageKey(key.bot_id, None, scope.message_id)
    else:
        message = MessageKey(key.bot_id, chat_id, scope.message_id)
    home = None
    if facts is not None and facts.user_id is not None:
        personal = default_scope(facts) if facts.chat_id is not None else Scope.GLOBAL_USER
        home = Place(personal, project(personal, facts.key))
    user_id = key.user_id if facts is not None else None
    return Aim(Place(scope.scope, message), key, user_id, home)
