"""Aims: from what a user writes as a target to a place, every rule and every refusal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aiostep_core.errors import BadArgument, NoTarget
from aiostep_core.facts import Facts
from aiostep_core.keys import Key, MessageKey, MessageScope, Place, Scope
from aiostep_core.targets import Aim, aim, is_with
from aiostep_core.waits import Conversation
from tests.core.making import ALICE, BOB, BOT, GROUP, OTHER_BOT, OTHER_GROUP, buttons, facts, place

PRIVATE = facts(chat_id=ALICE, chat_type="private")
IN_GROUP = facts()
IN_TOPIC = facts(thread_id=5, is_forum=True)
IN_GENERAL = facts(is_forum=True)
INLINE = facts(None, kind="inline_query", chat_id=None)
CHANNEL = facts(None, kind="channel_post", user_id=None)
BUSINESS = facts(kind="business_message", chat_id=ALICE, business_id="b")


def target(value: Any = None, scope: Any = None, here: Facts | None = IN_GROUP, bots: tuple[int, ...] = (BOT,)) -> Aim:
    """Aim as a call in the handler of *here* does; the framework's objects carry their key."""
    return aim(value, scope, here, bots, lambda made: made.key)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("here", "scope", "key"),
    [
        (PRIVATE, Scope.USER_IN_CHAT, Key(BOT, ALICE, ALICE)),
        (IN_GROUP, Scope.USER_IN_CHAT, Key(BOT, GROUP, ALICE)),
        (IN_TOPIC, Scope.USER_IN_TOPIC, Key(BOT, GROUP, ALICE, 5)),
        (IN_GENERAL, Scope.USER_IN_TOPIC, Key(BOT, GROUP, ALICE)),
        (INLINE, Scope.GLOBAL_USER, Key(BOT, None, ALICE)),
        (CHANNEL, Scope.CHAT, Key(BOT, GROUP)),
        (BUSINESS, Scope.USER_IN_CHAT, Key(BOT, ALICE, ALICE, None, "b")),
    ],
)
def test_without_a_target_whoever_is_being_handled_is_meant(here: Facts, scope: Scope, key: Key) -> None:
    """The current person, chat, topic and business connection are meant, as far as the update names them (T12)."""
    got = target(here=here)

    assert got.place == Place(scope, key)
    assert got.user_id == key.user_id
    assert got.home is None


@pytest.mark.parametrize(
    ("here", "number", "at"),
    [
        (PRIVATE, ALICE, Place(Scope.USER_IN_CHAT, Key(BOT, ALICE, ALICE))),
        (IN_GROUP, ALICE, Place(Scope.USER_IN_CHAT, Key(BOT, GROUP, ALICE))),
        (IN_GROUP, GROUP, Place(Scope.CHAT, Key(BOT, GROUP))),
        (IN_GROUP, BOB, Place(Scope.USER_IN_CHAT, Key(BOT, GROUP, BOB))),
        (IN_GROUP, OTHER_GROUP, Place(Scope.CHAT, Key(BOT, OTHER_GROUP))),
        (PRIVATE, BOB, Place(Scope.USER_IN_CHAT, Key(BOT, BOB, BOB))),
        (IN_TOPIC, ALICE, Place(Scope.USER_IN_TOPIC, Key(BOT, GROUP, ALICE, 5))),
        (IN_TOPIC, GROUP, Place(Scope.CHAT_TOPIC, Key(BOT, GROUP, None, 5))),
        (IN_TOPIC, BOB, Place(Scope.USER_IN_TOPIC, Key(BOT, GROUP, BOB, 5))),
        (IN_GENERAL, BOB, Place(Scope.USER_IN_TOPIC, Key(BOT, GROUP, BOB))),
        (INLINE, BOB, Place(Scope.USER_IN_CHAT, Key(BOT, BOB, BOB))),
        (None, ALICE, Place(Scope.USER_IN_CHAT, Key(BOT, ALICE, ALICE))),
        (None, GROUP, Place(Scope.CHAT, Key(BOT, GROUP))),
    ],
)
def test_a_number_names_a_user_or_a_chat(here: Facts | None, number: int, at: Place) -> None:
    """A number is the current or a negative chat, else a user: here, in the current group, or in private (T12)."""
    assert target(number, here=here).place == at


