"""Updates as Telegram sends them, and what each of them says of who, where and what."""

from __future__ import annotations

from typing import Any, NamedTuple

from aiostep_core.keys import Key

__all__ = ["BOT_ID", "ROWS", "Row", "said"]

Json = dict[str, Any]

BOT_ID = 42
ALICE: Json = {"id": 7, "is_bot": False, "first_name": "Alice"}
BOB: Json = {"id": 8, "is_bot": False, "first_name": "Bob"}
BOT: Json = {"id": BOT_ID, "is_bot": True, "first_name": "Bot"}
PRIVATE: Json = {"id": 7, "type": "private", "first_name": "Alice"}
GROUP: Json = {"id": -100, "type": "supergroup", "title": "Group"}
FORUM: Json = {**GROUP, "is_forum": True}
NEWS: Json = {"id": -200, "type": "channel", "title": "News"}
ANONYMOUS: Json = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
CHANNEL_BOT: Json = {"id": 136817688, "is_bot": True, "first_name": "Channel"}
TELEGRAM: Json = {"id": 777000, "is_bot": False, "first_name": "Telegram"}


class Row(NamedTuple):
    """An update, and what is to be known of it: its key and some of its facts."""

    kind: str
    event: Json
    key: Key
    facts: Json


def said(chat: Json = PRIVATE, who: Json | None = ALICE, /, **fields: Any) -> Json:
    """Describe a message; a field that is None is not there."""
    message = {"message_id": 5, "date": 1_700_000_000, "chat": chat, "from": who, "text": "hi", **fields}
    return {name: value for name, value in message.items() if value is not None}


def clicked(**fields: Any) -> Json:
    """Describe a click."""
    return {"id": "1", "from": ALICE, "chat_instance": "x", "data": "yes", **fields}


def member(user: Json, status: str) -> Json:
    """Describe what somebody is in a chat."""
    return {"user": user, "status": status, **({"until_date": 0} if status == "kicked" else {})}


def changed(chat: Json, user: Json, before: str, after: str) -> Json:
    """Describe how somebody's membership changed."""
    old, new = member(user, before), member(user, after)
    return {"chat": chat, "from": ALICE, "date": 1, "old_chat_member": old, "new_chat_member": new}


def message(chat: Json, who: Json | None, key: Key, *, facts: Json | None = None, **fields: Any) -> Row:
    """Make the row of a message."""
    return Row("message", said(chat, who, **fields), key, facts or {})


IN_TOPIC: Json = {"message_thread_id": 33, "is_topic_message": True}
OPENING = said(FORUM, ALICE, message_id=33, text=None, forum_topic_created={"name": "T", "icon_color": 7322096})
PHOTO = [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]
QUERY: Json = {"id": "1", "from": ALICE}
PAYMENT: Json = {"currency": "EUR", "total_amount": 1, "invoice_payload": "p"}
ADDRESS = {"country_code": "IT", "state": "", "city": "R", "street_line1": "", "street_line2": "", "post_code": ""}
VOTE: Json = {"poll_id": "p", "option_ids": [0], "option_persistent_ids": ["0"]}
POLL: Json = {
    "id": "p", "question": "?", "options": [], "total_voter_count": 0, "is_closed": False, "is_anonymous": True,
    "type": "regular", "allows_multiple_answers": False, "allows_revoting": False, "members_only": False,
}  # fmt: skip
REACTED: Json = {"chat": GROUP, "message_id": 9, "date": 1, "old_reaction": [], "new_reaction": []}
PREMIUM: Json = {"source": "premium", "user": ALICE}
BOOST: Json = {"boost_id": "b", "add_date": 1, "expiration_date": 2}
CONNECTION: Json = {"id": "bc", "user": ALICE, "user_chat_id": 7, "date": 1, "can_reply": True, "is_enabled": True}

HOME = Key(BOT_ID, 7, 7)
THERE = Key(BOT_ID, -100, 7)
TOPIC = Key(BOT_ID, -100, 7, 33)
ANYWHERE = Key(BOT_ID, None, 7)
THROUGH = Key(BOT_ID, 7, 7, None, "bc")

