"""Level topics: forums, where one chat is many."""

from __future__ import annotations

from aiostep_core import Scope

from .context import Ctx
from .level import Level
from .programs import ended, greet
from .stage import Stage

__all__ = ["Topics"]


class Topics(Level, level="topics"):
    """Promise 4 in forums."""

    async def test_another_topic_is_another_conversation(self, stage: Stage) -> None:
        """T12: a message in another topic is not the answer."""
        await stage.start(greet)
        here, there = stage.forum.topic("Here"), stage.forum.topic("There")
        await stage.tell(stage.alice, "/greet", "name?", in_=here)
        await stage.tell(stage.alice, "x", "other:x", in_=there)
        await stage.tell(stage.alice, "Ann", "hello Ann", in_=here)

    async def test_one_person_is_asked_in_two_topics(self, stage: Stage) -> None:
        """T12: each topic has its own question and answer, and the prompt is sent there."""
        await stage.start(greet)
        here, there = stage.forum.topic("Here"), stage.forum.topic("There")
        await stage.tell(stage.alice, "/greet", "name?", in_=here)
        await stage.tell(stage.alice, "/greet", "name?", in_=there)
        await stage.tell(stage.alice, "Ann", "hello Ann", in_=there)
        await stage.tell(stage.alice, "Anna", "hello Anna", in_=here)

    async def test_a_prompt_that_replies_to_nothing_is_sent_to_its_topic(self, stage: Stage) -> None:
        """T12: it is the topic that counts, also where no reply would lead there by itself."""

        async def plain(c: Ctx) -> None:
            await c.say(f"hello {await c.ask('name?', force_reply=False)}")

        await stage.start(plain)
        here = stage.forum.topic("Here")
        await stage.tell(stage.alice, "/plain", "name?", in_=here)
        await stage.tell(stage.alice, "Ann", "hello Ann", in_=here)

    async def test_a_menu_is_shown_in_its_topic(self, stage: Stage) -> None:
        """T12: its buttons are where it was asked for; who clicks there is known; what is written elsewhere passes."""

        async def size(c: Ctx) -> None:
            await c.say(f"got {await c.call('choose', 'size?', ['S', 'L'])}")

        await stage.start(size)
        here, there = stage.forum.topic("Here"), stage.forum.topic("There")
        question = await stage.tell(stage.alice, "/size", "size?", in_=here)
        await stage.tell(stage.alice, "L", "other:L", in_=there)
        assert (await stage.bob.click("S", on=question)).get("text") == "This button is not for you."
        assert (await stage.alice.click("S", on=question)).get("text") is None
        await stage.tell(stage.alice, None, "got S", in_=here)

    async def test_the_general_topic_is_one_too(self, stage: Stage) -> None:
        """T12: what is written in General does not answer a question in a topic."""
        await stage.start(greet)
        here = stage.forum.topic("Here")
        await stage.tell(stage.alice, "/greet", "name?", in_=here)
        stage.alice.send("x", to=stage.forum)
        await stage.until(lambda: "test_bot: other:x" in stage.alice.seen(stage.forum), "the other message")
        await stage.tell(stage.alice, "Ann", "hello Ann", in_=here)

    async def test_a_question_in_general(self, stage: Stage) -> None:
        """T12: what is written in a topic does not answer a question in General."""
        await stage.start(greet)
        here = stage.forum.topic("Here")
        stage.alice.send("/greet", to=stage.forum)
        await stage.waiting()
        await stage.tell(stage.alice, "x", "other:x", in_=here)
        stage.alice.send("Ann", to=stage.forum)
        await stage.until(lambda: "test_bot: hello Ann" in stage.alice.seen(stage.forum), "the answer")

    async def test_anybody_in_the_topic_may_answer(self, stage: Stage) -> None:
        """Promise 4: the scope CHAT_TOPIC counts the topic, and not the person."""

        async def anyone(c: Ctx) -> None:
            await c.say(f"somebody said {await c.ask('who?', scope=Scope.CHAT_TOPIC)}")

        await stage.start(anyone)
        here, there = stage.forum.topic("Here"), stage.forum.topic("There")
        await stage.tell(stage.alice, "/anyone", "who?", in_=here)
        await stage.tell(stage.bob, "x", "other:x", in_=there)
        await stage.tell(stage.bob, "Bob", "somebody said Bob", in_=here)

    async def test_cancel_in_another_topic(self, stage: Stage) -> None:
        """T15: /cancel ends the conversation of its own topic."""
        await stage.start(ended)
        here, there = stage.forum.topic("Here"), stage.forum.topic("There")
        await stage.tell(stage.alice, "/ended", "name?", in_=here)
        await stage.tell(stage.alice, "/cancel", "other:/cancel", in_=there)
        await stage.tell(stage.alice, "/cancel", "ended: user", in_=here)

    async def test_a_step_stays_in_its_topic(self, stage: Stage) -> None:
        """T12: a next step runs with a message of its topic."""

        async def hello(c: Ctx) -> None:
            await c.say(f"hello {c.text}")

        async def start(c: Ctx) -> None:
            await c.then(hello)
            await c.say("name?")

        await stage.start(start)
        here, there = stage.forum.topic("Here"), stage.forum.topic("There")
        await stage.tell(stage.alice, "/start", "name?", in_=here)
        await stage.tell(stage.alice, "x", "other:x", in_=there)
        await stage.tell(stage.alice, "Ann", "hello Ann", in_=here)

    async def test_a_reply_thread_is_no_topic(self, stage: Stage) -> None:
        """Promise 4: the thread id of a reply in an ordinary supergroup means nothing, in the command or the answer."""
        await stage.start(greet)
        group = stage.group
        old = stage.bob.send("old", to=group)
        await stage.tell(stage.bob, None, "other:old", in_=group)
        stage.alice.reply("/greet", old)
        await stage.tell(stage.alice, None, "name?", in_=group)
        await stage.tell(stage.alice, "Ann", "hello Ann", in_=group)
        await stage.tell(stage.alice, "/greet", "name?", in_=group)
        stage.alice.reply("Anna", old)
        await stage.tell(stage.alice, None, "hello Anna", in_=group)
