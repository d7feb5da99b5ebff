"""Questions that cannot be sent: whether they are sent again, when, and what ends that."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiostep_core import Key, ask, cancel, conversation, wait_for
from aiostep_core.abc import Failure
from aiostep_core.errors import AiostepError, WaitCancelled, WaitTimeout
from aiostep_core.facts import Facts
from aiostep_core.resending import LIMIT, TRIES, Patience
from tests.core.line import Line, Refused, alice
from tests.core.making import ALICE, BOT
from tests.core.virtual_time import settle

tidy = [pytest.mark.anyio, pytest.mark.usefixtures("tidy")]


def flood(seconds: float) -> Failure:
    return Failure(429, "Too Many Requests", retry_after=seconds)


UNSENT = Failure(is_unsent=True)
CUT = Failure()


# The decision.


@pytest.mark.parametrize(
    ("failure", "is_harmless", "pauses"),
    [
        (flood(3), False, [3, 3, 3, 3, None]),
        (flood(20), False, [20, 20, 20, None]),
        (flood(61), False, [None]),
        (flood(0), False, [1, 1, 1, 1, None]),
        (Failure(429), False, [1, 2, 4, 8, None]),
        (UNSENT, False, [1, 2, 4, 8, None]),
        (CUT, False, [None]),
        (CUT, True, [1, 2, 4, 8, None]),
        (Failure(502), False, [None]),
        (Failure(502), True, [1, 2, 4, 8, None]),
        (Failure(400), True, [None]),
        (Failure(403), True, [None]),
        (None, True, [None]),
    ],
)
def test_what_is_tried_again_and_when(failure: Failure | None, is_harmless: bool, pauses: list[float | None]) -> None:
    """T23: what is certainly not done, or does no harm twice; a few times, within the time there is."""
    patience = Patience(is_harmless=is_harmless)
    assert [patience.pause_after(failure, 0.0, 0.0) for _ in pauses] == pauses


def test_a_call_that_has_waited_itself() -> None:
    """A limiter of the framework's has waited as Telegram wanted, in vain: nobody waits twice as long."""
    assert Patience().pause_after(flood(3), 2.9, 0.0) == 3
    assert Patience().pause_after(flood(3), 3.1, 0.0) is None


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.builds(Failure, retry_after=st.floats(0, 100)), st.just(UNSENT), st.just(CUT)),
            st.floats(0, 20),
            st.floats(0, 1),
        ),
        min_size=1,
    ),
    st.floats(0, 100),
    st.booleans(),
)
def test_it_takes_no_longer_than_it_may(
    tries: list[tuple[Failure | None, float, float]], limit: float, is_harmless: bool
) -> None:
    """Calls and pauses together fill the limit at most, but for the last call; and pauses are never shorter."""
    patience, spent, count = Patience(limit, is_harmless=is_harmless), 0.0, 0
    for failure, took, chance in tries:
        pause = patience.pause_after(failure, took, chance)
        if pause is None:
            break
        assert failure is not None
        assert pause >= (failure.retry_after or 0.0)
        count += 1
        spent += took + pause
    assert spent <= limit + 1e-6
    assert count < TRIES


# A question.


def asker(line: Line, **options: Any) -> list[Any]:
    """Have "/go" ask; return the list that the answer, or the error, goes to."""
    got: list[Any] = []

    @line.on("/go")
    async def go(update: Facts) -> None:
        try:
            got.append((await ask("Name?", **options)).text)
        except (AiostepError, Refused) as error:
            got.append(error)

    return got


def refuse(line: Line, *failures: Failure, only: str = "Name?") -> None:
    """Have the next prompts that say *only* that fail."""
    left = list(failures)

    def send(prompt: str) -> None:
        if left and prompt == only:
            raise Refused(left.pop(0))

    line.on_send = send


async def say(line: Line, *texts: str, **details: Any) -> None:
    for text in texts:
        line.arrive(text, **details)
        await settle()


