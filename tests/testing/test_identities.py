"""Who and where: every way in which Telegram says who wrote something in which chat."""

from __future__ import annotations

from typing import Any

import pytest

from aiostep_testing import World

from .conftest import Api

pytestmark = pytest.mark.anyio
BUTTON = {"inline_keyboard": [[{"text": "Go", "callback_data": "g"}]]}


async def test_anonymous_administrators_are_the_group(world: World, api: Api) -> None:
    """from is GroupAnonymousBot for all of them, sender_chat the group; a click shows the person."""
    api.want_all()
    alice = world.person("Alice")
    group = world.group("G", members=[alice])
    ghost = group.anonymous(alice)
    sent = ghost.send("boo")
    await api("sendMessage", chat_id=group.id, text="m", reply_markup=BUTTON)
    ghost.click("Go")
    ghost.react(sent, "👍")

    message = api.last("message")
    assert message["from"]["id"] == 1087968824
    assert message["sender_chat"]["id"] == message["chat"]["id"] == group.id
    assert api.last("callback_query")["from"]["id"] == alice.id
    assert api.last("message_reaction")["actor_chat"]["id"] == group.id
    assert "user" not in api.last("message_reaction")


async def test_people_write_as_their_channel(world: World, api: Api) -> None:
    """from is Channel_Bot, sender_chat the channel."""
    alice = world.person("Alice")
    channel, group = world.channel("News"), world.group("G")
    alice.as_channel(channel).send("hello", to=group)

    message = api.last("message")
    assert (message["from"]["id"], message["sender_chat"]["id"], message["chat"]["id"]) == (
        136817688,
        channel.id,
        group.id,
    )


async def test_channel_posts_have_no_sender(world: World, api: Api) -> None:
    """A post is a channel_post from the channel itself, whoever wrote it; a bot's own post is no update."""
    alice = world.person("Alice")
    channel = world.channel("News", username="news")
    alice.send("post", to=channel)
    own = await api("sendMessage", chat_id="@news", text="by bot")

    assert api.kinds() == ["channel_post"]
    assert "from" not in api.last("channel_post")
    assert "from" not in own
    assert own["sender_chat"]["id"] == channel.id
    edited = await api("editMessageText", chat_id=channel.id, message_id=own["message_id"], text="edited")
    assert edited["text"] == "edited"


async def test_posts_are_forwarded_to_the_linked_group(world: World, api: Api) -> None:
    """Telegram (777000) forwards each post into the discussion group, a bot's post too."""
    alice = world.person("Alice")
    channel, group = world.channel("News"), world.group("Talk")
    channel.link(group)
    alice.photo("post", to=channel)
    await api("sendMessage", chat_id=channel.id, text="by bot")

    assert api.kinds() == ["channel_post", "message", "message"]
    copy = api.bot.history[1]["message"]
    assert (copy["from"]["id"], copy["sender_chat"]["id"], copy["chat"]["id"]) == (777000, channel.id, group.id)
    assert copy["is_automatic_forward"] is True
    assert copy["forward_origin"]["message_id"] == 1
    assert api.last("message")["text"] == "by bot"


async def test_business_messages_carry_their_connection(world: World, api: Api) -> None:
    """A customer's message has the customer's chat id and the connection; the bot answers as the owner."""
    owner, customer = world.person("Owner"), world.person("Customer")
    connection = world.business(owner)
    asked = customer.send("price?", to=connection)
    customer.edit(asked, "prices?")
    where = {"chat_id": customer.id, "business_connection_id": connection.id}
    sent = await api("sendMessage", **where, text="10", reply_markup=BUTTON)
    await customer.expect("^10$", in_=connection)
    customer.click("Go", in_=connection)
    customer.delete(asked)

    kinds = ["business_connection", "business_message", "edited_business_message", "callback_query"]
    assert api.kinds() == [*kinds, "deleted_business_messages"]
    message = api.last("business_message")
    assert (message["business_connection_id"], message["chat"]["id"]) == (connection.id, customer.id)
    assert (sent["from"]["id"], sent["sender_business_bot"]["id"]) == (owner.id, 42)
    assert api.last("callback_query")["message"]["business_connection_id"] == connection.id
    assert api.last("deleted_business_messages")["message_ids"] == [asked["message_id"]]
    await customer.expect_nothing(settle=0)


