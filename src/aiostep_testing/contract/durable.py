"""Level durable: conversations that are written as one function go on after the bot was stopped and started anew."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiostep_core import ask, choose
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import run
from aiostep_core.durable.starting import start_durable
from aiostep_core.errors import WaitCancelled, WaitTimeout
from aiostep_core.keys import Key
from aiostep_core.reports import Exit
from aiostep_core.threads import ThreadRuntime
from aiostep_testing.people import Person

from .context import Ctx
from .harness import TOKEN, AdapterHarness
from .level import Level
from .stage import Stage

__all__ = ["Durable"]

#: The harness that plays; durable functions cannot hold it, as they come back by their names.
_playing: list[AdapterHarness] = []
#: What was done by way of ``run``.
_done: list[str] = []


def _pay(name: str) -> str:
    _done.append(name)
    return f"{name}/{len(_done)}"


async def _say(update: Any, text: str) -> None:
    await Ctx(_playing[-1], update).say(text)


async def _outside(stage: Stage, call: Coroutine[Any, Any, Any]) -> None:
    """Make a call as code outside of any handler does: a bot without an event loop is called from a thread."""
    runtime = stage.harness.engine.runtime
    await (asyncio.to_thread(runtime.block, call) if isinstance(runtime, ThreadRuntime) else call)


def _key(person: Person) -> Key:
    return Key(int(TOKEN.partition(":")[0]), person.id, person.id)


@durable("contract.order")
async def order(update: Any, *_: Any) -> None:
    name = await ask("name?", str)
    await _say(update, f"hello {name}")
    paid = await run(_pay, name)
    count = await ask("how many?", int, retry="a number")
    size = await choose("size?", {"S": "Small", "L": "Large"})
    await _say(update, f"{count} {size} for {paid}")


@durable("contract.waiting")
async def waiting(update: Any, *_: Any) -> None:
    try:
        name = await ask("name?", str, timeout=0.4)
    except WaitTimeout:
        name = await ask("too late; name?", str)
    await _say(update, f"hello {name}")


@durable("contract.passed_by")
async def passed_by(update: Any, *_: Any) -> None:
    name = await ask("name?", str, again=0.1)
    size = await choose("size?", {"S": "Small", "L": "Large"}, again=0.1)
    await _say(update, f"{size} for {name}")


@durable("contract.ending")
async def ending(update: Any, *_: Any) -> None:
    try:
        await ask("first?", str)
        await ask("second?", str)
    except WaitCancelled as error:
        await _say(update, f"ended: {error.reason}")
    finally:
        await run(_pay, "finally")


@durable("contract.losing")
async def losing(update: Any, *_: Any) -> None:
    try:
        await ask("name?", str)
    except WaitCancelled as error:
        await run(_pay, error.reason)


@durable("contract.reminded")
async def reminded(what: str, *_: Any) -> None:
    when = await ask(f"{what}: when?", str)
    where = await ask(f"{when}: where?", str)
    await run(_pay, f"{what} {when} {where}")


@durable("contract.failing")
async def failing(*_: Any) -> None:
    await ask("name?", str)
    raise LookupError("nobody knows")


class Durable(Level, level="durable"):
    """Promise 12."""

    async def _start(self, stage: Stage) -> None:
        _done.clear()
        await stage.start_durable(order, waiting, passed_by, ending, losing, reminded, failing)
        _playing[:] = [stage.harness]

    async def _restart(self, stage: Stage) -> None:
        await stage.restart()
        _playing[:] = [stage.harness]

    async def test_it_is_an_ordinary_conversation(self, stage: Stage) -> None:
        """Promise 12: without a restart, everything is asked, done and said as anywhere else."""
        await self._start(stage)
        await stage.tell(stage.alice, "/order", "name?")
        await stage.tell(stage.alice, "Ann", "hello Ann", "how many?")
        await stage.tell(stage.alice, "many", "a number")
        await stage.tell(stage.alice, "3", "size?")
        stage.click(stage.alice, "Large")
        await stage.tell(stage.alice, None, "3 L for Ann/1")
        await stage.passes(stage.alice)

    async def test_a_restart(self, stage: Stage) -> None:
        """T53: what was waiting before a restart goes on after it; nothing is done, said or called again."""
        await self._start(stage)
        await stage.tell(stage.alice, "/order", "name?")
        await self._restart(stage)
        await stage.tell(stage.alice, "Ann", "hello Ann", "how many?")
        await self._restart(stage)
        await stage.tell(stage.alice, "many", "a number")
        await self._restart(stage)
        await stage.tell(stage.alice, "3", "size?")
        await self._restart(stage)
        stage.click(stage.alice, "Large")
        await stage.tell(stage.alice, None, "3 L for Ann/1")
        await stage.passes(stage.alice)
        texts = [call["text"] for call in stage.calls("sendMessage")]
        wanted = ["name?", "hello Ann", "how many?", "a number", "size?", "3 L for Ann/1", "other:ping"]
        assert texts == wanted
        assert _done == ["Ann"]

    async def test_answers_in_order(self, stage: Stage) -> None:
        """T01: answers that came while nobody ran are taken in their order."""
        await self._start(stage)
        await stage.tell(stage.alice, "/order", "name?")
        await stage.stop()
        for text in ("Ann", "3"):
            stage.alice.send(text)
        await self._restart(stage)
        assert await stage.texts(stage.alice, 3) == ["hello Ann", "how many?", "size?"]

    async def test_what_passes_a_question_by(self, stage: Stage) -> None:
        """T15: a command in the middle has the question asked again, before and after a restart; replaying does not."""
        await self._start(stage)
        await stage.tell(stage.alice, "/passed_by", "name?")
        await stage.tell(stage.alice, "/help", "other:/help", "name?")
        await self._restart(stage)
        await stage.tell(stage.alice, "/help", "other:/help", "name?")
        await stage.tell(stage.alice, "Ann", "size?")
        await self._restart(stage)
        await stage.tell(stage.alice, "/help", "other:/help", "size?")
        await self._restart(stage)
        stage.click(stage.alice, "Large")
        await stage.tell(stage.alice, None, "L for Ann")
        await stage.passes(stage.alice)

    async def test_two_people_at_once(self, stage: Stage) -> None:
        """Promise 4: each goes on with their own conversation, in a group as well."""
        await self._start(stage)
        await stage.tell(stage.alice, "/order", "name?")
        await stage.tell(stage.bob, "/order", "name?")
        await self._restart(stage)
        await stage.tell(stage.bob, "Bob", "hello Bob", "how many?")
        await stage.tell(stage.alice, "Ann", "hello Ann", "how many?")
        await self._restart(stage)
        await stage.tell(stage.alice, "1", "size?")
        await stage.tell(stage.bob, "2", "size?")
        stage.click(stage.bob, "Small")
        await stage.tell(stage.bob, None, "2 S for Bob/1")
        stage.click(stage.alice, "Large")
        await stage.tell(stage.alice, None, "1 L for Ann/2")

    async def test_a_time_limit(self, stage: Stage) -> None:
        """Promise 12: a time limit that goes by while the bot runs ends the wait once."""
        await self._start(stage)
        await stage.tell(stage.alice, "/waiting", "name?", "too late; name?")
        await stage.tell(stage.alice, "Ann", "hello Ann")
        await stage.passes(stage.alice)

    async def test_an_overdue_time_limit(self, stage: Stage) -> None:
        """Promise 12: one that went by while it did not run ends it once, as soon as the bot gets updates again."""
        await self._start(stage)
        await stage.tell(stage.alice, "/waiting", "name?")
        await stage.stop()
        await asyncio.sleep(0.5)
        await self._restart(stage)
        await stage.passes(stage.bob)
        await stage.tell(stage.alice, None, "too late; name?")
        await self._restart(stage)
        await stage.tell(stage.alice, "Ann", "hello Ann")
        await stage.passes(stage.alice)
        assert [call["text"] for call in stage.calls("sendMessage")].count("too late; name?") == 1

    async def test_a_cancel_after_a_restart(self, stage: Stage) -> None:
        """Promise 9: /cancel ends it with reason "user"; its ``finally`` runs once, not when the bot stops."""
        await self._start(stage)
        await stage.tell(stage.alice, "/ending", "first?")
        await self._restart(stage)
        await stage.tell(stage.alice, "a", "second?")
        await self._restart(stage)
        assert _done == []
        await stage.tell(stage.alice, "/cancel", "ended: user")
        await stage.passes(stage.alice)
        await self._restart(stage)
        await stage.passes(stage.alice)
        assert _done == ["finally"]

    async def test_a_person_who_leaves_after_a_restart(self, stage: Stage) -> None:
        """Promise 9: who blocks the bot ends what is stored as well, at once, and finds nothing of it after that."""
        await self._start(stage)
        await stage.tell(stage.alice, "/losing", "name?")
        await self._restart(stage)
        stage.alice.block()
        await stage.until(lambda: _done == ["blocked"], "the end")
        stage.alice.unblock()
        await stage.passes(stage.alice)

    async def test_a_group_that_is_lost_after_a_restart(self, stage: Stage) -> None:
        """Promise 9: who throws the bot out of a group ends what is stored of that group, and of no other chat."""
        await self._start(stage)
        await stage.tell(stage.alice, "/losing", "name?", in_=stage.group)
        await stage.tell(stage.bob, "/order", "name?", in_=stage.group)
        await stage.tell(stage.alice, "/losing", "name?")
        await self._restart(stage)
        stage.group.remove_bot(stage.account, by=stage.bob)
        await stage.until(lambda: _done == ["left"], "the end")
        stage.group.add_bot(stage.account, by=stage.bob)
        await stage.passes(stage.alice, in_=stage.group)
        await stage.passes(stage.bob, in_=stage.group)
        await stage.tell(stage.alice, "Ann")
        await stage.passes(stage.alice)
        assert _done == ["left"]

    async def test_one_that_no_update_begins(self, stage: Stage) -> None:
        """Promise 12: a job begins one with somebody who has sent nothing; it is stored before it does anything."""
        await self._start(stage)
        await stage.passes(stage.bob)
        await _outside(stage, start_durable("contract.reminded", "tea", to=_key(stage.alice)))
        await stage.tell(stage.alice, None, "tea: when?")
        await self._restart(stage)
        await stage.tell(stage.alice, "today", "today: where?")
        await stage.tell(stage.alice, "here")
        await stage.until(lambda: _done == ["tea today here"], "the end")
        await stage.passes(stage.alice)

    async def test_the_bot_stops_when_one_has_just_begun(self, stage: Stage) -> None:
        """Promise 12: what was begun is asked after the restart, once."""
        await self._start(stage)
        await stage.passes(stage.bob)
        await _outside(stage, start_durable(reminded, "tea", to=_key(stage.alice)))
        await self._restart(stage)
        await stage.passes(stage.bob)
        await stage.tell(stage.alice, None, "tea: when?")
        await stage.tell(stage.alice, "today", "today: where?")
        assert [call["text"] for call in stage.calls("sendMessage")].count("tea: when?") == 1

    async def test_an_error_is_told_of_once(self, stage: Stage) -> None:
        """Promise 10: the framework's error handlers get what a conversation raises; on_exit can tell the person."""

        async def sorry(exit: Exit) -> None:
            if exit.reason == "error":
                await exit.send(f"sorry: {exit.error}")

        await self._start(stage)
        stage.harness.engine.on_exit(sorry)
        await stage.tell(stage.alice, "/failing", "name?")
        await stage.tell(stage.alice, "Ann", "sorry: nobody knows")
        await stage.tell(stage.alice, "/failing", "name?")
        await self._restart(stage)
        stage.harness.engine.on_exit(sorry)
        await stage.tell(stage.alice, "Ann", "sorry: nobody knows")
        await stage.passes(stage.alice)
        await _outside(stage, start_durable("contract.failing", to=_key(stage.alice)))
        await stage.tell(stage.alice, None, "name?")
        await stage.tell(stage.alice, "Ann", "sorry: nobody knows")
        await stage.until(lambda: len(stage.errors) == 3, "the errors")
        await stage.tell(stage.alice, "/order", "name?")
        assert [type(error) for error in stage.errors] == [LookupError] * 3
        stage.errors.clear()

    async def test_a_newer_one_replaces_it(self, stage: Stage) -> None:
        """T20: who begins anew after a restart is asked anew; the older ends with "replaced"."""
        await self._start(stage)
        await stage.tell(stage.alice, "/ending", "first?")
        await self._restart(stage)
        stage.alice.send("/order")
        assert await stage.texts(stage.alice, 2) == ["ended: replaced", "name?"]
        assert _done == ["finally"]
        await stage.tell(stage.alice, "Ann", "hello Ann", "how many?")

    async def test_an_update_that_is_delivered_again(self, stage: Stage) -> None:
        """T10: an answer that was taken before the restart is not the answer to the next question after it."""
        await self._start(stage)
        await stage.tell(stage.alice, "/order", "name?")
        await stage.tell(stage.alice, "Ann", "hello Ann", "how many?")
        await self._restart(stage)
        stage.world.redeliver(stage.account, stage.account.history[-1]["update_id"])
        await stage.tell(stage.alice, "3", "size?")
