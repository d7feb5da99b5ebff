"""How a prompt goes out: what all adapters decide alike."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aiostep_core.abc import Address, Sent
from aiostep_core.errors import BadArgument
from aiostep_core.keys import Key
from aiostep_core.sending import Failure, Manner, change_of, loss_of, manner_of, place_of

KEY = Key(1, -100, 10)
SELECTIVE, PLAIN = SimpleNamespace(selective=True), SimpleNamespace()
FORCED, REPLY = Manner(forces_reply=True, reply_to_id=7), Manner(reply_to_id=7)


def to(chat_type: str | None = "supergroup", reply_to_id: int | None = 7, key: Key = KEY) -> Address:
    return Address(key=key, chat_type=chat_type, reply_to_id=reply_to_id)


@pytest.mark.parametrize(
    ("address", "keyboard", "force_reply", "options", "expected"),
    [
        (to(), None, "auto", (), FORCED),
        (to("group"), None, "auto", (), FORCED),
        (to("private"), None, "auto", (), Manner()),
        (to("channel"), None, "auto", (), Manner()),
        (to(None), None, "auto", (), Manner()),
        (to("private"), None, True, (), FORCED),
        (to(), None, False, (), Manner()),
        (to(reply_to_id=None), None, "auto", (), Manner(forces_reply=True)),
        (to(), None, "auto", ("reply_parameters",), Manner(forces_reply=True)),
        (to(), None, "auto", ("reply_to_message_id",), Manner(forces_reply=True)),
        (to(), None, True, ("do_quote",), Manner(forces_reply=True)),
        (to(), None, True, ("reply_markup",), Manner()),
        (to(), SELECTIVE, "auto", (), REPLY),
        (to(), SELECTIVE, True, (), REPLY),
        (to(), SELECTIVE, "auto", ("reply_parameters",), Manner()),
        (to("private"), SELECTIVE, "auto", (), Manner()),
        (to(), PLAIN, True, (), Manner()),
    ],
)
def test_when_a_prompt_forces_a_reply(
    address: Address, keyboard: Any, force_reply: Any, options: tuple[str, ...], expected: Manner
) -> None:
    """In groups, unless there is a keyboard; of the person whose message led to it; people's own options come first."""
    manner = manner_of(address, keyboard, force_reply, options)
    assert manner == expected
    assert manner.is_selective is (expected.reply_to_id is not None)


def test_other_names_for_the_options() -> None:
    """A framework may call the markup and the reply otherwise."""
    names: dict[str, Any] = {"own_markup": ("buttons",), "own_reply": ("reply_to",)}
    assert manner_of(to(), None, True, ("buttons",), **names) == Manner()
    assert manner_of(to(), None, True, ("reply_to",), **names) == Manner(forces_reply=True)
    assert manner_of(to(), None, True, ("reply_markup",), **names) == FORCED


@pytest.mark.parametrize("force_reply", ["yes", None, 2])
def test_what_does_not_say_whether_to_force_a_reply(force_reply: Any) -> None:
    """It is refused."""
    with pytest.raises(BadArgument, match='force_reply is .*; expected True, False or "auto"'):
        manner_of(to(), None, force_reply, ())


def test_what_the_chat_does_not_say() -> None:
    """The topic, under the name that it has in that kind of chat, and the business connection; if there are any."""
    full = KEY._replace(thread_id=3, business_id="b")
    assert place_of(to()) == {}
    assert place_of(to(key=full)) == {"message_thread_id": 3, "business_connection_id": "b"}
    assert place_of(to("direct_messages", key=KEY._replace(thread_id=3))) == {"direct_messages_topic_id": 3}


def test_what_changes_a_message() -> None:
    """Its text and its keyboard, or the keyboard alone; without one it goes away."""
    sent, here = Sent(None, -100, 5), {"chat_id": -100, "message_id": 5}
    business = to(key=KEY._replace(business_id="b"))
    assert change_of(to(), sent, None, None) == ("edit_message_reply_markup", here)
    assert change_of(to(), sent, None, 1) == ("edit_message_reply_markup", {**here, "reply_markup": 1})
    assert change_of(to(), sent, "x", None) == ("edit_message_text", {**here, "text": "x"})
    assert change_of(business, sent, None, None)[1] == {**here, "business_connection_id": "b"}


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (None, None),
        (Failure(), None),
        (Failure(403, "Forbidden: bot was blocked by the user"), "blocked"),
        (Failure(403, "Forbidden: user is deactivated"), "blocked"),
        (Failure(403, "Forbidden: bot was kicked from the group chat"), "left"),
        (Failure(400, "Chat not found"), "left"),
        (Failure(400, "Bad Request: chat not found"), "left"),
        (Failure(400, "Bad Request: message is too long"), None),
        (Failure(404, "chat not found"), None),
        (Failure(400, "", is_migrated=True), "migrated"),
        (Failure(429, "blocked", retry_after=1), None),
    ],
)
def test_after_which_failures_nobody_answers(failure: Failure | None, reason: str | None) -> None:
    """T56: a chat that is not there any more, by what Telegram says of it."""
    assert loss_of(failure) == reason
