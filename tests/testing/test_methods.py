"""The modelled methods, family by family, and the words of their refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiostep_testing import File, ManualClock, World

from .conftest import Api

pytestmark = pytest.mark.anyio


def inline(*rows: list[tuple[str, str]]) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": t, "callback_data": d} for t, d in row] for row in rows]}


async def test_the_method_name_is_case_insensitive_and_must_exist(world: World, api: Api) -> None:
    """As on the real server, GETME is getMe, and an unknown method is 404."""
    assert (await api("GETME"))["username"] == "test_bot"
    assert await api.refused("getMeNot") == (404, "Not Found: method not found")


async def test_an_unknown_token_is_unauthorized(world: World) -> None:
    """A token nobody made is 401."""
    assert (await world.call("1:NOBODY", "getMe", {})).status == 401


# Sending


async def test_send_message_is_seen_and_answered_with_the_message(world: World, api: Api, clock: ManualClock) -> None:
    """The answer is the message; the person sees it; time is the world's clock."""
    alice = world.person("Alice")
    sent = await api("sendMessage", chat_id=str(alice.id), text="*hi*", parse_mode="Markdown")
    seen = await alice.expect("hi")

    assert sent == seen
    assert sent["entities"] == [{"type": "bold", "offset": 0, "length": 2}]
    assert sent["date"] == int(clock.time())


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"text": "x"}, "chat_id is empty"),
        ({"chat_id": 1, "text": "x"}, "chat not found"),
        ({"chat_id": "@nobody", "text": "x"}, "chat not found"),
        ({"chat_id": 7}, "message text is empty"),
        ({"chat_id": 7, "text": "  "}, "message text is empty"),
        ({"chat_id": 7, "text": "x" * 4097}, "message is too long"),
        (
            {"chat_id": 7, "text": "<b>", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        ({"chat_id": 7, "text": "x", "reply_parameters": {"message_id": 9}}, "message to be replied not found"),
        ({"chat_id": 7, "text": "x", "reply_markup": inline([("a", "")])}, "BUTTON_DATA_INVALID"),
        ({"chat_id": 7, "text": "x", "reply_markup": inline([("a", "я" * 33)])}, "BUTTON_DATA_INVALID"),
        (
            {"chat_id": 7, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a"}]]}},
            "Text buttons are unallowed in the inline keyboard",
        ),
        ({"chat_id": 7, "text": "x", "reply_markup": "{broken"}, "can't parse reply_markup JSON object"),
    ],
)
async def test_send_message_refusals(world: World, api: Api, params: dict[str, Any], description: str) -> None:
    """Each mistake is a 400 in the real server's words, and nothing is sent."""
    alice = world.person("Alice", id=7)

    assert await api.refused("sendMessage", **params) == (400, f"Bad Request: {description}")
    assert alice.seen() == []


async def test_limits_are_inclusive(world: World, api: Api) -> None:
    """4096 characters and 64 bytes of callback data are fine."""
    alice = world.person("Alice")
    markup = inline([("a", "я" * 32)])

    assert await api("sendMessage", chat_id=alice.id, text="x" * 4096, reply_markup=markup)


async def test_who_cannot_be_written_to(world: World, api: Api) -> None:
    """Strangers, blockers, bots and chats without the bot are 403."""
    stranger, blocker = world.person("Stranger", started=False), world.person("Blocker")
    blocker.block()
    other = world.bot("43:OTHER")
    closed = world.group("Closed", bots=[other])
    expected = {
        stranger.id: "bot can't initiate conversation with a user",
        blocker.id: "bot was blocked by the user",
        43: "bot can't send messages to bots",
        closed.id: "bot is not a member of the supergroup chat",
    }
    for chat_id, reason in expected.items():
        assert await api.refused("sendMessage", chat_id=chat_id, text="x") == (403, f"Forbidden: {reason}")
    stranger.send("hi")
    blocker.unblock()

    assert await api("sendMessage", chat_id=stranger.id, text="x")
    assert await api("sendMessage", chat_id=blocker.id, text="x")


async def test_public_names_name_chats(world: World, api: Api) -> None:
    """@username works for groups and channels, whatever its case."""
    group = world.group("G", username="The_Group")

    assert (await api("sendMessage", chat_id="@the_group", text="x"))["chat"]["id"] == group.id


async def test_replies_carry_what_they_reply_to(world: World, api: Api) -> None:
    """reply_to_message is one level deep; a lenient reply to nothing is an ordinary message."""
    alice = world.person("Alice")
    first = alice.send("one")
    second = await api(
        "sendMessage", chat_id=alice.id, text="two", reply_parameters={"message_id": first["message_id"]}
    )
    third = alice.reply("three", second)
    lenient = {"message_id": 99, "allow_sending_without_reply": True}

    assert second["reply_to_message"]["text"] == "one"
    assert third["reply_to_message"]["text"] == "two"
    assert "reply_to_message" not in third["reply_to_message"]
    assert "reply_to_message" not in await api("sendMessage", chat_id=alice.id, text="x", reply_parameters=lenient)


@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("sendLocation", {"latitude": 1.5, "longitude": "2"}, "location"),
        ("sendVenue", {"latitude": 1.5, "longitude": 2.5, "title": "t", "address": "a"}, "venue"),
        ("sendContact", {"phone_number": "+1", "first_name": "A"}, "contact"),
        ("sendDice", {}, "dice"),
        ("sendPoll", {"question": "q?", "options": ["a", {"text": "b"}]}, "poll"),
    ],
)
async def test_other_things_to_send(world: World, api: Api, method: str, params: dict[str, Any], field: str) -> None:
    """Each method's message carries its own field."""
    alice = world.person("Alice")

    assert field in await api(method, chat_id=alice.id, **params)
    await alice.expect(lambda message: field in message)


