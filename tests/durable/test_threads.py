"""What a durable conversation does in a bot without an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from aiostep import sync
from aiostep_core import Key, ask
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import signal
from aiostep_core.durable.together import first, gather
from aiostep_core.errors import AlreadyWaiting, EffectInDoubt, NotAwaitable, WouldDeadlock
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.records import settle
from aiostep_testing.contract.stage import Stage
from aiostep_testing.harnesses.telebot import GeneratorTelebotHarness, ThreadedTelebotHarness

stages: list[Stage] = []


@pytest.fixture(params=[ThreadedTelebotHarness, GeneratorTelebotHarness])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Give a stage with a bot that has workers, and with one that has none."""
    stage = Stage(request.param, "in process")
    stages[:] = [stage]
    yield stage
    stages.clear()


def say(message: Any, text: str) -> None:
    harness: Any = stages[-1].harness
    harness.bot.send_message(message.chat.id, text)


async def parked(stage: Stage) -> None:
    """Wait until the conversation has written down that it waits for both."""
    storage: Any = stage.harness.storage
    for _ in range(1000):
        if any(one.fields["asked"].count("yes or no") == 2 for one in await storage.scan("durable")):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it waits for nobody")


async def vote_of(message: Any, user_id: int, name: str) -> str:
    answer = await ask(f"{name}, yes or no?", str, to=Key(42, message.chat.id, user_id))
    say(message, f"{name} said {answer}")
    return str(answer)


@durable("threads.vote")
async def vote(message: Any) -> None:
    stage = stages[-1]
    parts = [vote_of(message, one.id, one.user["first_name"]) for one in (stage.alice, stage.bob)]
    say(message, ",".join(await gather(*parts)))


@pytest.mark.parametrize("restarts", [set(), {1}, {2}, {1, 2}])
def test_several_people_are_asked_at_once(stage: Stage, restarts: set[int]) -> None:
    """They answer in any order, each is asked once, and no thread waits for them."""

    async def play() -> None:
        await stage.start_durable(vote)
        stage.alice.send("/vote", to=stage.group)
        asked = [(await stage.said(stage.alice, in_=stage.group))["text"] for _ in range(2)]
        assert sorted(asked) == ["Alice, yes or no?", "Bob, yes or no?"]
        await parked(stage)
        if 1 in restarts:
            await stage.restart()
        await stage.tell(stage.bob, "no", "Bob said no", in_=stage.group)
        if 2 in restarts:
            await stage.restart()
        await stage.tell(stage.alice, "yes", "Alice said yes", "yes,no", in_=stage.group)
        await stage.passes(stage.alice, in_=stage.group)

    stage.play(play())


@durable("threads.race")
async def race(message: Any) -> None:
    stage = stages[-1]
    number, answer = await first(
        *[vote_of(message, one.id, one.user["first_name"]) for one in (stage.alice, stage.bob)]
    )
    say(message, f"{number}: {answer}")
    say(message, f"then {await ask('Then?', str)}")


@pytest.mark.parametrize("restart", [False, True])
def test_the_first_of_several_ends_the_others(stage: Stage, restart: bool) -> None:
    """Who was too late is not waited for any more."""

    async def play() -> None:
        await stage.start_durable(race)
        stage.alice.send("/race", to=stage.group)
        for _ in range(2):
            await stage.said(stage.alice, in_=stage.group)
        await parked(stage)
        if restart:
            await stage.restart()
        await stage.tell(stage.bob, "no", "Bob said no", "1: no", "Then?", in_=stage.group)
        await stage.tell(stage.alice, "done", "then done", in_=stage.group)
        await stage.passes(stage.bob, in_=stage.group)

    stage.play(play())


@durable("threads.awaited")
async def awaited(message: Any) -> None:
    harness: Any = stages[-1].harness
    await ask("Name?", str)
    await harness.bot.send_message(message.chat.id, "hello")


@pytest.mark.parametrize("restart", [False, True])
def test_a_call_that_is_awaited(stage: Stage, restart: bool) -> None:
    """``await`` before the bot's own call is an error that says where it is, and what to do; the message is out."""

    async def play() -> None:
        await stage.start_durable(awaited)
        await stage.tell(stage.alice, "/awaited", "Name?")
        if restart:
            await stage.restart()
        await stage.tell(stage.alice, "Ann", "hello")
        await stage.until(lambda: bool(stage.harness.errors))
        error = stage.harness.errors.pop()
        assert isinstance(error, NotAwaitable)
        assert f"object Message can't be used in 'await' expression, at {__file__}:" in str(error)
        assert str(error).endswith("leave out the `await`")

    stage.play(play())


@durable("threads.blocking")
async def blocking(message: Any) -> None:
    sync.ask("Name?", str)


def test_a_question_that_would_hold_its_thread(stage: Stage) -> None:
    """The functions of ``aiostep.sync`` are not for durable conversations: the error says which are."""

    async def play() -> None:
        await stage.start_durable(blocking)
        stage.alice.send("/blocking")
        await stage.until(lambda: bool(stage.errors))
        error = stage.errors.pop()
        assert isinstance(error, WouldDeadlock)
        assert str(error).endswith("write `await ask(...)` with that of aiostep")

    stage.play(play())


