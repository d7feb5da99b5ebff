"""Journals of real bots, kept as files: today's code is replayed against them, and nothing is sent, stored or done."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aiostep.__main__ import main as command
from aiostep_core import ask, choose, conversation, wait_for
from aiostep_core.durable.flows import durable, flow_named, flows
from aiostep_core.durable.operations import random, run, sub
from aiostep_core.errors import BadArgument
from aiostep_core.storages.sqlite import SqliteRecords
from aiostep_testing.contract import Ctx
from aiostep_testing.contract.stage import Stage
from aiostep_testing.recorded import export_journals, recordings_in, replay_journal, replay_journals

pytestmark = pytest.mark.anyio

#: The harness that plays.
playing: list[Any] = []
done: list[str] = []


def aiogram_harness() -> tuple[Any, Callable[[], Any]]:
    from aiogram import Dispatcher

    from aiostep_testing.harnesses.aiogram import AiogramHarness

    return AiogramHarness, Dispatcher


def ptb_harness() -> tuple[Any, Callable[[], Any]]:
    from telegram.ext import Application

    from aiostep_testing.harnesses.ptb import PtbHarness

    return PtbHarness, lambda: Application.builder().token("1:OTHER").build()


def telebot_harness() -> tuple[Any, Callable[[], Any]]:
    from telebot.async_telebot import AsyncTeleBot

    from aiostep_testing.harnesses.telebot import AsyncTelebotHarness

    return AsyncTelebotHarness, lambda: AsyncTeleBot("1:OTHER")


def sync_telebot_harness() -> tuple[Any, Callable[[], Any]]:
    from telebot import TeleBot

    from aiostep_testing.harnesses.telebot import ThreadedTelebotHarness

    return ThreadedTelebotHarness, lambda: TeleBot("1:OTHER", threaded=False)


BOTS = [aiogram_harness, ptb_harness, telebot_harness, sync_telebot_harness]


def pay(name: str) -> str:
    done.append(name)
    return f"receipt of {name}"


async def say(update: Any, text: str) -> None:
    await Ctx(playing[-1], update).say(text)


async def details(name: str) -> str:
    town: str = await ask(f"Which town, {name}?", str)
    return town.upper()


@durable("recorded.order")
async def order(update: Any, *_: Any) -> None:
    name = await ask("Name?", str, retry="A name!")
    await say(update, f"hello {name}")
    town = await sub(details, name)
    if town == "PARIS":
        await random()
    receipt = await run(pay, name)
    async with conversation(timeout=100):
        note = await wait_for()
    size = await choose(f"Size for {town}?", {"S": "Small", "L": "Large"})
    await say(update, f"{size} {receipt} {playing[-1].text_of(note)}")
    await ask("Sure?", str)


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Have the code as it is above, whatever a test deploys."""
    there = dict(flows._things)
    done.clear()
    yield
    flows._things.clear()
    flows._things.update(there)


def deploy(fn: Callable[..., Coroutine[Any, Any, Any]], **options: Any) -> None:
    """Put another function in the place of the conversation."""
    flow = flow_named("recorded.order")
    assert flow is not None
    made = replace(flow, fn=fn, **options)
    flows.add("recorded.order", {made.version: made}, "durable")


def record(harness_class: Any, folder: Path, records: Any = None, **how: Any) -> list[Path]:
    """Let Alice come to the last question, Bob to the first, and take down where they are."""
    stage = Stage(harness_class, "in process")
    written: list[Path] = []

    async def talk() -> None:
        await stage.start_durable(order)
        if records is not None:
            stage.harness.storage = records
            await stage.restart()
        playing[:] = [stage.harness]
        alice, bob = stage.alice, stage.bob
        await stage.tell(alice, "/order", "Name?")
        await stage.tell(alice, "Annabel", "hello Annabel", "Which town, Annabel?")
        await stage.tell(alice, "Paris")
        await stage.until(lambda: done == ["Annabel"])
        await stage.tell(alice, "a note", "Size for PARIS?")
        stage.click(alice, "Large")
        await stage.tell(alice, None, "L receipt of Annabel a note", "Sure?")
        await stage.tell(bob, "/order", "Name?")
        live = stage.harness.engine.runtime.steps.durables.live
        await stage.until(lambda: [run.is_running for run in live.values()] == [False, False], "a wait of both")
        written.extend(await export_journals(stage.harness.storage, folder, **how))

    stage.play(talk())
    return written


