"""Next steps that a glance finds: run without a look through all handlers, and as good as by one of them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from telegram import Update
from telegram.ext import CallbackContext, CommandHandler, ContextTypes, ExtBot, MessageHandler, filters

from aiostep import WaitCancelled, WaitTimeout, conversation, next_step, register_next_step
from aiostep_core.keys import Key, Scope
from aiostep_ptb import wait_for
from tests.ptb.stage import App, Context, Stage, soon, text_of, until
from tests.ptb.test_flows import message
from tests.ptb.test_install import Overriding

pytestmark = pytest.mark.anyio

ALICE = Key(42, 1, 1)


class Script:
    """An application whose handler and steps note what they see."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.seen: list[str] = []
        self._number = 10
        app.add_handler(MessageHandler(filters.ALL, self.other))

    async def other(self, update: Update, context: Context) -> None:
        self.seen.append(f"other {text_of(update)}")

    async def step(self, update: Update, context: Context) -> None:
        self.seen.append(f"step {text_of(update)}")

    async def warm_up(self) -> None:
        """Let a first update have come: what rests then can begin at once, from the next one on."""
        await self.say("warm up")
        await asyncio.sleep(0)
        self.seen.clear()

    async def say(self, text: str) -> None:
        self._number += 1
        await soon(self.app.process_update(message(self.app, self._number, text)))


async def test_no_handler_is_added_for_it(local: Stage) -> None:
    """A step runs once; the application's handlers stay as they are, and get the message after."""
    script = Script(local.application())
    async with script.app:
        await register_next_step(ALICE, script.step)
        for text in "abc":
            await script.say(text)

    assert script.seen == ["step a", "other b", "other c"]
    assert list(script.app.handlers) == [0]


async def test_what_a_step_dispatches_itself_is_kept(local: Stage) -> None:
    """A message of the same person that comes before the step has waited for anything is the answer to the next one."""
    script = Script(local.application())

    async def step(update: Update, context: Context) -> None:
        await script.app.process_update(message(script.app, 100, "b"))
        script.seen.append(f"first {text_of(update)}")
        await next_step(script.step)

    async with script.app:
        await script.warm_up()
        await register_next_step(ALICE, step)
        await script.say("a")
        await until(lambda: len(script.seen) == 2)

    assert script.seen == ["first a", "step b"]
    assert len(local.engine.waits) == 0


async def test_what_arrives_while_a_step_waits_is_kept(local: Stage) -> None:
    """A message that comes while the step is at something is neither lost nor for another handler."""
    script, gate = Script(local.application(local.builder().concurrent_updates(True))), asyncio.Event()

    async def step(update: Update, context: Context) -> None:
        await gate.wait()
        script.seen.append(f"first {text_of(update)} and {text_of(await wait_for())}")

    async with script.app:
        await script.warm_up()
        await register_next_step(ALICE, step)
        first = asyncio.ensure_future(script.say("a"))
        await until(lambda: len(local.engine.waits))
        second = asyncio.ensure_future(script.say("b"))
        await asyncio.sleep(0)
        gate.set()
        await soon(asyncio.gather(first, second))
        await until(lambda: script.seen)

    assert script.seen == ["first a and b"]
    assert len(local.engine.waits) == 0


async def test_a_step_that_is_cut_off_is_kept(local: Stage) -> None:
    """Who interrupts ``process_update`` finds the step, and the update, as if it had not come."""
    script, begun = Script(local.application()), list[str]()

    async def step(update: Update, context: Context) -> None:
        begun.append(text_of(update))
        if len(begun) == 1:
            await asyncio.Event().wait()

    async with script.app:
        await script.warm_up()
        await register_next_step(ALICE, step)
        task = asyncio.ensure_future(script.app.process_update(message(script.app, 7, "a")))
        await until(lambda: begun)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await soon(task)
        await soon(script.app.process_update(message(script.app, 7, "a")))

    assert begun == ["a", "a"]


class Counted(CallbackContext[ExtBot[None], dict[Any, Any], dict[Any, Any], dict[Any, Any]]):
    """A context class that has its own way to be made, which fails at first."""

    made: list[str] = []  # noqa: RUF012
    fails = True

    @classmethod
    def from_update(cls, update: object, application: Any) -> Any:
        if cls.fails:
            raise LookupError("on purpose")
        cls.made.append("made")
        return super().from_update(update, application)

    async def refresh_data(self) -> None:
        self.made.append("refreshed")
        await super().refresh_data()


