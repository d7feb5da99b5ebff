"""wait_for: an answer, or exactly one of the other ends; and nothing left behind."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from aiostep_core import (
    Key,
    Scope,
    cancel,
    clear,
    current_turn,
    pending,
    wait_for,
)  # fmt: skip
from aiostep_core.engine import Outcome
from aiostep_core.errors import (
    AiostepError,
    AlreadyWaiting,
    BadArgument,
    NoTarget,
    NotInstalled,
    WaitCancelled,
    WaitTimeout,
)  # fmt: skip
from aiostep_core.facts import Delivery, Facts
from tests.core.line import Line, installed
from tests.core.making import ALICE, BOB, BOT, GROUP, OTHER_BOT, buttons, facts
from tests.core.virtual_time import VirtualLoop, settle

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("tidy")]


def collector(line: Line, **options: Any) -> list[Any]:
    """Have "go" wait once, with *options*; return the list that its answer, or its error, goes to."""
    got: list[Any] = []

    @line.on("go")
    async def go(update: Facts) -> None:
        try:
            got.append(await wait_for(**options))
        except AiostepError as error:
            got.append(error)

    return got


async def test_the_next_message_is_the_answer(line: Line) -> None:
    """A handler gets the person's next message, as the framework's own object; no other handler sees it."""
    got = collector(line)
    line.arrive("go")
    await settle()

    answer = line.arrive("Ann")
    await settle()
    assert got == [answer]
    assert line.texts == ["go"]


async def test_three_messages_in_one_breath(line: Line) -> None:
    """Three messages in one breath answer three questions with work in between; no handler sees them (T01)."""
    got: list[str | None] = []

    @line.on("go")
    async def go(update: Facts) -> None:
        for _ in range(3):
            got.append((await wait_for()).text)
            await asyncio.sleep(5)

    line.arrive("go")
    await settle()
    for text in ("one", "two", "three", "four"):
        line.arrive(text)
    await asyncio.sleep(60)

    assert got == ["one", "two", "three"]
    assert line.texts == ["go", "four"]  # it was left over, and dispatched again


async def test_leftovers_keep_their_order(line: Line) -> None:
    """What nobody read reaches ordinary handlers in order, also what arrives while on_exit is awaited (T01, T11)."""
    assert line.adapter is not None
    line.adapter.runtime.engine.on_exit(lambda _: asyncio.sleep(10))

    @line.on("go")
    async def go(update: Facts) -> None:
        await wait_for()
        await asyncio.sleep(10)

    line.arrive("go")
    await settle()
    for text in ("answer", "one", "two"):
        line.arrive(text)
    await asyncio.sleep(15)
    line.arrive("three")
    await asyncio.sleep(10)

    assert line.texts == ["go", "one", "two", "three"]


@pytest.mark.parametrize("timeout", [5, 5.0, timedelta(seconds=5), 3 * 86400])
async def test_a_wait_that_nobody_answers_times_out(line: Line, timeout: Any) -> None:
    """WaitTimeout comes at the deadline, is a builtin TimeoutError and says how long was waited (promise 9; T25)."""
    got = collector(line, timeout=timeout)
    began = asyncio.get_running_loop().time()

    line.arrive("go")
    await asyncio.gather(*line.tasks)
    passed = asyncio.get_running_loop().time() - began

    limit = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    assert passed == limit
    assert isinstance(got[0], WaitTimeout)
    assert isinstance(got[0], TimeoutError)
    assert str(got[0]) == f"no answer within {limit:g} s"


async def test_a_default_replaces_the_timeout(line: Line) -> None:
    """default= is returned, also None, instead of raising WaitTimeout; a cancelled wait raises all the same."""
    got = collector(line, timeout=5, default=None)
    line.arrive("go")
    await asyncio.sleep(6)
    line.arrive("go")
    await settle()
    cancel(user=ALICE)
    await settle()

    assert got[0] is None
    assert isinstance(got[1], WaitCancelled)


async def test_timeout_zero_looks_at_what_has_come(line: Line) -> None:
    """timeout=0 takes the first message that is there and never waits for one."""
    got: list[Any] = []

    @line.on("go")
    async def go(update: Facts) -> None:
        await wait_for()
        await asyncio.sleep(5)
        for _ in range(3):
            got.append(await wait_for(timeout=0, default=None))

    line.arrive("go")
    await settle()
    first, second, third = (line.arrive(text) for text in ("a", "b", "c"))
    await asyncio.sleep(5)
    await settle()

    assert first not in got
    assert got == [second, third, None]


async def test_timeout_zero_with_an_asynchronous_filter(line: Line) -> None:
    """timeout=0 gives an asynchronous filter the time to look at what has come."""
    got: list[Any] = []

    async def is_b(update: Facts) -> bool:
        await asyncio.sleep(1)
        return update.text == "b"

    @line.on("go")
    async def go(update: Facts) -> None:
        await wait_for()
        await asyncio.sleep(5)
        got.append(await wait_for(timeout=0, default=None, filter=is_b))

    line.arrive("go")
    await settle()
    for text in ("x", "a", "b"):
        line.arrive(text)
    await asyncio.sleep(10)

    assert [one.text for one in got] == ["b"]
    assert line.texts == ["go", "a"]


async def test_fresh_leaves_out_what_came_before(line: Line) -> None:
    """fresh=True: what came before the call is not the answer; it goes to ordinary handlers afterwards."""
    got: list[Any] = []

    @line.on("go")
    async def go(update: Facts) -> None:
        await wait_for()
        await asyncio.sleep(5)
        got.append((await wait_for(fresh=True)).text)

    line.arrive("go")
    await settle()
    for text in ("first", "before"):
        line.arrive(text)
    await asyncio.sleep(6)
    line.arrive("after")
    await settle()

    assert got == ["after"]
    assert line.texts == ["go", "before"]


async def test_the_deadline_and_an_answer_in_one_turn_of_the_loop(line: Line) -> None:
    """Whichever comes first has the wait; the other passes on: no InvalidStateError, no lost update (T04, T06)."""
    loop = asyncio.get_running_loop()
    assert line.adapter is not None
    runtime, got = line.adapter.runtime, collector(line, timeout=5)
    made = [facts(text, update_id=10**9 + number) for number, text in enumerate(("before", "after"))]
    before, after = (Delivery(one, one, one, line.adapter) for one in made)
    outcomes: list[Outcome] = []

    line.arrive("go")
    loop.call_later(5, lambda: outcomes.append(runtime.meet(before).outcome))
    await asyncio.sleep(6)
    line.arrive("go")
    await settle()
    loop.call_later(5, lambda: outcomes.append(runtime.meet(after).outcome))
    await asyncio.sleep(6)

    assert got[0] is before.update
    assert isinstance(got[1], WaitTimeout)
    assert outcomes == [
        Outcome.CLAIMED,
        Outcome.KEPT,
    ]
    assert line.adapter.redispatched == [after]


async def test_an_answer_just_before_the_wakeup_is_not_a_second_claim(line: Line) -> None:
    """Two answers before the handler wakes: one is claimed, the other is kept for the next wait (T04)."""
    got: list[Any] = []

    @line.on("go")
    async def go(update: Facts) -> None:
        got.append((await wait_for(timeout=5)).text)
        got.append((await wait_for(timeout=5)).text)

    line.arrive("go")
    await settle()
    line.arrive("a")
    line.arrive("b")
    await settle()

    assert got == ["a", "b"]


async def test_a_handler_cancelled_after_the_claim_does_not_lose_the_answer(line: Line) -> None:
    """A task that is cancelled between claim and wakeup hands the answer to ordinary handlers (T22)."""
    got = collector(line)
    line.arrive("go")
    await settle()

    line.arrive("answer")
    line.tasks[0].cancel()
    await settle()

    assert got == []
    assert line.texts == ["go", "answer"]


async def test_a_cancelled_child_leaves_the_answer_to_its_parent(line: Line) -> None:
    """If only a child task is cancelled, the answer it had claimed is the first of the parent's next wait (T22)."""
    got: list[Any] = []

    @line.on("go")
    async def go(update: Facts) -> None:
        child = asyncio.create_task(wait_for())
        await asyncio.sleep(5)
        line.arrive("a")
        child.cancel()
        await asyncio.wait([child])
        line.arrive("b")
        got.extend([(await wait_for()).text, (await wait_for()).text])

    line.arrive("go")
    await asyncio.sleep(6)
    assert got == ["a", "b"]


