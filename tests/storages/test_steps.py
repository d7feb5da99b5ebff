"""Next steps that are kept in records: what a bot sees of it, in a loop whose hours take no time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from aiostep_core import (
    Key,
    Scope,
    clear,
    next_step,
    pending,
    register_next_step,
    step,
    step_filter,
    unregister_steps,
    wait_for,
)
from aiostep_core.errors import BadArgument, NotDurable, NotStorable, StorageUnavailable
from aiostep_core.facts import Facts
from aiostep_core.installed import install_adapter
from aiostep_core.named import steps as named_steps
from aiostep_core.reports import TimedOut
from aiostep_core.steps import ATTEMPTS
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.steps import LEASE, RecordedSteps
from tests.core.line import Line, LineAdapter
from tests.core.making import ALICE, BOB, BOT, GROUP, OTHER_BOT
from tests.core.virtual_time import VirtualLoop, settle
from tests.storages.slow_records import SlowRecords

pytestmark = pytest.mark.anyio

#: What the wall clock says when a loop begins.
EPOCH = 1_900_000_000.0
#: Longer than any of these bots thinks.
WHILE = 5.0


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run async tests on a loop of their own with a clock that jumps."""
    return "asyncio", {"loop_factory": VirtualLoop}


class Bots:
    """Workers over one storage, of which any may be started and killed."""

    def __init__(self, records: MemoryRecords) -> None:
        self.records = records
        self.wall = EPOCH
        self.running: list[Line] = []

    def clock(self) -> float:
        return self.wall + asyncio.get_running_loop().time()

    def start(self, bot_id: int = BOT) -> Line:
        """Start a worker."""
        line = Line(bot_id)
        install_adapter(LineAdapter(line), storage=RecordedSteps(self.records, wall_clock=self.clock))
        self.running.append(line)
        return line

    async def kill(self, line: Line) -> None:
        """End a worker as a power cut does: nothing that it has begun goes on."""
        adapter = line.adapter
        assert adapter is not None
        adapter.runtime.steps.storage = _Dead()  # type: ignore[assignment]
        for task in [*line.tasks, *adapter.runtime._tasks]:
            task.cancel()
        self.stop(line)
        await settle()

    def stop(self, line: Line) -> None:
        self.running.remove(line)
        if line.adapter is not None:
            line.adapter.runtime.uninstall()


class _Dead:
    """The storage of a process that is no more."""

    is_durable = suspends = False
    scopes = ()

    def __getattr__(self, name: str) -> Any:
        async def nothing(*args: Any) -> None: ...

        return nothing


def loop_time() -> float:
    return asyncio.get_running_loop().time()


@pytest.fixture(params=["memory", "slow"])
def bots(request: pytest.FixtureRequest) -> Iterator[Bots]:
    """Give workers over records that answer at once, and over such as take their time."""
    made = Bots(MemoryRecords(loop_time) if request.param == "memory" else SlowRecords(loop_time))
    yield made
    for line in list(made.running):
        made.stop(line)