# Files


@pytest.mark.parametrize("kind", ["photo", "document", "audio", "video", "voice", "animation", "video_note", "sticker"])
async def test_every_kind_of_file(world: World, api: Api, kind: str) -> None:
    """A file is uploaded, sent again by its id, and downloaded by its path."""
    alice = world.person("Alice")
    method = "send" + "".join(part.capitalize() for part in kind.split("_"))
    sent = await api(method, {kind: File("a.bin", b"data")}, chat_id=alice.id)
    body = sent[kind][0] if kind == "photo" else sent[kind]
    again = await api(method, chat_id=alice.id, **{kind: body["file_id"]})
    path = (await api("getFile", file_id=body["file_id"]))["file_path"]

    assert again[kind] == sent[kind]
    assert world.download(path) == world.download(body["file_id"]) == b"data"
    assert world.download("nothing") is None


async def test_files_by_attach_and_url(world: World, api: Api) -> None:
    """attach:// names a part of the upload; a URL is fetched by the server."""
    alice = world.person("Alice")
    await api(
        "sendPhoto",
        {"x": File("a.jpg", b"data")},
        chat_id=alice.id,
        photo="attach://x",
        caption="<i>c</i>",
        parse_mode="HTML",
    )
    sent = await api("sendDocument", chat_id=alice.id, document="https://example.org/a/b.pdf")

    assert (await alice.expect("^c$"))["caption_entities"][0]["type"] == "italic"
    assert sent["document"]["file_name"] == "b.pdf"


async def test_file_refusals(world: World, api: Api) -> None:
    """Unknown ids, empty files and long captions are 400."""
    alice = world.person("Alice")
    wrong = "wrong file identifier/HTTP URL specified"
    photo = "https://example.org/a.jpg"

    assert await api.refused("sendPhoto", chat_id=alice.id) == (400, "Bad Request: there is no photo in the request")
    assert await api.refused("sendPhoto", chat_id=alice.id, photo="nope") == (400, f"Bad Request: {wrong}")
    long = await api.refused("sendPhoto", chat_id=alice.id, photo=photo, caption="x" * 1025)
    assert long == (400, "Bad Request: message caption is too long")
    empty = await world.call("42:TEST", "sendPhoto", {"chat_id": alice.id}, {"photo": File("a", b"")})
    assert empty.body["description"] == "Bad Request: file must be non-empty"
    gone = "wrong file_id or the file is temporarily unavailable"
    assert await api.refused("getFile", file_id="x") == (400, f"Bad Request: {gone}")


async def test_albums(world: World, api: Api) -> None:
    """Two to ten items share a media_group_id."""
    alice = world.person("Alice")
    item = {"type": "photo", "media": "attach://f", "caption": "one"}
    sent = await api("sendMediaGroup", {"f": File("a.jpg", b"x")}, chat_id=alice.id, media=json.dumps([item, item]))
    single = await world.call(
        "42:TEST", "sendMediaGroup", {"chat_id": alice.id, "media": [item]}, {"f": File("a", b"x")}
    )

    assert len({m["media_group_id"] for m in sent}) == 1
    assert [m["message_id"] for m in sent] == [1, 2]
    assert single.body["description"] == "Bad Request: Wrong number of items in the media group"