async def test_two_cancelled_children_leave_their_answers_in_order(line: Line) -> None:
    """Answers that come back from cancelled tasks are read in the order in which they had arrived (T11, T22)."""
    got: list[Any] = []

    @line.on("go")
    async def go(update: Facts) -> None:
        both = asyncio.gather(wait_for(), wait_for())
        await asyncio.sleep(5)
        for text in "abc":
            line.arrive(text)
        both.cancel()
        await asyncio.wait([both])
        for _ in range(3):
            got.append((await wait_for()).text)

    line.arrive("go")
    await asyncio.sleep(6)
    assert got == ["a", "b", "c"]


async def test_a_cancelled_task_leaves_no_wait(line: Line) -> None:
    """Cancelling the handler's task removes its wait; the next message goes to ordinary handlers (T22)."""
    collector(line, timeout=3600)
    line.arrive("go")
    await settle()

    line.tasks[0].cancel()
    await settle()
    line.arrive("hi")
    await settle()
    assert line.texts == ["go", "hi"]


async def test_gather_answers_in_order(line: Line) -> None:
    """gather(wait_for(), wait_for()) gives two messages to two waits, in the order in which they were opened."""
    got: list[Any] = []

    @line.on("go")
    async def go(update: Facts) -> None:
        got.extend(one.text for one in await asyncio.gather(wait_for(), wait_for()))

    line.arrive("go")
    await settle()
    line.arrive("a")
    line.arrive("b")
    await settle()
    assert got == ["a", "b"]