@pytest.mark.parametrize(
    ("key", "at"),
    [
        (Key(BOT, GROUP, ALICE, 5), Place(Scope.USER_IN_TOPIC, Key(BOT, GROUP, ALICE, 5))),
        (Key(BOT, GROUP, ALICE), Place(Scope.USER_IN_CHAT, Key(BOT, GROUP, ALICE))),
        (Key(BOT, GROUP, None, 5), Place(Scope.CHAT_TOPIC, Key(BOT, GROUP, None, 5))),
        (Key(BOT, None, ALICE), Place(Scope.GLOBAL_USER, Key(BOT, None, ALICE))),
        (Key(OTHER_BOT), Place(Scope.ANY, Key(OTHER_BOT))),
    ],
)
def test_a_key_or_an_object_says_it_exactly(key: Key, at: Place) -> None:
    """A Key, or an object of the framework that has one, decides the scope by the parts that it names."""
    assert target(key, here=None).place == at
    assert target(SimpleNamespace(key=key), here=None).place == at


@pytest.mark.parametrize(
    ("scope", "user"),
    [(Scope.CHAT, None), (Scope.ANY, None), (Scope.CHAT_TOPIC, None), (Scope.GLOBAL_USER, ALICE)],
)
def test_who_may_answer_follows_from_the_scope(scope: Scope, user: int | None) -> None:
    """In a shared scope anybody may answer, in a personal one only the person."""
    got = target(scope=scope, here=IN_TOPIC)

    assert got.user_id == user
    assert got.place.scope is scope


def test_a_message_scope_is_about_the_message_in_the_current_chat() -> None:
    """REPLY and BUTTONS are filed by message; the starter's cancel command is looked for where they are (T14)."""
    got = target(scope=MessageScope(Scope.BUTTONS, None, 7))

    assert got == Aim(buttons(7), IN_GROUP.key, ALICE, place())
    assert target(scope=MessageScope(Scope.REPLY, OTHER_GROUP, 7)).place.key == MessageKey(BOT, OTHER_GROUP, 7)
    assert target(scope=MessageScope(Scope.BUTTONS, None, "abc")).place.key == MessageKey(BOT, None, "abc")
    assert target(scope=MessageScope(Scope.BUTTONS, GROUP, 7, "p")).place.key == MessageKey(BOT, None, "poll p")


def test_a_message_scope_of_an_inline_handler_has_its_home_in_no_chat() -> None:
    """Without a chat the starter's cancel command is looked for anywhere."""
    got = target(scope=MessageScope(Scope.BUTTONS, None, "abc"), here=INLINE)

    assert got.home == Place(Scope.GLOBAL_USER, Key(BOT, None, ALICE))


def test_a_message_scope_outside_a_handler_is_of_the_only_bot() -> None:
    """Outside a handler anybody may click, and with one bot there is no doubt whose message it is."""
    got = target(scope=MessageScope(Scope.BUTTONS, GROUP, 7), here=None)

    assert got == Aim(buttons(7), Key(BOT, GROUP), None, None)


