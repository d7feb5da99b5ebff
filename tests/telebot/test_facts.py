"""The identity table: what each kind of update says of who, where and what."""

from __future__ import annotations

from typing import Any

import pytest
from telebot import types

from aiostep_core.keys import Key
from aiostep_telebot.facts import facts_of, key_of_object, key_of_update

ME = 42
ANN = {"id": 7, "is_bot": False, "first_name": "Ann"}
BOT = {"id": ME, "is_bot": True, "first_name": "Bot"}
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
PRIVATE = {"id": 7, "type": "private", "first_name": "Ann"}
GROUP = {"id": -5, "type": "supergroup", "title": "G"}
FORUM = {**GROUP, "is_forum": True}
CHANNEL = {"id": -9, "type": "channel", "title": "C"}


def message(**fields: Any) -> dict[str, Any]:
    return {"message_id": 3, "date": 1_700_000_000, "chat": GROUP, "from": ANN, "text": "hi", **fields}


def member(user: dict[str, Any], status: str) -> dict[str, Any]:
    return {"user": user, "status": status, "until_date": 0}


def change(chat: dict[str, Any], user: dict[str, Any], status: str) -> dict[str, Any]:
    before, after = member(user, "member"), member(user, status)
    return {"chat": chat, "from": ANN, "date": 1, "old_chat_member": before, "new_chat_member": after}


def click(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "from": ANN, "chat_instance": "c", "data": "yes", **fields}


TABLE: dict[str, tuple[str, dict[str, Any], Key, dict[str, Any]]] = {
    "group": ("message", message(), Key(ME, -5, 7), {"text": "hi", "command": None, "message_id": 3}),
    "topic": ("message", message(chat=FORUM, message_thread_id=2, is_topic_message=True), Key(ME, -5, 7, 2), {}),
    "reply thread": ("message", message(message_thread_id=2), Key(ME, -5, 7), {"thread_id": None}),
    "reply": ("message", message(reply_to_message=message(message_id=2)), Key(ME, -5, 7), {"reply_to_id": 2}),
    "anonymous": ("message", message(**{"from": ANONYMOUS, "sender_chat": GROUP}), Key(ME, -5, -5), {}),
    "command": ("message", message(text="/go@me_bot x"), Key(ME, -5, 7), {"command": "go"}),
    "another's command": ("message", message(text="/go@it_bot"), Key(ME, -5, 7), {"command": "go@it_bot"}),
    "own": ("message", message(**{"from": BOT}), Key(ME, -5, ME), {"is_own": True}),
    "album": ("message", message(media_group_id="a"), Key(ME, -5, 7), {"media_group_id": "a"}),
    "left": ("message", message(left_chat_member=ANN), Key(ME, -5, 7), {"gone": "left", "leaver_id": 7}),
    "bot left": ("message", message(left_chat_member=BOT), Key(ME, -5, 7), {"gone": "left", "leaver_id": None}),
    "migrated": ("message", message(migrate_to_chat_id=-6), Key(ME, -5, 7), {"gone": "migrated"}),
    "edited": ("edited_message", message(edit_date=2), Key(ME, -5, 7), {"is_edit": True}),
    "post": ("channel_post", {**message(chat=CHANNEL), "from": None}, Key(ME, -9), {"chat_type": "channel"}),
    "business": ("business_message", message(chat=PRIVATE, business_connection_id="b"), Key(ME, 7, 7, None, "b"), {}),
    "click": (
        "callback_query",
        click(message=message(chat=FORUM, message_thread_id=2, is_topic_message=True, **{"from": BOT})),
        Key(ME, -5, 7, 2),
        {"callback_data": "yes", "message_id": 3, "is_inaccessible": False},
    ),
    "old click": (
        "callback_query",
        click(message={"chat": FORUM, "message_id": 3, "date": 0}),
        Key(ME, -5, 7),
        {"is_inaccessible": True, "is_forum": True},
    ),
    "inline click": ("callback_query", click(inline_message_id="i"), Key(ME, None, 7), {"inline_message_id": "i"}),
    "vote": (
        "poll_answer",
        {"poll_id": "p", "user": ANN, "option_ids": [0], "option_persistent_ids": ["x"]},
        Key(ME, None, 7),
        {"poll_id": "p"},
    ),
    "vote of a chat": (
        "poll_answer",
        {"poll_id": "p", "voter_chat": CHANNEL, "option_ids": [0], "option_persistent_ids": ["x"]},
        Key(ME, -9),
        {"poll_id": "p"},
    ),
    "blocked": (
        "my_chat_member",
        change(PRIVATE, BOT, "kicked"),
        Key(ME, 7, 7),
        {"gone": "blocked", "leaver_id": 7},
    ),
    "removed": ("my_chat_member", change(GROUP, BOT, "kicked"), Key(ME, -5, 7), {"gone": "left", "leaver_id": None}),
    "expelled": (
        "chat_member",
        change(GROUP, {**ANN, "id": 8}, "kicked"),
        Key(ME, -5, 7),
        {"gone": "left", "leaver_id": 8},
    ),
    "reaction": (
        "message_reaction",
        {"chat": GROUP, "message_id": 3, "user": ANN, "date": 1, "old_reaction": [], "new_reaction": []},
        Key(ME, -5, 7),
        {"message_id": 3},
    ),
    "inline query": (
        "inline_query",
        {"id": "1", "from": ANN, "query": "q", "offset": ""},
        Key(ME, None, 7),
        {"text": "q"},
    ),
    "request": (
        "chat_join_request",
        {"chat": GROUP, "from": ANN, "date": 1, "user_chat_id": 7},
        Key(ME, -5, 7),
        {"chat_type": "supergroup"},
    ),
    "unknown": ("shiny_new_thing", {"id": 1}, Key(ME), {"kind": ""}),
}


def read(kind: str, what: dict[str, Any]) -> Any:
    update: Any = types.Update
    return update.de_json({"update_id": 5, kind: {name: value for name, value in what.items() if value is not None}})


@pytest.mark.parametrize("row", list(TABLE))
def test_a_row_of_the_table(row: str) -> None:
    """Each kind of update names its person, chat, topic and connection, and tells what only it can tell."""
    kind, what, key, details = TABLE[row]
    update = read(kind, what)

    facts = facts_of(update, ME, "me_bot")

    assert (facts.key, facts.update_id) == (key, 5)
    assert facts.kind == details.get("kind", kind)
    assert {name: getattr(facts, name) for name in details} == details
    assert key_of_update(update, ME) == key


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"chat": PRIVATE}, Key(ME, 7, 7)),
        ({"chat": GROUP, "reply_to_message": message()}, Key(ME, -5, 7)),
        ({"chat": GROUP}, Key(ME, -5, None)),
    ],
    ids=["private", "reply", "group"],
)
def test_the_bot_s_own_message_is_about_its_receiver(fields: dict[str, Any], key: Key) -> None:
    """What the bot's methods return names the person it was sent to, if that is known."""
    own = read("message", message(**{"from": BOT}, **fields)).message

    assert key_of_object(own, ME) == key


def test_what_is_not_of_telebot_has_no_key() -> None:
    """Another framework's object is refused, so that its own adapter is asked."""
    with pytest.raises(TypeError):
        key_of_object(object(), ME)
