"""Whose answer is whose: topics, channels, business chats, several bots, and other people's clicks."""

from __future__ import annotations

import inspect

import pytest
from telebot.async_telebot import AsyncTeleBot
from telebot.types import (
    BusinessConnection,
    CallbackQuery,
    ChosenInlineResult,
    InlineQuery,
    InlineQueryResultArticle,
    InputTextMessageContent,
    Message,
    PollAnswer,
)

from aiostep import Scope, ask, wait_for
from aiostep_telebot import adapter
from tests.telebot.stage import Collector, Stage, buttons, command, echo, until

pytestmark = pytest.mark.anyio

ALL = ["message", "callback_query", "poll_answer", "inline_query", "chosen_inline_result"]


def greeter(stage: Stage, bot: AsyncTeleBot | None = None) -> AsyncTeleBot:
    """Make a bot that asks for a name in whatever way a message reaches it."""
    bot = bot or stage.bot()

    async def say(message: Message, text: str) -> None:
        thread = message.message_thread_id if message.is_topic_message else None
        business = message.business_connection_id
        await bot.send_message(message.chat.id, text, message_thread_id=thread, business_connection_id=business)

    async def start(message: Message) -> None:
        name = await ask("name?", str, force_reply=False)
        await say(message, f"hello {name}")

    async def other(message: Message) -> None:
        await say(message, f"other:{message.text}")

    for register in (bot.message_handler, bot.channel_post_handler, bot.business_message_handler):
        register(func=lambda message: command(message, "start"))(start)
        register()(other)
    return bot


async def waiting(stage: Stage, count: int = 1) -> None:
    await until(lambda: stage.engine and sum(len(one.waits) for one in stage.engine.waits) == count)


async def test_a_channel_answers_as_a_whole(stage: Stage) -> None:
    """A post in a channel, which has no author, is answered by the next post there."""
    bot, alice = greeter(stage), stage.world.person("Alice")
    news, gossip = stage.world.channel("News"), stage.world.channel("Gossip")
    async with stage.run(bot):
        alice.send("/start", to=news)
        await alice.expect("name", in_=news)
        alice.send("psst", to=gossip)
        await alice.expect("^other:psst$", in_=gossip)
        alice.send("News", to=news)
        await alice.expect("^hello News$", in_=news)


KNOWS_RIGHTS = "rights" in inspect.signature(BusinessConnection).parameters


@pytest.mark.skipif(not KNOWS_RIGHTS, reason="this telebot cannot read what Telegram tells of a business connection")
async def test_a_business_chat_is_not_the_chat_with_the_bot(stage: Stage) -> None:
    """What a customer writes to the owner does not answer what the bot asks the customer itself, nor in turn."""
    bot = greeter(stage)
    owner, alice = stage.world.person("Owner"), stage.world.person("Alice")
    async with stage.run(bot):
        business = stage.world.business(owner)
        alice.send("/start", to=business)
        await alice.expect("name", in_=business)
        alice.send("hi bot")
        await alice.expect("^other:hi bot$")
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage, 2)
        alice.send("Customer", to=business)
        sent = await alice.expect("^hello Customer$", in_=business)
        alice.send("Ann")
        await alice.expect("^hello Ann$")

    assert sent["business_connection_id"] == business.id


async def test_two_bots_of_one_engine_do_not_mix(stage: Stage) -> None:
    """T12: the same person talks to two bots that share an engine; each bot's question is answered in its own chat."""
    first = greeter(stage)
    engine = stage.engine
    account = stage.world.bot("43:OTHER")
    other = AsyncTeleBot("43:OTHER", exception_handler=Collector(stage.errors))
    assert adapter.install(other, engine=engine) is engine
    second = greeter(stage, other)
    alice = stage.world.person("Alice")
    async with stage.run(first, second):
        alice.send("/start")
        await alice.expect("name")
        alice.send("hi", to=account)
        await alice.expect("^other:hi$", in_=account)
        alice.send("/start", to=account)
        await alice.expect("name", in_=account)
        await waiting(stage, 2)
        alice.send("Second", to=account)
        await alice.expect("^hello Second$", in_=account)
        alice.send("First")
        await alice.expect("^hello First$")


async def test_somebody_else_s_click_is_answered_and_taken(stage: Stage) -> None:
    """T13: another person's click on my keyboard is told so, reaches no handler, and is not my answer."""
    bot, leaked = stage.bot(), []

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        sent = await bot.send_message(message.chat.id, "sure?", reply_markup=buttons("Yes", "No"))
        click = await wait_for(kinds="callback_query", scope=Scope.BUTTONS(sent))
        await bot.send_message(message.chat.id, f"{click.from_user.first_name}: {click.data}")

    @bot.callback_query_handler(func=lambda query: True)
    async def other(query: CallbackQuery) -> None:
        leaked.append(query.data)

    alice, eve = stage.world.person("Alice"), stage.world.person("Eve")
    group = stage.world.group("G", members=[alice, eve])
    async with stage.run(bot):
        alice.send("/start", to=group)
        await alice.expect("sure", in_=group)
        await waiting(stage)
        refused = await eve.click("No", in_=group)
        taken = await alice.click("Yes", in_=group)
        await alice.expect("^Alice: yes$", in_=group)

    assert refused.get("text") == "This button is not for you."
    assert "text" not in taken
    assert leaked == []