class TestQuestions:
    pytestmark = tidy

    async def test_it_waits_and_is_sent(self, line: Line) -> None:
        """As often as need be; then it is a question like any other."""
        got = asker(line)
        refuse(line, flood(10), UNSENT, flood(20))
        await say(line, "/go")
        await asyncio.sleep(9.9)
        assert len(line.prompts) == 1
        await asyncio.sleep(10 * 0.25 + 2 * 1.25 + 20 * 1.25)
        assert len(line.prompts) == 4
        await say(line, "Ann")
        assert got == ["Ann"]

    async def test_the_error_in_the_end(self, line: Line) -> None:
        """It is the framework's own, the very last one; what was said meanwhile is not lost."""
        got = asker(line)
        failures = [flood(10), flood(15), flood(50)]
        refuse(line, *failures)
        await say(line, "/go")
        await asyncio.sleep(5)
        await say(line, "hi")
        await asyncio.sleep(60)
        assert [error.args[0] for error in got] == [failures[-1]]
        assert line.texts == ["/go", "hi"]

    @pytest.mark.parametrize("failure", [CUT, Failure(500), Failure(400), Failure(403), None])
    async def test_nothing_is_said_twice(self, line: Line, failure: Any) -> None:
        """What may have been sent, or is refused for good, is not sent again."""
        got = asker(line)
        refuse(line, failure)
        await say(line, "/go")
        assert len(got) == len(line.prompts) == 1

    @pytest.mark.parametrize(("timeout", "seconds"), [(5, 6), (None, LIMIT + 1), (0.5, 1)])
    async def test_no_time_for_that(self, line: Line, timeout: float | None, seconds: float) -> None:
        """The question's own time limit is that of its pauses; what is longer is not waited for at all."""
        got = asker(line, timeout=timeout)
        refuse(line, flood(seconds))
        began = asyncio.get_running_loop().time()
        await say(line, "/go")
        assert isinstance(got[0], Refused)
        assert asyncio.get_running_loop().time() == began

    async def test_its_time_begins_when_it_is_out(self, line: Line) -> None:
        """Telegram's limits are not the person's fault; nor is more than a minute too long if the question lasts."""
        got = asker(line, timeout=100)
        refuse(line, flood(80))
        await say(line, "/go")
        await asyncio.sleep(100)
        assert len(line.prompts) == 2
        await asyncio.sleep(79)
        assert got == []
        await asyncio.sleep(25)
        assert isinstance(got[0], WaitTimeout)

    async def test_a_bad_answer(self, line: Line) -> None:
        """What is said to it has the time that is left, and attempts are counted as ever."""
        got = asker(line, timeout=100, check=lambda answer: answer.text != "bad" or "No.", attempts=2)
        refuse(line, flood(20), only="No.")
        await say(line, "/go", "bad")
        await asyncio.sleep(26)
        assert line.prompts == ["Name?", "No.", "No."]
        refuse(line, flood(80), only="No.")
        await say(line, "Ann")
        assert got == ["Ann"]

        await say(line, "/go")
        await asyncio.sleep(50)
        await say(line, "bad")
        assert isinstance(got[1], Refused)

    async def test_the_time_of_a_block(self, line: Line) -> None:
        """A pause is not longer than the block around the question lasts."""
        errors = list[Exception]()

        @line.on("/go")
        async def go(update: Facts) -> None:
            try:
                async with conversation(timeout=10):
                    await ask("Name?")
            except Exception as error:  # noqa: BLE001
                errors.append(error)

        refuse(line, flood(9), flood(9))
        await say(line, "/go")
        await asyncio.sleep(11)
        assert len(line.prompts) == 2
        assert isinstance(errors[0], Refused)

    async def test_a_call_that_takes_long(self, line: Line) -> None:
        """Who limits the bot's calls has waited already; what they give up is given up."""
        got = asker(line)

        async def send(prompt: str) -> None:
            await asyncio.sleep(10)
            raise Refused(flood(10))

        line.on_send = send
        await say(line, "/go")
        await asyncio.sleep(11)
        assert isinstance(got[0], Refused)
        assert len(line.prompts) == 1

    async def test_what_can_be_awaited_only_once(self, line: Line) -> None:
        """A coroutine cannot be sent again, so its error is told at once."""
        got = list[Any]()

        async def send() -> None:
            """Send something."""

        def fail(prompt: Any) -> None:
            prompt.close()
            raise Refused(flood(1))

        @line.on("/go")
        async def go(update: Facts) -> None:
            with pytest.raises(Refused):
                await ask(send())
            got.append("refused")

        line.on_send = fail
        await say(line, "/go")
        assert got == ["refused"]


