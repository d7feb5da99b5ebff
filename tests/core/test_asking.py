"""ask: the prompt, the answer, and again until it is good; and conversation() blocks around it."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from aiostep_core import RAISE, Album, Exit, Key, Retry, Scope, ask, cancel, conversation, wait_for
from aiostep_core.engine import Outcome
from aiostep_core.errors import (
    AiostepError,
    AlreadyWaiting,
    BadArgument,
    TooManyAttempts,
    WaitCancelled,
    WaitTimeout,
)  # fmt: skip
from aiostep_core.facts import KINDS, Delivery, Facts
from aiostep_core.questions.composed import Optionally
from tests.core.line import Line
from tests.core.making import ALICE, BOB, BOT, GROUP, OTHER_GROUP, buttons
from tests.core.virtual_time import settle

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("tidy")]


class Click:
    """What a button question will be: any click, by its data."""

    kinds = frozenset({"callback_query"})

    def parse(self, delivery: Delivery) -> str | None:
        return delivery.facts.callback_data


def asker(line: Line, *prompts: str, **options: Any) -> list[Any]:
    """Have "go" ask *prompts*; return the list that the answers, or the error, go to."""
    got: list[Any] = []

    @line.on("go")
    async def go(update: Facts) -> None:
        try:
            for prompt in prompts or ("Name?",):
                answer = await ask(prompt, **options)
                got.append(answer.text if isinstance(answer, Facts) else answer)
        except AiostepError as error:
            got.append(error)

    return got


async def go(line: Line, *texts: str, **details: Any) -> None:
    """Say "go" and then *texts*, one after the other."""
    for text in ("go", *texts):
        line.arrive(text, **details)
        await settle()


async def test_a_question_and_its_answer(line: Line) -> None:
    """ask() sends the prompt where the question arose and returns the message that answers it."""
    got = asker(line, "Name?", "Age?")
    await go(line, "Ann", "33")

    assert got == ["Ann", "33"]
    assert line.prompts == ["Name?", "Age?"]
    assert {(to.key.chat_id, to.chat_type) for _, to in line.sent} == {(GROUP, "supergroup")}


async def test_an_answer_can_beat_the_prompt(line: Line) -> None:
    """The wait is open before the prompt is sent: an answer that arrives meanwhile is the answer (promise 3; T02)."""
    got = asker(line)

    async def slowly(prompt: str) -> None:
        line.arrive("Ann")
        await asyncio.sleep(1)

    line.on_send = slowly
    line.arrive("go")
    await asyncio.sleep(2)

    assert got == ["Ann"]
    assert line.texts == ["go"]


async def test_the_parts_of_an_album_may_come_one_after_the_other(line: Line) -> None:
    """An album is complete when no further part has come for a while; what else is written waits for its turn (T08)."""
    got: list[Any] = []

    @line.on("go")
    async def start(update: Facts) -> None:
        got.append(await ask("parts?", Album(str)))
        got.append(await ask("name?", str))

    await go(line)
    for number in (2, 1, 3):
        line.arrive(str(number), media_group_id="a", message_id=100 + number)
        await asyncio.sleep(0.5)
    line.arrive("Ann")
    await asyncio.sleep(5)

    assert got == [["1", "2", "3"], "Ann"]


async def test_an_answer_to_a_slow_prompt_is_kept_for_a_fresh_question_s_successor(line: Line) -> None:
    """fresh=True: what comes while the prompt is on its way is no answer to it (T02)."""
    got = asker(line, fresh=True)
    line.on_send = lambda prompt: asyncio.sleep(5)
    line.arrive("go")
    await asyncio.sleep(1)
    line.arrive("too early")
    await asyncio.sleep(5)
    line.arrive("in time")
    await settle()

    assert got == ["in time"]
    assert line.texts == ["go", "too early"]


@pytest.mark.parametrize("error", [OSError("flood"), asyncio.CancelledError()])
async def test_a_prompt_that_cannot_be_sent_leaves_no_wait(line: Line, error: BaseException) -> None:
    """When the send fails the exception reaches the caller and no wait is left (promise 3; T23)."""
    caught: list[BaseException] = []

    def fail(prompt: str) -> None:
        raise error

    @line.on("go")
    async def handler(update: Facts) -> None:
        try:
            await ask("Name?")
        except BaseException as raised:  # noqa: BLE001
            caught.append(raised)

    line.on_send = fail
    await go(line, "hi")
    assert caught == [error]
    assert line.texts == ["go", "hi"]


async def test_an_answer_to_a_prompt_that_failed_is_not_lost(line: Line) -> None:
    """If the answer was faster than the failure, it goes to ordinary handlers (T02, T23)."""
    asker(line)

    async def fail(prompt: str) -> None:
        line.arrive("Ann")
        await asyncio.sleep(1)
        raise OSError(prompt)

    line.on_send = fail
    line.arrive("go")
    await asyncio.sleep(2)
    assert line.texts == ["go", "Ann"]
    assert [type(one) for one in line.errors] == [OSError]


async def test_a_prompt_that_fails_frees_what_queues_behind_its_filter(line: Line) -> None:
    """A failed send, with unread messages and an asynchronous filter, leaves no lane behind (T23)."""
    got: list[Any] = []

    async def slow(update: Facts) -> bool:
        await asyncio.sleep(1)
        return True

    def fail(prompt: str) -> None:
        raise OSError(prompt)

    @line.on("go")
    async def handler(update: Facts) -> None:
        await wait_for()
        await asyncio.sleep(1)
        line.on_send = fail
        with pytest.raises(OSError, match="Name"):
            await ask("Name?", filter=slow)
        got.extend([(await wait_for()).text, (await wait_for()).text])

    await go(line)
    line.arrive("x")
    line.arrive("a")
    await asyncio.sleep(2)
    line.arrive("b")
    await settle()
    assert got == ["a", "b"]


async def test_a_question_cancelled_while_it_is_sent_frees_what_queues(line: Line) -> None:
    """A conversation that ends while its prompt is on its way holds nobody up (T22, T23)."""
    got = asker(line)

    async def slow(update: Facts) -> bool:
        await asyncio.sleep(1)
        return True

    @line.on("go")
    async def handler(update: Facts) -> None:
        await wait_for()
        await asyncio.sleep(1)
        line.on_send = lambda prompt: asyncio.sleep(5)
        with pytest.raises(WaitCancelled):
            await ask("Name?", filter=slow)
        got.append((await wait_for()).text)

    await go(line)
    line.arrive("x")
    line.arrive("a")
    await asyncio.sleep(3)
    assert cancel(user=ALICE) == 1
    await asyncio.sleep(5)
    line.arrive("b")
    await settle()
    assert got == ["b"]
    assert line.texts == ["go", "a"]


async def test_a_person_who_blocked_the_bot_ends_the_question(line: Line) -> None:
    """A send that says that nobody will ever answer raises WaitCancelled with that reason (T23, T56)."""

    def fail(prompt: str) -> None:
        raise ConnectionRefusedError

    got = asker(line)
    line.on_send = fail
    await go(line)

    assert isinstance(got[0], WaitCancelled)
    assert (got[0].reason, got[0].detail) == ("blocked", "the prompt could not be delivered")
    assert isinstance(got[0].__cause__, ConnectionRefusedError)


async def test_the_timeout_begins_when_the_prompt_is_out(line: Line) -> None:
    """A slow network is not the person's fault: the clock starts with the first prompt."""
    got = asker(line, timeout=10)
    line.on_send = lambda prompt: asyncio.sleep(60)
    line.arrive("go")
    await asyncio.sleep(69)
    assert got == []
    await asyncio.sleep(2)

    assert isinstance(got[0], WaitTimeout)
    assert got[0].timeout == 10


