"""Level core: every end of a wait comes once, with its reason, and leaves nothing behind."""

from __future__ import annotations

from aiostep_core.errors import AlreadyWaiting, TooManyAttempts, WaitCancelled

from .context import Ctx
from .level import Level
from .programs import ended, greet
from .stage import Stage

__all__ = ["Endings"]


def old_enough(age: int) -> bool | str:
    return age > 17 or "too young"


class Endings(Level, level="core"):
    """Promises 1, 7, 8 and 9."""

    async def test_nobody_answers(self, stage: Stage) -> None:
        """T06: a timeout raises a ``TimeoutError``, and what comes later passes."""

        async def quick(c: Ctx) -> None:
            try:
                await c.ask("quick?", timeout=0.05)
            except TimeoutError:
                await c.say("too late")

        await stage.start(quick)
        await stage.tell(stage.alice, "/quick", "quick?", "too late")
        await stage.passes(stage.alice)
        await stage.nobody_waits()

    async def test_a_timeout_nobody_catches_is_quiet(self, stage: Stage) -> None:
        """Promise 9: an uncaught timeout ends the handler, and is no error."""

        async def quick(c: Ctx) -> None:
            await c.ask("quick?", timeout=0.05)
            await c.say("never")

        await stage.start(quick)
        await stage.tell(stage.alice, "/quick", "quick?")
        await stage.nobody_waits()
        await stage.passes(stage.alice)

    async def test_a_default_instead_of_a_timeout(self, stage: Stage) -> None:
        """Promise 9: ``default=`` is returned when nobody answers."""

        async def quick(c: Ctx) -> None:
            await c.say(f"got {await c.ask('quick?', timeout=0.05, default='nothing')}")

        await stage.start(quick)
        await stage.tell(stage.alice, "/quick", "quick?", "got nothing")

    async def test_an_old_timer_does_not_end_a_newer_wait(self, stage: Stage) -> None:
        """T21: what cleans up after the first wait leaves the second alone."""

        async def twice(c: Ctx) -> None:
            first = await c.ask("first?", timeout=0.15)
            await c.say(f"{first}+{await c.ask('second?')}")

        await stage.start(twice)
        await stage.tell(stage.alice, "/twice", "first?")
        await stage.tell(stage.alice, "a", "second?")
        await self._some_time(stage)
        await stage.tell(stage.alice, "b", "a+b")

    async def _some_time(self, stage: Stage) -> None:
        await stage.waiting()
        await Ctx(stage.harness, None).pause(0.2)

    async def test_a_reminder(self, stage: Stage) -> None:
        """Promise 9: ``remind=`` speaks while nobody answers, and not afterwards."""

        async def slow(c: Ctx) -> None:
            await c.say(f"hello {await c.ask('name?', remind={0.05: 'still there?', 60: 'never'})}")

        await stage.start(slow)
        await stage.tell(stage.alice, "/slow", "name?", "still there?")
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_the_person_cancels(self, stage: Stage) -> None:
        """T15: /cancel ends the conversation with reason "user", and is consumed."""
        await stage.start(ended)
        await stage.tell(stage.alice, "/ended", "name?")
        await stage.tell(stage.alice, "/cancel", "ended: user")
        await stage.passes(stage.alice)
        await stage.nobody_waits()

    async def test_a_cancel_nobody_catches_is_quiet(self, stage: Stage) -> None:
        """Promise 9: an uncaught cancel ends the handler, and is no error."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/greet", "name?")
        stage.alice.send("/cancel")
        await stage.nobody_waits()
        await stage.passes(stage.alice)

    async def test_cancel_between_two_questions(self, stage: Stage) -> None:
        """T15: a /cancel that comes while the handler is busy ends its next question."""

        async def busy(c: Ctx) -> None:
            await c.ask("first?")
            await c.say("noted")
            await c.pause(0.05)
            try:
                await c.ask("second?")
            except WaitCancelled as error:
                await c.say(f"ended: {error.reason}")

        await stage.start(busy)
        await stage.tell(stage.alice, "/busy", "first?")
        await stage.tell(stage.alice, "a", "noted")
        stage.alice.send("/cancel")
        await stage.until(lambda: "test_bot: ended: user" in stage.alice.seen(), "the end")
        await stage.nobody_waits()

    async def test_nothing_to_cancel(self, stage: Stage) -> None:
        """T15: without a conversation /cancel is a message like any other."""
        await stage.start(greet)
        await stage.tell(stage.alice, "/cancel", "other:/cancel")

    async def test_another_command_passes(self, stage: Stage) -> None:
        """T15: a command is no answer; it reaches its handler, and the question goes on."""

        async def hint(c: Ctx) -> None:
            await c.say("no hint")

        await stage.start(greet, hint)
        await stage.tell(stage.alice, "/greet", "name?")
        await stage.tell(stage.alice, "/hint", "no hint")
        await stage.tell(stage.alice, "/unknown", "other:/unknown")
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_a_command_can_be_an_answer(self, stage: Stage) -> None:
        """T15: ``commands="take"`` takes a command as the answer."""

        async def take(c: Ctx) -> None:
            await c.say(f"got {await c.hear(commands='take')}")

        await stage.start(take)
        stage.alice.send("/take")
        await stage.waiting()
        await stage.tell(stage.alice, "/help", "got /help")

    async def test_a_question_without_cancel(self, stage: Stage) -> None:
        """T15: with ``cancel=False`` /cancel reaches handlers, and the question goes on."""

        async def firm(c: Ctx) -> None:
            await c.say(f"hello {await c.ask('name?', cancel=False)}")

        await stage.start(firm)
        await stage.tell(stage.alice, "/firm", "name?")
        await stage.tell(stage.alice, "/cancel", "other:/cancel")
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_a_newer_conversation_replaces_the_older(self, stage: Stage) -> None:
        """T20, T21: the older ends at once with "replaced", and the newer gets the answer."""
        await stage.start(ended)
        await stage.tell(stage.alice, "/ended", "name?")
        stage.alice.send("/ended")
        assert await stage.texts(stage.alice, 2) == ["ended: replaced", "name?"]
        await stage.tell(stage.alice, "Ann", "hello Ann")
        await stage.passes(stage.alice)

    async def test_a_newer_conversation_can_be_refused(self, stage: Stage) -> None:
        """T33: with "reject" the newer wait raises ``AlreadyWaiting``, and the older goes on."""

        async def once(c: Ctx) -> None:
            try:
                await c.say(f"hello {await c.ask('name?', on_conflict='reject')}")
            except AlreadyWaiting:
                await c.say("one at a time")

        await stage.start(once)
        await stage.tell(stage.alice, "/once", "name?")
        await stage.tell(stage.alice, "/once", "one at a time")
        await stage.tell(stage.alice, "Ann", "hello Ann")

    async def test_code_cancels(self, stage: Stage) -> None:
        """T28: ``cancel(reason=...)`` ends the wait with that reason, as an ordinary exception."""
        await stage.start(ended)
        await stage.tell(stage.alice, "/ended", "name?")
        await stage.waiting()
        assert stage.harness.engine.cancel(user=stage.alice.id, reason="sold out") == 1
        await stage.tell(stage.alice, None, "ended: sold out")
        await stage.passes(stage.alice)

    async def test_unregister_steps_ends_waits(self, stage: Stage) -> None:
        """T28: another handler of the person can end the conversation, with reason "code"."""

        async def leave(c: Ctx) -> None:
            await c.unregister()

        await stage.start(ended, leave)
        await stage.tell(stage.alice, "/ended", "name?")
        await stage.tell(stage.alice, "/leave", "ended: code")
        await stage.passes(stage.alice)

    async def test_a_bad_answer_is_asked_again(self, stage: Stage) -> None:
        """T03: a check says what is wrong, and the next answer is looked at."""

        async def age(c: Ctx) -> None:
            number = await c.ask("age?", int, check=old_enough, retry="{problem}, {left} left")
            await c.say(f"{number + 1} next year")

        await stage.start(age)
        await stage.tell(stage.alice, "/age", "age?")
        await stage.tell(stage.alice, "10", "too young, 2 left")
        await stage.tell(stage.alice, "20", "21 next year")

    async def test_too_many_bad_answers(self, stage: Stage) -> None:
        """Promise 9: after the last attempt the question ends, and says so."""

        async def number(c: Ctx) -> None:
            try:
                await c.ask("number?", int, attempts=2)
            except TooManyAttempts:
                await c.say("enough")

        await stage.start(number)
        await stage.tell(stage.alice, "/number", "number?")
        await stage.tell(stage.alice, "x", "Please answer with a whole number.")
        await stage.tell(stage.alice, "y", "enough")
        await stage.passes(stage.alice)

    async def test_what_the_filter_does_not_mean_passes(self, stage: Stage) -> None:
        """T05, T07: a message that the filter refuses goes to handlers, and the wait goes on."""

        async def digits(c: Ctx) -> None:
            await c.say(f"got {await c.hear(like='^[0-9]+$')}")

        await stage.start(digits)
        stage.alice.send("/digits")
        await stage.waiting()
        await stage.tell(stage.alice, "x", "other:x")
        await stage.tell(stage.alice, "7", "got 7")
        await stage.passes(stage.alice)

    async def test_a_slow_filter_lets_one_message_in(self, stage: Stage) -> None:
        """T03: of two messages at once under a filter that takes its time the first is the answer, once."""

        async def digits(c: Ctx) -> None:
            await c.say(f"got {await c.hear(like='^[0-9]+$', slowly=0.03)}")

        await stage.start(digits)
        stage.alice.send("/digits")
        await stage.waiting()
        stage.alice.send("7")
        stage.alice.send("8")
        assert await stage.texts(stage.alice, 2) == ["got 7", "other:8"]
        await stage.passes(stage.alice)

    async def test_an_error_reaches_the_error_handler_once(self, stage: Stage) -> None:
        """Promise 10: what a handler raises after it waited goes to the framework's error handler, once."""

        async def fail(c: Ctx) -> None:
            raise LookupError(await c.ask("name?"))

        await stage.start(fail)
        await stage.tell(stage.alice, "/fail", "name?")
        stage.alice.send("Ann")
        await stage.until(lambda: stage.errors, "the error")
        await stage.passes(stage.alice)
        assert [repr(error) for error in stage.errors] == ["LookupError('Ann')"]
        stage.errors.clear()

    async def test_a_prompt_that_cannot_be_sent(self, stage: Stage) -> None:
        """T23: the error of the send reaches the handler, and no wait is left."""

        async def deaf(c: Ctx) -> None:
            try:
                await c.ask("name?")
            except Exception as error:  # noqa: BLE001 - each framework has its own
                await c.say("cannot ask" if "too bad" in str(error).lower() else repr(error))

        await stage.start(deaf)
        stage.world.faults.add("sendMessage", status=400, description="Bad Request: too bad")
        await stage.tell(stage.alice, "/deaf", "cannot ask")
        await stage.nobody_waits()
        await stage.passes(stage.alice)

    async def test_a_prompt_to_somebody_who_blocked_the_bot(self, stage: Stage) -> None:
        """T23, T56: the question ends with "blocked" if the prompt is refused for that."""
        await stage.start(ended)
        stage.world.faults.add("sendMessage", status=403)
        await stage.tell(stage.alice, "/ended", "ended: blocked")
        await stage.passes(stage.alice)

    async def test_somebody_blocks_the_bot(self, stage: Stage) -> None:
        """T56: who blocks the bot while it waits ends the wait with "blocked"."""
        reasons: list[str] = []

        async def note(c: Ctx) -> None:
            try:
                await c.ask("name?")
            except WaitCancelled as error:
                reasons.append(error.reason)

        await stage.start(note)
        await stage.tell(stage.alice, "/note", "name?")
        stage.alice.block()
        await stage.until(lambda: reasons, "the end")
        assert reasons == ["blocked"]

    async def test_stopping_ends_what_waits(self, stage: Stage) -> None:
        """T24, T57: the framework's own stop ends every wait with "shutdown", and does not hang."""
        reasons: list[str] = []

        async def note(c: Ctx) -> None:
            try:
                await c.ask("name?")
            except WaitCancelled as error:
                reasons.append(error.reason)

        await stage.start(note)
        for person in (stage.alice, stage.bob):
            await stage.tell(person, "/note", "name?")
        await stage.stop()
        assert reasons == ["shutdown", "shutdown"]