class TestMeanwhile:
    """What happens while a question is not out yet."""

    pytestmark = tidy

    @pytest.fixture
    def got(self, line: Line) -> list[Any]:
        refuse(line, flood(30))
        return asker(line)

    async def test_the_person_leaves(self, line: Line, got: list[Any]) -> None:
        """/cancel ends it at once, and nothing is sent any more."""
        await say(line, "/go", "/cancel", "hi")
        assert isinstance(got[0], WaitCancelled)
        assert got[0].reason == "user"
        assert line.texts == ["/go", "hi"]
        await asyncio.sleep(60)
        assert len(line.prompts) == 1

    async def test_a_question_that_cannot_be_left(self, line: Line) -> None:
        """cancel=False holds before it is asked, too."""
        refuse(line, flood(30))
        got = asker(line, cancel=False)
        await say(line, "/go", "/cancel")
        await asyncio.sleep(40)
        await say(line, "Ann")
        assert got == ["Ann"]
        assert line.texts == ["/go", "/cancel"]

        refuse(line, flood(30))
        await say(line, "/go", "early", "/cancel")
        await asyncio.sleep(40)
        assert got == ["Ann", "early"]
        assert line.texts[2:] == ["/go", "/cancel"]

    @pytest.mark.parametrize("texts", [("/cancel",), ("Ann", "/cancel")])
    async def test_the_person_leaves_while_it_fails(self, line: Line, texts: tuple[str, ...]) -> None:
        """Then it is not even waited for; what they said before goes to other handlers."""
        got = asker(line)

        async def send(prompt: str) -> None:
            await asyncio.sleep(1)
            raise Refused(flood(30))

        line.on_send = send
        await say(line, "/go", *texts)
        await asyncio.sleep(1.1)
        assert [one.reason for one in got] == ["user"]
        await asyncio.sleep(60)
        assert len(line.prompts) == 1
        assert line.texts == ["/go", *texts[:-1]]

    @pytest.mark.parametrize("end", ["replaced", "code", "blocked", "shutdown"])
    async def test_it_is_ended(self, line: Line, got: list[Any], end: str) -> None:
        """By something newer, by code, by a loss or by the end of the bot: at once, with that reason."""
        assert line.adapter is not None
        runtime = line.adapter.runtime
        ends: dict[str, Callable[[], Any]] = {
            "replaced": lambda: line.arrive("/go", **alice()),
            "code": lambda: cancel(user=ALICE),
            "blocked": lambda: line.arrive(None, kind="my_chat_member", gone="blocked", leaver_id=ALICE, **alice()),
            "shutdown": lambda: runtime.start(runtime.aclose()),
        }
        await say(line, "/go", **alice())
        ends[end]()
        await settle()
        assert [one.reason for one in got] == [end]
        runtime.reopen()
        await say(line, "/cancel", **alice())

    async def test_an_answer(self, line: Line, got: list[Any]) -> None:
        """It is one, but the question is asked all the same; other updates pass."""
        await say(line, "/go", "/help", "Ann", "more")
        assert got == []
        await asyncio.sleep(40)
        assert got == ["Ann"]
        assert len(line.prompts) == 2
        assert line.texts == ["/go", "/help", "more"]

    async def test_an_answer_and_then_the_person_leaves(self, line: Line, got: list[Any]) -> None:
        """Leaving counts; the answer is anybody's again."""
        await say(line, "/go", "Ann", "/cancel")
        assert isinstance(got[0], WaitCancelled)
        await settle()
        assert line.texts == ["/go", "Ann"]

    async def test_fresh_answers(self, line: Line) -> None:
        """What was written before the question is out is none of its answers."""
        refuse(line, flood(30))
        got = asker(line, fresh=True)
        await say(line, "/go")
        await say(line, "early", message_id=4000)
        await asyncio.sleep(40)
        await say(line, "Ann", message_id=6000)
        assert got == ["Ann"]
        assert line.texts == ["/go", "early"]

    async def test_an_asynchronous_filter_over_the_mailbox(self, line: Line) -> None:
        """It is asked during the pause, and holds nobody up who comes after that."""
        got = list[Any]()

        async def no_number(update: Facts) -> bool:
            await asyncio.sleep(1)
            return not (update.text or "").isdigit()

        @line.on("/go")
        async def go(update: Facts) -> None:
            async with conversation():
                await asyncio.sleep(5)
                refuse(line, flood(25), flood(25))
                got.append((await ask("Name?", filter=no_number)).text)

        await say(line, "/go", "1", "2")
        await asyncio.sleep(10)
        await say(line, "/help", "3")
        assert line.texts == ["/go", "/help"]
        await asyncio.sleep(1)
        assert line.texts == ["/go", "/help", "3"]
        await asyncio.sleep(80)
        await say(line, "Ann")
        await asyncio.sleep(2)
        assert got == ["Ann"]
        assert line.texts == ["/go", "/help", "3", "1", "2"]

    async def test_a_filter_that_takes_an_answer_from_the_mailbox(self, line: Line) -> None:
        """The answer that it finds is the answer, once the question is out."""
        got = list[Any]()

        async def slow(update: Facts) -> bool:
            await asyncio.sleep(1)
            return True

        @line.on("/go")
        async def go(update: Facts) -> None:
            async with conversation():
                await asyncio.sleep(5)
                refuse(line, flood(30))
                got.append((await ask("Name?", filter=slow)).text)

        await say(line, "/go", "Ann")
        await asyncio.sleep(30)
        assert got == []
        await asyncio.sleep(30)
        assert got == ["Ann"]

    async def test_the_handler_is_cancelled(self, line: Line) -> None:
        """Nothing is left of the question."""
        refuse(line, flood(30))

        @line.on("/go")
        async def go(update: Facts) -> None:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(ask("Name?"), 5)

        await say(line, "/go")
        await asyncio.sleep(6)
        await say(line, "hi")
        assert line.texts == ["/go", "hi"]

    async def test_outside_of_a_handler(self, line: Line) -> None:
        """A question that code asks waits in the same way; its pause is in nobody's way, its own least of all."""
        refuse(line, flood(30))
        task = asyncio.ensure_future(ask("Name?", to=Key(BOT, ALICE, ALICE)))
        await asyncio.sleep(40)
        assert len(line.prompts) == 2
        await say(line, "Ann", **alice())
        assert (await task).text == "Ann"

        refuse(line, flood(30))
        task = asyncio.ensure_future(ask("Name?", to=Key(BOT, ALICE, ALICE)))
        await asyncio.sleep(5)
        await say(line, "early", "more", **alice())
        await asyncio.sleep(40)
        assert (await task).text == "early"
        assert line.texts == ["more"]

    async def test_two_questions_of_one_handler(self, line: Line) -> None:
        """One that is not out yet does not keep the other from its answer."""
        refuse(line, flood(30))

        @line.on("/go")
        async def go(update: Facts) -> None:
            first = asyncio.ensure_future(ask("Name?", filter=lambda answer: answer.text == "Ann"))
            await settle()
            second = await wait_for()
            line.arrive("Ann")
            assert [second.text, (await first).text] == ["hi", "Ann"]

        await say(line, "/go", "hi")
        await asyncio.sleep(40)
        assert line.errors == []