async def test_the_timeout_is_over_all_attempts(line: Line) -> None:
    """A bad answer does not start the clock anew; the error names the whole time."""
    got = asker(line, as_=int, timeout=10)
    line.arrive("go")
    await asyncio.sleep(6)
    line.arrive("many")
    await asyncio.sleep(5)

    assert isinstance(got[0], WaitTimeout)
    assert got[0].timeout == 10


async def test_a_default_is_returned_when_nobody_answers(line: Line) -> None:
    """default= is for the deadline only."""
    got = asker(line, timeout=10, default=None)
    line.arrive("go")
    await asyncio.sleep(11)

    assert got == [None]
    assert RAISE is not None


@pytest.mark.parametrize(
    ("as_", "texts", "value"),
    [(str, [" Ann "], "Ann"), (int, ["x", "42"], 42), (float, ["nan", "2,5"], 2.5), (int, ["1_0", "٣"], 3)],
)
async def test_an_answer_becomes_a_value(line: Line, as_: Any, texts: list[str], value: object) -> None:
    """as_= turns the answer into a value and asks again until it can."""
    got = asker(line, as_=as_)
    await go(line, *texts)

    assert got == [value]
    assert len(line.sent) == len(texts)


async def test_a_check_says_why_and_asks_again(line: Line) -> None:
    """A check may return False, a reason, raise ValueError, or be async; the reason is what is said."""
    problems: list[Any] = [False, "Too small.", ValueError("Too big."), None, True]

    async def check(value: int) -> Any:
        problem = problems.pop(0)
        if isinstance(problem, ValueError):
            raise problem
        return problem

    got = asker(line, as_=int, check=check, attempts=None)
    await go(line, "1", "2", "3", "4", "5")

    assert got == [5]
    assert line.prompts == ["Name?", "Please try again.", "Too small.", "Too big.", "Please try again."]