def as_of_now(records: Any) -> MemoryRecords:
    """Return what a process finds that starts when the one that writes these records is killed now."""
    found = MemoryRecords()
    for one in settle(records.scan("durable")):
        journal = settle(records.journal(one.key))
        fields = {**journal.fields, "until": "0"}
        settle(found.append(one.key, 0, journal.entries, fields=fields, due=0.0))
    return found


def sending(policy: str, durability: str = "intent") -> Any:
    """Make a conversation of plain calls."""

    @durable(f"threads.{policy}.{durability}", durability=durability, on_doubt=policy)
    async def conversation(message: Any) -> None:
        name = await ask("name?", str)
        say(message, f"one {name}")
        try:
            sent = stages[-1].harness.bot.send_message(message.chat.id, "two")  # type: ignore[attr-defined]
            said = "sent" if sent is not None else "skipped"
        except EffectInDoubt as error:
            said = f"in doubt {error.key.rpartition('/')[2]}"
        say(message, said)
        await ask("then?", str)
        say(message, "bye")

    conversation.__name__ = "sending"
    return conversation


POLICIES = {policy: sending(policy) for policy in ("redo", "skip", "raise")}
MODES = {mode: sending("redo", mode) for mode in ("turn", "step", "intent")}


@pytest.mark.parametrize(
    ("policy", "texts"),
    [
        ("redo", ["two", "two", "sent"]),
        ("skip", ["two", "skipped"]),
        ("raise", ["two", "in doubt 2"]),
    ],
)
def test_a_plain_call_that_a_crash_cuts_follows_the_policy(stage: Stage, policy: str, texts: list[str]) -> None:
    """It is done again, left out, or refused, as one that is awaited; what came before it is not done again."""
    cut: list[MemoryRecords] = []

    async def play() -> None:
        await stage.start_durable(POLICIES[policy])
        stage.on_message("two", lambda _: cut.append(as_of_now(stage.harness.storage)))
        await stage.tell(stage.alice, "/sending", "name?")
        await stage.tell(stage.alice, "Ann", "one Ann", "two", "sent", "then?")
        await stage.stop()
        stage.harness.storage = cut[0]
        before = len(stage.calls("sendMessage"))
        await stage.restart()
        stage.bob.send("ping")  # a bot without a loop does nothing before its first update
        await stage.until(lambda: "then?" in said(before), "the question")
        assert ["two", *said(before)] == [*texts, "then?"]
        await stage.tell(stage.alice, "x", *said(before), "bye")

    def said(before: int) -> list[str]:
        texts = [call["text"] for call in stage.calls("sendMessage")[before:]]
        return [text for text in texts if text != "other:ping"]

    stage.play(play())


@pytest.mark.parametrize(("mode", "begun", "entries"), [("turn", "", 1), ("step", "", 2), ("intent", "2", 2)])
def test_a_plain_call_is_written_down_as_the_durability_says(stage: Stage, mode: str, begun: str, entries: int) -> None:
    """While a call is under way, the journal has what came before it, and with "intent" that it has begun."""
    cut: list[MemoryRecords] = []

    async def play() -> None:
        await stage.start_durable(MODES[mode])
        stage.on_message("two", lambda _: cut.append(as_of_now(stage.harness.storage)))
        await stage.tell(stage.alice, "/sending", "name?")
        await stage.tell(stage.alice, "Ann", "one Ann", "two", "sent", "then?")

    stage.play(play())
    (one,) = settle(cut[0].scan("durable"))
    journal = settle(cut[0].journal(one.key))
    assert journal is not None
    assert (journal.fields.get("begun", ""), len(journal.entries)) == (begun, entries)


@durable("threads.paid", on_conflict="reject")
async def paid(what: str, bot: Any) -> str:
    answer = await ask(f"{what}?", str)
    amount = await signal("paid")
    bot.send_message(stages[-1].alice.id, f"{answer}: {amount}")
    return str(answer)


def test_everything_from_outside(stage: Stage) -> None:
    """Plain code, in any thread, begins a conversation, looks where it stands, signals it, and has its result."""

    async def outside(call: Any, *args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(call, *args, **kwargs)

    async def play() -> None:
        await stage.start_durable(vote)
        key = Key(42, stage.alice.id, stage.alice.id)
        assert await outside(sync.start_durable, paid, "Name", to=key)
        await stage.tell(stage.alice, None, "Name?")
        with pytest.raises(AlreadyWaiting):
            await outside(sync.start_durable, paid, "Name", to=key)
        # A question is seen before it is written down.
        await stage.until(lambda: [one.question for one in sync.where()] == ["Name?"], "the question")
        await stage.restart()
        assert await outside(sync.send_signal, "paid", 5, to=key)
        await stage.tell(stage.alice, "Ann", "Ann: 5")
        await stage.until(lambda: sync.where(key)[0].state == "done")
        assert await outside(sync.result, key) == "Ann"
        assert not await outside(sync.end_durable, key)

    stage.play(play())


@durable("threads.wrong")
async def wrong(message: Any) -> None:
    sync.start_durable(paid, "Name", to=message.from_user.id)


def test_plain_functions_are_not_for_durable_conversations(stage: Stage) -> None:
    """The error names the one to await."""

    async def play() -> None:
        await stage.start_durable(wrong)
        stage.alice.send("/wrong")
        await stage.until(lambda: stage.errors)
        error = stage.errors.pop()
        assert isinstance(error, WouldDeadlock)
        assert "await start_durable(...)" in str(error)

    stage.play(play())
