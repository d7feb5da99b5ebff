"""What people do, and what they expect."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aiostep_testing import Chat, Event, ManualClock, World

from .conftest import Api

pytestmark = pytest.mark.anyio
BUTTONS = {"inline_keyboard": [[{"text": "Save", "callback_data": "s"}, {"text": "Drop", "callback_data": "d"}]]}


async def test_a_message_reaches_the_bot(world: World, api: Api, clock: ManualClock) -> None:
    """send() queues a message update with sender, chat, date and entities."""
    alice = world.person("Alice", language_code="fr", last_name="A", username=None)
    alice.send("/start now")

    message = api.last("message")
    assert message["from"] == {
        "id": alice.id,
        "is_bot": False,
        "first_name": "Alice",
        "language_code": "fr",
        "last_name": "A",
    }
    assert message["chat"] == {"id": alice.id, "type": "private", "first_name": "Alice", "last_name": "A"}
    assert message["date"] == int(clock.time())
    assert message["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]


async def test_updates_are_copies(world: World, api: Api) -> None:
    """A later change of the message does not reach into an update that was queued."""
    alice = world.person("Alice")
    sent = alice.send("before")
    alice.edit(sent, "after")

    assert [next(iter(list(u.values())[1:]))["text"] for u in api.bot.history] == ["before", "after"]


@pytest.mark.parametrize(
    ("sending", "field"),
    [
        ({"photo": b"x"}, "photo"),
        ({"document": ("a.txt", b"x")}, "document"),
        ({"voice": b"x"}, "voice"),
        ({"video": b"x"}, "video"),
        ({"audio": b"x"}, "audio"),
        ({"sticker": b"x"}, "sticker"),
        ({"contact": {"phone_number": "+1", "first_name": "A"}}, "contact"),
        ({"location": (1.0, 2.0)}, "location"),
    ],
)
async def test_everything_people_send(world: World, api: Api, sending: dict[str, Any], field: str) -> None:
    """Each kind of content arrives in its own field, and files can be downloaded."""
    world.person("Alice").send(**sending)

    body = api.last("message")[field]
    body = body[0] if isinstance(body, list) else body
    if "file_id" in body:
        assert world.download(body["file_id"]) == b"x"


async def test_albums_are_messages_with_one_group_id(world: World, api: Api) -> None:
    """album() and media_group= send one message per picture."""
    alice = world.person("Alice")
    alice.album(3, "caption")
    alice.send(photo=b"x", media_group=2)

    groups = [u["message"]["media_group_id"] for u in api.bot.history]
    assert [groups.count(g) for g in dict.fromkeys(groups)] == [3, 2]
    assert api.bot.history[0]["message"]["caption"] == "caption"


async def test_short_ways_to_send(world: World, api: Api) -> None:
    """photo(), document(), contact() and location() fill in what a test does not care for."""
    alice = world.person("Alice")
    alice.photo("p")
    alice.document("d", name="r.pdf")
    alice.contact()
    alice.location()

    got = [u["message"] for u in api.bot.history]
    assert (got[0]["caption"], got[1]["document"]["file_name"]) == ("p", "r.pdf")
    assert (got[2]["contact"]["user_id"], got[3]["location"]["latitude"]) == (alice.id, 1.5)


async def test_edits_arrive_as_edits(world: World, api: Api) -> None:
    """Text and captions can be edited, in groups and channels too."""
    alice = world.person("Alice")
    alice.edit(alice.send("a"), "b")
    alice.edit(alice.photo("a", to=world.group("G")), "c")
    alice.edit(alice.send("a", to=world.channel("C")), "d")

    assert api.kinds()[1::2] == ["edited_message", "edited_message", "edited_channel_post"]
    assert api.bot.history[3]["edited_message"]["caption"] == "c"
    assert api.last("edited_channel_post")["edit_date"]


async def test_a_button_must_exist(world: World, api: Api) -> None:
    """The failure names the buttons there are."""
    alice = world.person("Alice")
    await api("sendMessage", chat_id=alice.id, text="m", reply_markup=BUTTONS)

    with pytest.raises(AssertionError, match=r"no button 'Keep'.*\['Save', 'Drop'\]"):
        alice.click("Keep")


async def test_the_newest_message_with_the_button_is_clicked(world: World, api: Api) -> None:
    """Without on= the newest one counts; on= chooses an older one."""
    alice = world.person("Alice")
    old = await api("sendMessage", chat_id=alice.id, text="old", reply_markup=BUTTONS)
    await api("sendMessage", chat_id=alice.id, text="new", reply_markup=BUTTONS)
    alice.click("Save")
    newest = api.last("callback_query")["message"]["text"]
    alice.click("s", on=old)

    assert (newest, api.last("callback_query")["message"]["text"]) == ("new", "old")


async def test_an_unanswered_click_fails_when_awaited(world: World, api: Api) -> None:
    """Waiting for an answer that never comes names the button."""
    alice = world.person("Alice")
    await api("sendMessage", chat_id=alice.id, text="m", reply_markup=BUTTONS)

    with pytest.raises(AssertionError, match="did not answer the press of 'Save'"):
        await alice.click("Save").wait(timeout=0.01)


async def test_a_click_on_a_deleted_message_is_inaccessible(world: World, api: Api) -> None:
    """The bot gets chat, number and date 0, and no more."""
    alice = world.person("Alice")
    sent = await api("sendMessage", chat_id=alice.id, text="m", reply_markup=BUTTONS)
    await api("deleteMessage", chat_id=alice.id, message_id=sent["message_id"])
    alice.click("Save", on=sent)

    expected = {"chat": sent["chat"], "message_id": sent["message_id"], "date": 0}
    assert api.last("callback_query")["message"] == expected


async def test_reply_keyboards_are_pressed(world: World, api: Api) -> None:
    """press() sends the text, the contact or the location the button stands for, while it is shown."""
    alice = world.person("Alice")
    rows = [["Yes", {"text": "Phone", "request_contact": True}], [{"text": "Where", "request_location": True}]]
    keyboard = {"keyboard": [[b if isinstance(b, dict) else {"text": b} for b in row] for row in rows]}
    await api("sendMessage", chat_id=alice.id, text="?", reply_markup=keyboard)
    shown = await alice.expect()
    for button in ("Yes", "Phone", "Where"):
        alice.press(button)
    await api("sendMessage", chat_id=alice.id, text="!", reply_markup={"remove_keyboard": True})

    got = [u["message"] for u in api.bot.history]
    assert shown["reply_markup"] == keyboard
    assert (got[0]["text"], "contact" in got[1], "location" in got[2]) == ("Yes", True, True)
    with pytest.raises(AssertionError, match="no button 'Yes'"):
        alice.press("Yes")


async def test_blocking_tells_the_bot(world: World, api: Api) -> None:
    """my_chat_member says kicked and then member; twice is once."""
    alice = world.person("Alice")
    alice.block()
    alice.block()
    alice.unblock()

    changes = [u["my_chat_member"] for u in api.bot.history]
    assert [c["new_chat_member"]["status"] for c in changes] == ["kicked", "member"]
    assert changes[0]["from"]["id"] == changes[0]["chat"]["id"] == alice.id


async def test_joining_and_leaving(world: World, api: Api) -> None:
    """Both are service messages, and chat_member updates for administrators that asked."""
    api.want_all()
    alice = world.person("Alice")
    group = world.group("G")
    alice.join(group)
    alice.leave(group)

    assert api.kinds() == ["chat_member", "message", "chat_member", "message"]
    assert api.bot.history[1]["message"]["new_chat_members"][0]["id"] == alice.id
    assert api.last("chat_member")["new_chat_member"]["status"] == "left"


async def test_join_requests_are_decided(world: World, api: Api) -> None:
    """The bot may write to who asks, and lets them in or not."""
    alice, bob = world.person("Alice", started=False), world.person("Bob")
    group = world.group("G")
    alice.ask_to_join(group)
    bob.ask_to_join(group)
    request = api.bot.history[0]["chat_join_request"]
    await api("sendMessage", chat_id=request["user_chat_id"], text="why?")
    await api("approveChatJoinRequest", chat_id=group.id, user_id=alice.id)
    await api("declineChatJoinRequest", chat_id=group.id, user_id=bob.id)

    assert (group.status(alice.id), group.status(bob.id)) == ("member", "left")
    again = await api.refused("approveChatJoinRequest", chat_id=group.id, user_id=bob.id)
    assert again == (400, "Bad Request: HIDE_REQUESTER_MISSING")


async def test_votes_are_counted(world: World, api: Api) -> None:
    """A public poll tells who chose what; an anonymous one only how many."""
    alice, bob = world.person("Alice"), world.person("Bob")
    group = world.group("G", members=[alice, bob])
    public = await api("sendPoll", chat_id=group.id, question="q", options=["a", "b"], is_anonymous=False)
    alice.vote(public, 1)
    bob.vote(public, 0)
    alice.vote(public)
    answers = [u["poll_answer"]["option_ids"] for u in api.bot.history if "poll_answer" in u]
    secret = await api("sendPoll", chat_id=group.id, question="q", options=["a", "b"])
    alice.vote(secret, 0)

    assert answers == [[1], [0], []]
    assert api.kinds()[-1] == "poll"
    assert [o["voter_count"] for o in api.last("poll")["options"]] == [1, 0]


async def test_reactions_reach_administrators_that_asked(world: World, api: Api) -> None:
    """Old and new reactions are told."""
    api.want_all()
    alice = world.person("Alice")
    message = alice.send("x", to=world.group("G", members=[alice]))
    alice.react(message, "👍")
    alice.react(message)

    changes = [u["message_reaction"] for u in api.bot.history if "message_reaction" in u]
    assert [len(c["new_reaction"]) for c in changes] == [1, 0]
    assert changes[1]["old_reaction"] == [{"type": "emoji", "emoji": "👍"}]
    assert changes[0]["user"]["id"] == alice.id


# Expectations


async def test_expect_reads_in_order_and_once(world: World, api: Api) -> None:
    """Each message is found once; what was skipped is not found later."""
    alice = world.person("Alice")
    for text in ("a1", "b", "a2"):
        await api("sendMessage", chat_id=alice.id, text=text)

    assert (await alice.expect("a"))["text"] == "a1"
    assert (await alice.expect(lambda m: m["text"].startswith("a")))["text"] == "a2"
    with pytest.raises(AssertionError, match="no message matching 'b'"):
        await alice.expect("b", timeout=0.01)


async def test_expect_waits(world: World, api: Api) -> None:
    """A message that comes later is found."""
    alice = world.person("Alice")
    task = asyncio.create_task(alice.expect("late"))
    await asyncio.sleep(0)
    await api("sendMessage", chat_id=alice.id, text="early")
    await api("sendMessage", chat_id=alice.id, text="late")

    assert (await task)["text"] == "late"


async def test_a_failed_expectation_says_what_happened(world: World, api: Api) -> None:
    """The failure lists what the bot did, buttons included, and not what people did."""
    alice = world.person("Alice")
    alice.send("hi")
    await api("sendMessage", chat_id=alice.id, text="menu", reply_markup=BUTTONS)

    with pytest.raises(AssertionError) as failure:
        await alice.expect("^welcome", timeout=0.01)
    assert "the bot did: ['test_bot: menu [Save] [Drop]']" in str(failure.value)


async def test_each_person_reads_for_themselves(world: World, api: Api) -> None:
    """In a group one person's expectation does not hide the message from another."""
    alice, bob = world.person("Alice"), world.person("Bob")
    group = world.group("G", members=[alice, bob])
    await api("sendMessage", chat_id=group.id, text="to all")

    assert await alice.expect("to all", in_=group) == await bob.expect("to all", in_=group)