async def test_a_retry_text_has_its_blanks_filled_in(line: Line) -> None:
    """retry= is what to say instead; {problem} and {left} are filled in, other braces are left alone."""
    got = asker(line, as_=int, retry="{problem} {left} left {x}")
    await go(line, "a", "b", "3")

    assert got == [3]
    problem = "Please answer with a whole number."
    assert line.prompts[1:] == [f"{problem} 2 left {{x}}", f"{problem} 1 left {{x}}"]


async def test_a_retry_function_says_it_in_its_own_words(line: Line) -> None:
    """retry= may be a function of problem and attempts left, also an async one."""

    async def retry(problem: str, left: int | None) -> str:
        return f"{left}!"

    got = asker(line, as_=int, retry=retry, attempts=2)
    await go(line, "a", "b")

    assert line.prompts == ["Name?", "1!"]
    assert isinstance(got[0], TooManyAttempts)
    assert (got[0].attempts, got[0].problem) == (2, "Please answer with a whole number.")
    assert str(got[0]) == "no good answer in 2 attempts: Please answer with a whole number."


async def test_what_was_typed_during_the_check_answers_the_next_attempt(line: Line) -> None:
    """Between a bad answer and the next prompt nothing is lost (promise 2; T01)."""

    async def check(value: int) -> bool:
        await asyncio.sleep(5)
        return value > 5

    got = asker(line, as_=int, check=check)
    line.arrive("go")
    await settle()
    line.arrive("1")
    line.arrive("7")
    await asyncio.sleep(30)

    assert got == [7]
    assert line.texts == ["go"]


async def test_reminders_come_while_there_is_no_good_answer(line: Line) -> None:
    """remind= speaks up after so many seconds, not after the answer, and leaves no timer behind."""
    got = asker(line, remind={10: "Still there?", 20: "Hello?", 30: "Bye."})
    line.arrive("go")
    await asyncio.sleep(25)
    line.arrive("Ann")
    await asyncio.sleep(60)

    assert got == ["Ann"]
    assert line.prompts == ["Name?", "Still there?", "Hello?"]