async def test_a_child_outlives_its_handler(line: Line) -> None:
    """A task that a handler left behind still gets its answer, and what follows goes to ordinary handlers."""
    got: list[Any] = []

    async def later() -> None:
        got.append((await wait_for()).text)
        got.append((await wait_for()).text)

    @line.on("go")
    async def go(update: Facts) -> None:
        line.tasks.append(asyncio.create_task(later()))
        await asyncio.sleep(1)

    line.arrive("go")
    await asyncio.sleep(2)
    line.arrive("a")
    await settle()
    line.arrive("b")
    line.arrive("c")
    await settle()

    assert got == ["a", "b"]
    assert line.texts == ["go", "c"]


async def test_another_handler_of_the_same_person_replaces_the_wait(line: Line) -> None:
    """By default the newer conversation wins, and the older wait ends with reason "replaced" (T20, T21, T28)."""
    got = collector(line)
    line.arrive("go")
    await settle()
    line.arrive("go", command="go")
    await settle()
    line.arrive("Ann")
    await settle()

    assert isinstance(got[0], WaitCancelled)
    assert isinstance(got[0], Exception)
    assert not isinstance(got[0], asyncio.CancelledError)
    assert got[0].reason == "replaced"
    assert got[1].text == "Ann"


async def test_reject_leaves_the_older_wait(line: Line) -> None:
    """on_conflict="reject" raises AlreadyWaiting, and the older wait has the answer."""
    got = collector(line, on_conflict="reject")
    line.arrive("go")
    await settle()
    line.arrive("go", command="go")
    await settle()
    line.arrive("Ann")
    await settle()

    assert isinstance(got[0], AlreadyWaiting)
    assert got[0].key == Key(BOT, GROUP, ALICE)
    assert got[1].text == "Ann"


