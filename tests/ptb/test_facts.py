"""The table of updates: what each kind says about who, where and what. Pure; real objects from Bot API JSON."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Bot, Chat, Message, PollAnswer, Update, User

from aiostep_core.facts import Facts
from aiostep_core.keys import Key
from aiostep_ptb.facts import facts_of, key_of_object

BOT = Bot("42:TEST")
ALICE = {"id": 7, "is_bot": False, "first_name": "Alice"}
PRIVATE = {"id": 7, "type": "private", "first_name": "Alice"}
GROUP = {"id": -100, "type": "supergroup", "title": "G"}
FORUM = {**GROUP, "is_forum": True}
NEWS = {"id": -200, "type": "channel", "title": "News"}
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
CHANNEL_BOT = {"id": 136817688, "is_bot": True, "first_name": "Channel"}
LINKED = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
MEMBER = {"user": ALICE, "status": "member"}
LEFT = {"user": ALICE, "status": "left"}
KICKED = {"user": {"id": 42, "is_bot": True, "first_name": "Bot"}, "status": "kicked", "until_date": 0}
BOT_MEMBER = {"user": {"id": 42, "is_bot": True, "first_name": "Bot"}, "status": "member"}


def said(chat: dict[str, Any] = PRIVATE, who: dict[str, Any] | None = ALICE, **fields: Any) -> dict[str, Any]:
    """Describe a message."""
    author = {"from": who} if who is not None else {}
    return {"message_id": 5, "date": 1_700_000_000, "chat": chat, "text": "hi", **author, **fields}


def click(**fields: Any) -> dict[str, Any]:
    """Describe a click."""
    return {"id": "1", "from": ALICE, "chat_instance": "x", "data": "yes", **fields}


def membership(chat: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Describe how somebody's membership changed."""
    return {"chat": chat, "from": ALICE, "date": 1, "old_chat_member": old, "new_chat_member": new}


def update_of(kind: str, event: dict[str, Any]) -> Update:
    """Make an update."""
    made = Update.de_json({"update_id": 3, kind: event}, BOT)
    assert made is not None
    return made


def facts(kind: str, event: dict[str, Any]) -> Facts:
    """Return the facts of an update."""
    return facts_of(update_of(kind, event), 42, "test_bot")


PREMIUM = {"source": "premium", "user": ALICE}
PAYMENT = {"currency": "EUR", "total_amount": 1, "invoice_payload": ""}
VOTE = {"poll_id": "p", "option_ids": [0], "option_persistent_ids": ["0"]}
QUERY = {"id": "1", "from": ALICE}
ADDRESS = {"country_code": "IT", "state": "", "city": "R", "street_line1": "", "street_line2": "", "post_code": ""}
POLL = {
    "id": "p", "question": "?", "options": [], "total_voter_count": 0, "is_closed": False, "is_anonymous": True,
    "type": "regular", "allows_multiple_answers": False, "allows_revoting": False, "members_only": False,
}  # fmt: skip
REACTION = {"chat": GROUP, "message_id": 9, "date": 1, "old_reaction": [], "new_reaction": []}


@pytest.mark.parametrize(
    ("kind", "event", "key"),
    [
        ("message", said(), Key(42, 7, 7)),
        ("edited_message", said(edit_date=1), Key(42, 7, 7)),
        ("message", said(GROUP), Key(42, -100, 7)),
        ("message", said(GROUP, message_thread_id=33), Key(42, -100, 7)),
        ("message", said(FORUM, message_thread_id=33, is_topic_message=True), Key(42, -100, 7, 33)),
        ("message", said(GROUP, ANONYMOUS, sender_chat=GROUP), Key(42, -100, -100)),
        ("message", said(GROUP, CHANNEL_BOT, sender_chat=NEWS), Key(42, -100, -200)),
        ("message", said(GROUP, LINKED, sender_chat=NEWS, is_automatic_forward=True), Key(42, -100, -200)),
        ("channel_post", said(NEWS, None, sender_chat=NEWS), Key(42, -200)),
        ("edited_channel_post", said(NEWS, None, sender_chat=NEWS, edit_date=1), Key(42, -200)),
        ("callback_query", click(message=said()), Key(42, 7, 7)),
        (
            "callback_query",
            click(message=said(FORUM, None, message_thread_id=33, is_topic_message=True)),
            Key(42, -100, 7, 33),
        ),
        ("callback_query", click(inline_message_id="i"), Key(42, None, 7)),
        ("inline_query", {**QUERY, "query": "q", "offset": ""}, Key(42, None, 7)),
        ("chosen_inline_result", {"result_id": "1", "from": ALICE, "query": ""}, Key(42, None, 7)),
        ("shipping_query", {**QUERY, "invoice_payload": "", "shipping_address": ADDRESS}, Key(42, None, 7)),
        ("pre_checkout_query", {**QUERY, **PAYMENT}, Key(42, None, 7)),
        ("poll", POLL, Key(42)),
        ("poll_answer", {**VOTE, "user": ALICE}, Key(42, None, 7)),
        ("my_chat_member", membership(PRIVATE, BOT_MEMBER, KICKED), Key(42, 7, 7)),
        ("chat_member", membership(GROUP, MEMBER, LEFT), Key(42, -100, 7)),
        ("chat_join_request", {"chat": GROUP, "from": ALICE, "user_chat_id": 7, "date": 1}, Key(42, -100, 7)),
    ],
)  # fmt: skip
def test_whose_update_it_is(kind: str, event: dict[str, Any], key: Key) -> None:
    """Every row of the table: the chat, the one who acts, and the topic only where there is one."""
    found = facts(kind, event)

    assert (found.kind, found.key, found.update_id) == (kind, key, 3)


