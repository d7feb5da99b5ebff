"""What a durable conversation costs: an answer in and the next question out, beside the same question in an ordinary
handler; by storage, by durability, by length; and beginning again in another process.

    python benchmarks/durable.py [--quick]
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from _measure import Goal, Options, Subject, clock, main, measure, table
from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.types import Chat, Message, Update

import aiostep
from aiostep import ask
from aiostep_core.context import current_turn
from aiostep_core.durable.run import Run
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.abc import RecordKey, Records
from aiostep_core.storages.sqlite import SqliteRecords
from aiostep_core.storages.steps import RecordedSteps

#: What a long conversation has behind it. Longer than any that is not begun anew.
LONG = 5_000
_ids = itertools.count(1)
_people = itertools.count(1_000)


class Silent(BaseSession):
    """Telegram, without the way there."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: asyncio.Event = asyncio.Event()

    async def close(self) -> None: ...

    async def make_request(self, bot: Bot, method: Any, timeout: int | None = None) -> Any:
        self.asked.set()
        chat = Chat(id=getattr(method, "chat_id", 0), type="private")
        return Message.model_validate({"message_id": next(_ids), "date": 1, "chat": chat, "text": "?"}).as_(bot)

    async def stream_content(self, *args: Any, **kwargs: Any) -> AsyncGenerator[bytes, None]:
        yield b""


async def questions(message: Message) -> None:
    while True:
        await ask("More?", str)


async def form(message: Message) -> None:
    for number in range(7):
        await ask(f"Question {number}?", str)


class Talk:
    """A bot with one conversation, and somebody who answers."""

    def __init__(self, handler: Any, storage: Any = None) -> None:
        self.session = Silent()
        self.bot = Bot("42:TEST", session=self.session)
        self.dispatcher = Dispatcher()
        self.engine = aiostep.install(self.dispatcher, storage=storage)
        self.dispatcher.message.register(handler)
        self._who = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    async def say(self, text: str) -> None:
        """Feed a message, and come back when the next question is asked."""
        person = {"id": self._who, "first_name": "Alice", "is_bot": False}
        chat = {"id": self._who, "first_name": "Alice", "type": "private"}
        message = {"message_id": next(_ids), "date": 1_700_000_000, "chat": chat, "from": person, "text": text}
        update = Update.model_validate({"update_id": next(_ids), "message": message}, context={"bot": self.bot})
        self.session.asked.clear()
        task = asyncio.create_task(self.dispatcher.feed_update(self.bot, update))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await self.session.asked.wait()

    async def begin(self, answers: int = 0) -> Talk:
        """Begin with somebody new, and let them answer so often."""
        self._who = next(_people)
        await self.say("begin")
        for _ in range(answers):
            await self.say("yes")
        return self

    async def batch(self, size: int) -> int:
        """Answer so often; the CPU time that it took."""
        began = clock()
        for _ in range(size):
            await self.say("yes")
        return clock() - began

    async def short(self, size: int) -> int:
        """Do the same in a conversation of its own."""
        await self.begin()
        return await self.batch(size)

    async def elapsed(self, size: int) -> int:
        """Answer so often in a conversation of its own; the time of the clock that it took."""
        await self.begin()
        began = time.perf_counter_ns()
        for _ in range(size):
            await self.say("yes")
        return time.perf_counter_ns() - began


def durable(name: str, fn: Any = questions, **options: Any) -> Any:
    return aiostep.durable(f"bench.{name}", limit=None, **options)(fn)


async def bare(records: Records, size: int) -> int:
    """Append twice for each answer, as one that is written before and after its turn must."""
    key, text = RecordKey("bare", "1", str(next(_ids))), '["wait","ask: More?","v","yes",1000]'
    began = time.perf_counter_ns()
    for _ in range(size):
        await records.append(key, None, [text], fields={"status": "run"}, due=time.time() + 30)
        await records.append(key, None, [], fields={"status": "park"})
    return time.perf_counter_ns() - began


async def cold(talk: Talk, size: int) -> int:
    """Replay a form with six answers so often, from what the storage gave."""
    durables = talk.engine.runtime.steps.durables
    run: Run = next(iter(durables.live.values()))
    stored = await durables.journals.load(run.stored.key)
    assert stored is not None
    token = current_turn.set(run.turn)
    began = clock()
    for _ in range(size):
        machine = run._machine_of(stored)
        machine.step()
        machine.kill()
    spent = clock() - began
    current_turn.reset(token)
    return spent


async def run(choice: Options) -> None:
    """Measure and print, table by table."""
    plain = Talk(questions)
    memory, stored = Talk(durable("memory")), Talk(durable("stored"), RecordedSteps(MemoryRecords()))
    subjects = [Subject("an ordinary handler", plain.short), Subject("durable, in memory", memory.short)]
    subjects.append(Subject("durable, records in memory", stored.short))
    figures = await measure(subjects, choice)
    goals = [Goal(one.name, "an ordinary handler", 2.0) for one in subjects[1:2]]
    goals.append(Goal(subjects[2].name, "an ordinary handler"))
    table("an answer in, the next question out", figures, goals, choice)

    long = await Talk(durable("long"), RecordedSteps(MemoryRecords())).begin(LONG if choice.rounds > 50 else 500)
    figures = await measure([Subject("after few answers", stored.short), Subject("after many", long.batch)], choice)
    table("the length of a conversation", figures, [Goal("after many", "after few answers", 1.3)], choice)

    with tempfile.TemporaryDirectory() as folder:
        records = SqliteRecords(Path(folder) / "bot.db", durability="process")
        talks = {how: Talk(durable(how, durability=how), RecordedSteps(records)) for how in ("turn", "step", "intent")}
        rows = [Subject(f'durability="{how}"', talk.elapsed) for how, talk in talks.items()]
        rows.append(Subject("two bare appends", lambda size: bare(records, size)))
        figures = await measure(rows, Options(min(choice.rounds, 30), choice.size, choice.others, choice.markdown))
        table("on SQLite, in time of the clock", figures, [Goal('durability="turn"', "two bare appends")], choice)
        await records.close()

    six = await Talk(durable("form", form), RecordedSteps(MemoryRecords())).begin(6)
    figures = await measure([Subject("six questions", lambda size: cold(six, size))], choice)
    table("a replay, in another process", figures, [], choice)


if __name__ == "__main__":
    main(run, __doc__)
