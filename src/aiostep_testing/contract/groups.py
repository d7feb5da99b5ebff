"""Level groups: many people in one chat."""

from __future__ import annotations

from aiostep_core import Scope
from aiostep_core.errors import WaitCancelled

from .context import Ctx
from .level import Level
from .programs import ended, greet
from .stage import Stage

__all__ = ["Groups"]


async def anyone(c: Ctx) -> None:
    await c.say(f"somebody said {await c.ask('who?', scope=Scope.CHAT)}")


class Groups(Level, level="groups"):
    """Promises 4 and 9 where people are many."""

    async def test_another_member_is_not_the_answer(self, stage: Stage) -> None:
        """T12: only who was asked answers; the others pass."""
        await stage.start(greet)
        group = stage.group
        await stage.tell(stage.alice, "/greet", "name?", in_=group)
        await stage.tell(stage.bob, "Bob", "other:Bob", in_=group)
        await stage.tell(stage.alice, "Ann", "hello Ann", in_=group)
        await stage.passes(stage.alice, in_=group)

    async def test_a_private_message_does_not_answer_a_group_question(self, stage: Stage) -> None:
        """T12: the chat counts."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?", in_=stage.group)
        await stage.tell(stage.alice, "secret", "other:secret")
        await stage.tell(stage.alice, "Ann", "hello Ann", in_=stage.group)

    async def test_a_group_message_does_not_answer_a_private_question(self, stage: Stage) -> None:
        """T12: the chat counts the other way too."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?")
        await stage.tell(stage.alice, "public", "other:public", in_=stage.group)
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_two_members_are_asked_at_once(self, stage: Stage) -> None:
        """T12: each answers their own question."""
        await stage.start(greet)
        group = stage.group
        await stage.tell(stage.alice, "/greet", "name?", in_=group)
        await stage.tell(stage.bob, "/greet", "name?", in_=group)
        await stage.tell(stage.bob, "Bob", "hello Bob", in_=group)
        await stage.tell(stage.alice, "Ann", "hello Ann", in_=group)

    async def test_one_person_is_asked_in_two_chats(self, stage: Stage) -> None:
        """T12: a conversation in another chat is another conversation."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?", in_=stage.group)
        await stage.tell(stage.alice, "/greet", "name?")
        await stage.tell(stage.alice, "private", "hello private")
        await stage.tell(stage.alice, "public", "hello public", in_=stage.group)

    async def test_a_step_stays_in_its_chat(self, stage: Stage) -> None:
        """T12: a next step that was registered in a group does not run in private."""

        async def hello(c: Ctx) -> None:
            await c.say(f"hello {c.text}")

        async def start(c: Ctx) -> None:
            await c.then(hello)
            await c.say("name?")

        await stage.start(start)
        await stage.tell(stage.alice, "/start", "name?", in_=stage.group)
        await stage.tell(stage.alice, "secret", "other:secret")
        await stage.tell(stage.bob, "Bob", "other:Bob", in_=stage.group)
        await stage.tell(stage.alice, "Ann", "hello Ann", in_=stage.group)

    async def test_another_members_cancel(self, stage: Stage) -> None:
        """T15: /cancel is for one's own conversation."""
        await stage.start(ended)
        await stage.tell(stage.alice, "/ended", "name?", in_=stage.group)
        await stage.tell(stage.bob, "/cancel", "other:/cancel", in_=stage.group)
        await stage.tell(stage.alice, "/cancel@test_bot", "ended: user", in_=stage.group)

    async def test_a_cancel_for_another_bot(self, stage: Stage) -> None:
        """T15: a /cancel that names another bot does not end the conversation."""
        await stage.start(ended)
        await stage.tell(stage.alice, "/ended", "name?", in_=stage.group)
        stage.alice.send("/cancel@other_bot", to=stage.group)
        await stage.tell(stage.bob, "hi", in_=stage.group)
        await stage.until(lambda: "test_bot: other:hi" in stage.bob.seen(stage.group), "the other message")
        await stage.waiting()
        stage.alice.send("Ann", to=stage.group)
        await stage.until(lambda: "test_bot: hello Ann" in stage.alice.seen(stage.group), "the answer")

    async def test_an_anonymous_administrator(self, stage: Stage) -> None:
        """T09: who writes as the group is one person to a bot, and not the account behind it."""
        await stage.start(greet)
        group = stage.group
        admin = group.anonymous(stage.alice)
        await stage.tell(admin, "/greet", "name?", in_=group)
        await stage.tell(stage.alice, "me", "other:me", in_=group)
        await stage.tell(stage.bob, "Bob", "other:Bob", in_=group)
        await stage.tell(admin, "Ann", "hello Ann", in_=group)

    async def test_channels_that_write_in_a_group(self, stage: Stage) -> None:
        """T09: people who write as channels are told apart, though Telegram gives them one account."""
        await stage.start(greet)
        group = stage.group
        news = stage.alice.as_channel(stage.world.channel("News"))
        sport = stage.bob.as_channel(stage.world.channel("Sport"))
        await stage.tell(news, "/greet", "name?", in_=group)
        await stage.tell(sport, "goal", "other:goal", in_=group)
        await stage.tell(news, "Ann", "hello Ann", in_=group)

    async def test_anybody_may_answer(self, stage: Stage) -> None:
        """Promise 4: with the scope CHAT the next message of anybody is the answer."""
        await stage.start(anyone)
        await stage.tell(stage.alice, "/anyone", "who?", in_=stage.group)
        await stage.tell(stage.bob, "Bob", "somebody said Bob", in_=stage.group)
        await stage.passes(stage.alice, in_=stage.group)

    async def test_the_next_candidate_is_tried(self, stage: Stage) -> None:
        """T07: what the more specific wait does not mean answers the wider one."""

        async def digits(c: Ctx) -> None:
            await c.say(f"got {await c.ask('number?', like='^[0-9]+$')}")

        await stage.start(anyone, digits)
        group = stage.group
        await stage.tell(stage.bob, "/anyone", "who?", in_=group)
        await stage.tell(stage.alice, "/digits", "number?", in_=group)
        await stage.tell(stage.alice, "x", "somebody said x", in_=group)
        await stage.tell(stage.alice, "7", "got 7", in_=group)

    async def test_a_question_in_a_group_forces_a_reply(self, stage: Stage) -> None:
        """T02: a prompt in a group replies to the person and asks them for a reply, so that privacy mode shows it."""
        await stage.start(greet)
        command = stage.alice.send("/greet", to=stage.group)
        prompt = await stage.tell(stage.alice, None, "name?", in_=stage.group)
        (call,) = stage.calls("sendMessage")
        assert call["reply_markup"]["force_reply"] is True
        assert call["reply_markup"]["selective"] is True
        assert prompt["reply_to_message"]["message_id"] == command["message_id"]
        stage.alice.reply("Ann", prompt)
        await stage.tell(stage.alice, None, "hello Ann", in_=stage.group)

    async def test_a_bot_in_privacy_mode(self, stage: Stage) -> None:
        """T02: a bot that sees only replies and commands in groups gets its answer."""
        stage.account.privacy = True
        stage.group.add_bot(stage.account)
        await stage.start(greet)
        prompt = await stage.tell(stage.alice, "/greet", "name?", in_=stage.group)
        stage.bob.send("unseen", to=stage.group)
        stage.alice.reply("Ann", prompt)
        await stage.tell(stage.alice, None, "hello Ann", in_=stage.group)

    async def test_a_member_leaves(self, stage: Stage) -> None:
        """T56: who leaves the group while they are asked ends the wait with "left"."""
        await stage.start(ended)
        await stage.tell(stage.alice, "/ended", "name?", in_=stage.group)
        stage.alice.leave(stage.group)
        await stage.until(lambda: "test_bot: ended: left" in stage.bob.seen(stage.group), "the end")

    async def test_a_group_becomes_a_supergroup(self, stage: Stage) -> None:
        """T56: a chat that gets another id ends its waits with "migrated"."""
        reasons: list[str] = []

        async def note(c: Ctx) -> None:
            try:
                await c.ask("name?")
            except WaitCancelled as error:
                reasons.append(error.reason)

        basic = stage.world.group("Basic", members=(stage.alice,), basic=True)
        await stage.start(note)
        await stage.tell(stage.alice, "/note", "name?", in_=basic)
        basic.migrate()
        await stage.until(lambda: reasons, "the end")
        assert reasons == ["migrated"]
