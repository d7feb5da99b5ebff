"""A process that dies anywhere makes no difference to a conversation: only an effect that it cut may be repeated."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiostep_core import ask
from aiostep_core.durable.flows import durable
from aiostep_core.durable.operations import random, run
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.abc import Records
from aiostep_core.storages.opening import open_records
from aiostep_core.storages.sqlite import SqliteRecords
from aiostep_testing.crashes import Crash, Lives, Played, crash_matrix
from tests.core.making import facts
from tests.core.virtual_time import settle
from tests.durable.bot import LineError, World, current, say
from tests.storages.places import REDIS, redis_ends

pytestmark = pytest.mark.anyio
__all__ = ["redis_ends"]

payments: list[tuple[str, int]] = []


async def charge(amount: int, *, key: str) -> str:
    current.process.world.point("before the payment")
    payments.append((key, amount))
    current.process.world.point("after the payment")
    return f"receipt for {amount}"


def find_charge(key: str) -> tuple[bool, str | None]:
    found = [amount for known, amount in payments if known == key]
    return (True, f"receipt for {found[0]}") if found else (False, None)


def check_coupon(coupon: str) -> None:
    if coupon != "HALF":
        raise ValueError(f"unknown {coupon}")


async def signup(update: Any) -> Any:
    name = await ask("Name?", str)
    age = await ask("Age?", int, retry="A number, please.")
    await say(f"hello {name}")
    lucky = await random()
    coupon = await ask("Coupon?", str)
    try:
        await run(check_coupon, coupon)
        price = 5
    except ValueError as error:
        await say(f"bad coupon: {error}")
        price = 10
    try:
        await say("unsayable")
    except LineError:
        price += 1
    sure = await ask(f"Pay {price}?", str)
    receipt = await run(charge, price, reconcile=find_charge)
    await say(receipt)
    mail = await ask("Mail?", str)
    await say("done")
    return [name, age, 0 <= lucky < 1, price, sure, receipt, mail]


TEXTS = ("/signup", "Ann", "old", "33", "NOPE", "yes", "a@b")


async def play(records: Records, handler: Any, lives: Lives, *, unsayable: bool = True) -> Played:
    """Play the form, deliver again what a crash cut, and start another process after it."""
    payments.clear()
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # those who die are not to be heard
    world = World(records, lives)
    world.unsayable = {"unsayable"} if unsayable else set()
    world.boot(signup=handler)
    numbers = itertools.count(5000)
    result = None
    for text in TEXTS:
        made = facts(text, chat_id=10, user_id=10, chat_type="private", update_id=next(numbers))
        for _ in range(3):
            world.process.feed(made)
            await settle()
            if world.life is not None and not world.life.is_over:
                break
            await world.kill()
            for task in world.process.tasks:
                assert task.done()
                assert task.cancelled() or isinstance(task.exception(), Crash | None)
            await asyncio.sleep(31)
            world.boot()
            await world.tend()
    for journal in await world.durables.journals.scan():
        result = (journal.status, journal.get("ended"), journal.get("result"))
    errors = [error for process in [*world.dead, world.process] for error in process.errors]
    crashes = [error for error in errors if not isinstance(error, Crash)]
    effects = [*world.prompts, *world.said, *(amount for _, amount in payments)]
    await world.close()
    return Played([result, crashes], effects)


def memory(path: Path, number: int) -> Records:
    return MemoryRecords()


def sqlite(path: Path, number: int) -> Records:
    return SqliteRecords(path / f"{number}.db", durability="process", is_blocking=True)


def redis(path: Path, number: int) -> Records:
    pytest.importorskip("redis")
    from tests.storages.redis_servers import SHARED  # skips the test where there is no server

    # Not by way of the loop: while it waits for a socket, hours of its clock would go by.
    return open_records(SHARED.get(REDIS).url, prefix=path.name + str(number)).blocking()


@pytest.mark.parametrize("make", [memory, sqlite, redis])
@pytest.mark.parametrize(
    ("durability", "on_doubt", "worst"),
    [("turn", "redo", 3), ("step", "redo", 1), ("intent", "redo", 1), ("intent", "skip", 1)],
)
async def test_a_crash_at_any_point_changes_nothing(
    make: Callable[[Path, int], Records], durability: str, on_doubt: str, worst: int, tmp_path: Path
) -> None:
    """Wherever the process dies, the outcome is the one without a crash."""
    handler = durable("test.signup", durability=durability, on_doubt=on_doubt)(signup)
    numbers = itertools.count()

    async def one(lives: Lives) -> Played:
        records = make(tmp_path, next(numbers))
        try:
            # What is skipped has no error.
            return await play(records, handler, lives, unsayable=on_doubt != "skip")
        finally:
            await records.close()

    report = await crash_matrix(one)

    assert report.different == {}
    assert report.worst <= worst
    assert all(on_doubt == "skip" and len(lost) == 1 for lost in report.lost.values())
    if durability == "intent":
        assert not [where for where in report.repeated if "payment" in where]