@pytest.mark.skipif("message_reaction" not in Update.__slots__, reason="this version does not know reactions")
@pytest.mark.parametrize(
    ("kind", "event", "key"),
    [
        ("message_reaction", {**REACTION, "user": ALICE}, Key(42, -100, 7)),
        ("message_reaction", {**REACTION, "actor_chat": NEWS}, Key(42, -100, -200)),
        ("message_reaction_count", {"chat": GROUP, "message_id": 9, "date": 1, "reactions": []}, Key(42, -100)),
        (
            "chat_boost",
            {
                "chat": GROUP,
                "boost": {"boost_id": "b", "add_date": 1, "expiration_date": 2, "source": PREMIUM},
            },
            Key(42, -100, 7),
        ),
        (
            "removed_chat_boost",
            {"chat": GROUP, "boost_id": "b", "remove_date": 1, "source": PREMIUM},
            Key(42, -100),
        ),
    ],
)  # fmt: skip
def test_reactions_and_boosts(kind: str, event: dict[str, Any], key: Key) -> None:
    """Reactions are the person's or the channel's, of a message; a boost is the one's who paid."""
    found = facts(kind, event)

    assert (found.kind, found.key) == (kind, key)
    assert found.message_id == event.get("message_id")


@pytest.mark.skipif("business_message" not in Update.__slots__, reason="this version does not know business chats")
@pytest.mark.parametrize(
    ("kind", "event", "key"),
    [
        ("business_message", said(business_connection_id="bc"), Key(42, 7, 7, None, "bc")),
        ("edited_business_message", said(business_connection_id="bc", edit_date=1), Key(42, 7, 7, None, "bc")),
        ("callback_query", click(message=said(business_connection_id="bc")), Key(42, 7, 7, None, "bc")),
        (
            "deleted_business_messages",
            {"business_connection_id": "bc", "chat": PRIVATE, "message_ids": [1]},
            Key(42, 7, None, None, "bc"),
        ),
        (
            "business_connection",
            {"id": "bc", "user": ALICE, "user_chat_id": 7, "date": 1, "can_reply": True, "is_enabled": True},
            Key(42, None, 7, None, "bc"),
        ),
    ],
)
def test_business(kind: str, event: dict[str, Any], key: Key) -> None:
    """What comes through a business connection is never mixed up with the private chat of the same number."""
    assert facts(kind, event).key == key


@pytest.mark.skipif("direct_messages_topic" not in Message.__slots__, reason="this version does not know them")
def test_direct_messages_of_a_channel() -> None:
    """In a channel's direct messages each person has a topic of their own."""
    chat = {**GROUP, "is_direct_messages": True}
    found = facts("message", said(chat, direct_messages_topic={"topic_id": 77, "user": ALICE}))

    assert (found.key, found.chat_type) == (Key(42, -100, 7, 77), "direct_messages")


@pytest.mark.skipif("voter_chat" not in PollAnswer.__slots__, reason="this version does not know them")
def test_a_channel_that_votes() -> None:
    """A channel's vote is the channel's, not that of the placeholder that all of them have."""
    assert facts("poll_answer", {**VOTE, "user": CHANNEL_BOT, "voter_chat": NEWS}).key == Key(42, None, -200)


@pytest.mark.parametrize("date", [0, 1_700_000_000])
def test_a_click_on_what_is_not_shown_any_more(date: int) -> None:
    """A message without content, dated 0, names neither topic nor connection, so those do not count."""
    shown = {"chat": FORUM, "message_id": 5, "date": date, "message_thread_id": 33, "is_topic_message": True}
    found = facts("callback_query", click(message=shown))

    assert found.is_inaccessible is (date == 0)
    assert found.thread_id == (None if date == 0 else 33)
    assert (found.message_id, found.callback_data, found.is_forum) == (5, "yes", True)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/start", "start"),
        ("/start now", "start"),
        ("/start@Test_Bot", "start"),
        ("/start@other_bot x", "start@other_bot"),
        ("start", None),
        ("/", None),
        ("/ start", None),
    ],
)
def test_commands(text: str, command: str | None) -> None:
    """A command has its name without the slash; another bot's has that in it."""
    assert facts("message", said(text=text)).command == command


