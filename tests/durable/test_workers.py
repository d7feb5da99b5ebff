"""Several processes on one storage: every update is delivered to all of them at once, and counts once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiostep_core import ask, wait_for
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import run
from aiostep_core.engine import Engine
from aiostep_core.facts import Facts
from aiostep_core.installed import install_adapter
from aiostep_core.storages.abc import Records
from aiostep_core.storages.steps import RecordedSteps
from tests.core.making import facts
from tests.core.virtual_time import settle
from tests.durable.bot import DurableLineAdapter, Process, World, current, say
from tests.storages.slow_records import SlowRecords

pytestmark = pytest.mark.anyio

saved: list[str] = []
others: list[str | None] = []


slow: set[str] = set()


async def save(answer: str) -> None:
    await asyncio.sleep(0.5 if answer in slow else 0)
    saved.append(answer)


@durable("test.workers")
async def questions(update: Facts) -> list[str]:
    answers = []
    for number in range(4):
        answer = await ask(f"{update.user_id}: question {number}?", str)
        await run(save, answer)
        answers.append(answer)
    await say(",".join(answers))
    return answers


class Workers:
    """Processes with engines of their own, on the same records."""

    def __init__(self, records: list[Records]) -> None:
        self.world = World()
        self.processes: list[Process] = []
        self.engines: list[Engine] = []
        for number, one in enumerate(records):
            self._add(one, f"worker {number}")

    def _add(self, records: Records, name: str) -> None:
        process = Process(self.world)
        process.on("/go")(questions)
        process.on("*")(self._other)
        engine = install_adapter(
            DurableLineAdapter(process), storage=RecordedSteps(records, wall_clock=self.world.wall)
        )
        engine.runtime.steps.durables.owner = lambda: name
        self.processes.append(process)
        self.engines.append(engine)
        current.process = process

    async def _other(self, update: Facts) -> None:
        others.append(update.text)

    async def deliver(self, update: Facts, *, to: list[int] | None = None) -> None:
        """Deliver an update to several at once."""
        for number, process in enumerate(self.processes):
            if to is None or number in to:
                process.feed(update)
        await asyncio.sleep(5)
        await settle()

    @property
    def prompts(self) -> list[str]:
        return [text for process in self.processes for text in process.prompts]

    @property
    def errors(self) -> list[BaseException]:
        return [error for process in self.processes for error in process.errors]

    def close(self) -> None:
        for engine in self.engines:
            engine.uninstall()


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[Workers]:
    """Give three processes, whose storage takes its time, so that they get into each other's way."""
    saved.clear()
    others.clear()
    slow.clear()
    one = SlowRecords(delay=0.01)
    workers = Workers([one, one, one])
    yield workers
    workers.close()
    await settle()


async def test_every_update_to_all_of_them_counts_once(workers: Workers) -> None:
    """One of them begins, each answer is taken by one, each effect happens once, and nobody else hears of it."""
    for user in (1, 2, 3):
        await workers.deliver(facts("/go", chat_id=user, user_id=user))
        for number in range(4):
            await workers.deliver(facts(f"{user}.{number}", chat_id=user, user_id=user))

    assert workers.errors == []
    assert Counter(saved) == Counter([f"{user}.{number}" for user in (1, 2, 3) for number in range(4)])
    assert sorted(workers.world.said) == [",".join(f"{user}.{n}" for n in range(4)) for user in (1, 2, 3)]
    assert Counter(workers.prompts) == Counter([f"{user}: question {n}?" for user in (1, 2, 3) for n in range(4)])
    assert others == []


async def test_any_of_them_goes_on(workers: Workers) -> None:
    """Each answer comes to another process than the one before, and is the answer to the question that is out."""
    await workers.deliver(facts("/go", chat_id=1, user_id=1), to=[0])
    for number in range(4):
        await workers.deliver(facts(f"1.{number}", chat_id=1, user_id=1), to=[(number + 1) % 3])

    assert workers.errors == []
    assert workers.world.said == ["1.0,1.1,1.2,1.3"]
    assert saved == ["1.0", "1.1", "1.2", "1.3"]
    assert len(workers.prompts) == 4
    assert others == []


async def test_what_comes_while_another_process_is_busy_is_kept(workers: Workers) -> None:
    """An update for a conversation that runs elsewhere waits there for the next question."""
    await workers.deliver(facts("/go", chat_id=1, user_id=1), to=[0])
    slow.add("1.0")
    first, second = facts("1.0", chat_id=1, user_id=1), facts("1.1", chat_id=1, user_id=1)
    workers.processes[0].feed(first)
    await asyncio.sleep(0.1)
    workers.processes[1].feed(second)
    await asyncio.sleep(5)
    await settle()
    for number in (2, 3):
        await workers.deliver(facts(f"1.{number}", chat_id=1, user_id=1), to=[2])

    assert workers.errors == []
    assert workers.world.said == ["1.0,1.1,1.2,1.3"]
    assert saved == ["1.0", "1.1", "1.2", "1.3"]
    assert others == []


async def test_what_another_process_has_taken_is_not_taken_again(workers: Workers) -> None:
    """A process that still waits for an answer which another one got is told so when it gets it, too."""
    await workers.deliver(facts("/go", chat_id=1, user_id=1), to=[0])
    for number in range(4):
        answer = facts(f"1.{number}", chat_id=1, user_id=1)
        await workers.deliver(answer, to=[1])
        await workers.deliver(answer, to=[0])

    assert workers.errors == []
    assert workers.world.said == ["1.0,1.1,1.2,1.3"]
    assert len(workers.prompts) == 4
    assert others == []


@durable("test.click")
async def text_and_click(update: Facts) -> None:
    await ask("Text?", str)
    await wait_for(kinds="callback_query")
    await say("clicked")


async def test_a_process_that_is_behind_catches_up(workers: Workers) -> None:
    """It waits for a message still when the conversation, elsewhere, waits for a click: the click is what counts."""
    for process in workers.processes:
        process.on("/click")(text_and_click)
    await workers.deliver(facts("/click", chat_id=1, user_id=1), to=[0])
    await workers.deliver(facts("text", chat_id=1, user_id=1), to=[1])
    click = facts(None, kind="callback_query", callback_data="x", message_id=7, chat_id=1, user_id=1)
    await workers.deliver(click, to=[0])

    assert workers.errors == []
    assert workers.world.said == ["clicked"]
    assert others == []