class Log:
    """What the steps of these tests have got."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.error: BaseException | None = None
        self.then: Callable[[], Awaitable[object]] | None = None


LOG = Log()


@pytest.fixture(autouse=True)
def log() -> Log:
    """Give what the steps got, empty."""
    LOG.__init__()  # type: ignore[misc]
    return LOG


@step("steps.name")
async def got_name(update: Any, *args: Any, **kwargs: Any) -> None:
    LOG.got.append((update.text, *args, *([kwargs] if kwargs else [])))
    if LOG.then is not None:
        await LOG.then()
    if LOG.error is not None:
        raise LOG.error


@step("steps.late")
async def too_late(timed_out: TimedOut, *args: Any, **kwargs: Any) -> None:
    LOG.got.append(("late", timed_out.key, *args, *([kwargs] if kwargs else [])))
    await timed_out.send("too late")
    if LOG.then is not None:
        await LOG.then()


@step_filter("steps.is_number")
def is_number(update: Facts) -> bool:
    return (update.text or "").isdigit()


@step_filter("steps.is_slowly_a_number")
async def is_slowly_a_number(update: Facts) -> bool:
    await asyncio.sleep(1)
    return is_number(update)


async def say(line: Line, *texts: str, **details: Any) -> None:
    for text in texts:
        line.arrive(text, **details)
        await asyncio.sleep(WHILE)


async def ask(line: Line, fn: Any = got_name, **options: Any) -> None:
    """Have Alice say something whose handler registers *fn*."""

    @line.on("go")
    async def go(update: Facts) -> None:
        await register_next_step(None, fn, **options)

    await say(line, "go")


async def test_a_step_survives_its_process(bots: Bots, log: Log) -> None:
    """A worker that was started after the one that registered the step runs it, once, with its arguments."""
    first = bots.start()
    await ask(first, args=("free", 3), kwargs={"until": date(2030, 1, 31)})
    await bots.kill(first)
    second = bots.start()
    await say(second, "Bob here", user_id=BOB)
    await say(second, "Ann", "again")

    assert log.got == [("Ann", "free", 3, {"until": date(2030, 1, 31)})]
    assert second.texts == ["Bob here", "again"]
    assert await pending() == []


async def test_everything_about_a_step_survives(bots: Bots, log: Log) -> None:
    """The filter, the scope and the fence of a step hold after a restart."""
    first = bots.start()
    await ask(first, filter=is_number, scope=Scope.CHAT)
    started = first.handled[-1]
    await bots.kill(first)
    second = bots.start()
    second.feed(started._replace(text="7"))
    await asyncio.sleep(WHILE)
    await say(second, "none", "8", user_id=BOB)

    assert log.got == [("8",)]
    assert second.texts == ["7", "none"]


async def test_a_step_for_another_bot(bots: Bots, log: Log) -> None:
    """Bots that share a storage do not run each other's steps."""
    mine, other = bots.start(), bots.start(OTHER_BOT)
    await ask(mine)
    await say(other, "Ann")
    await say(mine, "Ann")

    assert log.got == [("Ann",)]
    assert other.texts == ["Ann"]


@pytest.mark.parametrize("scope", [None, Scope.CHAT, Scope.GLOBAL_USER, Scope.ANY, Scope.REPLY(77), Scope.BUTTONS("x")])
async def test_every_place_can_be_read_again(bots: Bots, scope: Any) -> None:
    """What is pending has the scope and the key that it was registered with."""
    line = bots.start()
    await ask(line, scope=scope)
    (found,) = await pending()
    await bots.kill(line)
    bots.start()

    assert [(one.scope, one.key) for one in await pending()] == [(found.scope, found.key)]


async def test_a_business_chat_and_a_topic_are_told_apart(bots: Bots, log: Log) -> None:
    """The thread and the business connection of a step are part of its place, whatever characters they have."""
    line = bots.start()

    @line.on("go")
    async def go(update: Facts) -> None:
        await register_next_step(None, got_name, args=(update.business_id, update.thread_id))

    for details in ({"business_id": "a:b"}, {"business_id": "-"}, {"thread_id": 5}):
        await say(line, "go", **details)
    for details in ({"business_id": "a:b"}, {"business_id": "-"}, {"thread_id": 5}):
        await say(line, "Ann", **details)

    assert log.got == [("Ann", "a:b", None), ("Ann", "-", None), ("Ann", None, 5)]


async def test_two_workers_never_run_one_step_twice(bots: Bots, log: Log) -> None:
    """Of many workers that all get a message at once exactly one runs the step."""
    workers = [bots.start() for _ in range(8)]
    for _ in range(5):
        await ask(workers[0])
        for worker in workers:
            worker.arrive("Ann")
        await asyncio.sleep(WHILE)

    assert log.got == [("Ann",)] * 5
    assert sum(len(worker.texts) for worker in workers) == 5 + 5 * 7


async def test_updates_keep_their_order(bots: Bots, log: Log) -> None:
    """What arrives while the storage is asked, and while the step runs, waits for it; nothing overtakes."""
    line = bots.start()

    async def ask_again() -> None:
        LOG.then = None
        await next_step(got_name)

    log.then = ask_again
    await ask(line)
    for text in ("one", "two", "three"):
        line.arrive(text)
    line.arrive("other", user_id=BOB, chat_id=BOB)
    await asyncio.sleep(WHILE)

    assert log.got == [("one",), ("two",)]
    assert [text for text in line.texts if text != "other"] == ["go", "three"]
    assert not line.adapter.runtime.engine.lanes  # type: ignore[union-attr]


async def test_what_arrives_with_the_answer_is_kept_for_the_step(bots: Bots, log: Log) -> None:
    """What comes right behind a step's message is in the mailbox when the step asks, however late that is."""

    async def ask_late() -> None:
        await asyncio.sleep(1)
        LOG.got.append((await wait_for()).text)

    log.then = ask_late
    line = bots.start()
    await ask(line)
    line.arrive("one")
    line.arrive("two")
    await asyncio.sleep(WHILE)

    assert log.got == [("one",), "two"]
    assert line.texts == ["go"]