async def test_business_refusals(world: World, api: Api) -> None:
    """An unknown or disabled connection and an unknown customer are 400."""
    owner, customer = world.person("Owner"), world.person("Customer")
    connection = world.business(owner)
    where = {"chat_id": customer.id, "text": "x"}

    async def reason(**params: Any) -> str:
        return (await api.refused("sendMessage", **where, **params))[1]

    assert await reason(business_connection_id="nope") == "Bad Request: business connection not found"
    assert await reason(business_connection_id=connection.id) == "Bad Request: chat not found"
    world.bot("43:OTHER")
    customer.send("hi", to=connection)
    foreign = await world.call("43:OTHER", "sendMessage", {**where, "business_connection_id": connection.id})
    assert foreign.body["description"] == "Bad Request: business connection not found"
    connection.disable()
    assert await reason(business_connection_id=connection.id) == "Bad Request: business connection is disabled"
    assert api.last("business_connection")["is_enabled"] is False


async def test_one_person_two_bots_are_two_chats(world: World, api: Api) -> None:
    """Both bots see the same chat id and the same message numbers, and not each other's messages."""
    other = world.bot("43:OTHER", username="other_bot")
    alice = world.person("Alice")
    alice.send("to first")
    alice.send("to second", to=other)
    status, body = await world.call("43:OTHER", "sendMessage", {"chat_id": alice.id, "text": "from second"})

    first, second = api.last("message"), other.history[-1]["message"]
    assert first["chat"]["id"] == second["chat"]["id"] == alice.id
    assert first["message_id"] == second["message_id"] == 1
    assert (status, body["result"]["message_id"]) == (200, 2)
    assert alice.seen() == ["Alice: to first"]
    assert alice.seen(other) == ["Alice: to second", "other_bot: from second"]


async def test_replies_in_ordinary_groups_have_a_thread_but_no_topic(world: World, api: Api) -> None:
    """message_thread_id is the number of the first message; is_topic_message is missing."""
    alice = world.person("Alice")
    group = world.group("G", members=[alice])
    first = alice.send("one", to=group)
    second = await api(
        "sendMessage", chat_id=group.id, text="two", reply_parameters={"message_id": first["message_id"]}
    )
    third = alice.reply("three", second)

    assert second["message_thread_id"] == third["message_thread_id"] == first["message_id"]
    assert "is_topic_message" not in third
    assert "message_thread_id" not in first


async def test_inline_messages_come_back_without_a_message(world: World, api: Api) -> None:
    """A click on an inline message has inline_message_id and neither chat nor message; it can be edited by that id."""
    alice = world.person("Alice")
    query = alice.query("cats")
    result = {"type": "article", "id": "1", "title": "Cat", "input_message_content": {"message_text": "meow"}}
    inline_query = api.last("inline_query")
    await api("answerInlineQuery", inline_query_id=inline_query["id"], results=[result | {"reply_markup": BUTTON}])
    chosen = (await query)["results"][0]
    message = alice.choose(chosen, query="cats")
    alice.click("Go", on=message)
    click = api.last("callback_query")
    inline_id = api.last("chosen_inline_result")["inline_message_id"]

    assert (inline_query["query"], inline_query["from"]["id"]) == ("cats", alice.id)
    assert click["inline_message_id"] == inline_id
    assert "message" not in click
    assert await api("editMessageText", inline_message_id=inline_id, text="purr") is True
    assert message["text"] == "purr"
    assert api.kinds() == ["inline_query", "chosen_inline_result", "callback_query"]
    again = await api.refused("answerInlineQuery", inline_query_id=inline_query["id"], results=[])
    assert again[1].startswith("Bad Request: query is too old")


