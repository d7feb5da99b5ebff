"""Where a test of the contract plays: a world with people, and one bot in it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from aiostep_core.durable.flows import is_starter
from aiostep_core.storages import MemoryRecords
from aiostep_testing.bounded import bounded
from aiostep_testing.chats import Chat, Place
from aiostep_testing.people import Person
from aiostep_testing.server import serve
from aiostep_testing.webhook import WebhookSender
from aiostep_testing.wire import Json
from aiostep_testing.world import World

from .context import Program
from .harness import TOKEN, AdapterHarness

__all__ = ["PATIENCE", "Stage"]

PATIENCE = 5.0
#: No test may take longer.
LIMIT = 30.0


class Stage:
    """One test's world.

    Whatever a test does not expect fails it: an error that reached the framework's error handlers or a log, a call
    that Telegram would not understand, a wait that is left behind.
    """

    def __init__(self, harness_class: type[AdapterHarness], transport: str) -> None:
        self.harness = harness_class()
        self.harness.transport = transport
        self.world = World()
        self.account = self.world.bot(TOKEN)
        self.alice, self.bob = self.world.person("Alice"), self.world.person("Bob")
        self.group = self.world.group("Group", members=(self.alice, self.bob))
        self.forum = self.world.group("Forum", members=(self.alice, self.bob), forum=True)
        self.webhooks = WebhookSender(self.world, first_delay=0.05)
        self._reader = self.world.person("Reader", started=False)
        self._stack = contextlib.AsyncExitStack()
        self._is_running = False
        self._programs: tuple[Callable[..., Any], ...] = ()

    def play(self, test: Coroutine[Any, Any, None]) -> None:
        """Run a test on this stage."""
        asyncio.run(bounded(self._play(test), LIMIT))

    async def _play(self, test: Coroutine[Any, Any, None]) -> None:
        log = _Errors(self.errors)
        for name in ("aiostep", "asyncio"):
            logging.getLogger(name).addHandler(log)
            self._stack.callback(logging.getLogger(name).removeHandler, log)
        async with self._stack:
            await test
            await self.stop()
        assert self.errors == [], f"errors that nobody expected: {self.errors}"
        assert self.world.violations == []

    @property
    def errors(self) -> list[BaseException]:
        """What was raised and reached the framework's error handlers, in order; a test takes out what it expects."""
        return self.harness.errors

    async def start(self, *programs: Program) -> None:
        """Start the bot with a command for each program."""
        if self.harness.transport != "in process":
            server = serve(self.world, webhooks=self.webhooks)
            self.harness.url = (await self._stack.enter_async_context(server)).url
        self._is_running = True
        self._stack.push_async_callback(self._clean_up)
        await bounded(self.harness.start(self.world, {one.__name__: one for one in programs}), PATIENCE * 2)

    async def start_durable(self, *programs: Callable[..., Any]) -> None:
        """Start the bot, on a storage that outlives it, with a command for each handler that is a durable conversation.

        The functions themselves are registered: they come back by their names.
        """
        self.harness.storage = MemoryRecords()
        self._programs = programs
        _take_starters(self.harness)
        await self.start(*programs)

    async def restart(self) -> None:
        """Stop the bot as its framework does, if it runs, and start another one on the same storage."""
        await self.stop()
        old = self.harness
        old.engine.uninstall()
        self.harness = new = type(old)()
        new.transport, new.url, new.storage, new.errors = old.transport, old.url, old.storage, old.errors
        _take_starters(new)
        self._is_running = True
        await bounded(new.start(self.world, {one.__name__: one for one in self._programs}), PATIENCE * 2)

    async def _clean_up(self) -> None:
        if not hasattr(self.harness, "engine"):
            return  # it failed to start; whatever its stop() would raise for that must not hide why
        try:
            await self.stop()
        finally:
            self.harness.engine.uninstall()

    async def stop(self) -> None:
        """Stop the bot; nothing may be left of its waits."""
        if not self._is_running:
            return
        self._is_running = False
        await bounded(self.harness.stop(), PATIENCE * 2)
        await self.nobody_waits()

    # What people say and see.

    async def tell(self, person: Person, text: str | None, *answers: str, in_: Place = None) -> Json:
        """Let *person* send *text*, unless it is None; the very next things that the bot says there must be *answers*.

        Returns the last of them, or what was sent.
        """
        message = person.send(text, to=in_) if text is not None else {}
        for answer in answers:
            message = await self.said(person, in_=in_)
            assert message.get("text") == answer, f"expected {answer!r}; what happened: {person.seen(in_)}"
        return message

    def click(self, person: Person, button: str, *, on: Json | None = None, in_: Place = None) -> None:
        """Let *person* press a button, without waiting for the answer to it."""
        pressed = person.click(button, on=on, in_=in_)
        del pressed

    async def said(self, person: Person, *, in_: Place = None, timeout: float = PATIENCE) -> Json:
        """Return the next message of the bot to *person*, or in a group; each is read once, whoever asks."""
        where: Any = in_ if in_ is not None else person.place(None)[0]
        return await self._reader.expect(in_=where, timeout=timeout)

    async def said_in_time(self, person: Person, text: str, answer: str) -> None:
        """Let *person* send *text* and expect *answer*, with more patience: a framework may be backing off."""
        person.send(text)
        assert (await self.said(person, timeout=PATIENCE * 2)).get("text") == answer

    async def texts(self, person: Person, count: int) -> list[str]:
        """Return the next texts, sorted: for what may come in any order."""
        return sorted([(await self.said(person))["text"] for _ in range(count)])

    async def passes(self, person: Person, *, in_: Place = None) -> None:
        """Check that *person* is free: what they say goes to ordinary handlers, and nothing else was said before."""
        await self.tell(person, "ping", "other:ping", in_=in_)

    def on_message(self, text: str, react: Callable[[Json], object]) -> None:
        """Call *react* while the bot's *text* is being sent, before the bot knows that it was."""
        done: list[bool] = []

        def look(chat: Chat, event: Any) -> None:
            if event.bot_id is not None and event.what.get("text") == text and not done:
                done.append(True)
                react(event.what)

        self._stack.callback(self.world.add_observer(look))

    def answer_late(self, text: str, seconds: float) -> None:
        """Have the call that sends *text* executed at once, but answered later: a slow network."""
        world: Any = self.world
        call = world.call

        async def late(token: str, name: str, params: Any, *args: Any) -> Any:
            reply = await call(token, name, params, *args)
            if params.get("text") == text:
                await asyncio.sleep(seconds)
            return reply

        world.call = late

    # What happens meanwhile.

    async def until(self, ready: Callable[[], object], what: str = "it") -> None:
        """Wait until *ready*.

        Raises:
            AssertionError: it takes too long.
        """
        for _ in range(int(PATIENCE / 0.005)):
            if ready():
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"{what} did not happen in {PATIENCE:g} s")

    async def waiting(self, count: int = 1) -> None:
        """Wait until so many waits are open."""
        await self.until(lambda: sum(len(one.waits) for one in self.harness.engine.waits) == count, f"{count} waits")

    async def nobody_waits(self) -> None:
        """Check that nothing of any conversation is kept."""
        engine = self.harness.engine
        await self.until(lambda: len(engine.waits) == 0 and not engine.waits.scopes, "the end of all waits")
        assert not engine.buttons

    def calls(self, method: str) -> list[Json]:
        """List the parameters of the calls of *method* so far."""
        return [dict(call.params) for call in self.world.calls if call.method == method]


def _take_starters(harness: Any) -> None:
    """Have *harness* register durable conversations as they are."""
    handler = harness.handler

    def make(program: Any) -> Any:
        return program if is_starter(program) else handler(program)

    harness.handler = make


class _Errors(logging.Handler):
    """Collects what is only logged."""

    def __init__(self, errors: list[BaseException]) -> None:
        super().__init__(logging.ERROR)
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info is not None else None
        self._errors.append(error or AssertionError(record.getMessage()))