def test_a_command_before_the_bot_knows_its_name() -> None:
    """As long as its name is not known, a bot takes every command for its own."""
    assert facts_of(update_of("message", said(text="/a@any")), 42, None).command == "a"


def test_what_a_message_says() -> None:
    """The details of a message: caption, reply, album, edit, and whether the bot wrote it itself."""
    replied = said(message_id=4)
    details = {"caption": "look", "reply_to_message": replied, "media_group_id": "m", "edit_date": 1}
    event = {**said(GROUP, {"id": 42, "is_bot": True, "first_name": "Bot"}), **details}
    del event["text"]
    found = facts("message", event)

    assert (found.text, found.reply_to_id, found.media_group_id) == ("look", 4, "m")
    assert (found.is_edit, found.is_own, found.chat_type, found.is_forum) == (True, True, "supergroup", False)
    assert (found.message_id, found.date) == (5, 1_700_000_000)


def test_the_opening_of_a_topic_is_no_reply() -> None:
    """Every message of a topic replies to the one that opened it; that says nothing."""
    opening = said(FORUM, message_id=33, forum_topic_created={"name": "T", "icon_color": 1})
    event = said(FORUM, message_thread_id=33, is_topic_message=True, reply_to_message=opening)

    assert facts("message", event).reply_to_id is None


@pytest.mark.parametrize(
    ("kind", "event", "loss"),
    [
        ("my_chat_member", membership(PRIVATE, BOT_MEMBER, KICKED), ("blocked", 7)),
        ("my_chat_member", membership(GROUP, BOT_MEMBER, KICKED), ("left", None)),
        ("my_chat_member", membership(PRIVATE, KICKED, BOT_MEMBER), (None, None)),
        ("chat_member", membership(GROUP, MEMBER, LEFT), ("left", 7)),
        ("chat_member", membership(GROUP, LEFT, MEMBER), (None, None)),
        ("message", said(GROUP, left_chat_member=ALICE), ("left", 7)),
        ("message", said(GROUP, left_chat_member=BOT_MEMBER["user"]), ("left", None)),
        ("message", said(GROUP, migrate_to_chat_id=-300), ("migrated", None)),
    ],
)
def test_losses(kind: str, event: dict[str, Any], loss: tuple[str | None, int | None]) -> None:
    """Blocking, leaving and migrating are told, and for whom."""
    found = facts(kind, event)

    assert (found.gone, found.leaver_id) == loss


def test_polls_are_found_by_their_id() -> None:
    """A poll names neither chat nor person."""
    assert facts("poll", POLL).poll_id == "p"
    assert facts("poll_answer", {**VOTE, "user": ALICE}).poll_id == "p"


def test_data_that_is_no_text() -> None:
    """With ``arbitrary_callback_data`` a button may carry any object; as a text there is none."""
    update = update_of("callback_query", click(message=said()))
    assert update.callback_query is not None
    with update.callback_query._unfrozen():
        update.callback_query.data = ("any", "thing")  # type: ignore[assignment]

    assert facts_of(update, 42, None).callback_data is None


def test_an_update_of_the_future() -> None:
    """A kind that this version does not know has no name, and harms nobody."""
    found = facts("telepathy", {"from": ALICE})

    assert (found.kind, found.key) == ("", Key(42))


@pytest.mark.parametrize(
    ("target", "key"),
    [
        (update_of("message", said(GROUP)), Key(42, -100, 7)),
        (update_of("message", said(GROUP)).message, Key(42, -100, 7)),
        (update_of("callback_query", click(message=said())).callback_query, Key(42, 7, 7)),
        (update_of("inline_query", {**QUERY, "query": "", "offset": ""}).inline_query, Key(42, None, 7)),
        (User(7, "Alice", is_bot=False), Key(42, None, 7)),
        (Chat(7, "private"), Key(42, 7, 7)),
        (Chat(-100, "supergroup"), Key(42, -100)),
        (update_of("poll", POLL), None),
    ],
)
def test_targets(target: object, key: Key | None) -> None:
    """Any object of the framework that names somebody can be a target."""
    assert key_of_object(target, 42) == key


@pytest.mark.parametrize("target", [object(), "7", None])
def test_what_is_no_target(target: object) -> None:
    """Anything else is not the framework's."""
    with pytest.raises(TypeError):
        key_of_object(target, 42)
