"""What only python-telegram-bot's updates have; the table that all frameworks share is in tests/differential."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Bot, Message, Update

from aiostep_core.keys import Key
from aiostep_ptb.facts import facts_of
from tests.differential.updates import ALICE, GROUP, said

BOT = Bot("42:TEST")


def update_of(kind: str, event: dict[str, Any]) -> Update:
    """Make an update."""
    made = Update.de_json({"update_id": 3, kind: event}, BOT)
    assert made is not None
    return made


@pytest.mark.skipif("direct_messages_topic" not in Message.__slots__, reason="this version does not know them")
def test_direct_messages_of_a_channel() -> None:
    """In a channel's direct messages each person has a topic of their own."""
    chat = {**GROUP, "is_direct_messages": True}
    event = said(chat, ALICE, direct_messages_topic={"topic_id": 77, "user": ALICE})
    found = facts_of(update_of("message", event), 42, None)

    assert (found.key, found.chat_type) == (Key(42, -100, 7, 77), "direct_messages")


def test_data_that_is_no_text() -> None:
    """With ``arbitrary_callback_data`` a button may carry any object; as a text there is none."""
    click = {"id": "1", "from": ALICE, "chat_instance": "x", "data": "yes", "message": said()}
    update = update_of("callback_query", click)
    assert update.callback_query is not None
    with update.callback_query._unfrozen():
        update.callback_query.data = ("any", "thing")  # type: ignore[assignment]

    assert facts_of(update, 42, None).callback_data is None
