"""The durable conversation that runs a program: one function for the bots of every framework."""

from __future__ import annotations

import uuid as uuids
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiostep_core import ask, choose, confirm, conversation, fill, stream, wait_for
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import back, checkpoint, continue_as_new, now, random, rewind, run, sub, uuid
from aiostep_core.durable.together import first, gather
from aiostep_core.errors import TooManyAttempts, WaitCancelled, WaitTimeout
from aiostep_testing.contract import AdapterHarness, Ctx
from tests.durable.everywhere import programs
from tests.durable.everywhere.programs import (
    Ask,
    Block,
    Both,
    Choose,
    Collect,
    Confirm,
    Fail,
    Fill,
    Hear,
    Op,
    Part,
    Program,
    Run,
    Say,
)

__all__ = ["SCRIPTS", "Stage", "stage"]


class Stage:
    """What the conversation finds around it; it comes back by its name, and holds nothing.

    Attributes:
        effects: what was done by way of ``run``.
    """

    harness: AdapterHarness
    program: Program
    effects: list[str]

    def point(self, where: str) -> None:
        """Pass a point at which a test may let the process die."""


stage = Stage()


@dataclass
class Person:
    """Who somebody is."""

    name: str
    age: int


def _do(what: str) -> str:
    stage.point(f"before {what}")
    stage.effects.append(what)
    stage.point(f"after {what}")
    return what.upper()


def _fail(what: str) -> None:
    stage.effects.append(what)
    raise ValueError(what)


async def _say(update: Any, text: str) -> None:
    await Ctx(stage.harness, update).say(text)


async def _script(update: Any, *more: Any) -> str:
    rounds = more[-1] if more and isinstance(more[-1], int) else 0
    start, known = checkpoint(), [f"round {rounds}"]
    try:
        for number, op in enumerate(stage.program.ops):
            known.append(await _perform(update, op, f"{number}", known, start, rounds))
        await _say(update, f"end: {', '.join(known)}")
    except (WaitCancelled, WaitTimeout) as error:
        await _say(update, f"{type(error).__name__} {getattr(error, 'reason', '')}")
        raise
    finally:
        await run(_do, "finally")
    return known[-1]


async def _perform(update: Any, op: Op, number: str, known: list[str], start: int, rounds: int) -> str:
    """Do one thing; return what came of it."""
    try:
        if isinstance(op, Part):
            return await sub(_part, update, op, number, known, start, rounds, name=f"part {number}")
        if isinstance(op, Ask):
            return await _ask(op, number, start, rounds)
        return await _other(update, op, number, known)
    except TooManyAttempts:
        return "too many"


async def _part(update: Any, op: Part, number: str, known: list[str], start: int, rounds: int) -> str:
    inside = [await _perform(update, one, f"{number}.{at}", known, start, rounds) for at, one in enumerate(op.ops)]
    return f"({', '.join(inside)})"


async def _ask(op: Ask, number: str, start: int, rounds: int) -> str:
    if op.as_number:
        return str(await ask(f"number {number}?", int, attempts=2, timeout=op.limit))
    answer = await ask(f"text {number}?", str, timeout=op.limit)
    if answer == "back":
        back()
    if answer == "again":
        rewind(start)
    if answer == "anew":
        continue_as_new(rounds + 1)
    return str(answer)


async def _number() -> str:
    text = stage.harness.text_of
    return text(await wait_for(filter=lambda one: text(one).isdecimal()))


async def _two_numbers() -> str:
    return f"{await _number()}+{await _number()}"


async def _waiting(op: Both | Collect | Block, number: str) -> str:
    text = stage.harness.text_of
    if isinstance(op, Both):
        choice = choose(f"both {number}?", {"a": "A", "b": "B"}, attempts=2)
        parts = (choice, _two_numbers(), _number()) if op.is_turned else (_two_numbers(), choice)
        found = await (first(*parts) if op.is_race else gather(*parts))
        return str(found)
    if isinstance(op, Collect):
        async with stream(limit=2, timeout=op.limit) as updates:
            return f"[{' '.join([text(one) async for one in updates])}]"
    async with conversation(timeout=op.limit):
        one = await ask(f"block {number}?", str)
        return f"{one}/{await ask(f'still {number}?', str)}"


async def _other(update: Any, op: Op, number: str, known: list[str]) -> str:
    if isinstance(op, Both | Collect | Block):
        return await _waiting(op, number)
    if isinstance(op, Choose):
        return str(await choose(f"choice {number}?", {"a": "A", "b": "B"}, timeout=op.limit, default="none"))
    if isinstance(op, Confirm):
        return str(await confirm(f"sure {number}?"))
    if isinstance(op, Fill):
        return str(await fill(Person, review=False))
    if isinstance(op, Hear):
        text = stage.harness.text_of
        heard = await wait_for(filter=lambda one: text(one) != "0", timeout=op.limit, default=None)
        return "silence" if heard is None else f"heard {text(heard)}"
    if isinstance(op, Run):
        return await _run(op, number)
    if isinstance(op, Say):
        await _say(update, f"say {number}: {', '.join(known)}")
        return "said"
    if isinstance(op, Fail):
        try:
            await _say(update, "")
        except Exception as error:  # noqa: BLE001 - each framework has its own
            return f"refused: {'text is empty' in str(error)}"
        return "not refused"
    assert isinstance(op, programs.Draw)
    drawn = (await now(), await random(), await uuid())
    return str([isinstance(*one) for one in zip(drawn, (datetime, float, uuids.UUID), strict=True)])


async def _run(op: Run, number: str) -> str:
    try:
        return str(await run(_fail if op.raises else _do, f"do {number}"))
    except ValueError as error:
        return f"raised {error}"


SCRIPTS: dict[str, Any] = {
    "turn": durable("everywhere.turn", durability="turn")(_script),
    "step": durable("everywhere.step", durability="step", verify=True)(_script),
    "intent": durable("everywhere.intent", durability="intent")(_script),
}