async def test_expect_nothing(world: World, api: Api) -> None:
    """It passes in silence and after everything was expected, and fails on a message of now or soon."""
    alice = world.person("Alice")
    await alice.expect_nothing(settle=0)
    await api("sendMessage", chat_id=alice.id, text="one")
    await alice.expect("one")
    await alice.expect_nothing(settle=0.01)
    task = asyncio.create_task(alice.expect_nothing(settle=5))
    await asyncio.sleep(0)
    await api("sendMessage", chat_id=alice.id, text="two")

    with pytest.raises(AssertionError, match="test_bot: two"):
        await task
    with pytest.raises(AssertionError, match="test_bot: two"):
        await alice.expect_nothing(settle=0)


async def test_seen_is_a_transcript(world: World, api: Api) -> None:
    """People, bots, buttons, toasts, edits and deletions are lines."""
    alice = world.person("Alice")
    alice.send("/menu")
    sent = await api("sendMessage", chat_id=alice.id, text="menu", reply_markup=BUTTONS)
    alice.click("Save")
    await api("answerCallbackQuery", callback_query_id=api.last("callback_query")["id"], text="ok")
    await api("editMessageText", chat_id=alice.id, message_id=sent["message_id"], text="done")
    await api("deleteMessage", chat_id=alice.id, message_id=sent["message_id"])
    alice.photo("look")

    assert alice.seen() == [
        "Alice: /menu",
        "test_bot: menu [Save] [Drop]",
        "(answer) ok",
        "(edit) test_bot: done",
        "(delete) test_bot: done",
        "Alice: <photo> look",
    ]


async def test_observers_see_both_sides(world: World, api: Api) -> None:
    """An observer gets what people and bots do, until it is removed."""
    alice = world.person("Alice")
    seen: list[tuple[int, str, int | None]] = []

    def observe(chat: Chat, event: Event) -> None:
        seen.append((chat.id, event.kind, event.bot_id))

    remove = world.add_observer(observe)
    alice.send("hi")
    await api("sendChatAction", chat_id=alice.id, action="typing")
    remove()
    alice.send("unseen")

    assert seen == [(alice.id, "message", None), (alice.id, "action", 42)]


def test_a_world_without_a_bot_says_so() -> None:
    """The failure names the call to make."""
    with pytest.raises(LookupError, match=r"world\.bot\(\)"):
        World().person("Alice").send("hi")


def test_a_bad_token_is_refused() -> None:
    """A token starts with the bot's number."""
    with pytest.raises(ValueError, match="'42:TEST'"):
        World().bot("secret")


def test_the_clock_does_not_go_back(clock: ManualClock) -> None:
    """Time moves forward only."""
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1)
