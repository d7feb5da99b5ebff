"""Service messages: what Telegram reports in a chat, and nobody wrote."""

from __future__ import annotations

from typing import Any

import aiogram
import pytest
from aiogram import Bot
from aiogram.types import Message, Update

from aiostep_aiogram.facts import facts_of
from aiostep_core.facts import SERVICE

CHAT = {"id": -100, "type": "supergroup", "title": "Friends"}
ALICE = {"id": 10, "is_bot": False, "first_name": "Alice"}
PLAIN = {"message_id": 7, "date": 1_700_000_000, "chat": CHAT, "from": ALICE}
BOT = Bot("42:TEST")


def is_service(**content: Any) -> bool:
    """Ask the adapter about a message with this content."""
    update = {"update_id": 1, "message": {**PLAIN, **content}}
    return facts_of(Update.model_validate(update, context={"bot": BOT}), BOT).is_service


@pytest.mark.parametrize(
    "content",
    [
        {"pinned_message": {**PLAIN, "text": "look"}},
        {"new_chat_title": "Foes"},
        {"new_chat_members": [ALICE]},
        {"delete_chat_photo": True},
        {"forum_topic_edited": {"name": "News"}},
        {"video_chat_started": {}},
    ],
    ids=lambda content: next(iter(content)),
)
def test_a_report_is_no_answer(content: dict[str, Any]) -> None:
    """What reports something that a person did is a service message (T09)."""
    assert is_service(**content)


@pytest.mark.parametrize(
    "content",
    [
        {"text": "hello"},
        {"photo": [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]},
        {"dice": {"emoji": "x", "value": 6}},
        {"web_app_data": {"data": "{}", "button_text": "Send"}},
        {"chat_shared": {"request_id": 1, "chat_id": -5}},
    ],
    ids=lambda content: next(iter(content)),
)
def test_what_a_person_sends_is_an_answer(content: dict[str, Any]) -> None:
    """What a person sends is none, nor what a button of a keyboard sends for them."""
    assert not is_service(**content)


@pytest.mark.skipif(aiogram.__version__.startswith("3.4."), reason="aiogram 3.4 is older than some of them")
def test_the_names_are_telegram_s() -> None:
    """Every part that marks a service message is one that aiogram knows, so none is misspelt."""
    assert not set(SERVICE) - set(Message.model_fields)