async def test_an_author_s_context_is_made_in_its_own_way(local: Stage) -> None:
    """Its ``from_update`` and ``refresh_data`` are called; where they fail, the step is there for the next message."""
    Counted.made.clear()
    Counted.fails = True
    script = Script(local.application(local.builder().context_types(ContextTypes(context=Counted))))
    async with script.app:
        await register_next_step(ALICE, script.step)
        await script.say("a")
        Counted.fails = False
        await script.say("b")

    assert script.seen == ["step b"]
    assert Counted.made == ["made", "refreshed"]
    assert {type(error) for error in local.errors} == {LookupError}
    local.errors.clear()


async def test_an_application_that_handles_updates_in_its_own_way(local: Stage) -> None:
    """A subclass that overrides ``process_update`` sees the messages that run steps as well."""
    Overriding.seen.clear()
    script = Script(local.application(local.builder().application_class(Overriding)))
    async with script.app:
        await register_next_step(ALICE, script.step)
        await script.say("a")

    assert script.seen == ["step a"]
    assert [text_of(update) for update in Overriding.seen if isinstance(update, Update)] == ["a"]


async def test_an_application_that_is_not_initialized(local: Stage) -> None:
    """It refuses the message, as it refuses every other, and the step is kept."""
    script = Script(local.application())
    for _ in "12":
        await register_next_step(ALICE, script.step)
        with pytest.raises(RuntimeError, match="not initialized"):
            await script.say("a")
        async with script.app:
            await script.say("b")

    assert script.seen == ["step b", "step b"]


@pytest.mark.parametrize("scope", [Scope.CHAT, Scope.GLOBAL_USER])
async def test_steps_of_other_scopes(local: Stage, scope: Scope) -> None:
    """A glance finds them too; where there are two, the more specific one comes first."""
    script = Script(local.application())

    async def second(update: Update, context: Context) -> None:
        script.seen.append(f"second {text_of(update)}")

    async with script.app:
        await register_next_step(ALICE, second, scope=scope)
        await register_next_step(ALICE, script.step)
        for text in "abc":
            await script.say(text)

    assert script.seen == ["step a", "second b", "other c"]


async def test_a_step_registers_for_whoever_is_meant(local: Stage) -> None:
    """A step whose own scope is a wider one registers the next step for its person, as any handler does."""
    app = local.application()
    script = Script(app)

    async def anybody(update: Update, context: Context) -> None:
        await next_step(script.step)

    app.add_handler(CommandHandler("start", anybody))
    async with app:
        await register_next_step(ALICE, anybody, scope=Scope.CHAT)
        await script.say("a")
        steps = [one.place for one in await local.engine.runtime.steps.storage.steps(0.0)]
        await script.say("b")

    assert [(place.scope, place.key) for place in steps] == [(Scope.USER_IN_CHAT, ALICE)]
    assert script.seen == ["step b"]


async def test_a_handler_that_waits_on_and_on(local: Stage) -> None:
    """What a handler is asked for once more obeys what is around it: a block's time limit, what is unread, an end."""
    app = local.application(local.builder().concurrent_updates(True))
    seen, gate = list[str](), asyncio.Event()

    async def start(update: Update, context: Context) -> None:
        seen.append(text_of(await wait_for()))
        async with conversation(timeout=0.01):
            with pytest.raises(WaitTimeout):
                await wait_for()
        await gate.wait()
        seen.append(text_of(await wait_for()))
        local.engine.cancel_all()
        with pytest.raises(WaitCancelled, match="code"):
            await wait_for()
        seen.append("end")

    app.add_handler(CommandHandler("start", start))
    script = Script(app)
    async with app:
        await script.warm_up()
        begun = asyncio.ensure_future(script.say("/start"))
        await until(lambda: sum(len(one.waits) for one in local.engine.waits))
        await script.say("a")
        await until(lambda: not any(one.waits for one in local.engine.waits))
        later = asyncio.ensure_future(script.say("b"))
        await until(lambda: any(one.unread for one in local.engine.waits))
        gate.set()
        await until(lambda: "end" in seen)
        await soon(asyncio.gather(begun, later))

    assert seen == ["a", "b", "end"]
    assert len(local.engine.waits) == 0