async def test_queue_waits_for_its_turn(line: Line) -> None:
    """on_conflict="queue" gets what comes after the older conversation is over."""
    got = collector(line, on_conflict="queue")
    line.arrive("go")
    await settle()
    line.arrive("go", command="go")
    await settle()
    for text in ("a", "b"):
        line.arrive(text)
        await settle()

    assert [one.text for one in got] == ["a", "b"]


async def test_two_people_in_one_group(line: Line) -> None:
    """Each person in a group answers their own question (promise 4; T12)."""
    got = collector(line)
    line.arrive("go")
    line.arrive("go", user_id=BOB)
    await settle()
    line.arrive("of Bob", user_id=BOB)
    line.arrive("of Alice")
    await settle()

    assert [(one.user_id, one.text) for one in got] == [(BOB, "of Bob"), (ALICE, "of Alice")]


async def test_a_duplicate_is_ignored(line: Line) -> None:
    """The same update again starts no second handler and answers nothing (promise 6; T10)."""
    got = collector(line, timeout=5)
    entry = line.arrive("go")
    await settle()
    line.feed(entry)
    await asyncio.sleep(6)

    assert line.texts == ["go"]
    assert len(got) == 1
    assert isinstance(got[0], WaitTimeout)


async def test_a_cancel_command_ends_the_handler_quietly(line: Line) -> None:
    """/cancel ends the conversation with reason "user"; uncaught, it ends the handler without an error (T15)."""
    reasons: list[str] = []
    assert line.adapter is not None
    line.adapter.runtime.engine.on_exit(lambda how: reasons.append(how.reason))

    @line.on("go")
    async def go(update: Facts) -> None:
        await wait_for()

    line.arrive("go")
    await settle()
    line.arrive("/help")
    line.arrive("/cancel")
    await settle()

    assert line.texts == ["go", "/help"]
    assert (line.errors, reasons, line.consumed) == ([], ["user"], [Outcome.CANCELLED])


async def test_cancel_by_code(line: Line) -> None:
    """cancel() ends those who are meant with the reason given, counts them, and leaves the others (promise 9; T28)."""
    got = collector(line)
    line.arrive("go")
    line.arrive("go", user_id=BOB)
    await settle()

    assert cancel(user=BOB, reason="banned") == 1
    assert cancel(user=BOB) == 0
    await settle()
    assert [one.reason for one in got] == ["banned"]
    assert cancel(Key(BOT, GROUP)) == 1
    await settle()
    assert [one.reason for one in got] == ["banned", "code"]


async def test_cancel_in_a_handler_spares_the_handler(line: Line) -> None:
    """Without a target cancel() ends the other conversations of whoever is being handled, not the caller's."""
    got = collector(line)

    @line.on("/stop")
    async def stop(update: Facts) -> None:
        got.append(cancel())
        got.append((await wait_for(timeout=5)).text)
        got.append(cancel())

    line.arrive("go")
    await settle()
    line.arrive("/stop")
    await settle()
    line.arrive("fine")
    await settle()

    assert got[0] == 1
    assert isinstance(got[1], WaitCancelled)
    assert got[2:] == ["fine", 0]


async def test_a_busy_conversation_is_told_at_its_next_wait(line: Line) -> None:
    """A conversation that is cancelled while it does not wait learns it from its next wait, once."""
    got: list[Any] = []

    @line.on("go")
    async def go(update: Facts) -> None:
        await wait_for()
        await asyncio.sleep(10)
        with pytest.raises(WaitCancelled) as caught:
            await wait_for()
        got.append(caught.value.reason)
        got.append((await wait_for()).text)

    line.arrive("go")
    await settle()
    line.arrive("x")
    await asyncio.sleep(1)
    line.arrive("/cancel")
    await asyncio.sleep(10)
    line.arrive("again")
    await settle()

    assert got == ["user", "again"]


