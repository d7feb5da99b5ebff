"""What an update costs an AsyncTeleBot: bare and with aiostep, alone, in batches, and with others waiting.

A row "awaited" is a webhook that awaits ``process_new_updates``; the others have a task for each batch, as in polling.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import Any

from _measure import Goal, Options, Subject, clock, main, measure, table
from telebot import types
from telebot.async_telebot import AsyncTeleBot

import aiostep

_HOUR = 3600.0
_update_ids = itertools.count(1)


class Host:
    """A bot with one handler, which waits if the message says so; no handler sends anything."""

    def __init__(self, *, installed: bool) -> None:
        self.bot: Any = AsyncTeleBot("42:TEST")
        self.waiting: asyncio.Future[None] | None = None
        self.answered = 0
        if installed:
            aiostep.install(self.bot)
        self.bot.message_handler()(self._handle)

    async def _handle(self, message: types.Message) -> None:
        if message.text == "wait":
            assert self.waiting is not None
            self.waiting.set_result(None)
            await aiostep.wait_for(timeout=_HOUR)
            self.answered += 1
        elif message.text == "step":
            await aiostep.next_step(self._ran)

    async def _ran(self, message: types.Message) -> None:
        self.answered += 1

    def update(self, text: str, who: int = 1_000) -> Any:
        number = next(_update_ids)
        person = {"id": who, "first_name": "Alice", "is_bot": False}
        chat = {"id": who, "first_name": "Alice", "type": "private"}
        message = {"message_id": number, "date": 1_700_000_000, "chat": chat, "from": person, "text": text}
        return types.Update.de_json({"update_id": number, "message": message})

    async def start(self, who: int = 1_000) -> None:
        self.waiting = asyncio.get_running_loop().create_future()
        await self.bot.process_new_updates([self.update("wait", who)])
        await self.waiting

    async def crowd(self, others: int) -> Host:
        for who in range(1_000_000, 1_000_000 + others):
            await self.start(who)
        return self

    async def miss(self, size: int) -> int:
        updates = [self.update("hello") for _ in range(size)]
        process, create_task = self.bot.process_new_updates, asyncio.get_running_loop().create_task
        began = clock()
        for update in updates:
            await create_task(process([update]))
        return clock() - began

    async def miss_awaited(self, size: int) -> int:
        updates = [self.update("hello") for _ in range(size)]
        process = self.bot.process_new_updates
        began = clock()
        for update in updates:
            await process([update])
        return clock() - began

    async def miss_in_batch(self, size: int) -> int:
        updates = [self.update("hello", who) for who in range(size)]
        began = clock()
        await asyncio.get_running_loop().create_task(self.bot.process_new_updates(updates))
        return clock() - began

    async def hit(self, size: int) -> int:
        process, create_task, spent = self.bot.process_new_updates, asyncio.get_running_loop().create_task, 0
        for _ in range(size):
            await self.start()
            update = self.update("yes")
            began = clock()
            await create_task(process([update]))
            spent += clock() - began
            await asyncio.sleep(0)
        return spent

    async def step(self, size: int) -> int:
        process, create_task, spent = self.bot.process_new_updates, asyncio.get_running_loop().create_task, 0
        for _ in range(size):
            await create_task(process([self.update("step")]))
            update, before = self.update("yes"), self.answered
            began = clock()
            await create_task(process([update]))
            spent += clock() - began
            assert self.answered == before + 1
        return spent


async def run(choice: Options) -> None:
    """Measure and print."""
    logging.getLogger("TeleBot").setLevel(logging.ERROR)
    bare, ours = Host(installed=False), Host(installed=True)
    crowded = await Host(installed=True).crowd(choice.others)
    others = f"aiostep, {choice.others:,} others waiting"
    subjects = [
        Subject("bare", bare.miss),
        Subject("bare, again", Host(installed=False).miss),
        Subject("aiostep, nothing waiting", ours.miss),
        Subject(others, crowded.miss),
        Subject("bare, awaited", bare.miss_awaited),
        Subject("aiostep, awaited", ours.miss_awaited),
        Subject("bare, in a batch", bare.miss_in_batch),
        Subject("aiostep, in a batch", ours.miss_in_batch),
    ]
    figures = await measure(subjects, choice)
    goals = [
        Goal("bare, again", "bare"),
        Goal("aiostep, nothing waiting", "bare", 1.05),
        Goal(others, "bare"),
        Goal("aiostep, awaited", "bare, awaited"),
        Goal("aiostep, in a batch", "bare, in a batch"),
    ]
    table("AsyncTeleBot: an update that nobody waits for", figures, goals, choice)
    answered, stepping = Host(installed=True), Host(installed=True)
    subjects = [
        Subject("bare calls a handler", bare.miss),
        Subject("an answer is brought", answered.hit),
        Subject("a next step runs", stepping.step),
    ]
    figures = await measure(subjects, choice)
    goals = [Goal(name, "bare calls a handler") for name in ("an answer is brought", "a next step runs")]
    table("AsyncTeleBot: answers", figures, goals, choice)


if __name__ == "__main__":
    main(run, __doc__)