# Editing and deleting


async def test_editing_changes_the_message(world: World, api: Api) -> None:
    """Text and keyboard are replaced, and leaving the keyboard out removes it."""
    alice = world.person("Alice")
    sent = await api("sendMessage", chat_id=alice.id, text="a", reply_markup=inline([("A", "a")]))
    where = {"chat_id": alice.id, "message_id": sent["message_id"]}
    edited = await api(
        "editMessageText", **where, text="<b>b</b>", parse_mode="HTML", reply_markup=inline([("B", "b")])
    )
    bare = await api("editMessageText", **where, text="c")
    shown = await alice.expect_edit("b")

    assert edited["reply_markup"] == inline([("B", "b")])
    assert edited["entities"][0]["type"] == "bold"
    assert edited["edit_date"]
    assert "reply_markup" not in bare
    assert "entities" not in bare
    assert shown["text"] == "b"


async def test_markup_and_captions_and_media_are_edited(world: World, api: Api) -> None:
    """The other edit methods change their part only."""
    alice = world.person("Alice")
    sent = await api("sendPhoto", chat_id=alice.id, photo="https://example.org/a.jpg", caption="a")
    where = {"chat_id": alice.id, "message_id": sent["message_id"]}
    marked = await api("editMessageReplyMarkup", **where, reply_markup=inline([("A", "a")]))
    captioned = await api("editMessageCaption", **where, caption="b")
    media = {"type": "document", "media": "https://example.org/b.pdf", "caption": "c"}
    replaced = await api("editMessageMedia", **where, media=media)

    assert (marked["caption"], marked["reply_markup"]) == ("a", inline([("A", "a")]))
    assert (captioned["caption"], captioned["photo"]) == ("b", sent["photo"])
    assert (replaced["caption"], "photo" in replaced, "document" in replaced) == ("c", False, True)


async def test_edit_refusals(world: World, api: Api) -> None:
    """Nothing changed, nothing there, not the bot's own."""
    alice = world.person("Alice")
    theirs = alice.send("mine")
    sent = await api("sendMessage", chat_id=alice.id, text="a", reply_markup=inline([("A", "a")]))
    photo = await api("sendPhoto", chat_id=alice.id, photo="https://example.org/a.jpg")
    number = sent["message_id"]
    same = {"chat_id": alice.id, "message_id": number, "text": "a", "reply_markup": inline([("A", "a")])}
    not_modified = (
        "Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
        "as a current content and reply markup of the message"
    )

    assert await api.refused("editMessageText", **same) == (400, not_modified)
    for message_id, reason in (
        (99, "message to edit not found"),
        (theirs["message_id"], "message can't be edited"),
        (photo["message_id"], "there is no text in the message to edit"),
        (None, "message identifier is not specified"),
    ):
        refused = await api.refused("editMessageText", chat_id=alice.id, message_id=message_id, text="b")
        assert refused == (400, f"Bad Request: {reason}")
    refused = await api.refused("editMessageCaption", chat_id=alice.id, message_id=number, caption="b")
    assert refused == (400, "Bad Request: there is no caption in the message to edit")


async def test_deleting(world: World, api: Api) -> None:
    """A deleted message is gone; deleting it again is 400, unless among several."""
    alice = world.person("Alice")
    numbers = [(await api("sendMessage", chat_id=alice.id, text=t))["message_id"] for t in "abc"]
    await api("deleteMessage", chat_id=alice.id, message_id=numbers[0])
    again = await api.refused("deleteMessage", chat_id=alice.id, message_id=numbers[0])
    await api("deleteMessages", chat_id=alice.id, message_ids=numbers)

    assert again == (400, "Bad Request: message to delete not found")
    assert [(await alice.expect(kind="delete"))["text"] for _ in numbers] == ["a", "b", "c"]


