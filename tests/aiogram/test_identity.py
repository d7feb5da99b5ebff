"""Whose answer is whose: topics, channels, business chats, several bots, and other people's clicks."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram import Router
from aiogram.filters import Command
from aiogram.types import (
    CallbackQuery,
    ChosenInlineResult,
    InlineQuery,
    InlineQueryResultArticle,
    InputTextMessageContent,
    Message,
    PollAnswer,
)

from aiostep import Scope, ask, wait_for
from tests.aiogram.bots import echo, waiting
from tests.aiogram.stage import Stage, buttons, until

pytestmark = pytest.mark.anyio


def greeter(stage: Stage) -> Any:
    """Make a bot that asks for a name in whatever way a message reaches it."""
    dp = stage.dispatcher()

    async def start(message: Message) -> None:
        name = await ask("name?", str, force_reply=False)
        await message.answer(f"hello {name}")

    async def other(message: Message) -> None:
        await message.answer(f"other:{message.text}")

    for kind in ("message", "channel_post", "business_message"):
        if kind in dp.observers:
            dp.observers[kind].register(start, Command("start"))
            dp.observers[kind].register(other)
    return dp


async def test_a_channel_answers_as_a_whole(stage: Stage) -> None:
    """A post in a channel, which has no author, is answered by the next post there."""
    dp, alice = greeter(stage), stage.world.person("Alice")
    news, gossip = stage.world.channel("News"), stage.world.channel("Gossip")
    async with stage.run(dp):
        alice.send("/start", to=news)
        await alice.expect("name", in_=news)
        alice.send("psst", to=gossip)
        await alice.expect("^other:psst$", in_=gossip)
        alice.send("News", to=news)
        await alice.expect("^hello News$", in_=news)


@pytest.mark.skipif("business_message" not in Router().observers, reason="aiogram 3.5 brought business chats")
async def test_a_business_chat_is_not_the_chat_with_the_bot(stage: Stage) -> None:
    """What a customer writes to the owner does not answer what the bot asks the customer itself, nor in turn."""
    dp = greeter(stage)
    owner, alice = stage.world.person("Owner"), stage.world.person("Alice")
    async with stage.run(dp):
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


async def test_two_bots_in_one_dispatcher_do_not_mix(stage: Stage) -> None:
    """T12: the same person talks to two bots; each bot's question is answered in its own chat."""
    dp = greeter(stage)
    second = stage.make_bot("43:OTHER")
    alice, account = stage.world.person("Alice"), stage.world.bot("43:OTHER")
    async with stage.run(dp, stage.bot, second):
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
    dp, leaked = stage.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        sent = await message.answer("sure?", reply_markup=buttons("Yes", "No"))
        click = await wait_for(kinds="callback_query", scope=Scope.BUTTONS(sent))
        await message.answer(f"{click.from_user.first_name}: {click.data}")

    @dp.callback_query()
    async def other(query: CallbackQuery) -> None:
        leaked.append(query.data)

    alice, eve = stage.world.person("Alice"), stage.world.person("Eve")
    group = stage.world.group("G", members=[alice, eve])
    async with stage.run(dp):
        alice.send("/start", to=group)
        await alice.expect("sure", in_=group)
        await waiting(stage)
        refused = await eve.click("No", in_=group)
        taken = await alice.click("Yes", in_=group)
        await alice.expect("^Alice: yes$", in_=group)

    assert refused.get("text") == "This button is not for you."
    assert "text" not in taken
    assert leaked == []


async def test_a_click_on_an_older_keyboard_is_no_answer(stage: Stage) -> None:
    """T14: a wait for the buttons of one message leaves those of an earlier one to the handlers."""
    dp, stale = stage.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer("first?", reply_markup=buttons("Old"))
        sent = await message.answer("second?", reply_markup=buttons("New"))
        click = await wait_for(kinds="callback_query", scope=Scope.BUTTONS(sent))
        await message.answer(f"chose {click.data}")

    @dp.callback_query()
    async def other(query: CallbackQuery) -> None:
        stale.append(query.data)
        await query.answer("outdated")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("second")
        await waiting(stage)
        assert (await alice.click("Old")).get("text") == "outdated"
        await alice.click("New")
        await alice.expect("^chose new$")

    assert stale == ["old"]