async def test_a_reminder_that_cannot_be_sent_ends_nothing(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    """A failing reminder is logged; the question goes on."""
    got = asker(line, remind={10: "Still there?"})
    line.arrive("go")
    await settle()

    def fail(prompt: str) -> None:
        raise OSError(prompt)

    line.on_send = fail
    with caplog.at_level(logging.WARNING, "aiostep"):
        await asyncio.sleep(11)
    line.arrive("Ann")
    await settle()

    assert got == ["Ann"]
    assert [record.message for record in caplog.records] == ["a reminder could not be sent; the question stands"]


async def test_a_question_that_may_not_be_cancelled(line: Line) -> None:
    """cancel=False: /cancel goes to the bot's own handler, and the question stays."""
    got = asker(line, cancel=False)
    await go(line, "/cancel", "Ann")

    assert got == ["Ann"]
    assert line.texts == ["go", "/cancel"]


async def test_asking_somebody_else(line: Line) -> None:
    """to= asks another person here; nobody else's answer counts (T12)."""
    got = asker(line, to=BOB)
    await go(line, "not me")
    line.arrive("me", user_id=BOB)
    await settle()

    assert got == ["me"]
    assert line.sent[0][1].key.user_id == BOB
    assert line.texts == ["go", "not me"]


async def test_asking_from_no_chat(line: Line) -> None:
    """A question that arises in no chat is sent to the person's private chat, and answered anywhere."""
    got: list[Any] = []

    @line.on("query")
    async def query(update: Facts) -> None:
        got.append((await ask("Name?")).text)

    line.arrive("query", kind="inline_query", chat_id=None, chat_type=None)
    await settle()
    line.arrive("Ann", chat_id=ALICE)
    await settle()

    assert got == ["Ann"]
    assert line.sent[0][1].key.chat_id == ALICE


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"attempts": 0}, "attempts is 0; expected a whole number from 1, or None for any number"),
        ({"attempts": True}, "attempts is True; expected a whole number from 1"),
        ({"as_": dict}, "as_ is <class 'dict'>; expected one of"),
        ({"timeout": -1}, "timeout is -1; expected seconds from 0"),
        ({"remind": {-5: "?"}}, "remind is -5; expected seconds from 0"),
        ({"remind": 30}, "remind is 30; expected what to say after so many seconds"),
        ({"check": "x"}, "check is 'x'; expected a function that is called with the answer"),
        ({"retry": 5}, "retry is 5; expected a text, or a function"),
        ({"cancel": "button"}, "cancel is 'button'; expected True or False; only what has buttons"),
        ({"as_": len}, "as_ is <built-in function len>; expected a type: a function goes into check="),
        ({"as_": type(None)}, "as_ is <class 'NoneType'>; expected one of"),
    ],
)
async def test_a_bad_argument_is_refused_before_anything_is_sent(
    line: Line, options: dict[str, Any], text: str
) -> None:
    """Each bad argument is refused in one sentence; nothing is sent and nothing is opened."""
    with pytest.raises(BadArgument) as caught:
        await ask("Name?", to=ALICE, **options)

    assert str(caught.value).startswith(text)
    assert line.sent == []


async def test_a_retry_that_is_no_text_is_refused(line: Line) -> None:
    """A retry function that returns something else is a mistake of its author."""
    got = asker(line, as_=int, retry=lambda problem, left: 5)
    await go(line, "x")

    assert isinstance(got[0], BadArgument)


async def test_a_question_of_ones_own(line: Line) -> None:
    """Any object with kinds and parse() is a question; Retry asks again."""

    class Vowel:
        kinds = KINDS["message"]

        def parse(self, delivery: Delivery) -> str:
            text = delivery.facts.text or ""
            if text not in "aeiou":
                raise Retry("A vowel, please.")
            return text

    got = asker(line, as_=Vowel())
    await go(line, "x", "e")
    assert got == ["e"]
    assert line.prompts == ["Name?", "A vowel, please."]


# Clicks.


async def click(line: Line, data: str = "ok", **details: Any) -> None:
    line.arrive(None, **{"kind": "callback_query", "callback_data": data} | details)
    await settle()


async def test_a_click_is_answered_once_when_the_handler_goes_on(line: Line) -> None:
    """A click that was an answer stops spinning when its handler waits again or is done, and only once (T13)."""
    got = asker(line, "One?", "Two?", as_=Click(), keyboard="[ok]")
    line.arrive("go")
    await settle()
    await click(line, "a", message_id=5001)
    assert [one.callback_data for one, _ in line.answered] == ["a"]

    await click(line, "b", message_id=5002)
    assert got == ["a", "b"]
    assert [(one.callback_data, text) for one, text in line.answered] == [("a", None), ("b", None)]