@pytest.fixture(scope="module")
def aiogram_journals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the journals of a bot on aiogram."""
    folder = tmp_path_factory.mktemp("journals")
    record(aiogram_harness()[0], folder)
    return folder


@pytest.fixture
def journals(aiogram_journals: Path, tmp_path: Path) -> Path:
    """Give a copy of them, to be spoilt."""
    for path in recordings_in(aiogram_journals):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.fixture
def dispatcher() -> Any:
    """Give a dispatcher that nobody has touched."""
    return aiogram_harness()[1]()


def longest(folder: Path) -> Path:
    """Return the journal of Alice."""
    return max(recordings_in(folder), key=lambda path: path.stat().st_size)


def change(path: Path, **fields: Any) -> Path:
    """Change what a file says; None takes it out."""
    found = json.loads(path.read_text("utf-8")) | fields
    path.write_text(json.dumps({name: value for name, value in found.items() if value is not None}), "utf-8")
    return path


def disconnect(monkeypatch: pytest.MonkeyPatch) -> None:
    """See to it that nobody can be reached."""

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("somebody was to be reached")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("redact", [False, True])
@pytest.mark.parametrize("bot", BOTS)
def test_recorded_conversations_fit(
    bot: Callable[[], Any], *, redact: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code that made journals fits them, on a bot that has never started: nothing is sent or done for that."""
    harness_class, make = bot()
    written = record(harness_class, tmp_path, redact=redact, keep=["details"])
    target, calls = make(), len(playing[-1].world.calls)
    disconnect(monkeypatch)

    replays = replay_journals(tmp_path, target)

    replays.check()
    assert sorted(one.path for one in replays) == sorted(written)
    assert {one.outcome for one in replays} == {"fits"}
    assert {one.detail for one in replays} == {"waits at 'ask: Name?'", "waits at 'ask: Sure?'"}
    assert done == ["Annabel"]
    assert len(playing[-1].world.calls) == calls


def test_what_people_wrote_is_masked(tmp_path: Path) -> None:
    """A redacted journal says neither what people wrote or are called, nor who they are; the rest is as it was."""
    (path, _) = sorted(
        record(aiogram_harness()[0], tmp_path, redact=True, keep=["details"]),
        key=lambda path: -path.stat().st_size,
    )
    text = path.read_text("utf-8")
    found = json.loads(text)

    assert [word for word in ("annabel", "alice", "note") if word in text.casefold()] == []
    assert ["sub", "details", "v", "PARIS"] in found["entries"]  # as it was to be kept
    assert found["update"]["message"]["text"] == "/order"
    assert ["wait", "ask: Name?", "v", "Xxxxxxx"] in [entry[:4] for entry in found["entries"]]
    known = {person.id for person in playing[-1].world.people.values()}
    assert known.isdisjoint(_ids(found))


def test_what_is_masked_may_lead_elsewhere(tmp_path: Path, dispatcher: Any) -> None:
    """Code that looks at a masked text may not fit; what it comes to is asked by the masked name."""
    record(aiogram_harness()[0], tmp_path, redact=True)

    replayed = replay_journal(longest(tmp_path), dispatcher)

    assert replayed.outcome == "differs"
    assert "Size for XXXXX?" in longest(tmp_path).read_text("utf-8")
    assert "effect 'pay', and the journal says effect 'random'" in replayed.detail


def _ids(value: Any) -> Iterator[int]:
    """Find the ids of people in a journal, the place's too."""
    if isinstance(value, dict):
        yield from (value["id"] for _ in [0] if value.get("is_bot") is False)
        yield from map(int, re.findall("[0-9]+", value.get("place", "")))
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _ids(one)


async def reordered(update: Any, *_: Any) -> None:
    await ask("Name?", str)
    await ask("How old are you?", int)