async def test_a_migrated_group_has_a_new_id(world: World, api: Api) -> None:
    """Both chats get a service message; the old id is refused with the new one."""
    alice = world.person("Alice")
    group = world.group("G", members=[alice], basic=True)
    new = group.migrate()
    old_message, new_message = (u["message"] for u in api.bot.history)
    status, body = await world.call("42:TEST", "sendMessage", {"chat_id": group.id, "text": "x"})

    assert (old_message["chat"]["id"], old_message["migrate_to_chat_id"]) == (group.id, new.id)
    assert (new_message["chat"]["id"], new_message["migrate_from_chat_id"]) == (new.id, group.id)
    assert (status, body["parameters"]) == (400, {"migrate_to_chat_id": new.id})
    assert body["description"] == "Bad Request: group chat was upgraded to a supergroup chat"
    assert new.status(alice.id) == "member"
    assert await api("sendMessage", chat_id=new.id, text="x")
    with pytest.raises(ValueError, match="basic=True"):
        new.migrate()


# Forum topics


async def test_topic_messages_are_marked(world: World, api: Api) -> None:
    """A message in a topic carries its thread and is a reply to the topic's first message; General has neither."""
    alice = world.person("Alice")
    forum = world.group("F", forum=True, members=[alice])
    topic = forum.topic("Orders")
    alice.send("in topic", to=topic)
    alice.send("in general", to=forum)
    sent = await api("sendMessage", chat_id=forum.id, message_thread_id=topic.id, text="answer")

    first, second = (u["message"] for u in api.bot.history)
    assert (first["message_thread_id"], first["is_topic_message"]) == (topic.id, True)
    assert first["reply_to_message"]["forum_topic_created"]["name"] == "Orders"
    assert "message_thread_id" not in second
    assert (sent["message_thread_id"], sent["is_topic_message"]) == (topic.id, True)
    assert forum.topic("Orders") is topic


async def test_a_reply_stays_in_its_topic(world: World, api: Api) -> None:
    """A reply without a thread goes where the message is that it replies to."""
    alice = world.person("Alice")
    topic = world.group("F", forum=True).topic("T")
    asked = alice.send("q", to=topic)
    sent = await api(
        "sendMessage", chat_id=topic.group.id, text="a", reply_parameters={"message_id": asked["message_id"]}
    )
    alice.reply("thanks", sent)

    assert sent["message_thread_id"] == api.last("message")["message_thread_id"] == topic.id
    assert api.last("message")["reply_to_message"]["text"] == "a"


async def test_topics_are_watched_apart(world: World, api: Api) -> None:
    """expect(in_=topic) and click(in_=topic) look at that topic only."""
    alice = world.person("Alice")
    forum = world.group("F", forum=True)
    one, two = forum.topic("one"), forum.topic("two")
    for topic in (one, two):
        params = {"chat_id": forum.id, "message_thread_id": topic.id, "reply_markup": BUTTON}
        await api("sendMessage", text=topic.name, **params)
        await api("sendChatAction", chat_id=forum.id, message_thread_id=topic.id, action="typing")
    alice.click("Go", in_=one)

    assert api.last("callback_query")["message"]["text"] == "one"
    assert (await alice.expect(in_=two))["text"] == "two"
    await alice.expect_nothing(in_=two, settle=0)
    assert alice.seen(one) == ["test_bot: one [Go]", "(typing)"]