async def test_who_is_gone_ends_the_wait(line: Line) -> None:
    """A person who leaves the group, or a group that is gone, ends the waits with that reason (T56)."""
    got = collector(line)
    line.arrive("go")
    line.arrive("go", user_id=BOB, thread_id=5)
    await settle()
    line.arrive(None, kind="chat_member", gone="left", leaver_id=BOB, user_id=99)
    await settle()
    line.arrive(None, gone="migrated", user_id=99)
    await settle()

    assert [one.reason for one in got] == ["left", "migrated"]


async def test_clear_ends_everything(line: Line) -> None:
    """clear() ends every wait with reason "code" and counts them (T30)."""
    got = collector(line)
    for user in range(1, 21):
        line.arrive("go", user_id=user)
    await settle()

    assert await clear() == 20
    await settle()
    assert {one.reason for one in got} == {"code"}
    assert len(got) == 20


async def test_pending_says_who_waits_for_what(line: Line) -> None:
    """pending() lists the waits, oldest first, with their age and what is left of them."""
    collector(line, timeout=60, kinds=["callback_query"])
    line.arrive("go")
    await asyncio.sleep(10)
    line.arrive("go", user_id=BOB)
    await settle()

    first, second = await pending()
    assert (first.what, first.scope, first.key) == ("wait", Scope.USER_IN_CHAT, Key(BOT, GROUP, ALICE))
    assert (first.age, first.left, second.age, second.left) == (10, 50, 0, 60)
    assert first.kinds == {"callback_query"}
    await clear()


# Filters.


async def test_a_filter_that_raises_goes_to_the_errors(line: Line) -> None:
    """An exception of a filter goes to the error handlers of the update; the wait stays."""
    got = collector(line, filter=lambda update: 1 / int(update.text))
    line.arrive("go")
    await settle()
    line.arrive("0")
    line.arrive("1")
    await settle()

    assert [type(error) for error in line.errors] == [ZeroDivisionError]
    assert got[0].text == "1"


async def test_an_async_filter_that_raises_goes_to_the_errors(line: Line) -> None:
    """So does that of an asynchronous one, and those who queued behind it go on."""

    async def fits(update: Facts) -> bool:
        await asyncio.sleep(1)
        return bool(1 / int(update.text or ""))

    got = collector(line, filter=fits)
    line.arrive("go")
    await settle()
    line.arrive("0")
    line.arrive("1")
    await asyncio.sleep(5)

    assert [type(error) for error in line.errors] == [ZeroDivisionError]
    assert got[0].text == "1"


async def test_a_filter_that_raises_over_the_mailbox_leaves_no_wait(line: Line) -> None:
    """A filter that raises when it looks at what is in the mailbox raises in the handler, whose wait is gone (T22)."""
    got: list[Any] = []

    @line.on("go")
    async def go(update: Facts) -> None:
        await wait_for()
        await asyncio.sleep(1)
        with pytest.raises(ZeroDivisionError):
            await wait_for(filter=lambda one: 1 / 0)
        got.append((await wait_for()).text)

    line.arrive("go")
    await settle()
    line.arrive("a")
    line.arrive("b")
    await asyncio.sleep(2)
    assert got == ["b"]


async def test_what_queues_behind_a_filter_keeps_its_order(line: Line) -> None:
    """While an asynchronous filter thinks, later updates of the key wait; the others go on (promise 5; T03, T11)."""
    got: list[Any] = []

    async def slow(update: Facts) -> bool:
        await asyncio.sleep(1 if update.text == "no" else 0.1)
        return update.text != "no"

    @line.on("go")
    async def go(update: Facts) -> None:
        for _ in range(3):
            got.append((await wait_for(filter=slow)).text)

    line.arrive("go")
    await settle()
    for text in ("a", "no", "b", "c"):
        line.arrive(text)
    line.arrive("of Bob", user_id=BOB)
    await settle()
    assert line.texts == ["go", "of Bob"]
    await asyncio.sleep(10)

    assert got == ["a", "b", "c"]
    assert line.texts == ["go", "of Bob", "no"]