async def test_a_wait_whose_filter_says_no_comes_before_a_step(bots: Bots, log: Log) -> None:
    """What an async filter of a wait has refused runs the step, and nothing overtakes it on the way."""

    async def ask_late() -> None:
        await asyncio.sleep(1)
        LOG.got.append((await wait_for()).text)

    async def never(update: Facts) -> bool:
        waiting.cancel()  # so that the second message needs no filter
        await asyncio.sleep(1)
        return False

    line = bots.start()
    await ask(line)
    waiting = asyncio.ensure_future(wait_for(Key(BOT, GROUP, ALICE), filter=never, timeout=2 * WHILE))
    await settle()
    log.then = ask_late
    line.arrive("one")
    line.arrive("two")
    await asyncio.sleep(WHILE)

    assert log.got == [("one",), "two"]
    assert line.texts == ["go"]


async def test_a_filter_that_must_be_awaited(bots: Bots, log: Log) -> None:
    """An async filter is asked about one message after the other; what it does not want goes to the handlers."""
    line = bots.start()
    await ask(line, filter=is_slowly_a_number)
    for text in ("a", "1", "2"):
        line.arrive(text)
    await asyncio.sleep(3 * WHILE)

    assert log.got == [("1",)]
    assert line.texts == ["go", "a", "2"]


async def test_a_step_that_raises_is_kept(bots: Bots, log: Log) -> None:
    """A step that raises waits again, also after restarts, and is dropped when it has raised three times."""
    log.error = ZeroDivisionError()
    line = bots.start()
    await ask(line)
    for _ in range(ATTEMPTS):
        await say(line, "Ann")
        await bots.kill(line)
        line = bots.start()
    await say(line, "Ann")

    assert log.got == [("Ann",)] * ATTEMPTS
    assert line.texts == ["Ann"]


async def test_a_step_that_a_crash_cuts_off_runs_again(bots: Bots, log: Log) -> None:
    """A step whose process dies before its end waits again, for at most three processes to die of it."""
    log.then = asyncio.Event().wait
    line = bots.start()
    await ask(line)
    for _ in range(ATTEMPTS):
        await say(line, "Ann")
        await bots.kill(line)
        line = bots.start()
        await say(line, "too early")
        await asyncio.sleep(LEASE)
    await say(line, "Ann")

    assert log.got == [("Ann",)] * ATTEMPTS


async def test_a_step_that_runs_long_is_not_run_twice(bots: Bots, log: Log) -> None:
    """As long as a worker runs a step no other worker does, however long that is."""
    log.then = lambda: asyncio.sleep(10 * LEASE)
    first, second = bots.start(), bots.start()
    await ask(first)
    await say(first, "Ann")
    for _ in range(20):
        await asyncio.sleep(LEASE / 2)
        await say(second, "Ann")

    assert log.got == [("Ann",)]
    assert await first.adapter.runtime.pending() == []  # type: ignore[union-attr]


async def test_a_newer_step_is_not_dropped_with_the_older(bots: Bots, log: Log) -> None:
    """A step that registers the next one, and then raises, does not come back in its place."""

    async def ask_again() -> None:
        LOG.then, LOG.error = None, None
        await next_step(got_name, round=2)
        raise ZeroDivisionError

    log.then = ask_again
    line = bots.start()
    await ask(line)
    await say(line, "one", "two", "three")

    assert log.got == [("one",), ("two", {"round": 2})]
    assert line.texts == ["go", "three"]


async def test_a_bot_that_stops_gives_back_what_it_runs(bots: Bots, log: Log) -> None:
    """A step that waits for an answer when the bot is stopped is there at once when it is started again."""
    log.then = wait_for
    line = bots.start()
    await ask(line)
    await say(line, "Ann")
    await line.adapter.runtime.aclose()  # type: ignore[union-attr]
    bots.stop(line)
    log.then = None
    line = bots.start()
    await say(line, "Eve")

    assert log.got == [("Ann",), ("Eve",)]
    assert line.texts == []


