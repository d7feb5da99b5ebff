"""Plays a program on real bots: each process is thrown away without a goodbye, and the next one finds the records."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiostep_core.durable.flows import is_starter
from aiostep_core.durable.journals import Journals
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.source import RecordsSource
from aiostep_core.storages.steps import RecordedSteps
from aiostep_testing.clock import ManualClock
from aiostep_testing.contract import AdapterHarness, Ctx
from aiostep_testing.contract.harness import TOKEN
from aiostep_testing.crashes import Lives
from aiostep_testing.expecting import buttons
from aiostep_testing.people import Person
from aiostep_testing.world import World
from tests.durable.everywhere.programs import Action, Click, Program, Restart, Tell
from tests.durable.everywhere.script import SCRIPTS, stage

__all__ = ["Bots", "Transcript", "play"]

#: What was said and shown after each turn; then the effects, the journals, and what went wrong.
Transcript = list[list[Any]]
_EPOCH: Final = 1_000_000_000.0
#: Seconds after each action: no time limit ends in that moment.
_PAUSE: Final = 1.0


class Bots:
    """The processes of a bot, one after the other; ``begin`` and ``kill`` are a framework's own.

    Args:
        make: makes a harness.
        now: the time that passes.
        advance: lets it pass, and everything happen that happens meanwhile.

    Attributes:
        life: of the process that runs.
    """

    def __init__(
        self,
        make: Callable[[], AdapterHarness],
        now: Callable[[], float],
        advance: Callable[[float], Awaitable[None]],
    ) -> None:
        self._make = make
        self.now = now
        self.advance = advance
        self.records = MemoryRecords()
        self.harness: AdapterHarness
        self.errors: list[BaseException] = []
        self.lives = Lives()
        self.life = self.lives.begin()

    async def begin(self, world: World) -> None:
        """Start a process."""
        self.harness = stage.harness = harness = self._make()
        self.life = self.lives.begin()
        records = self.life.records(self.records)
        harness.storage = RecordedSteps(records, wall_clock=lambda: _EPOCH + self.now())
        harness.errors = self.errors
        handler = harness.handler
        change: Any = harness
        change.handler = lambda program: program if is_starter(program) else handler(program)
        change.other = _nothing
        await harness.start(world, SCRIPTS)
        harness.engine.runtime.steps.begin()  # as polling does

    async def kill(self) -> None:
        """End the process: from now on it can change nothing."""
        self.lives.begin()
        await self.harness.stop_feeding()
        await self.end()

    async def end(self) -> None:
        """Take the rest of a dead process out of this one, in which the next will live."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
        self.harness.engine.uninstall()


async def _nothing(c: Ctx) -> None:
    """Take what is not for the conversation: it may come twice."""


class _Stage:
    """A world with two people and a group."""

    def __init__(self, bots: Bots, program: Program) -> None:
        self._bots, self._program = bots, program
        self._world = world = World(clock=ManualClock())
        self._account = world.bot(TOKEN)
        self._people: dict[str, Person] = {name: world.person(name) for name in ("Ann", "Bob")}
        self._group = world.group("Group", members=tuple(self._people.values()))
        self._read: dict[int, int] = {}

    async def play(self) -> Transcript:
        bots, world = self._bots, self._world
        stage.program, stage.effects = self._program, []
        transcript: Transcript = []
        await bots.begin(world)
        try:
            for turn in self._program.turns:
                await self._live_through(turn.action, turn.restart)
                transcript.append(self._seen())
            await bots.advance(200)
            transcript.append(self._seen())
        finally:
            await bots.kill()
        journals = await Journals(RecordsSource(bots.records)).scan()
        told = sorted([one.get("name"), one.status, one.get("ended"), one.get("result")] for one in journals)
        return [*transcript, stage.effects, told, [*map(repr, bots.errors), *world.violations]]

    async def _live_through(self, action: Action, restart: Restart | None) -> None:
        if restart is None:
            return await self._act(action)
        last = self._account.next_update - 1
        await self._bots.kill()
        if restart.delivers_again and any(update["update_id"] == last for update in self._account.history):
            self._world.redeliver(self._account, last)
        if restart.is_later and isinstance(action, Tell | Click):
            self._do(action)
            await self._bots.begin(self._world)
            return await self._bots.advance(_PAUSE)
        await self._bots.begin(self._world)
        await self._bots.advance(0)
        return await self._act(action)

    async def _act(self, action: Action) -> None:
        if isinstance(action, Tell | Click):
            self._do(action)
            await self._bots.advance(_PAUSE)
        else:
            await self._bots.advance(action.seconds)

    def _do(self, action: Tell | Click) -> None:
        person = self._people[action.who]
        in_group = self._program.where == "group"
        place: Any = self._group if in_group else None
        if isinstance(action, Tell):
            person.send(action.text, to=place)
            return
        chat = self._group if in_group else self._world.privates.get((self._account.user["id"], person.id))
        messages = [] if chat is None else [one for one in chat.messages.values() if _is_keyboard(one)]
        if messages:
            rows = messages[-1]["reply_markup"]["inline_keyboard"]
            texts = [button["text"] for row in rows for button in row]
            _ = person.click(texts[action.number % len(texts)], on=messages[-1])

    def _seen(self) -> list[str]:
        """Return what the bot said since the last time, and then what it changed, which it does beside that."""
        said: list[str] = []
        changed: list[str] = []
        for chat in [*self._world.privates.values(), self._group]:
            start = self._read.get(id(chat), 0)
            self._read[id(chat)] = len(chat.log)
            for event in chat.log[start:]:
                if event.bot_id is not None and event.kind != "answer":
                    text, markup = event.what.get("text"), buttons(event.what.get("reply_markup"))
                    line = f"{chat.info['type']} {event.kind}: {text}{markup}"
                    (said if event.kind == "message" else changed).append(line)
        return said + sorted(changed)


def _is_keyboard(message: Any) -> bool:
    return "inline_keyboard" in message.get("reply_markup", {})


async def play(bots: Bots, program: Program) -> Transcript:
    """Play *program*; return what everybody saw of it."""
    return await _Stage(bots, program).play()