async def test_another_persons_click_is_told_so(line: Line) -> None:
    """Somebody else's click on the keyboard of a question is answered "not for you" and never the answer (T13)."""
    got = asker(line, as_=Click(), keyboard="[ok]")
    line.arrive("go")
    await settle()
    await click(line, "theirs", message_id=5001, user_id=BOB)
    assert (got, line.consumed) == ([], [Outcome.NOT_YOURS])
    assert [(one.user_id, text) for one, text in line.answered] == [(BOB, "not for you")]

    await click(line, "mine", message_id=5001)
    assert got == ["mine"]
    await click(line, "late", message_id=5001, user_id=BOB)
    assert line.consumed[-1] is Outcome.CLAIMED


async def test_a_click_outside_a_handler_is_answered_in_the_end(line: Line) -> None:
    """Code outside a handler may answer a click itself; after some seconds it is answered for it (T13)."""
    task = asyncio.create_task(wait_for(ALICE, kinds="callback_query"))
    await settle()
    await click(line, chat_id=ALICE)
    assert (await task).callback_data == "ok"
    assert line.answered == []

    await asyncio.sleep(6)
    assert [one.callback_data for one, _ in line.answered] == ["ok"]


async def test_waiting_for_the_buttons_of_one_message(line: Line) -> None:
    """Scope.BUTTONS(message) takes clicks on that message only; of the person who is being handled (T14)."""
    got: list[Any] = []

    @line.on("go")
    async def handler(update: Facts) -> None:
        got.append(await wait_for(kinds="callback_query", scope=Scope.BUTTONS(7)))

    line.arrive("go")
    await settle()
    await click(line, message_id=8)
    await click(line, message_id=7, chat_id=OTHER_GROUP)
    await click(line, message_id=7, user_id=BOB)
    assert got == []
    await click(line, message_id=7)
    assert got[0].message_id == 7
    assert line.adapter is not None
    assert line.adapter.runtime.engine.waits.at(buttons()) == ()


async def test_waiting_for_a_reply(line: Line) -> None:
    """Scope.REPLY(message) takes replies to that message only; other messages go to ordinary handlers."""
    got: list[Any] = []

    @line.on("go")
    async def handler(update: Facts) -> None:
        got.append((await wait_for(scope=Scope.REPLY(7))).text)

    await go(line, "no reply")
    line.arrive("reply", reply_to_id=7)
    await settle()
    assert got == ["reply"]
    assert line.texts == ["go", "no reply"]


# conversation() blocks.


async def test_a_block_keeps_what_comes_before_its_first_wait(line: Line) -> None:
    """From the beginning of a conversation() block on, what arrives is kept for the waits inside (promise 2)."""
    got: list[Any] = []

    @line.on("go")
    async def handler(update: Facts) -> None:
        async with conversation():
            await asyncio.sleep(5)
            got.append((await wait_for()).text)

    await go(line, "early", "late")
    await asyncio.sleep(6)
    assert got == ["early"]
    assert line.texts == ["go", "late"]


async def test_a_block_outside_a_handler(line: Line) -> None:
    """Outside a handler a block with a target makes several waits one conversation, and closes at its end."""

    async def survey() -> list[str]:
        async with conversation(ALICE):
            first = await ask("One?")
            await asyncio.sleep(5)
            return [first.text, (await ask("Two?")).text]

    task = asyncio.create_task(survey())
    await settle()
    for text in "abc":
        line.arrive(text, chat_id=ALICE)
    assert await task == ["a", "b"]
    await settle()
    assert line.texts == ["c"]
    assert {to.key.chat_id for _, to in line.sent} == {ALICE}


async def test_a_block_has_one_deadline(line: Line) -> None:
    """conversation(timeout=) ends whichever wait is open when the time is up, and refuses later ones."""
    got: list[Any] = []

    @line.on("go")
    async def handler(update: Facts) -> None:
        async with conversation(timeout=10):
            got.append((await wait_for()).text)
            for _ in range(2):
                try:
                    await wait_for(timeout=60)
                except WaitTimeout:
                    got.append(asyncio.get_running_loop().time())

    began = asyncio.get_running_loop().time()
    line.arrive("go")
    await asyncio.sleep(6)
    line.arrive("a")
    await asyncio.sleep(20)
    assert got == ["a", began + 10, began + 10]