async def test_a_message_does_not_overtake_a_click_in_a_filter(line: Line) -> None:
    """A click found by its keyboard and a message found by its person are of one key: the first stays first (T11)."""
    got: list[Any] = []

    async def slow(update: Facts) -> bool:
        await asyncio.sleep(1 if update.kind == "callback_query" else 0)
        return True

    @line.on("go")
    async def go(update: Facts) -> None:
        for _ in range(2):
            got.append((await wait_for(kinds=["message", "callback_query"], filter=slow)).text)

    line.arrive("go")
    await settle()
    assert line.adapter is not None
    (conversation,) = line.adapter.runtime.engine.waits

    line.adapter.runtime.engine.waits.also(conversation, buttons(7))
    line.arrive("click", kind="callback_query", message_id=7)
    line.arrive("message")
    await asyncio.sleep(5)
    assert got == ["click", "message"]


async def test_a_wait_that_ends_while_its_filter_thinks_claims_nothing(line: Line) -> None:
    """A deadline that passes while the filter thinks: the update goes on to whoever is next (T03, T06)."""

    async def slow(update: Facts) -> bool:
        await asyncio.sleep(10)
        return True

    got = collector(line, filter=slow, timeout=5)
    line.arrive("go")
    await settle()
    line.arrive("late")
    await asyncio.sleep(11)

    assert isinstance(got[0], WaitTimeout)
    assert line.texts == ["go", "late"]


async def test_two_waits_never_read_one_update(line: Line) -> None:
    """Two waits whose filters think about the same update of the mailbox: one of them has it (promise 1; T03)."""
    got: list[Any] = []

    async def slow(update: Facts) -> bool:
        await asyncio.sleep(1)
        return True

    @line.on("go")
    async def go(update: Facts) -> None:
        await wait_for()
        await asyncio.sleep(5)
        got.extend(one.text for one in await asyncio.gather(wait_for(filter=slow), wait_for(filter=slow)))

    line.arrive("go")
    await settle()
    for text in ("x", "a", "b"):
        line.arrive(text)
    await asyncio.sleep(30)

    assert sorted(got) == ["a", "b"]


async def test_a_cancelled_reader_lets_the_others_go_on(line: Line) -> None:
    """A wait that is cancelled while its filter looks through the mailbox holds nobody up (T22)."""
    got: list[Any] = []

    async def never(update: Facts) -> bool:
        await asyncio.sleep(1000)
        return True

    @line.on("go")
    async def go(update: Facts) -> None:
        await wait_for()
        await asyncio.sleep(1)
        child = asyncio.create_task(wait_for(filter=never))
        await asyncio.sleep(1)
        line.arrive("b")
        child.cancel()
        got.extend([(await wait_for()).text, (await wait_for()).text])

    line.arrive("go")
    await settle()
    line.arrive("x")
    line.arrive("a")
    await asyncio.sleep(3)
    assert got == ["a", "b"]


async def test_a_cancelled_task_in_the_queue_holds_nobody_up(line: Line) -> None:
    """The task of an update that queues may be cancelled at any moment: those behind it go on (T22)."""

    async def slow(update: Facts) -> bool:
        await asyncio.sleep(1)
        return update.text == "c"

    got = collector(line, filter=slow)
    line.arrive("go")
    await settle()
    for text in "abc":
        line.arrive(text)
    loop = asyncio.get_running_loop()
    loop.call_later(1, lambda: loop.call_soon(loop.call_soon, line.tasks[2].cancel))
    await asyncio.sleep(10)

    assert [one.text for one in got] == ["c"]


