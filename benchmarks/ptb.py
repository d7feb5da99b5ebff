"""What an update costs an Application of python-telegram-bot: bare and with aiostep, and a survey in three ways.

Requests are stubbed: they go through all of the framework and are answered from memory.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from _measure import Goal, Options, Subject, clock, main, measure, table
from telegram import Update
from telegram.ext import ApplicationBuilder, ConversationHandler, MessageHandler, filters
from telegram.request import BaseRequest

import aiostep

_update_ids = itertools.count(1)
_ME = {"id": 42, "is_bot": True, "first_name": "Bot", "username": "test_bot"}
_SENT = {"message_id": 1, "date": 1_700_000_000, "chat": {"id": 1, "type": "private"}, "text": "ok"}
_HOUR = 3600.0


class Answers(BaseRequest):
    """A server that says yes."""

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    @property
    def read_timeout(self) -> float | None:
        return None

    async def do_request(self, url: str, *args: Any, **options: Any) -> tuple[int, bytes]:
        return 200, json.dumps({"ok": True, "result": _ME if url.endswith("getMe") else _SENT}).encode()


class Host:
    """An application with one handler; what that does, the text of the message says."""

    installed = True

    def __init__(self, *, installed: bool = True, timeout: float | None = None) -> None:
        self.app: Any = ApplicationBuilder().token("42:TEST").request(Answers()).get_updates_request(Answers()).build()
        self.timeout = timeout
        self.done = 0
        self.add_handlers()
        if installed:
            aiostep.install(self.app)

    def add_handlers(self) -> None:
        self.app.add_handler(MessageHandler(filters.TEXT, self.handle))

    async def handle(self, update: Any, context: Any) -> None:
        text = update.message.text
        if text == "send":
            await update.message.reply_text("ok")
        elif text == "wait":
            await aiostep.wait_for(timeout=_HOUR)
        elif text == "survey":
            for _ in "123":
                await aiostep.wait_for(timeout=self.timeout)
            self.done += 1
        elif text == "steps":
            await aiostep.next_step(self.step, left=2)

    async def step(self, update: Any, context: Any, left: int) -> None:
        if left:
            await aiostep.next_step(self.step, left=left - 1)
        else:
            self.done += 1

    def update(self, text: str, who: int = 1) -> Update:
        number = next(_update_ids)
        person = {"id": who, "first_name": "Alice", "is_bot": False}
        chat = {"id": who, "first_name": "Alice", "type": "private"}
        message = {"message_id": number, "date": 1_700_000_000, "chat": chat, "from": person, "text": text}
        made = Update.de_json({"update_id": number, "message": message}, self.app.bot)
        assert made is not None
        return made

    async def start(self, others: int = 0) -> Host:
        await self.app.initialize()
        for who in range(1_000_000, 1_000_000 + others):
            await self.app.process_update(self.update("wait", who))
        return self

    async def stop(self) -> None:
        await self.app.shutdown()

    async def _feed(self, texts: list[str]) -> int:
        updates = [self.update(text) for text in texts]
        process = self.app.process_update
        began = clock()
        for update in updates:
            await process(update)
        return clock() - began

    async def miss(self, size: int) -> int:
        return await self._feed(["hello"] * size)

    async def send(self, size: int) -> int:
        return await self._feed(["send"] * size)

    async def survey(self, size: int) -> int:
        before, spent = self.done, await self._feed(["survey", "a", "b", "c"] * size)
        assert self.done == before + size
        return spent

    async def steps(self, size: int) -> int:
        before, spent = self.done, await self._feed(["steps", "a", "b", "c"] * size)
        assert self.done == before + size
        return spent


class Peer(Host):
    """The framework's own conversations."""

    def add_handlers(self) -> None:
        states: dict[object, Any] = {number: [MessageHandler(filters.TEXT, self.next_state)] for number in range(3)}
        entry = MessageHandler(filters.Text(["survey"]), self.next_state)
        self.app.add_handler(ConversationHandler([entry], states, [], conversation_timeout=self.timeout))

    async def next_state(self, update: Any, context: Any) -> int:
        number = {"survey": 0, "a": 1, "b": 2, "c": ConversationHandler.END}[update.message.text]
        self.done += number == ConversationHandler.END
        return number

    async def start(self, others: int = 0) -> Host:
        await super().start()
        if self.timeout is not None:
            await self.app.start()
        return self

    async def stop(self) -> None:
        if self.app.running:
            await self.app.stop()
        await super().stop()


async def run(choice: Options) -> None:
    """Measure and print."""
    bare, ours = await Host(installed=False).start(), await Host().start()
    again, crowded = await Host(installed=False).start(), await Host().start(choice.others)
    others = f"aiostep, {choice.others:,} others waiting"
    subjects = [
        Subject("bare", bare.miss),
        Subject("bare, again", again.miss),
        Subject("aiostep, nothing waiting", ours.miss),
        Subject(others, crowded.miss),
        Subject("bare, one message sent", bare.send),
        Subject("aiostep, one message sent", ours.send),
    ]
    goals = [
        Goal("bare, again", "bare"),
        Goal("aiostep, nothing waiting", "bare", 1.5),
        Goal(others, "bare"),
        Goal("aiostep, one message sent", "bare, one message sent", 1.05),
    ]
    table("Application: an update that nobody waits for", await measure(subjects, choice), goals, choice)
    timed = await Host(timeout=_HOUR).start()
    peer, timed_peer = await Peer(installed=False).start(), await Peer(installed=False, timeout=_HOUR).start()
    subjects = [
        Subject("ConversationHandler", peer.survey),
        Subject("aiostep", ours.survey),
        Subject("aiostep, next steps", ours.steps),
        Subject("ConversationHandler, timeouts", timed_peer.survey),
        Subject("aiostep, timeouts", timed.survey),
    ]
    goals = [
        Goal("aiostep", "ConversationHandler", 1.0),
        Goal("aiostep, next steps", "ConversationHandler", 1.0),
        Goal("aiostep, timeouts", "ConversationHandler, timeouts", 0.3),
    ]
    table("Application: a survey of three questions", await measure(subjects, choice), goals, choice)
    for host in (bare, ours, again, crowded, timed, peer, timed_peer):
        await host.stop()


if __name__ == "__main__":
    main(run, __doc__)