async def test_forwarding_and_copying(world: World, api: Api) -> None:
    """A forward says where it comes from, a copy does not; unknown messages are refused or skipped."""
    alice, bob = world.person("Alice"), world.person("Bob")
    channel = world.channel("News")
    post = alice.send("news", to=channel)
    first = alice.send("one")
    photo = alice.photo("two")
    source = {"chat_id": bob.id, "from_chat_id": alice.id}
    forwarded = await api("forwardMessage", **source, message_id=first["message_id"])
    of_post = await api("forwardMessage", chat_id=bob.id, from_chat_id=channel.id, message_id=post["message_id"])
    twice = await api("forwardMessage", chat_id=alice.id, from_chat_id=bob.id, message_id=forwarded["message_id"])
    copied = await api("copyMessage", **source, message_id=photo["message_id"], caption="other")
    many = await api("copyMessages", **source, message_ids=[first["message_id"], 99])
    await api("forwardMessages", **source, message_ids=[first["message_id"], 99])
    seen = await bob.expect("^other$")

    assert forwarded["forward_origin"]["sender_user"]["id"] == alice.id
    assert twice["forward_origin"] == forwarded["forward_origin"]
    assert (of_post["forward_origin"]["type"], of_post["forward_origin"]["chat"]["id"]) == ("channel", channel.id)
    assert copied == {"message_id": seen["message_id"]}
    assert "forward_origin" not in seen
    assert len(many) == 1
    for verb in ("forward", "copy"):
        refused = await api.refused(f"{verb}Message", **source, message_id=99)
        assert refused == (400, f"Bad Request: message to {verb} not found")


# What is not modelled


async def test_other_methods_are_stubbed_with_the_right_type_and_recorded() -> None:
    """Every method of the schema answers something that fits the schema; unmodelled ones are listed."""
    world = World()
    world.bot()
    reply = await world.call("42:TEST", "getStarTransactions", {})

    assert reply.body["result"] == {"transactions": []}
    assert world.stubbed == ["getStarTransactions"]
    for method in world.schema.methods:
        assert world.schema.check_answer(method, world.schema.smallest_answer(method)) == [], method


async def test_strict_refuses_what_is_not_modelled() -> None:
    """strict=True makes an unmodelled method an error that names it."""
    world = World(strict=True)
    world.bot()
    reply = await world.call("42:TEST", "getStarTransactions", {})

    assert reply.status == 501
    assert "getStarTransactions" in reply.body["description"]


async def test_violations_name_unknown_and_wrong_parameters() -> None:
    """A parameter the method does not have, or of the wrong type, is listed, not refused."""
    world = World()
    world.bot()
    alice = world.person("Alice")
    params = {"chat_id": alice.id, "text": "x", "colour": "red", "reply_markup": {"inline_keyboard": "no"}}
    world.violations.clear()
    reply = await world.call("42:TEST", "sendChatAction", params | {"action": "typing"})

    assert reply.status == 200
    assert world.violations == [
        "sendChatAction: unknown parameter 'text'",
        "sendChatAction: unknown parameter 'colour'",
        "sendChatAction: unknown parameter 'reply_markup'",
    ]


@pytest.mark.parametrize(
    ("method", "params", "problem"),
    [
        ("sendMediaGroup", {"media": [{"type": "photo"}] * 2}, "InputMediaPhoto without media"),
        ("sendMessage", {"text": "x", "reply_markup": {"inline_keyboard": 5}}, "expected an array, got 5"),
        ("sendMessage", {"text": 5}, "expected String, got 5"),
        ("editMessageMedia", {"media": [], "message_id": 1}, "got []"),
    ],
)
async def test_parameters_of_the_wrong_shape_are_refused(method: str, params: dict[str, Any], problem: str) -> None:
    """What cannot be executed because of its shape is a 400 that says what is wrong."""
    world = World()
    world.bot()
    alice = world.person("Alice")
    await world.call("42:TEST", "sendMessage", {"chat_id": alice.id, "text": "x"})
    status, body = await world.call("42:TEST", method, {"chat_id": alice.id, **params})

    assert status == 400
    assert problem in body["description"]


async def test_calls_are_recorded(world: World, api: Api) -> None:
    """Each call leaves its method, decoded parameters, status and bot."""
    alice = world.person("Alice")
    await world.call("42:TEST", "sendmessage", {"chat_id": str(alice.id), "text": "x"})
    await api.refused("sendMessage", chat_id=1, text="x")

    assert [(c.method, c.params["chat_id"], c.status, c.bot_id) for c in world.calls] == [
        ("sendMessage", alice.id, 200, 42),
        ("sendMessage", 1, 400, 42),
    ]