async def test_bots_manage_topics(world: World, api: Api) -> None:
    """Created, renamed, closed, reopened and deleted, each once."""
    alice = world.person("Alice")
    forum = world.group("F", forum=True)
    created = await api("createForumTopic", chat_id=forum.id, name="New")
    where = {"chat_id": forum.id, "message_thread_id": created["message_thread_id"]}
    await api("editForumTopic", **where, name="Newer")
    await api("closeForumTopic", **where)
    assert (await api.refused("closeForumTopic", **where))[1] == "Bad Request: TOPIC_NOT_MODIFIED"
    await api("reopenForumTopic", **where)
    topic = forum.topic("Newer")
    alice.send("x", to=topic)
    sent = await api("sendMessage", **where, text="x")
    await api("deleteForumTopic", **where)

    edit = {"chat_id": forum.id, "message_id": sent["message_id"], "text": "y"}
    assert (await api.refused("editMessageText", **edit))[1] == "Bad Request: message to edit not found"
    assert (await api.refused("sendMessage", **where, text="x"))[1] == "Bad Request: message thread not found"
    assert (await api.refused("closeForumTopic", **where))[1] == "Bad Request: message thread not found"


async def test_a_closed_topic_is_closed_for_ordinary_bots(world: World, api: Api) -> None:
    """Administrators still write there, others are refused."""
    member = Api(world, world.bot("44:MEMBER", privacy=True))
    topic = world.group("F", forum=True).topic("T")
    where = {"chat_id": topic.group.id, "message_thread_id": topic.id}
    await member("sendMessage", **where, text="open")
    await api("closeForumTopic", **where)
    await api("sendMessage", **where, text="by administrator")

    assert await member.refused("sendMessage", **where, text="x") == (400, "Bad Request: TOPIC_CLOSED")


async def test_topic_refusals(world: World, api: Api) -> None:
    """Threads that do not exist, and groups that are no forums."""
    group = world.group("G")
    forum = world.group("F", forum=True)

    for chat in (group, forum):
        refused = await api.refused("sendMessage", chat_id=chat.id, message_thread_id=77, text="x")
        assert refused == (400, "Bad Request: message thread not found")
    assert (await api.refused("createForumTopic", chat_id=group.id, name="T"))[
        1
    ] == "Bad Request: the chat is not a forum"
    with pytest.raises(ValueError, match="forum=True"):
        group.topic("T")


# Privacy mode


async def test_privacy_mode_hides_ordinary_messages(world: World) -> None:
    """Only commands, replies to the bot, mentions of it and service messages get through."""
    private = world.bot("44:PRIVATE", username="shy_bot", privacy=True)
    alice = world.person("Alice")
    group = world.group("G", members=[alice])
    alice.send("hello all", to=group)
    alice.photo(to=group)
    alice.send("/start", to=group)
    alice.send("/start@other_bot", to=group)
    alice.send("/start@shy_bot", to=group)
    alice.send("hey @Shy_Bot", to=group)
    sent = await world.call("44:PRIVATE", "sendMessage", {"chat_id": group.id, "text": "hi"})
    alice.reply("you too", sent.body["result"])
    alice.leave(group)
    alice.send("private is never hidden", to=private)

    got = [u["message"].get("text", "service") for u in private.history]
    assert got == ["/start", "/start@shy_bot", "hey @Shy_Bot", "you too", "service", "private is never hidden"]
    assert private.user["can_read_all_group_messages"] is False


async def test_privacy_mode_does_not_bind_administrators(world: World) -> None:
    """An administrator sees everything."""
    private = world.bot("44:PRIVATE", privacy=True)
    alice = world.person("Alice")
    group = world.group("G", members=[alice], bots=[])
    group.add_bot(private, admin=True, by=alice)
    alice.send("hello all", to=group)
    group.remove_bot(private, by=alice)
    alice.send("gone", to=group)

    kinds = [next(k for k in u if k != "update_id") for u in private.history]
    assert kinds == ["my_chat_member", "message", "my_chat_member"]
    status, body = await world.call("44:PRIVATE", "sendMessage", {"chat_id": group.id, "text": "x"})
    assert (status, body["description"]) == (403, "Forbidden: bot was kicked from the supergroup chat")