# Bad input.


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), True, "5", timedelta(seconds=-1), 10**400])
async def test_a_bad_timeout_is_refused(line: Line, timeout: Any) -> None:
    """What is no time to wait is refused in one sentence, and nothing is opened."""
    with pytest.raises(BadArgument, match="^timeout is .*; expected seconds from 0, a timedelta, or None"):
        await wait_for(ALICE, timeout)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"commands": "keep"}, 'commands is \'keep\'; expected "pass" or "take"'),
        ({"kinds": ()}, "kinds is (); expected names of updates"),
        ({"filter": 5}, "filter is 5; expected something to call with the update"),
        ({"on_conflict": "fight"}, 'on_conflict is \'fight\'; expected "replace", "queue" or "reject"'),
        ({"scope": "chat"}, "scope is 'chat'; expected a Scope"),
    ],
)
async def test_a_bad_argument_is_refused(line: Line, options: dict[str, Any], text: str) -> None:
    """Each bad argument is refused in one sentence, and leaves everything as it was."""
    with pytest.raises(BadArgument) as caught:
        await wait_for(ALICE, **options)
    assert str(caught.value).startswith(text)


async def test_outside_a_handler_a_target_is_needed(line: Line) -> None:
    """Outside a handler a wait needs a target, and with one it works."""
    with pytest.raises(NoTarget, match="^outside a handler nothing says whose answer is meant; pass a target"):
        await wait_for()

    task = asyncio.create_task(wait_for(ALICE, 60))
    await settle()
    answer = line.arrive("hi", chat_id=ALICE)
    assert await task is answer


async def test_outside_a_handler_messages_in_between_go_to_handlers(line: Line) -> None:
    """A wait outside any handler ends with its answer: what comes at the same time goes to ordinary handlers."""
    task = asyncio.create_task(wait_for(ALICE, 60))
    await settle()
    line.arrive("a", chat_id=ALICE)
    line.arrive("b", chat_id=ALICE)
    await settle()

    assert (await task).text == "a"
    assert line.texts == ["b"]


async def test_with_two_engines_a_wait_outside_a_handler_must_choose(line: Line) -> None:
    """With two engines installed there is no telling which is meant; in a handler there is."""
    other = Line(OTHER_BOT)
    engine = installed(other)
    got = collector(line, timeout=5, default="none")

    with pytest.raises(NotInstalled, match="^2 engines are installed; outside a handler call the method"):
        await wait_for(ALICE)
    line.arrive("go")
    await settle()
    other.arrive("hi")
    await asyncio.sleep(6)
    engine.uninstall()

    assert got == ["none"]
    assert other.texts == ["hi"]


async def test_without_an_engine_nothing_can_wait(line: Line) -> None:
    """Without an engine a wait says how to get one."""
    assert line.adapter is not None
    keep = line.adapter
    keep.runtime.engine.uninstall()

    with pytest.raises(NotInstalled, match="^aiostep is not installed; call aiostep.install"):
        await wait_for(ALICE)
    line.adapter = keep


async def test_uninstall_ends_the_waits(line: Line) -> None:
    """Taking the engine out ends its waits with reason "code" and gives the updates to the bot's own handlers."""
    got = collector(line)
    line.arrive("go")
    await settle()
    assert line.adapter is not None
    keep = line.adapter
    keep.runtime.engine.uninstall()
    await settle()
    line.arrive("hi")
    await settle()

    assert got[0].reason == "code"
    assert line.texts == ["go", "hi"]
    line.adapter = keep


async def test_a_turn_is_current_in_its_handler_only(line: Line) -> None:
    """Handlers see their own update as the current one; outside there is none."""
    seen: list[Any] = []

    @line.on("*")
    async def handler(update: Facts) -> None:
        turn = current_turn.get()
        assert turn is not None
        seen.append(turn.facts is update)

    line.arrive("a")
    line.arrive("b")
    await settle()
    assert seen == [True, True]
    assert current_turn.get() is None
    assert isinstance(asyncio.get_running_loop(), VirtualLoop)