async def test_a_question_s_own_keyboard_is_for_the_person_asked(stage: Stage) -> None:
    """T13: a keyboard that ``ask`` sent belongs to the person asked."""

    class Pick:
        kinds = frozenset({"callback_query"})

        def parse(self, delivery: Any) -> str:
            return str(delivery.update.data)

    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        picked = await ask("sure?", Pick(), keyboard=buttons("Yes", "No"))
        await message.answer(f"picked {picked}")

    alice, eve = stage.world.person("Alice"), stage.world.person("Eve")
    group = stage.world.group("G", members=[alice, eve])
    async with stage.run(dp):
        alice.send("/start", to=group)
        await alice.expect("sure", in_=group)
        await until(lambda: stage.engine and Scope.BUTTONS in stage.engine.waits.scopes)
        refused = await eve.click("No", in_=group)
        await alice.click("Yes", in_=group)
        await alice.expect("^picked yes$", in_=group)

    assert refused.get("text") == "This button is not for you."


async def test_a_click_on_a_message_too_old_to_be_shown_counts(stage: Stage) -> None:
    """A click on an inaccessible message of a topic, which names no topic, still answers there."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer("sure?", reply_markup=buttons("Yes"))
        click = await wait_for(kinds="callback_query")
        await message.answer(f"{click.data} on {type(click.message).__name__}")

    alice = stage.world.person("Alice")
    forum = stage.world.group("F", forum=True, members=[alice])
    news = forum.topic("News")
    async with stage.run(dp):
        alice.send("/start", to=news)
        sent = await alice.expect("sure", in_=news)
        await waiting(stage)
        forum.hide(sent["message_id"])
        await alice.click("Yes", on=sent)
        await alice.expect("^yes on InaccessibleMessage$", in_=news)


async def test_a_click_on_an_inline_message_counts(stage: Stage) -> None:
    """A click on a message sent in inline mode, which names no chat, answers a wait for that person."""
    dp, got = stage.dispatcher(), []

    @dp.inline_query()
    async def offer(query: InlineQuery) -> None:
        content = InputTextMessageContent(message_text="game")
        article = InlineQueryResultArticle(
            id="1", title="game", input_message_content=content, reply_markup=buttons("Play")
        )
        await query.answer([article], cache_time=0)

    @dp.chosen_inline_result()
    async def chosen(result: ChosenInlineResult) -> None:
        assert result.inline_message_id is not None
        click = await wait_for(kinds="callback_query", scope=Scope.BUTTONS(result.inline_message_id))
        got.append((click.data, click.message))

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        answer = await alice.query("g")
        alice.choose(answer["results"][0])
        await waiting(stage)
        await alice.click("Play", in_=stage.world.elsewhere(alice))
        await until(lambda: got)

    assert got == [("play", None)]


async def test_a_vote_is_the_voter_s(stage: Stage) -> None:
    """A poll answer, which names no chat, answers a wait that was opened in a group."""
    dp = stage.dispatcher(install={"updates": ["poll_answer"]})

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer_poll("Best?", ["Tea", "Coffee"], is_anonymous=False)
        vote: PollAnswer = await wait_for(kinds="poll_answer")
        await message.answer(f"voted {vote.option_ids}")

    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")
    group = stage.world.group("G", members=[alice, bob])
    async with stage.run(dp):
        alice.send("/start", to=group)
        poll = await alice.expect(lambda what: "poll" in what, in_=group)
        await waiting(stage)
        bob.vote(poll, 0)
        alice.vote(poll, 1)
        await alice.expect(r"^voted \[1\]$", in_=group)


async def test_the_votes_of_one_poll(stage: Stage) -> None:
    """A wait for the votes of one poll takes anybody's vote there, and no vote of another poll."""
    dp = stage.dispatcher(install={"updates": ["poll_answer"]})

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer_poll("Other?", ["A", "B"], is_anonymous=False)
        poll = await message.answer_poll("Best?", ["Tea", "Coffee"], is_anonymous=False)
        vote: PollAnswer = await wait_for(message.chat.id, kinds="poll_answer", scope=Scope.BUTTONS(poll))
        assert vote.user is not None
        await message.answer(f"{vote.user.first_name} voted {vote.option_ids}")

    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")
    group = stage.world.group("G", members=[alice, bob])
    async with stage.run(dp):
        alice.send("/start", to=group)
        first = await alice.expect(lambda what: "poll" in what, in_=group)
        second = await alice.expect(lambda what: "poll" in what, in_=group)
        await waiting(stage)
        bob.vote(first, 0)
        bob.vote(second, 1)
        await alice.expect(r"^Bob voted \[1\]$", in_=group)


async def test_a_wait_for_a_reply_to_one_message(stage: Stage) -> None:
    """``Scope.REPLY(message)`` takes a reply to that message and leaves everything else alone."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        sent = await message.answer("reply to me")
        got = await wait_for(scope=Scope.REPLY(sent))
        await message.answer(f"got {got.text}")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        sent = await alice.expect("reply")
        await waiting(stage)
        alice.send("not a reply")
        await alice.expect("^other:not a reply$")
        alice.reply("a reply", sent)
        await alice.expect("^got a reply$")