class TestReminders:
    """Reminders wait for Telegram's limits as well, for as long as the question stands."""

    pytestmark = tidy

    async def test_it_is_sent_later(self, line: Line) -> None:
        """Once Telegram takes it."""
        got = asker(line, remind={5: "Still there?"})
        refuse(line, flood(10), UNSENT, only="Still there?")
        await say(line, "/go")
        await asyncio.sleep(5 + 10 * 1.25 + 2 * 1.25 + 1)
        assert line.prompts == ["Name?", *["Still there?"] * 3]
        await say(line, "Ann")
        assert got == ["Ann"]

    @pytest.mark.parametrize("after", [6, 20])
    async def test_the_answer_comes_first(self, line: Line, after: float) -> None:
        """Nobody is reminded of what is over, also if it is over while the reminder is on its way."""
        got = asker(line, remind={5: "Still there?"})

        async def send(prompt: str) -> None:
            if prompt != "Name?":
                await asyncio.sleep(3)
                raise Refused(flood(10))

        line.on_send = send
        await say(line, "/go")
        await asyncio.sleep(after)
        count = len(line.prompts)
        await say(line, "Ann")
        await asyncio.sleep(60)
        assert got == ["Ann"]
        assert len(line.prompts) == count

    async def test_it_is_given_up(self, line: Line, caplog: pytest.LogCaptureFixture) -> None:
        """The question stands all the same, and the log says why."""
        got = asker(line, remind={5: "Still there?"})
        refuse(line, *itertools.repeat(flood(50), TRIES), only="Still there?")
        with caplog.at_level(logging.WARNING, "aiostep"):
            await say(line, "/go")
            await asyncio.sleep(120)
        assert [record.message for record in caplog.records] == ["a reminder could not be sent; the question stands"]
        await say(line, "Ann")
        assert got == ["Ann"]
