"""The Bot API schema and its checks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aiostep_testing.methods import MODELLED
from aiostep_testing.schema import Schema
from aiostep_testing.wire import ApiError

ROOT = Path(__file__).parents[2]
USER = {"id": 1, "is_bot": False, "first_name": "A"}
CHAT = {"id": 1, "type": "private"}


@pytest.fixture
def schema() -> Schema:
    return Schema.load()


def test_the_schema_is_whole(schema: Schema) -> None:
    """It knows the Bot API with all its methods and types, and is read once."""
    assert schema.version >= "10"
    assert len(schema.methods) > 180
    assert len(schema.types) > 390
    assert Schema.load() is schema


def test_modelled_methods_exist(schema: Schema) -> None:
    """Every name in the table is a method of the Bot API, and there are enough of them."""
    assert set(MODELLED) <= set(schema.methods)
    assert len(MODELLED) >= 45


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("User", USER | {"id": "1"}, "User.id: expected Integer, got '1'"),
        ("User", USER | {"id": True}, "User.id: expected Integer, got True"),
        ("User", {"id": 1, "is_bot": False}, "User: User without first_name"),
        ("User", USER | {"colour": 1}, "User: User has no field 'colour'"),
        (
            "Message",
            {"message_id": 1, "date": 0, "chat": CHAT, "entities": {}},
            "Message.entities: expected an array, got {}",
        ),
        (
            "Message",
            {"message_id": 1, "date": 0, "chat": CHAT, "entities": [{"type": "bold", "offset": 0}]},
            "Message.entities[0]: MessageEntity without length",
        ),
        (
            "InaccessibleMessage",
            {"message_id": 1, "date": 5, "chat": CHAT},
            "InaccessibleMessage.date: expected 0, got 5",
        ),
        ("Update", [], "Update: expected Update, got []"),
        ("Location", {"latitude": "1", "longitude": 2}, "Location.latitude: expected Float, got '1'"),
        ("ReactionTypeEmoji", {"emoji": "x"}, "ReactionTypeEmoji: ReactionTypeEmoji without type"),
    ],
)
def test_problems_are_named_with_their_path(schema: Schema, kind: str, value: object, problem: str) -> None:
    """Each mistake is one line that says where it is."""
    assert schema.check(kind, value) == [problem]


def test_a_good_value_has_no_problems(schema: Schema) -> None:
    """A message that fits gives nothing."""
    message = {"message_id": 1, "date": 0, "chat": CHAT, "from": USER, "text": "x"}

    assert schema.check("Message", message) == []
    assert schema.check("CallbackQuery", {"id": "1", "from": USER, "chat_instance": "1", "message": message}) == []


def test_parameters_are_decoded_by_their_type(schema: Schema) -> None:
    """Text from a form becomes numbers, booleans and objects only where the type says so."""
    params = {
        "chat_id": "-100",
        "text": "123",
        "disable_notification": "True",
        "reply_markup": '{"inline_keyboard": []}',
    }
    decoded, problems = schema.decode("sendMessage", params)

    assert decoded == {
        "chat_id": -100,
        "text": "123",
        "disable_notification": True,
        "reply_markup": {"inline_keyboard": []},
    }
    assert problems == []
    assert schema.decode("sendMessage", {"chat_id": "@name", "text": "[x]"})[0] == {"chat_id": "@name", "text": "[x]"}
    assert schema.decode("sendLocation", {"chat_id": 1, "latitude": "1.5", "longitude": 2})[0]["latitude"] == 1.5


@pytest.mark.parametrize(
    ("method", "params", "description"),
    [
        ("getUpdates", {"offset": "soon"}, "can't parse \"offset\": got 'soon', expected a number"),
        (
            "sendLocation",
            {"chat_id": 1, "latitude": "north", "longitude": 0},
            "can't parse \"latitude\": got 'north', expected a number",
        ),
        ("sendMediaGroup", {"chat_id": 1, "media": "[{"}, "can't parse media JSON object"),
        ("setMyCommands", {}, 'parameter "commands" is required'),
    ],
)
def test_unreadable_parameters_are_refused(
    schema: Schema, method: str, params: dict[str, object], description: str
) -> None:
    """The refusal names the parameter."""
    with pytest.raises(ApiError) as refused:
        schema.decode(method, params)

    assert refused.value.description == f"Bad Request: {description}"


def test_the_stored_schema_is_what_the_script_makes(schema: Schema) -> None:
    """The file is up to date with the installed aiogram, when that is the version it was made from."""
    from aiogram import __version__

    if schema.source != f"aiogram {__version__}":
        pytest.skip(f"made from {schema.source}, installed is {__version__}")
    script = [sys.executable, str(ROOT / "scripts" / "make_schema.py"), "--check"]
    assert subprocess.run(script, check=False, timeout=100).returncode == 0