async def test_the_time_is_up(bots: Bots, log: Log) -> None:
    """on_timeout is called once, when the time is up, with the key and the arguments; the step does not run."""
    line = bots.start()
    await ask(line, timeout=timedelta(minutes=5), on_timeout=too_late, args=(1,), kwargs={"x": 2})
    await asyncio.sleep(290)
    assert log.got == []
    await asyncio.sleep(20)
    await say(line, "Ann")

    assert log.got == [("late", Key(BOT, GROUP, ALICE), 1, {"x": 2})]
    assert line.prompts == ["too late"]
    assert line.texts == ["go", "Ann"]


async def test_an_answer_in_time(bots: Bots, log: Log) -> None:
    """on_timeout is not called for a step that has run."""
    line = bots.start()
    await ask(line, timeout=60, on_timeout=too_late)
    await say(line, "Ann")
    await asyncio.sleep(600)

    assert log.got == [("Ann",)]


async def test_a_timeout_that_is_overdue(bots: Bots, log: Log) -> None:
    """What timed out while no worker was there is told after the restart, by exactly one of many workers."""
    line = bots.start()
    await ask(line, timeout=60, on_timeout=too_late)
    await bots.kill(line)
    await asyncio.sleep(3600)
    workers = [bots.start() for _ in range(4)]
    for worker in workers:
        worker.adapter.runtime.reopen()  # type: ignore[union-attr]
    await asyncio.sleep(60)

    assert log.got == [("late", Key(BOT, GROUP, ALICE))]


async def test_a_timeout_whose_worker_dies(bots: Bots, log: Log) -> None:
    """A worker that dies while it tells of a time-out is replaced by another."""
    log.then = asyncio.Event().wait
    first = bots.start()
    await ask(first, timeout=60, on_timeout=too_late)
    await asyncio.sleep(70)
    await bots.kill(first)
    log.then = None
    bots.start().adapter.runtime.reopen()  # type: ignore[union-attr]
    await asyncio.sleep(3 * LEASE)

    assert log.got == [("late", Key(BOT, GROUP, ALICE))] * 2


async def test_a_step_that_is_cut_off_times_out_later(bots: Bots, log: Log) -> None:
    """A step that a crash cut off has its time-out as before."""
    log.then = asyncio.Event().wait
    first = bots.start()
    await ask(first, timeout=600, on_timeout=too_late)
    await say(first, "Ann")
    await bots.kill(first)
    log.then = None
    bots.start().adapter.runtime.reopen()  # type: ignore[union-attr]
    await asyncio.sleep(700)

    assert log.got == [("Ann",), ("late", Key(BOT, GROUP, ALICE))]


async def test_a_step_without_on_timeout_just_goes(bots: Bots, log: Log) -> None:
    """A step whose time is up is gone, and leaves nothing in the storage after a while."""
    line = bots.start()
    await ask(line, timeout=60)
    await asyncio.sleep(61)
    await say(line, "Ann")

    assert log.got == []
    assert line.texts == ["go", "Ann"]
    assert await bots.records.scan("step") == []


async def test_clocks_that_jump(bots: Bots, log: Log) -> None:
    """A wall clock that is put back does not make a step last longer."""
    line = bots.start()
    await ask(line, timeout=60)
    bots.wall -= 3600
    (found,) = await pending()

    assert found.left is not None
    assert found.left <= 60
    assert found.age == 0


async def test_nothing_is_left_behind(bots: Bots) -> None:
    """When steps have run, been dropped or replaced, their records go away by themselves."""
    line = bots.start()
    await ask(line)
    await ask(line)
    await say(line, "Ann")
    await ask(line)
    assert await unregister_steps(Key(BOT, GROUP, ALICE)) == 1
    await ask(line)
    assert await clear() == 1
    await asyncio.sleep(3600)

    assert await bots.records.scan("step") == []


async def test_a_person_who_wants_to_leave(bots: Bots, log: Log) -> None:
    """/cancel drops a person's steps."""
    line = bots.start()
    await ask(line)
    await say(line, "/cancel", "Ann")

    assert log.got == []
    assert line.texts == ["go", "/cancel", "Ann"]


async def test_a_function_without_a_name_is_refused(bots: Bots) -> None:
    """Registering an undecorated function, filter or on_timeout raises, says the fix, and writes nothing."""
    line = bots.start()

    async def plain(update: Facts) -> None: ...

    for options, problem in (
        ({"fn": plain}, '@step("plain")'),
        ({"fn": lambda update: None}, 'write it as a function with a name that stays: @step("name")'),
        ({"on_timeout": plain, "timeout": 5}, '@step("plain")'),
        ({"filter": lambda update: True}, "step_filter"),
    ):
        await ask(line, **options)  # type: ignore[arg-type]
        error = line.errors.pop()
        assert isinstance(error, NotDurable)
        assert problem in str(error)
    assert await bots.records.scan("step") == []


