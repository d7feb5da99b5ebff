"""Keys and scopes: whose conversation an update may concern."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiostep_core.errors import BadArgument
from aiostep_core.facts import Facts
from aiostep_core.keys import PERSONAL, Key, MessageKey, MessageScope, Scope, default_scope, places_of, project
from tests.core.making import ALICE, BOB, BOT, GROUP, OTHER_BOT, OTHER_GROUP, click, facts, place

FULL = Key(BOT, GROUP, ALICE, 5, "b")


@pytest.mark.parametrize(
    ("scope", "key"),
    [
        (Scope.USER_IN_TOPIC, FULL),
        (Scope.USER_IN_CHAT, Key(BOT, GROUP, ALICE, None, "b")),
        (Scope.GLOBAL_USER, Key(BOT, None, ALICE)),
        (Scope.CHAT_TOPIC, Key(BOT, GROUP, None, 5, "b")),
        (Scope.CHAT, Key(BOT, GROUP, None, None, "b")),
        (Scope.ANY, Key(BOT)),
    ],
)
def test_a_scope_leaves_what_it_counts(scope: Scope, key: Key) -> None:
    """A scope blanks the parts of a key that do not count, and never the bot."""
    assert project(scope, FULL) == key
    assert project(scope, key) == key


def test_places_are_most_specific_first() -> None:
    """An update is offered to the most specific place first (T07)."""
    scopes = [one.scope for one in places_of(facts(reply_to_id=3, thread_id=5))]

    assert scopes == [
        Scope.REPLY,
        Scope.USER_IN_TOPIC,
        Scope.USER_IN_CHAT,
        Scope.GLOBAL_USER,
        Scope.CHAT_TOPIC,
        Scope.CHAT,
        Scope.ANY,
    ]


def test_a_click_is_first_of_all_about_its_message() -> None:
    """A click is looked up under its keyboard; a message with the same id is not."""
    assert places_of(click(on=7).facts)[0] == (Scope.BUTTONS, MessageKey(BOT, GROUP, 7))
    assert Scope.BUTTONS not in {one.scope for one in places_of(facts(message_id=7))}


def test_an_inline_message_and_a_poll_have_no_chat() -> None:
    """A click on an inline message and an answer to a poll find their wait without any chat."""
    inline = click(message_id=None, chat_id=None, inline_message_id="abc").facts
    answer = facts(None, kind="poll_answer", chat_id=None, poll_id="p1")

    assert places_of(inline)[0].key == MessageKey(BOT, None, "abc")
    assert places_of(answer)[0].key == MessageKey(BOT, None, "poll p1")
    assert [one.scope for one in places_of(inline)] == [Scope.BUTTONS, Scope.GLOBAL_USER, Scope.ANY]


def test_an_update_of_nobody_concerns_the_chat() -> None:
    """Without a user only the shared scopes are looked at; without a chat and a user only ANY (T09)."""
    assert not {one.scope for one in places_of(facts(user_id=None))} & set(PERSONAL)
    assert [one.scope for one in places_of(facts(user_id=None, chat_id=None))] == [Scope.ANY]


ids = st.none() | st.integers(1, 3)
# What an update may be about: a message of a chat, an inline message or a poll.
abouts = st.sampled_from([{}, {"message_id": 1}, {"inline_message_id": "i"}, {"poll_id": "p"}])
kinds = st.sampled_from(["message", "callback_query", "message_reaction", "poll_answer", "channel_post"])


@given(bot=st.integers(1, 2), kind=kinds, chat=ids, user=ids, thread=ids, reply=ids, about=abouts)
def test_at_most_nine_different_places_of_one_bot(
    bot: int,
    kind: str,
    chat: int | None,
    user: int | None,
    thread: int | None,
    reply: int | None,
    about: dict[str, Any],
) -> None:
    """Every update has one to nine places, all different, all of its own bot, ANY last (T12)."""
    made = Facts(bot_id=bot, kind=kind, chat_id=chat, user_id=user, thread_id=thread, reply_to_id=reply, **about)
    places = places_of(made)

    assert 1 <= len(places) == len(set(places)) <= 9
    assert {one.key.bot_id for one in places} == {made.bot_id}
    assert [*Scope].index(places[0].scope) <= [*Scope].index(places[-1].scope)
    assert places[-1].scope is Scope.ANY


def test_two_bots_two_chats_two_people_share_no_personal_place() -> None:
    """Another bot, chat or person is never found at Alice's place in the group (T12)."""
    for other in (facts(bot_id=OTHER_BOT), facts(chat_id=OTHER_GROUP), facts(user_id=BOB), facts(business_id="b")):
        assert place() not in places_of(other)


def test_a_topic_is_the_default_only_in_a_forum() -> None:
    """The topic counts in forums, also in their General topic, and nowhere else."""
    assert default_scope(facts()) is Scope.USER_IN_CHAT
    assert default_scope(facts(thread_id=5)) is Scope.USER_IN_TOPIC
    assert default_scope(facts(is_forum=True)) is Scope.USER_IN_TOPIC


def test_a_scope_is_narrowed_to_a_message() -> None:
    """REPLY and BUTTONS take a message of a framework, or its id."""
    sent = SimpleNamespace(message_id=7, chat=SimpleNamespace(id=GROUP), poll=SimpleNamespace(id="p1"))

    assert Scope.BUTTONS(sent) == MessageScope(Scope.BUTTONS, GROUP, 7, "p1")
    assert Scope.REPLY(7) == MessageScope(Scope.REPLY, None, 7)
    assert Scope.BUTTONS("abc") == MessageScope(Scope.BUTTONS, None, "abc")


def test_a_message_of_another_library_has_an_id() -> None:
    """Where it is called ``id`` it is a message's if that has a chat; ``chat_id`` counts before the chat's own id."""
    of_telethon = SimpleNamespace(id=7, chat_id=GROUP, chat=SimpleNamespace(id=-GROUP))
    of_pyrogram = SimpleNamespace(id=7, chat=SimpleNamespace(id=GROUP))

    assert Scope.BUTTONS(of_telethon) == Scope.BUTTONS(of_pyrogram) == MessageScope(Scope.BUTTONS, GROUP, 7)
    with pytest.raises(BadArgument):
        Scope.BUTTONS(SimpleNamespace(id=7))  # a user, say


@pytest.mark.parametrize(
    ("scope", "message", "text"),
    [
        (Scope.CHAT, 7, "scope is 'Scope.CHAT(...)'; expected REPLY(message) or BUTTONS(message)"),
        (Scope.REPLY, object(), "message is 'object'; expected a sent message or its id"),
        (Scope.REPLY, True, "message is 'bool'; expected a sent message or its id"),
    ],
)
def test_what_is_no_message_scope_is_refused(scope: Scope, message: object, text: str) -> None:
    """Another scope takes no message, and something without an id is no message."""
    with pytest.raises(BadArgument) as caught:
        scope(message)
    assert str(caught.value).startswith(text)


def test_a_key_reads_like_a_sentence() -> None:
    """Errors name a key in words."""
    assert str(FULL) == f"chat {GROUP}, user {ALICE}, thread 5, business b of bot {BOT}"
    assert str(Key(BOT)) == "anyone of bot 1"