async def test_a_block_in_a_conversation_does_not_end_it(line: Line) -> None:
    """A block in a handler that asked before reads the same mailbox, and the handler can ask on after it (T01)."""
    got: list[Any] = []

    @line.on("go")
    async def handler(update: Facts) -> None:
        got.append((await wait_for()).text)
        await asyncio.sleep(5)
        async with conversation(timeout=60):
            got.append((await wait_for()).text)
        got.append((await wait_for()).text)

    await go(line)
    for text in "abc":
        line.arrive(text)
    await asyncio.sleep(6)
    assert got == ["a", "b", "c"]


async def test_a_block_in_a_block(line: Line) -> None:
    """An inner block shares the mailbox of the outer one and may only shorten its deadline."""
    got: list[Any] = []

    @line.on("go")
    async def handler(update: Facts) -> None:
        async with conversation(timeout=10):
            async with conversation(timeout=60):
                got.append((await wait_for()).text)
                try:
                    await wait_for()
                except WaitTimeout:
                    got.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0)

    began = asyncio.get_running_loop().time()
    await go(line, "a")
    await asyncio.sleep(20)
    assert got == ["a", began + 10]


async def test_an_ended_block_says_why(line: Line) -> None:
    """A block that was ended from outside while it did not wait tells its next wait, and lets it end quietly."""
    reasons: list[str] = []
    assert line.adapter is not None
    line.adapter.runtime.engine.on_exit(lambda how: reasons.append(how.reason))

    @line.on("go")
    async def handler(update: Facts) -> None:
        async with conversation():
            await asyncio.sleep(5)
            await wait_for()

    await go(line)
    cancel(user=ALICE, reason="banned")
    await asyncio.sleep(6)
    assert line.errors == []
    assert reasons == ["banned"]


async def test_a_block_does_not_leak_into_other_handlers(line: Line) -> None:
    """A handler that is started from inside somebody's block asks its own person (T12)."""
    got: list[Any] = []

    @line.on("go")
    async def handler(update: Facts) -> None:
        async with conversation():
            line.arrive("other", user_id=BOB)
            await asyncio.sleep(60)

    @line.on("other")
    async def other(update: Facts) -> None:
        got.append((await wait_for(timeout=30)).user_id)

    await go(line, "of Alice")
    line.arrive("of Bob", user_id=BOB)
    await asyncio.sleep(61)
    assert got == [BOB]


async def test_a_block_that_is_refused_opens_nothing(line: Line) -> None:
    """on_conflict="reject" of a block leaves the other conversation alone."""
    got = asker(line)
    await go(line)
    block = conversation(target=Key(BOT, GROUP, ALICE), on_conflict="reject")
    with pytest.raises(AlreadyWaiting):
        await block.__aenter__()
    line.arrive("Ann")
    await settle()
    assert got == ["Ann"]


# The end.


async def test_exits_are_reported(line: Line) -> None:
    """on_exit hears of every conversation once, with the reason, the update and the error (promise 9; T29)."""
    seen: list[Any] = []
    assert line.adapter is not None
    engine = line.adapter.runtime.engine

    @engine.on_exit
    async def told(how: Exit) -> None:
        await asyncio.sleep(1)
        seen.append((how.reason, how.update.text, type(how.error)))

    async def fail(update: Facts) -> None:
        await ask("?", int, timeout=5, attempts=1)
        raise ZeroDivisionError

    line.handlers |= dict.fromkeys(("a", "b", "c", "d", "e"), fail)
    for name, answer in (("a", "1"), ("b", None), ("c", "x"), ("d", "/cancel")):
        line.arrive(name)
        await settle()
        if answer is not None:
            line.arrive(answer)
        await asyncio.sleep(10)

    assert seen == [
        ("error", "a", ZeroDivisionError),
        ("timeout", "b", WaitTimeout),
        ("attempts", "c", TooManyAttempts),
        ("user", "d", WaitCancelled),
    ]
    assert [type(one) for one in line.errors] == [ZeroDivisionError]