async def test_an_argument_that_cannot_be_kept_is_refused(bots: Bots) -> None:
    """An argument that no storage can keep is refused with its path, before anything is written."""
    line = bots.start()
    await ask(line, kwargs={"a": {"b": [1, object()]}})
    error = line.errors.pop()

    assert isinstance(error, NotStorable)
    assert error.path == 'kwargs["a"]["b"][1]'
    assert await bots.records.scan("step") == []


async def test_a_timeout_needs_a_time(bots: Bots) -> None:
    """on_timeout without timeout is refused."""
    line = bots.start()
    await ask(line, on_timeout=too_late)

    assert isinstance(line.errors.pop(), BadArgument)


async def test_a_name_that_no_longer_exists(
    bots: Bots, log: Log, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stored step that nobody knows is kept and reported once; the messages go on to the handlers."""
    line = bots.start()
    await ask(line)
    await bots.kill(line)
    things = named_steps._things
    known = things.pop("steps.name")
    line = bots.start()
    with caplog.at_level(logging.WARNING, "aiostep"):
        await say(line, "one", "two")
        assert [one.name for one in await pending()] == ["steps.name"]
    things["steps.name"] = known
    await say(line, "three")

    assert line.texts == ["one", "two"]
    assert log.got == [("three",)]
    assert len([one for one in caplog.messages if "'steps.name'" in one]) == 1


async def test_a_timeout_whose_name_no_longer_exists(bots: Bots, log: Log, caplog: pytest.LogCaptureFixture) -> None:
    """A time-out that nobody can be told of is kept until somebody can; others are not held up."""
    line = bots.start()
    await ask(line, timeout=5, on_timeout=too_late)
    known = named_steps._things.pop("steps.late")
    await asyncio.sleep(600)
    assert log.got == []
    named_steps._things["steps.late"] = known
    await asyncio.sleep(120)

    assert log.got == [("late", Key(BOT, GROUP, ALICE))]


async def test_the_storage_is_down(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    """While the storage is down updates end with its error, and registering does; afterwards all is as before."""
    records = SlowRecords(loop_time)
    bots = Bots(records)
    line = bots.start()
    await ask(line)
    records.is_broken = True
    await say(line, "Ann", "go")
    records.is_broken = False
    down = line.errors
    await say(line, "Ann")
    bots.stop(line)

    assert [type(one) for one in down] == [StorageUnavailable] * 2
    assert log.got == [("Ann",)]
    assert line.texts == ["go"]


async def test_the_storage_goes_down_while_a_step_runs(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    """A step that has run is no failure because the storage cannot be told; it is logged."""
    records = SlowRecords(loop_time)
    bots = Bots(records)
    line = bots.start()
    await ask(line)

    async def break_down() -> None:
        records.is_broken = True

    log.then = break_down
    with caplog.at_level(logging.WARNING, "aiostep"):
        await say(line, "Ann")
    bots.stop(line)

    assert log.got == [("Ann",)]
    assert line.errors == []
    assert any("may run again" in message for message in caplog.messages)


async def test_a_message_takes_one_round_trip() -> None:
    """Looking for a step takes one operation, and none for what cannot run a step."""
    records = SlowRecords(loop_time)
    bots = Bots(records)
    line = bots.start()
    await say(line, "warm up")
    line.adapter.runtime.steps.stop()  # type: ignore[union-attr]
    line.adapter.runtime.steps._is_tended = True  # type: ignore[union-attr]
    records.calls.clear()
    await say(line, "hello", user_id=BOB)
    await say(line, "/help")
    await say(line, "of mine", is_own=True)
    await say(line, "edited", kind="edited_message", is_edit=True)
    bots.stop(line)

    assert records.calls == ["read_many"]


async def test_a_step_waits_through_cancellation(bots: Bots, log: Log) -> None:
    """A step whose task is cancelled is kept, and no failure is counted."""
    log.then = asyncio.Event().wait
    line = bots.start()
    await ask(line)
    for _ in range(ATTEMPTS + 1):
        line.arrive("Ann")
        await asyncio.sleep(WHILE)
        line.tasks[-1].cancel()
        await asyncio.sleep(WHILE)
    log.then = None
    await say(line, "Ann")

    assert log.got == [("Ann",)] * (ATTEMPTS + 2)
