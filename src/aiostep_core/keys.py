"""Who a conversation is with: frozen values that the registry uses as dictionary keys."""

from __future__ import annotations

from collections.abc import Container
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .errors import BadArgument

if TYPE_CHECKING:
    from .facts import Facts

__all__ = [
    "ABOUT_MESSAGE",
    "PERSONAL",
    "Key",
    "MessageKey",
    "MessageScope",
    "Place",
    "Scope",
    "default_scope",
    "places_of",
    "project",
]


class Key(NamedTuple):
    """Who a conversation is with; a part that does not count is None.

    A tuple, because it is hashed for every update while anybody waits.
    """

    bot_id: int
    chat_id: int | None = None
    user_id: int | None = None
    thread_id: int | None = None
    business_id: str | None = None

    def __str__(self) -> str:
        parts = zip(("chat", "user", "thread", "business"), self[1:], strict=True)
        named = ", ".join(f"{name} {value}" for name, value in parts if value is not None)
        return f"{named or 'anyone'} of bot {self.bot_id}"


class MessageKey(NamedTuple):
    """One message: by chat and id, or by its inline message id, or a poll by its id."""

    bot_id: int
    chat_id: int | None
    message_id: int | str


class Scope(Enum):
    """Which parts of a Key count, most specific first.

    ``REPLY`` and ``BUTTONS`` are about one message: call them with it, ``Scope.BUTTONS(message)``.
    """

    BUTTONS = "buttons"
    REPLY = "reply"
    USER_IN_TOPIC = "user_in_topic"
    USER_IN_CHAT = "user_in_chat"
    GLOBAL_USER = "global_user"
    CHAT_TOPIC = "chat_topic"
    CHAT = "chat"
    ANY = "any"

    # Enum defines __hash__ in Python; these are hashed for every update that concerns a wait.
    __hash__ = object.__hash__

    def __call__(self, message: Any) -> MessageScope:
        """Narrow REPLY or BUTTONS to *message*: a framework's message, or a message id in the current chat.

        Raises:
            BadArgument: for another scope, or when *message* has no id.
        """
        if self not in ABOUT_MESSAGE:
            raise BadArgument("scope", f"{self}(...)", "REPLY(message) or BUTTONS(message); the others take no message")
        if isinstance(message, (int, str)) and not isinstance(message, bool):
            return MessageScope(self, None, message)
        # Telethon and Pyrogram call it id; and Telethon's message.chat counts its ids in another way than chat_id.
        chat_id = getattr(message, "chat_id", None) or getattr(getattr(message, "chat", None), "id", None)
        message_id = getattr(message, "message_id", None)
        if message_id is None and chat_id is not None:
            message_id = getattr(message, "id", None)
        if message_id is None:
            raise BadArgument("message", type(message).__name__, "a sent message or its id")
        return MessageScope(self, chat_id, message_id, getattr(getattr(message, "poll", None), "id", None))


class MessageScope(NamedTuple):
    """REPLY or BUTTONS, narrowed to one message."""

    scope: Scope
    chat_id: int | None
    message_id: int | str
    poll_id: str | None = None


class Place(NamedTuple):
    """Where the registry files a conversation: a scope and the key that the scope leaves."""

    scope: Scope
    key: Key | MessageKey


# Looking a member up in its enumeration takes as long as three look-ups in a dictionary, until Python 3.12.
_USER_IN_TOPIC: Final = Scope.USER_IN_TOPIC
_USER_IN_CHAT: Final = Scope.USER_IN_CHAT


def default_scope(facts: Facts) -> Scope:
    """Return USER_IN_TOPIC in a forum, where even the General topic is one of many; else USER_IN_CHAT."""
    return _USER_IN_TOPIC if facts.is_forum or facts.thread_id is not None else _USER_IN_CHAT


def project(scope: Scope, key: Key) -> Key:
    """Blank the parts of *key* that *scope* does not count."""
    if scope is _USER_IN_TOPIC or (scope is _USER_IN_CHAT and key.thread_id is None):
        return key  # by far the most frequent, and no new tuple
    bot, chat, user, thread, business = key
    if scope is _USER_IN_CHAT:
        return Key(bot, chat, user, None, business)
    if scope is Scope.GLOBAL_USER:
        return Key(bot, None, user)
    if scope is Scope.CHAT_TOPIC:
        return Key(bot, chat, None, thread, business)
    if scope is Scope.CHAT:
        return Key(bot, chat, None, None, business)
    return Key(bot)


def personal(key: Key) -> list[Place]:
    """List the places of a person, most specific first: none if *key* names nobody."""
    return [Place(scope, project(scope, key)) for scope in _scopes_for(key) if scope in PERSONAL]


def places_of(facts: Facts, scopes: Container[Scope] | None = None) -> list[Place]:
    """List every place whose conversation *facts* may concern, most specific first: at most nine.

    Args:
        scopes: those in use; other places are left out.
    """
    key = facts.key
    places = [one for one in _about_message(facts, key) if scopes is None or one.scope in scopes]
    for scope in _scopes_for(key):
        if scopes is None or scope in scopes:
            places.append(Place(scope, project(scope, key)))
    return places


def _about_message(facts: Facts, key: Key) -> list[Place]:
    places: list[Place] = []
    if facts.kind in _ABOUT_A_MESSAGE and facts.message_id is not None:
        places.append(Place(Scope.BUTTONS, MessageKey(key.bot_id, key.chat_id, facts.message_id)))
    if facts.inline_message_id is not None:
        places.append(Place(Scope.BUTTONS, MessageKey(key.bot_id, None, facts.inline_message_id)))
    if facts.poll_id is not None:
        places.append(Place(Scope.BUTTONS, MessageKey(key.bot_id, None, f"poll {facts.poll_id}")))
    if facts.reply_to_id is not None:
        places.append(Place(Scope.REPLY, MessageKey(key.bot_id, key.chat_id, facts.reply_to_id)))
    return places


def _scopes_for(key: Key) -> tuple[Scope, ...]:
    return _SCOPES[key.chat_id is not None, key.user_id is not None]


#: The scopes that are about one message.
ABOUT_MESSAGE = (Scope.BUTTONS, Scope.REPLY)
#: The scopes in which the person counts.
PERSONAL = (Scope.USER_IN_TOPIC, Scope.USER_IN_CHAT, Scope.GLOBAL_USER)
#: The other scopes that a key has the parts for, most specific first: with a chat or not, with a user or not.
_SCOPES = {
    (True, True): (*PERSONAL, Scope.CHAT_TOPIC, Scope.CHAT, Scope.ANY),
    (True, False): (Scope.CHAT_TOPIC, Scope.CHAT, Scope.ANY),
    (False, True): (Scope.GLOBAL_USER, Scope.ANY),
    (False, False): (Scope.ANY,),
}
_ABOUT_A_MESSAGE = frozenset({"callback_query", "message_reaction", "message_reaction_count"})