def test_changed_code_is_found(journals: Path, dispatcher: Any) -> None:
    """What differs is said: in which journal, at which operation, in which line, and how to mend it."""
    deploy(reordered)

    replays = replay_journals(journals, dispatcher)

    assert sorted(one.outcome for one in replays) == ["differs", "fits"]
    (problem,) = replays.problems
    line = reordered.__code__.co_firstlineno + 2
    wanted = ("at operation 1 ", "'ask: How old are you?'", "'sendMessage'", f"{__file__}:{line}", 'patched("name")')
    assert [word for word in wanted if word not in problem.detail] == []
    with pytest.raises(AssertionError, match=f"1 of 2 .*\n  {longest(journals).name}: differs: at operation 1"):
        replays.check()
    with pytest.raises(AssertionError, match="operation 1"):
        replay_journal(longest(journals), dispatcher).check()


def test_code_that_carries_answers_over_is_no_problem(journals: Path, dispatcher: Any) -> None:
    """With on_change="carry" whoever does not fit begins anew with their answers, also in a newer version."""
    deploy(reordered, on_change="carry", version=2)

    replays = replay_journals(journals, dispatcher)

    replays.check()
    assert sorted(one.outcome for one in replays) == ["carried", "fits"]


#: The bot of a module that does not use the one of the message.
own: list[Any] = []


async def through_its_own_bot(update: Any, *_: Any) -> None:
    await ask("Name?", str)
    sent = await own[0].send_message(1, "hello")
    await ask(f"What of {sent.text}?", str)


