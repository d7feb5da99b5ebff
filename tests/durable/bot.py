"""A bot of the smallest framework there is, whose process can die: what durable conversations are tested with."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from aiostep_core.abc import Address, Sent
from aiostep_core.context import Turn
from aiostep_core.durable.abc import Scribe
from aiostep_core.durable.conversations import Durables
from aiostep_core.durable.effects import CALL
from aiostep_core.durable.journal import current_flow
from aiostep_core.engine import Engine
from aiostep_core.facts import Facts
from aiostep_core.installed import install_adapter
from aiostep_core.keyboards import Keyboard
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.abc import Records
from aiostep_core.storages.steps import RecordedSteps
from aiostep_testing.crashes import Life, Lives
from tests.core.line import Line, LineAdapter
from tests.core.making import ALICE, facts
from tests.core.virtual_time import settle

EPOCH = 1_000_000_000.0


class LineError(Exception):
    """What the framework raises when it cannot send."""


class LineScribe(Scribe):
    """Writes down the updates of a line."""

    format = "line/1"

    def check(self, fn: Callable[..., Any]) -> None:
        """Take any handler: it is called with the update."""

    def arguments(self, fn: Callable[..., Any], carrier: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (carrier,), {}

    def write_update(self, carrier: Any) -> Any:
        return {"update_id": carrier.update_id, "facts": list(carrier)}

    def read_update(self, bot_id: int, written: Any) -> Any:
        return Facts(*written["facts"])

    def write(self, value: Any) -> Any | None:
        return list(value) if isinstance(value, Facts) else None

    def read(self, bot_id: int, written: Any) -> Any:
        return Facts(*written)

    def write_error(self, error: BaseException) -> Any | None:
        return str(error) if isinstance(error, LineError) else None

    def read_error(self, written: Any) -> BaseException:
        return LineError(written)


class DurableLineAdapter(LineAdapter):
    """A line's adapter that keeps its updates, and has buttons."""

    scribe = LineScribe()

    def keyboard(self, keyboard: Keyboard) -> Any:
        return keyboard

    async def answer_click(self, delivery: Any, text: str | None = None, *, alert: bool = False) -> None:
        await super().answer_click(delivery, text)

    async def edit(self, to: Address, sent: Sent, *, text: str | None = None, keyboard: Keyboard | None = None) -> None:
        """Change nothing: nobody looks."""

    async def handle_error(self, turn: Turn, error: Exception) -> None:
        self.target.errors.append(error)

    async def send(
        self, to: Address, prompt: Any, *, keyboard: Any = None, force_reply: Any = "auto", **send: Any
    ) -> Sent:
        if isinstance(keyboard, Keyboard):
            self.target.keyboards.append(keyboard)  # type: ignore[attr-defined]
        world: World = self.target.world  # type: ignore[attr-defined]
        world.point(f"before asking {prompt}")
        sent = await super().send(to, prompt, keyboard=keyboard, force_reply=force_reply, **send)
        world.point(f"after asking {prompt}")
        return sent


class Process(Line):
    """A line that says things, as a durable effect."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.keyboards: list[Keyboard] = []

    async def say(self, text: str) -> int:
        """Send *text*; return the number of the message."""

        async def send(key: str) -> int:
            if text in self.world.unsayable:
                raise LineError(text)
            self.world.point(f"before saying {text}")
            self.world.said.append(text)
            self.world.point(f"after saying {text}")
            return len(set(self.world.said))

        flow = current_flow.get()
        number: int = await send("") if flow is None else await flow.effect("say", send, CALL)
        return number


class World:
    """Storage, clock and people; the bot's process comes and goes.

    Attributes:
        said: what the bot has sent, in all its lives.
        unsayable: what it cannot send.
    """

    def __init__(self, records: Records | None = None, lives: Lives | None = None) -> None:
        self._records = records if records is not None else MemoryRecords()
        self._lives_of = lives
        self.life: Life | None = None
        self.said: list[str] = []
        self.unsayable: set[str] = set()
        self.handlers: dict[str, Any] = {}
        self.dead: list[Process] = []
        self._engines: list[Engine] = []
        self._lives = itertools.count(1)
        self.process = Process(self)

    def wall(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    def boot(self, **handlers: Any) -> Process:
        """Start the bot's process, in place of any other."""
        if self._engines:
            self.engine.uninstall()
        self.process = Process(self)
        self.handlers.update(handlers)
        for text, handler in self.handlers.items():
            self.process.on(text if text == "*" else "/" + text)(handler)
        self.life = None if self._lives_of is None else self._lives_of.begin()
        records = self._records if self.life is None else self.life.records(self._records)
        engine = install_adapter(DurableLineAdapter(self.process), storage=RecordedSteps(records, wall_clock=self.wall))
        self._engines.append(engine)
        life = f"life-{next(self._lives)}"
        self.durables.owner = lambda: life
        current.process = self.process
        return self.process

    def point(self, where: str) -> None:
        """Die here, if that is wanted."""
        if self.life is not None:
            self.life.point(where)

    @property
    def engine(self) -> Engine:
        return self._engines[-1]

    @property
    def durables(self) -> Durables:
        return self.engine.runtime.steps.durables

    async def kill(self) -> None:
        """End the process as kill -9 does: nothing is written any more."""
        self.dead.append(self.process)
        if self._engines:
            self.engine.uninstall()
        for task in self.process.tasks:
            task.cancel()
        await settle()

    async def restart(self, **handlers: Any) -> Process:
        await self.kill()
        process = self.boot(**handlers)
        await self.tend()
        return process

    async def tend(self) -> None:
        """Let what is due happen."""
        await self.durables.tend((self.process.bot_id,))
        await settle()

    async def send(self, text: str | None, **details: Any) -> Facts:
        """Let Alice write."""
        made = self.process.arrive(text, **{"chat_id": ALICE, "chat_type": "private"} | details)
        await settle()
        return made

    async def close(self) -> None:
        await self.kill()

    @property
    def prompts(self) -> list[str]:
        """What was asked, in all lives."""
        return [text for process in [*self.dead, self.process] for text in process.prompts]

    @property
    def errors(self) -> list[BaseException]:
        return self.process.errors


class _Current:
    """The process that runs, for conversations: they are functions of a module."""

    process: Process


current = _Current()


async def say(text: str) -> int:
    """Say something, from inside a conversation."""
    return await current.process.say(text)


def again(update: Facts, **changes: Any) -> Facts:
    """Return the same update, as it is delivered once more."""
    return update._replace(**changes)


__all__ = ["LineError", "Process", "World", "again", "current", "facts", "say"]