async def test_a_click_answered_by_the_handler_is_answered_once(stage: Stage) -> None:
    """A handler may answer the click that it waited for itself; then nobody else does."""
    bot = stage.bot()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await bot.send_message(message.chat.id, "sure?", reply_markup=buttons("Yes"))
        click = await wait_for(kinds="callback_query")
        await bot.answer_callback_query(click.id, "thank you")
        await ask("why?")

    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        await alice.expect("sure")
        await waiting(stage)
        answer = await alice.click("Yes")
        await alice.expect("why")

    assert answer["text"] == "thank you"
    assert len(stage.calls("answerCallbackQuery")) == 1


async def test_a_click_on_a_message_too_old_to_be_shown_counts(stage: Stage) -> None:
    """A click on an inaccessible message of a topic, which names no topic, still answers there."""
    bot = stage.bot()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        thread = message.message_thread_id
        await bot.send_message(message.chat.id, "sure?", reply_markup=buttons("Yes"), message_thread_id=thread)
        click = await wait_for(kinds="callback_query")
        text = f"{click.data} on {type(click.message).__name__}"
        await bot.send_message(message.chat.id, text, message_thread_id=thread)

    alice = stage.world.person("Alice")
    forum = stage.world.group("F", forum=True, members=[alice])
    news = forum.topic("News")
    async with stage.run(bot):
        alice.send("/start", to=news)
        sent = await alice.expect("sure", in_=news)
        await waiting(stage)
        forum.hide(sent["message_id"])
        await alice.click("Yes", on=sent)
        await alice.expect("^yes on InaccessibleMessage$", in_=news)


async def test_a_click_on_an_inline_message_counts(stage: Stage) -> None:
    """A click on a message sent in inline mode, which names no chat, answers a wait for that person."""
    bot, got = stage.bot(), []

    @bot.inline_handler(lambda query: True)
    async def offer(query: InlineQuery) -> None:
        content = InputTextMessageContent("game")
        article = InlineQueryResultArticle("1", "game", content, reply_markup=buttons("Play"))
        await bot.answer_inline_query(query.id, [article], cache_time=0)

    @bot.chosen_inline_handler(lambda result: True)
    async def chosen(result: ChosenInlineResult) -> None:
        click = await wait_for(kinds="callback_query", scope=Scope.BUTTONS(result.inline_message_id))
        got.append((click.data, click.message))

    alice = stage.world.person("Alice")
    async with stage.run(bot, allowed_updates=ALL):
        answer = await alice.query("g")
        alice.choose(answer["results"][0])
        await waiting(stage)
        await alice.click("Play", in_=stage.world.elsewhere(alice))
        await until(lambda: got)

    assert got == [("play", None)]


async def test_a_vote_is_the_voter_s(stage: Stage) -> None:
    """A poll answer, which names no chat, answers a wait that was opened in a group."""
    bot = stage.bot()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        await bot.send_poll(message.chat.id, "Best?", ["Tea", "Coffee"], is_anonymous=False)
        vote: PollAnswer = await wait_for(kinds="poll_answer")
        await bot.send_message(message.chat.id, f"voted {vote.option_ids}")

    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")
    group = stage.world.group("G", members=[alice, bob])
    async with stage.run(bot, allowed_updates=ALL):
        alice.send("/start", to=group)
        poll = await alice.expect(lambda what: "poll" in what, in_=group)
        await waiting(stage)
        bob.vote(poll, 0)
        alice.vote(poll, 1)
        await alice.expect(r"^voted \[1\]$", in_=group)


async def test_a_wait_for_a_reply_to_one_message(stage: Stage) -> None:
    """``Scope.REPLY(message)`` takes a reply to that message and leaves everything else alone."""
    bot = stage.bot()

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        sent = await bot.send_message(message.chat.id, "reply to me")
        got = await wait_for(scope=Scope.REPLY(sent))
        await bot.send_message(message.chat.id, f"got {got.text}")

    echo(bot)
    alice = stage.world.person("Alice")
    async with stage.run(bot):
        alice.send("/start")
        sent = await alice.expect("reply")
        await waiting(stage)
        alice.send("not a reply")
        await alice.expect("^other:not a reply$")
        alice.reply("a reply", sent)
        await alice.expect("^got a reply$")