def test_code_with_a_bot_of_its_own(journals: Path, dispatcher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On aiogram calls by way of another bot than the message's are answered from the journal if it is passed."""
    from aiogram import Bot

    disconnect(monkeypatch)
    deploy(through_its_own_bot)
    own[:] = [Bot("43:OWN")]
    path = change(longest(journals), status="run", asked=None)
    change(path, entries=json.loads(path.read_text("utf-8"))["entries"][:2])

    assert replay_journal(path, dispatcher, bot=own[0]).detail == "is as far as the journal goes"
    replayed = replay_journal(path, dispatcher)
    assert (replayed.outcome, "pass bot=" in replayed.detail) == ("raises", True)
    asyncio.run(own[0].session.close())


async def test_a_replay_inside_of_a_loop(journals: Path, dispatcher: Any) -> None:
    """Journals can be replayed in a test that is a coroutine as well."""
    replay_journals(journals, dispatcher).check()


async def shorter(update: Any, *_: Any) -> None:
    await ask("Name?", str)


async def swallowing(update: Any, *_: Any) -> None:
    try:
        await ask("Name?", str)
        await say(update, "something")
    finally:
        raise KeyError("a bug")


async def needing(update: Any, db: Any) -> None:
    await ask("Name?", str)


@pytest.mark.parametrize(
    ("fn", "outcome", "words"),
    [(shorter, "differs", "returns"), (swallowing, "raises", "KeyError: 'a bug' ("), (needing, "raises", "'db'")],
)
def test_code_that_ends_where_the_journal_goes_on(
    fn: Any, outcome: str, words: str, journals: Path, dispatcher: Any
) -> None:
    """Code that returns or raises before the journal's end does not fit it."""
    deploy(fn)

    (replayed,) = [one for one in replay_journals(journals, dispatcher) if one.path == longest(journals)]

    assert replayed.outcome == outcome
    assert words in replayed.detail


@pytest.mark.parametrize("bot", BOTS)
def test_a_journal_that_ends_in_the_middle(bot: Callable[[], Any], tmp_path: Path) -> None:
    """Of a conversation that was killed while it did something, the code runs as far as the journal goes, and stops."""
    harness_class, make = bot()
    record(harness_class, tmp_path)
    target, calls = make(), len(playing[-1].world.calls)
    path = longest(tmp_path)
    entries = json.loads(path.read_text("utf-8"))["entries"]
    for length in range(len(entries) + 1):
        change(path, status="run", asked=None, entries=entries[:length])
        replayed = replay_journal(path, target)
        assert (replayed.outcome, replayed.detail) == ("fits", "is as far as the journal goes"), length
    assert done == ["Annabel"]
    assert len(playing[-1].world.calls) == calls


@pytest.mark.parametrize(
    ("fields", "outcome", "words"),
    [
        ({"journal": 2}, "damaged", "newer aiostep: its format is 2, and 1 is known"),
        ({"journal": None}, "damaged", "is no recorded journal"),
        ({"bot_id": None}, "damaged", "it has no 'bot_id'"),
        ({"entries": None}, "damaged", "it has no 'entries'"),
        ({"entries": "none"}, "damaged", "cannot be read"),
        ({"entries": [["wait", 1]]}, "damaged", "entry 0 of the journal of the durable conversation 'recorded.order'"),
        ({"entries": [["wait", "ask: Name?", "u", {"update_id": "x"}]]}, "damaged", ""),
        ({"update": {"update_id": "x"}}, "damaged", "ValidationError"),
        ({"update": None}, "damaged", "how it began"),
        ({"place": "nowhere"}, "damaged", ""),
        ({"asked": []}, "damaged", ""),
        ({"status": "done"}, "damaged", "how it began"),
        ({"version": "many"}, "damaged", ""),
        ({"name": 7}, "damaged", "name cannot be read"),
        ({"format": "aiogram/2"}, "unknown", "written as aiogram/2, not as aiogram/1"),
        ({"format": "ptb/1"}, "unknown", "written as ptb/1, not as aiogram/1"),
        ({"version": "2"}, "unknown", "is of version 2, and only 1 is here"),
        ({"name": "recorded.gone"}, "unknown", '@durable("recorded.gone")'),
    ],
    ids=str,
)
def test_a_journal_that_cannot_be_replayed(
    fields: dict[str, Any], outcome: str, words: str, journals: Path, dispatcher: Any
) -> None:
    """Files that are damaged, newer, of another framework or of code that is gone are told from code that differs."""
    path = change(longest(journals), **fields)

    replays = replay_journals(journals, dispatcher)

    (problem,) = replays.problems
    assert (problem.path, problem.outcome) == (path, outcome)
    assert words in problem.detail


@pytest.mark.parametrize("cut", [0, 1, 0.5, 0.99])
def test_a_truncated_file(cut: float, journals: Path, dispatcher: Any) -> None:
    """A file of which the end is missing is damaged."""
    path = longest(journals)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * cut) if isinstance(cut, float) else cut])

    replayed = replay_journal(path, dispatcher)

    assert replayed.outcome == "damaged"
    assert str(path) in replayed.detail


def test_nothing_to_replay(tmp_path: Path, dispatcher: Any) -> None:
    """A folder without journals is a failure: a test that looks at nothing must not be green."""
    with pytest.raises(AssertionError, match="no journals are recorded in .*export_journals"):
        replay_journals(tmp_path, dispatcher).check()
    with pytest.raises(BadArgument, match="dispatcher"):
        replay_journals(tmp_path)


def test_only_some_are_exported(tmp_path: Path) -> None:
    """Journals are chosen by the names of their conversations, and so many of each."""
    harness, _ = aiogram_harness()
    assert record(harness, tmp_path, names=["recorded.other"]) == []
    done.clear()
    assert len(record(harness, tmp_path, names=["recorded.order"], limit=1)) == 1


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], dispatcher: Any) -> None:
    """``python -m aiostep journals`` reads the bot's file and writes the journals; a file that is not there it says."""
    record(aiogram_harness()[0], tmp_path / "unused", SqliteRecords(tmp_path / "bot.db"))

    url, made = f"sqlite:///{tmp_path}/bot.db", tmp_path / "made"

    assert command(["journals", url, str(made), "--redact", "--keep", "details"]) == 0
    assert sorted(capsys.readouterr().out.split()) == [str(path) for path in recordings_in(made)]
    replay_journals(made, dispatcher).check()
    assert command(["journals", url.replace("bot", "none"), str(made)]) == 1
    assert "is not there" in capsys.readouterr().err
    assert not (tmp_path / "none.db").exists()