ROWS: dict[str, Row] = {
    # Who writes, and where.
    "private": message(PRIVATE, ALICE, HOME, facts={"text": "hi", "chat_type": "private", "is_forum": False}),
    "group": message(GROUP, ALICE, THERE, facts={"message_id": 5, "date": 1_700_000_000, "chat_type": "supergroup"}),
    "reply thread": message(GROUP, ALICE, THERE, message_thread_id=33),
    "topic": message(FORUM, ALICE, TOPIC, facts={"is_forum": True}, **IN_TOPIC),
    "general topic": message(FORUM, ALICE, THERE, facts={"is_forum": True}),
    "anonymous administrator": message(GROUP, ANONYMOUS, Key(BOT_ID, -100, -100), sender_chat=GROUP),
    "channel as sender": message(GROUP, CHANNEL_BOT, Key(BOT_ID, -100, -200), sender_chat=NEWS),
    "linked channel": message(GROUP, TELEGRAM, Key(BOT_ID, -100, -200), sender_chat=NEWS, is_automatic_forward=True),
    "post": Row("channel_post", said(NEWS, None, sender_chat=NEWS), Key(BOT_ID, -200), {"chat_type": "channel"}),
    "edited post": Row(
        "edited_channel_post", said(NEWS, None, sender_chat=NEWS, edit_date=1), Key(BOT_ID, -200), {"is_edit": True}
    ),
    # What they write.
    "edited": Row("edited_message", said(edit_date=1), HOME, {"is_edit": True}),
    "own": message(GROUP, BOT, Key(BOT_ID, -100, BOT_ID), facts={"is_own": True}),
    "reply": message(GROUP, ALICE, THERE, reply_to_message=said(message_id=4), facts={"reply_to_id": 4}),
    "opening of a topic": message(
        FORUM, ALICE, TOPIC, reply_to_message=OPENING, facts={"reply_to_id": None}, **IN_TOPIC
    ),
    "album": message(
        GROUP, ALICE, THERE, text=None, photo=PHOTO, caption="look", media_group_id="m",
        facts={"media_group_id": "m", "text": "look", "is_service": False},
    ),
    "photo": message(GROUP, ALICE, THERE, text=None, photo=PHOTO, facts={"text": None, "is_service": False}),
    "new title": message(GROUP, ALICE, THERE, text=None, new_chat_title="G", facts={"is_service": True}),
    # Commands.
    "command": message(PRIVATE, ALICE, HOME, text="/go", facts={"command": "go"}),
    "command with arguments": message(PRIVATE, ALICE, HOME, text="/go now", facts={"command": "go"}),
    "command to this bot": message(PRIVATE, ALICE, HOME, text="/go@Me_Bot x", facts={"command": "go"}),
    "command to another bot": message(PRIVATE, ALICE, HOME, text="/go@it_bot", facts={"command": "go@it_bot"}),
    "slash": message(PRIVATE, ALICE, HOME, text="/", facts={"command": None}),
    "slash and a word": message(PRIVATE, ALICE, HOME, text="/ go", facts={"command": None}),
    # Clicks.
    "click": Row(
        "callback_query",
        clicked(message=said(FORUM, BOT, **IN_TOPIC)),
        TOPIC,
        {"callback_data": "yes", "message_id": 5, "is_inaccessible": False, "is_forum": True},
    ),
    "click on what is not shown": Row(
        "callback_query",
        clicked(message={"chat": FORUM, "message_id": 5, "date": 0}),
        THERE,
        {"callback_data": "yes", "message_id": 5, "is_inaccessible": True, "is_forum": True},
    ),
    "click in another year": Row(
        "callback_query",
        clicked(message={"chat": FORUM, "message_id": 5, "date": 1_700_000_000, **IN_TOPIC}),
        TOPIC,
        {"is_inaccessible": False},
    ),
    "click inline": Row("callback_query", clicked(inline_message_id="i"), ANYWHERE, {"inline_message_id": "i"}),
    # Business.
    "business": Row("business_message", said(business_connection_id="bc"), THROUGH, {"text": "hi"}),
    "edited business": Row("edited_business_message", said(business_connection_id="bc", edit_date=1), THROUGH, {}),
    "business click": Row("callback_query", clicked(message=said(business_connection_id="bc")), THROUGH, {}),
    "business deletion": Row(
        "deleted_business_messages",
        {"business_connection_id": "bc", "chat": PRIVATE, "message_ids": [1]},
        Key(BOT_ID, 7, None, None, "bc"),
        {},
    ),
    "business connection": Row("business_connection", CONNECTION, Key(BOT_ID, None, 7, None, "bc"), {}),
    # Queries, polls, reactions, boosts.
    "inline query": Row("inline_query", {**QUERY, "query": "q", "offset": ""}, ANYWHERE, {"text": "q"}),
    "inline result": Row(
        "chosen_inline_result",
        {"result_id": "1", "from": ALICE, "query": "", "inline_message_id": "i"},
        ANYWHERE,
        {"inline_message_id": "i"},
    ),
    "shipping": Row("shipping_query", {**QUERY, "invoice_payload": "p", "shipping_address": ADDRESS}, ANYWHERE, {}),
    "checkout": Row("pre_checkout_query", {**QUERY, **PAYMENT}, ANYWHERE, {}),
    # telebot (4.37) looks for "from_user", which Telegram does not send.
    "paid media": Row(
        "purchased_paid_media", {"from": ALICE, "from_user": ALICE, "paid_media_payload": "p"}, ANYWHERE, {}
    ),
    "poll": Row("poll", POLL, Key(BOT_ID), {"poll_id": "p"}),
    "vote": Row("poll_answer", {**VOTE, "user": ALICE}, ANYWHERE, {"poll_id": "p"}),
    "vote of a channel": Row("poll_answer", {**VOTE, "voter_chat": NEWS}, Key(BOT_ID, None, -200), {"poll_id": "p"}),
    "reaction": Row("message_reaction", {**REACTED, "user": ALICE}, THERE, {"message_id": 9}),
    "reaction of a channel": Row(
        "message_reaction", {**REACTED, "actor_chat": NEWS}, Key(BOT_ID, -100, -200), {"message_id": 9}
    ),
    "reactions": Row(
        "message_reaction_count",
        {"chat": GROUP, "message_id": 9, "date": 1, "reactions": []},
        Key(BOT_ID, -100),
        {"message_id": 9},
    ),
    "boost": Row("chat_boost", {"chat": GROUP, "boost": {**BOOST, "source": PREMIUM}}, THERE, {}),
    "end of a boost": Row(
        "removed_chat_boost",
        {"chat": GROUP, "boost_id": "b", "remove_date": 1, "source": PREMIUM},
        Key(BOT_ID, -100),
        {},
    ),
    # Coming and going.
    "request": Row(
        "chat_join_request",
        {"chat": GROUP, "from": ALICE, "date": 1, "user_chat_id": 7},
        THERE,
        {"chat_type": "supergroup"},
    ),
    "blocked": Row(
        "my_chat_member", changed(PRIVATE, BOT, "member", "kicked"), HOME, {"gone": "blocked", "leaver_id": 7}
    ),
    "unblocked": Row(
        "my_chat_member", changed(PRIVATE, BOT, "kicked", "member"), HOME, {"gone": None, "leaver_id": None}
    ),
    "removed": Row(
        "my_chat_member", changed(GROUP, BOT, "member", "kicked"), THERE, {"gone": "left", "leaver_id": None}
    ),
    "expelled": Row("chat_member", changed(GROUP, BOB, "member", "kicked"), THERE, {"gone": "left", "leaver_id": 8}),
    "left": Row("chat_member", changed(GROUP, ALICE, "member", "left"), THERE, {"gone": "left", "leaver_id": 7}),
    "came": Row("chat_member", changed(GROUP, ALICE, "left", "member"), THERE, {"gone": None, "leaver_id": None}),
    "report of leaving": message(
        GROUP, ALICE, THERE, text=None, left_chat_member=ALICE,
        facts={"gone": "left", "leaver_id": 7, "is_service": True},
    ),
    "report of removal": message(
        GROUP, ALICE, THERE, text=None, left_chat_member=BOT, facts={"gone": "left", "leaver_id": None}
    ),
    "migration": message(
        GROUP, ALICE, THERE, text=None, migrate_to_chat_id=-300, facts={"gone": "migrated", "leaver_id": None}
    ),
    # What is yet to come.
    "unknown": Row("telepathy", {"from": ALICE, "chat": GROUP}, Key(BOT_ID), {"kind": ""}),
}  # fmt: skip
