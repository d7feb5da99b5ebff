"""One table of updates, and the same facts whichever framework read them. Pure; real objects of each framework."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import aiogram
import aiogram.types
import pytest
import telebot.types
import telebot.util
import telegram

import aiostep_aiogram.facts
import aiostep_ptb.facts
import aiostep_telebot.facts
from aiostep_core.facts import Facts
from aiostep_core.keys import Key
from tests.differential.updates import ALICE, BOT, BOT_ID, FORUM, GROUP, IN_TOPIC, NEWS, POLL, PRIVATE, ROWS, Row, said

Json = dict[str, Any]
DISPATCHERS_BOT = aiogram.Bot(f"{BOT_ID}:TEST")
APPLICATIONS_BOT = telegram.Bot(f"{BOT_ID}:TEST")


class Framework(NamedTuple):
    """How a framework makes its objects, and our table of it."""

    table: Any
    kinds: Collection[str]
    update: Callable[[Json], Any]
    facts: Callable[[Any, str | None], Facts]
    user: Callable[[Json], Any]
    chat: Callable[[Json], Any]


def facts_of_aiogram(update: Any, username: str | None) -> Facts:
    me = aiogram.types.User(**BOT, username=username) if username is not None else None
    DISPATCHERS_BOT._me = me
    return aiostep_aiogram.facts.facts_of(update, DISPATCHERS_BOT)


def update_of_telebot(raw: Json) -> Any:
    made: Any = telebot.types.Update
    return made.de_json(json.dumps(raw))


FRAMEWORKS = {
    "aiogram": Framework(
        aiostep_aiogram.facts,
        aiogram.types.Update.model_fields,
        lambda raw: aiogram.types.Update.model_validate(raw, context={"bot": DISPATCHERS_BOT}),
        facts_of_aiogram,
        lambda raw: aiogram.types.User(**raw),
        lambda raw: aiogram.types.Chat(**raw),
    ),
    "ptb": Framework(
        aiostep_ptb.facts,
        telegram.Update.__slots__,
        lambda raw: telegram.Update.de_json(raw, APPLICATIONS_BOT),
        lambda update, username: aiostep_ptb.facts.facts_of(update, BOT_ID, username),
        lambda raw: telegram.User(**raw),
        lambda raw: telegram.Chat.de_json(raw, APPLICATIONS_BOT),
    ),
    "telebot": Framework(
        aiostep_telebot.facts,
        telebot.util.update_types,
        update_of_telebot,
        lambda update, username: aiostep_telebot.facts.facts_of(update, BOT_ID, username),
        lambda raw: telebot.types.User(**raw),
        lambda raw: telebot.types.Chat(**raw),
    ),
}


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> Framework:
    """Give each framework in turn."""
    return FRAMEWORKS[request.param]


def read(framework: Framework, row: Row) -> Any:
    """Make the framework's update of a row, or skip what its version does not know."""
    is_of_business = "business_connection_id" in json.dumps(row.event)
    needed = "business_message" if is_of_business else row.kind
    if needed not in framework.kinds and row.kind != "telepathy":
        pytest.skip(f"this version does not know {needed}")
    update = framework.update({"update_id": 3, row.kind: row.event})
    if "voter_chat" in row.event and not hasattr(getattr(update, row.kind), "voter_chat"):
        pytest.skip("this version does not know votes of channels")
    return update


@pytest.mark.parametrize("name", ROWS)
def test_every_framework_tells_the_same(framework: Framework, name: str) -> None:
    """Each row of the table: the chat, the one who acts, the topic only where there is one, and the details."""
    row = ROWS[name]
    update = read(framework, row)

    found = framework.facts(update, "me_bot")

    known = {"kind": row.kind, "update_id": 3, **row.facts}
    assert found.key == row.key
    assert {part: getattr(found, part) for part in known} == known
    assert framework.table.key_of_update(update, BOT_ID) == row.key


@pytest.mark.parametrize("name", ROWS)
def test_nothing_else_differs(name: str) -> None:
    """Also what a row does not mention is the same for all who know such updates."""
    row, found = ROWS[name], {}
    for framework_name, framework in FRAMEWORKS.items():
        try:
            found[framework_name] = framework.facts(read(framework, row), "me_bot")
        except pytest.skip.Exception:
            continue
    if not found:
        pytest.skip("no framework of these versions knows it")

    first, *others = found
    assert {other: found[other] for other in others} == dict.fromkeys(others, found[first])


def test_a_command_before_the_bot_knows_its_name(framework: Framework) -> None:
    """As long as its name is not known, a bot takes every command for its own."""
    update = framework.update({"update_id": 3, "message": said(text="/a@any")})

    assert framework.facts(update, None).command == "a"


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (said(PRIVATE, BOT), Key(BOT_ID, 7, 7)),
        (said(GROUP, BOT, reply_to_message=said(GROUP)), Key(BOT_ID, -100, 7)),
        (said(FORUM, BOT, **IN_TOPIC), Key(BOT_ID, -100, None, 33)),
        (said(GROUP), Key(BOT_ID, -100, 7)),
    ],
    ids=["private", "reply", "group", "another's"],
)
def test_the_bot_s_own_message_is_about_its_receiver(framework: Framework, event: Json, key: Key) -> None:
    """What the bot's methods return names the person it was sent to, if that is known."""
    own = framework.update({"update_id": 3, "message": event}).message

    assert framework.table.key_of_object(own, BOT_ID) == key


@pytest.mark.parametrize("name", ["group", "click", "click inline", "inline query", "blocked", "vote", "business"])
def test_targets(framework: Framework, name: str) -> None:
    """What names somebody can be a target, as an update and without it."""
    row = ROWS[name]
    update = read(framework, row)
    event = framework.table.event_of(update)

    assert framework.table.key_of_object(update, BOT_ID) == row.key
    assert framework.table.key_of_object(event, BOT_ID) == row.key


def test_people_and_chats_are_targets(framework: Framework) -> None:
    """A person is meant anywhere, a private chat means its person, and a group means everybody in it."""
    user, private, group = framework.user(ALICE), framework.chat(PRIVATE), framework.chat(GROUP)

    assert framework.table.key_of_object(user, BOT_ID) == Key(BOT_ID, None, 7)
    assert framework.table.key_of_object(private, BOT_ID) == Key(BOT_ID, 7, 7)
    assert framework.table.key_of_object(group, BOT_ID) == Key(BOT_ID, -100)


def test_what_names_nobody_is_no_target(framework: Framework) -> None:
    """A poll could be anybody's, and other objects are another framework's."""
    poll = framework.update({"update_id": 3, "poll": POLL}).poll
    assert framework.table.key_of_object(poll, BOT_ID) is None

    for other in (object(), "7", None, 7):
        with pytest.raises(TypeError):
            framework.table.key_of_object(other, BOT_ID)


def test_a_channel_is_a_target(framework: Framework) -> None:
    """In a channel nobody in particular writes."""
    post = framework.update({"update_id": 3, "channel_post": said(NEWS, None, sender_chat=NEWS)}).channel_post

    assert framework.table.key_of_object(post, BOT_ID) == Key(BOT_ID, -200)