REFUSED: list[tuple[Any, Any, Facts | None, tuple[int, ...], type[BadArgument], str]] = [
    (None, None, None, (BOT,), NoTarget,
     "outside a handler nothing says whose answer is meant; pass a target: a user id, a chat id or a Key"),
    (None, None, facts(None, kind="poll", user_id=None, chat_id=None), (BOT,), NoTarget,
     "a poll update names neither user nor chat; pass a target"),
    (SimpleNamespace(key=None), None, IN_GROUP, (BOT,), NoTarget,
     "this SimpleNamespace has neither user nor chat; pass a user id, a chat id or a Key"),
    (ALICE, None, None, (), NoTarget,
     "the number 10 does not say of which bot, and no bot has started yet; pass Key(bot_id, chat_id, user_id)"),
    (ALICE, None, None, (BOT, OTHER_BOT), NoTarget,
     "the number 10 does not say of which bot, and 2 bots are running; pass Key(bot_id, chat_id, user_id)"),
    (GROUP, Scope.USER_IN_CHAT, IN_GROUP, (BOT,), NoTarget,
     "chat -100 of bot 1 names no user, which Scope.USER_IN_CHAT needs; pass a user as target, or scope=Scope.CHAT"),
    (None, Scope.CHAT, INLINE, (BOT,), NoTarget,
     "user 10 of bot 1 names no chat, which Scope.CHAT needs; pass a chat as target, or scope=Scope.GLOBAL_USER"),
    (None, MessageScope(Scope.BUTTONS, GROUP, 7), None, (BOT, OTHER_BOT), NoTarget, "outside a handler"),
    ("@alice", None, IN_GROUP, (BOT,), BadArgument, "target is '@alice'; expected a user id, a chat id, a Key"),
    (True, None, IN_GROUP, (BOT,), BadArgument, "target is True; expected a user id, a chat id, a Key"),
    (1.5, None, IN_GROUP, (BOT,), BadArgument, "target is 1.5; expected a user id, a chat id, a Key"),
    (0, None, IN_GROUP, (BOT,), BadArgument, "target is 0; expected a user id, a chat id, a Key"),
    (0, None, None, (BOT,), BadArgument, "target is 0; expected a user id, a chat id, a Key"),
    (None, "chat", IN_GROUP, (BOT,), BadArgument, "scope is 'chat'; expected a Scope, such as Scope.CHAT"),
    (None, Scope.BUTTONS, IN_GROUP, (BOT,), BadArgument,
     "scope is <Scope.BUTTONS: 'buttons'>; expected Scope.BUTTONS(message), the message it is about"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "scope", "here", "bots", "error", "text"), REFUSED)
def test_what_is_no_target_is_refused(
    value: Any, scope: Any, here: Facts | None, bots: tuple[int, ...], error: type[BadArgument], text: str
) -> None:
    """Each bad target or scope gets one sentence: what was got, what was expected, what to do."""
    with pytest.raises(BadArgument) as caught:
        target(value, scope, here, bots)

    assert type(caught.value) is error
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("at", "user", "meant"),
    [
        (place(), ALICE, {"key", "chat key", "user", "chat", "both"}),
        (place(user_id=BOB), BOB, {"chat key", "chat"}),
        (place(chat_id=OTHER_GROUP), ALICE, {"user"}),
        (place(Scope.GLOBAL_USER), ALICE, {"key", "chat key", "user"}),
        (place(Scope.CHAT), None, {"chat key", "chat"}),
        (buttons(), ALICE, {"key", "chat key", "user", "chat", "both"}),
        (place(bot_id=OTHER_BOT), ALICE, {"user", "chat", "both"}),
    ],
)
def test_whom_a_cancel_means(at: Place, user: int | None, meant: set[str]) -> None:
    """cancel() means a person in a chat by key, a person anywhere by user=, a chat by chat=."""
    one = Conversation(at, user_id=user)
    ways: dict[str, tuple[Key | None, int | None, int | None]] = {
        "key": (Key(BOT, GROUP, ALICE), None, None),
        "chat key": (Key(BOT, GROUP), None, None),
        "user": (None, ALICE, None),
        "chat": (None, None, GROUP),
        "both": (None, ALICE, GROUP),
    }

    assert {name for name, (key, who, chat) in ways.items() if is_with(one, key, who, chat)} == meant