async def test_an_exit_can_say_goodbye(line: Line) -> None:
    """The exit can write to the chat in which the conversation began."""
    assert line.adapter is not None
    line.adapter.runtime.engine.on_exit(lambda how: how.send("Bye."))
    asker(line)
    await go(line, "Ann")

    assert line.prompts == ["Name?", "Bye."]


async def test_a_handler_that_asks_nothing_has_no_exit(line: Line) -> None:
    """Handlers without a conversation are none of on_exit's business."""
    seen: list[Any] = []
    assert line.adapter is not None
    line.adapter.runtime.engine.on_exit(seen.append)
    await go(line, "hi")

    assert seen == []


async def test_shutdown_ends_waits_and_waits_for_handlers(line: Line) -> None:
    """aclose() ends waits with "shutdown", hands mailboxes back, and gives handlers time to finish (T57)."""
    assert line.adapter is not None
    runtime, done = line.adapter.runtime, list[Any]()

    @line.on("go")
    async def handler(update: Facts) -> None:
        try:
            await wait_for()
        except WaitCancelled as error:
            with pytest.raises(WaitCancelled, match="shutdown"):
                await wait_for()
            await asyncio.sleep(3)
            done.append(error.reason)

    began = runtime.now()
    await go(line)
    await runtime.aclose(grace=10)
    assert done == ["shutdown"]
    assert runtime.now() == began + 3

    line.arrive("hi")
    await settle()
    assert line.texts == ["go", "hi"]


async def test_shutdown_does_not_wait_for_ever(line: Line) -> None:
    """A handler that takes longer than the grace time does not hold up the shutdown; a restart waits again (T57)."""
    assert line.adapter is not None
    runtime = line.adapter.runtime
    got: list[Any] = []

    @line.on("go")
    async def handler(update: Facts) -> None:
        got.append((await wait_for()).text)
        await asyncio.sleep(100)

    await go(line, "a", "left over")
    began = runtime.now()
    await runtime.aclose(grace=10)
    assert runtime.now() == began + 10
    await settle()
    assert line.texts == ["go", "left over"]

    runtime.reopen()
    await go(line, "b")
    assert got == ["a", "b"]
    await runtime.aclose(grace=200)


async def test_shutdown_with_nothing_open_is_immediate(line: Line) -> None:
    """Without any conversation there is nothing to wait for."""
    assert line.adapter is not None
    runtime = line.adapter.runtime
    began = runtime.now()
    await runtime.aclose(grace=10)

    assert runtime.now() == began


async def test_shutdown_waits_for_what_runs_beside_the_handlers(line: Line) -> None:
    """An answer to a click that is on its way would open a closed session again; it too has the grace time only."""
    assert line.adapter is not None
    runtime, done = line.adapter.runtime, list[float]()

    async def answer(seconds: float) -> None:
        await asyncio.sleep(seconds)
        done.append(seconds)

    began = runtime.now()
    runtime.start(answer(2))
    await runtime.aclose(grace=10)
    assert (done, runtime.now()) == ([2], began + 2)

    runtime.start(answer(20))
    runtime.start(runtime.aclose(grace=10))  # itself beside the handlers
    await asyncio.sleep(10.5)
    assert done == [2]
    await asyncio.sleep(10)
    assert done == [2, 20]


async def test_what_is_slow_about_a_question_is_done_beside_the_loop(line: Line) -> None:
    """A question names what it needs loaded; that is done once, in a thread, when it is asked first."""
    done = list[str]()
    is_done = threading.Event()

    def load() -> None:
        done.append(threading.current_thread().name)
        is_done.set()

    class Slow:
        kinds = KINDS["message"]
        slow = (load,)

        def parse(self, delivery: Delivery) -> str | None:
            return delivery.facts.text

    got = asker(line, "a?", "b?", as_=Optionally(Slow()))
    await go(line, "a", "b")
    assert got == ["a", "b"]
    assert is_done.wait(5)
    assert done == ["aiostep-prefetch"]
