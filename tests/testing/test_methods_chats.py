"""Methods about chats, members, queries, reactions, polls and the bot's own settings."""

from __future__ import annotations

import pytest

from aiostep_testing import World

from .conftest import Api

pytestmark = pytest.mark.anyio
BUTTON = {"inline_keyboard": [[{"text": "A", "callback_data": "a"}]]}


# Chats and members


async def test_pins(world: World, api: Api) -> None:
    """getChat shows the newest pinned message."""
    alice = world.person("Alice")
    numbers = [alice.send(t)["message_id"] for t in "ab"]
    for number in numbers:
        await api("pinChatMessage", chat_id=alice.id, message_id=number)
    newest = (await api("getChat", chat_id=alice.id))["pinned_message"]["text"]
    await api("unpinChatMessage", chat_id=alice.id)
    older = (await api("getChat", chat_id=alice.id))["pinned_message"]["text"]
    await api("unpinAllChatMessages", chat_id=alice.id)

    assert (newest, older) == ("b", "a")
    assert "pinned_message" not in await api("getChat", chat_id=alice.id)
    for verb in ("pin", "unpin"):
        refused = await api.refused(f"{verb}ChatMessage", chat_id=alice.id, message_id=99)
        assert refused == (400, f"Bad Request: message to {verb} not found")


async def test_members_are_counted_and_described(world: World, api: Api) -> None:
    """Members, their status, and who is none."""
    alice, bob = world.person("Alice"), world.person("Bob")
    group = world.group("G", members=[alice])

    async def status(user_id: int) -> str:
        return str((await api("getChatMember", chat_id=group.id, user_id=user_id))["status"])

    assert (await status(alice.id), await status(bob.id), await status(42)) == ("member", "left", "administrator")
    assert await api("getChatMemberCount", chat_id=group.id) == 2
    assert await api("getChatMemberCount", chat_id=alice.id) == 2
    await api("promoteChatMember", chat_id=group.id, user_id=alice.id, can_pin_messages=True)
    assert [m["user"]["id"] for m in await api("getChatAdministrators", chat_id=group.id)] == [alice.id]
    assert (await api.refused("getChatMember", chat_id=group.id, user_id=5))[1] == "Bad Request: user not found"


async def test_bans_restrictions_and_their_updates(world: World, api: Api) -> None:
    """Each change of a member is a chat_member update for a bot that asked for them."""
    api.want_all()
    alice = world.person("Alice")
    group = world.group("G", members=[alice])
    where = {"chat_id": group.id, "user_id": alice.id}
    await api("restrictChatMember", **where, permissions={"can_send_messages": False})
    await api("promoteChatMember", **where, can_delete_messages=True)
    await api("promoteChatMember", **where)
    await api("banChatMember", **where)
    await api("unbanChatMember", **where, only_if_banned=True)
    await api("unbanChatMember", **where, only_if_banned=True)

    statuses = [u["chat_member"]["new_chat_member"]["status"] for u in api.bot.history]
    assert statuses == ["restricted", "administrator", "member", "kicked", "left"]
    assert api.last("chat_member")["from"]["id"] == 42


async def test_leaving_a_chat(world: World, api: Api) -> None:
    """A bot that left is told so and can write no more."""
    group = world.group("G")
    await api("leaveChat", chat_id=group.id)

    assert api.last("my_chat_member")["new_chat_member"]["status"] == "left"
    assert (await api.refused("sendMessage", chat_id=group.id, text="x"))[0] == 403


# Queries, reactions, polls, settings


async def test_a_callback_query_is_answered_once(world: World, api: Api) -> None:
    """The second answer, and one to nothing, are too old; the click resolves to the first."""
    alice = world.person("Alice")
    await api("sendMessage", chat_id=alice.id, text="m", reply_markup=BUTTON)
    click = alice.click("A")
    query = api.last("callback_query")
    await api("answerCallbackQuery", callback_query_id=query["id"], text="ok", show_alert=True)
    again = await api.refused("answerCallbackQuery", callback_query_id=query["id"])
    too_old = "query is too old and response timeout expired or query ID is invalid"

    assert (await click)["text"] == "ok"
    assert (await alice.expect_answer("ok"))["show_alert"] is True
    assert again == (400, f"Bad Request: {too_old}")
    assert query["message"]["text"] == "m"
    assert (query["data"], query["from"]["id"]) == ("a", alice.id)


async def test_reactions_of_the_bot(world: World, api: Api) -> None:
    """A reaction is seen in the chat, and needs a message."""
    alice = world.person("Alice")
    number = alice.send("x")["message_id"]
    await api("setMessageReaction", chat_id=alice.id, message_id=number, reaction=[{"type": "emoji", "emoji": "👍"}])

    assert (await alice.expect(kind="reaction"))["reaction"][0]["emoji"] == "👍"
    assert (await api.refused("setMessageReaction", chat_id=alice.id, message_id=9))[0] == 400


async def test_polls_are_stopped_once(world: World, api: Api) -> None:
    """stopPoll closes the poll and tells the bot."""
    alice = world.person("Alice")
    sent = await api("sendPoll", chat_id=alice.id, question="q", options=["a", "b"])
    where = {"chat_id": alice.id, "message_id": sent["message_id"]}

    assert (await api("stopPoll", **where))["is_closed"] is True
    assert api.last("poll")["is_closed"] is True
    assert (await api.refused("stopPoll", **where))[1] == "Bad Request: poll has already been closed"


async def test_settings_are_kept_by_scope_and_language(world: World, api: Api) -> None:
    """Commands and texts come back as they were set."""
    commands = [{"command": "start", "description": "begin"}]
    await api("setMyCommands", commands=commands)
    await api("setMyCommands", commands=commands * 2, language_code="ru")
    await api("setMyDescription", description="d")

    assert await api("getMyCommands") == commands
    assert len(await api("getMyCommands", language_code="ru")) == 2
    await api("deleteMyCommands")
    assert await api("getMyCommands") == []
    assert await api("getMyDescription") == {"description": "d"}
    assert await api("getMyName") == {"name": "Test bot"}
    bad = await api.refused("setMyCommands", commands=[{"command": "Bad!", "description": "d"}])
    assert bad == (400, "Bad Request: BOT_COMMAND_INVALID")
