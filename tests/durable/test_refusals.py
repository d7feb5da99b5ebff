"""What cannot be durable is refused early, and a journal that cannot be gone on with is told of and kept."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import random as chance
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from aiostep_core import ask
from aiostep_core.durable.flows import DurableWarning, durable, flows
from aiostep_core.durable.operations import back, continue_as_new, patched, rewind, run
from aiostep_core.errors import (
    AlreadyWaiting,
    BadArgument,
    EffectFailed,
    NonDeterminismError,
    NoTarget,
    NotDurable,
    NotStorable,
    StorageDamaged,
    StorageUnavailable,
)
from aiostep_core.installed import install_adapter
from aiostep_core.storages import MemoryRecords
from tests.core.making import ALICE
from tests.core.virtual_time import settle
from tests.durable.bot import DurableLineAdapter, Process, World, say
from tests.storages.slow_records import SlowRecords

pytestmark = pytest.mark.anyio


class Thing:
    async def method(self, update: Any) -> None: ...


async def plain(update: Any) -> None: ...


async def generator(update: Any) -> Any:
    yield 1


def nested() -> Callable[..., Any]:
    variable = 1

    async def inner(update: Any) -> None:
        print(variable)

    return inner


@pytest.mark.parametrize(
    ("fn", "error", "says"),
    [
        (lambda update: None, NotDurable, "a lambda"),
        (functools.partial(plain, 1), NotDurable, "a partial"),
        (Thing().method, NotDurable, r"the bound method Thing\.method"),
        (Thing.method, NotDurable, r"the object of the method Thing\.method .* decorate a function of the module"),
        (generator, NotDurable, "the generator generator"),
        (nested(), NotDurable, r"nested\.<locals>\.inner, which uses variable"),
        (print, BadArgument, "an async function"),
        (sum, BadArgument, "an async function"),
        (lambda: 0, NotDurable, "a lambda"),
    ],
)
def test_what_could_not_be_called_again_is_refused(fn: Any, error: type[Exception], says: str) -> None:
    """The decorator says what it got and what to write instead."""
    with pytest.raises(error, match=says):
        durable("test.refused")(fn)


@pytest.mark.parametrize(
    "options",
    [
        {"version": 0},
        {"version": True},
        {"scope": "chat"},
        {"limit": 0},
        {"on_conflict": "queue"},
        {"durability": "none"},
        {"on_doubt": "ask"},
        {"on_change": "ignore"},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """A wrong option is named at once."""
    with pytest.raises(BadArgument, match=next(iter(options))):
        durable("test.refused", **options)(plain)


def test_a_name_belongs_to_one_function() -> None:
    """Two conversations cannot have one name, but a version of its own."""

    async def other(update: Any) -> None: ...

    durable("test.taken")(plain)
    with pytest.raises(BadArgument, match="a name that is not taken: plain is version 1"):
        durable("test.taken")(other)
    durable("test.taken", version=2)(other)
    durable("test.taken")(plain)  # its module is loaded again
    with pytest.raises(BadArgument, match="without spaces"):
        durable("no name")(plain)
    with pytest.raises(BadArgument, match="a text"):
        durable(plain)  # type: ignore[arg-type]


@durable("test.plain")
async def begun(update: Any) -> None: ...


async def test_only_an_update_begins_one() -> None:
    """A job has none: the error says what to do instead."""
    with pytest.raises(NoTarget, match="test.plain is called with an update by a handler, .* start_durable"):
        await begun(None)


def helper() -> float:
    return time.time()


async def careless(update: Any) -> None:
    await run(lambda: chance.random())
    chance.choice([1])
    helper()
    open("x").close()  # noqa: PTH123


def test_what_a_replay_would_do_otherwise_is_warned_of() -> None:
    """Clocks, chance and files are found by what they are, also in functions that are called."""
    with pytest.warns(DurableWarning) as warned:
        durable("test.careless")(careless)

    told = [str(one.message).partition(": ")[2] for one in warned]
    assert told == [
        "chance.choice() is not the same in a replay; write await random()",
        "time.time() is not the same in a replay; write await now()",
        "open() is not the same in a replay; write await run(fn, ...)",
    ]
    with pytest.raises(NotDurable, match=r"chance\.choice.*write await random"):
        durable("test.careless", strict=True)(careless)


async def holding(update: Any) -> None:
    with threading.Lock():
        await ask("Name?")


async def suppressing(update: Any) -> None:
    with contextlib.suppress(ValueError):
        pass
    await ask("Name?")


async def test_what_is_held_open_across_a_wait_is_refused(world: World) -> None:
    """In strict mode a lock, or anything else that is entered, must be left before a question."""
    world.boot(
        hold=durable("test.hold", strict=True)(holding), suppress=durable("test.suppress", strict=True)(suppressing)
    )
    await world.send("/hold")
    (error,) = world.errors
    assert isinstance(error, NotDurable)
    assert "lock" in str(error)
    assert "is held open while the conversation waits" in str(error)
    world.errors.clear()
    await world.send("/suppress", user_id=7, chat_id=7)

    assert world.prompts == ["Name?"]
    assert world.errors == []


coins: list[bool] = []


async def coin(update: Any) -> None:
    if coins.pop():
        await say("heads")
    await say("tails")
    await ask("Again?")


async def test_verify_finds_what_the_lint_cannot(world: World) -> None:
    """A conversation that depends on what is not in its journal is found at its first question."""
    world.boot(coin=durable("test.coin", verify=True)(coin))
    coins[:] = [False, True]
    await world.send("/coin")
    assert [type(error) for error in world.errors] == [NonDeterminismError]
    world.errors.clear()
    coins[:] = [True, True]
    await world.send("/coin", user_id=7, chat_id=7)

    assert world.errors == []


async def objects(update: Any) -> None:
    await run(object)
    await ask("Never?")


async def odd_error(update: Any) -> None:
    class OddError(Exception):
        pass

    def fail() -> None:
        raise OddError("it is odd")

    try:
        await run(fail, name="fail")
    except EffectFailed as error:
        await say(str(error))
    await ask("Go on?")
    await say("on")


async def test_a_result_that_cannot_be_kept_is_refused_at_the_first_run(world: World) -> None:
    """What would be missing at a replay is said at once, with the name of the call."""
    world.boot(go=durable("test.objects")(objects))
    await world.send("/go")
    (error,) = world.errors

    assert isinstance(error, NotStorable)
    assert "the result of object" in str(error)


async def test_an_error_of_any_class_is_the_same_in_a_replay(world: World) -> None:
    """A class that nobody could make again is EffectFailed from the beginning."""
    world.boot(go=durable("test.odd")(odd_error))
    await world.send("/go")
    await world.restart()
    await world.send("yes")

    assert world.said == ["OddError: it is odd", "on"]


async def misasked(update: Any) -> None:
    await ask("Name?", on_conflict="nonsense")


async def test_a_question_that_makes_no_sense_says_what_it_says_everywhere(world: World) -> None:
    """Errors of aiostep keep their class: what is wrong is wrong in any handler."""
    world.boot(go=durable("test.misasked")(misasked))
    await world.send("/go")
    (error,) = world.errors

    assert isinstance(error, BadArgument)
    assert "on_conflict is 'nonsense'" in str(error)


@pytest.mark.parametrize("call", [back, patched, rewind, continue_as_new])
def test_outside_of_a_conversation_there_is_nowhere_to_go_back_to(call: Any) -> None:
    """What only makes sense inside says so."""
    with pytest.raises(BadArgument, match="a handler with @durable"):
        call(*([1] if call in (patched, rewind) else []))


@pytest.mark.parametrize(("storage", "warnings"), [(None, 1), ("memory://", 0)])
async def test_a_storage_that_was_forgotten_is_told_of(
    storage: str | None, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Without any storage a durable conversation is in memory; that is said once, unless memory was asked for."""

    @durable("forgotten")
    async def conversation(update: Any) -> None:
        await ask("Name?", str)

    world = World()
    process = Process(world)
    process.on("/a")(conversation)
    engine = install_adapter(DurableLineAdapter(process), storage=storage)
    for _ in range(2):
        process.arrive("/a", chat_id=ALICE, chat_type="private")
        await settle()
    engine.uninstall()
    await settle()

    told = [one for one in caplog.messages if "durable conversations end with this process" in one]
    assert len(told) == warnings
    assert [one[0] for one in process.sent] == ["Name?", "Name?"]


async def test_run_wants_the_function_and_not_its_result() -> None:
    """A call in the place of the function is refused, and the error shows how it is written."""
    saved: Any = 17
    with pytest.raises(BadArgument, match=r"fn is 17; expected the function itself, .*: run\(save, order\)"):
        await run(saved)


async def test_outside_of_a_conversation_run_simply_calls() -> None:
    """A function that uses run can be called from anywhere."""

    async def fn(number: int, *, key: str) -> int:
        assert key
        return number

    assert await run(fn, 3) == 3


async def endless(update: Any) -> None:
    while True:
        await run(int, name="round")


async def test_an_endless_journal_is_warned_of_and_capped(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """At a thousand operations it is said what to do; at the limit the conversation fails, and is kept."""
    world.boot(go=durable("test.endless", limit=1500)(endless))
    with caplog.at_level(logging.WARNING):
        await world.send("/go")
    (error,) = world.errors

    assert isinstance(error, NotDurable)
    assert "continue_as_new()" in str(error)
    assert "test.endless has done 1000 operations" in caplog.text


async def short(update: Any) -> None:
    name = await ask("Name?", str)
    await say(name)


async def test_a_name_that_nobody_has_any_more_is_told_of(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The conversation is kept, its updates go to ordinary handlers, and the log says so once."""
    handler = durable("test.gone")(short)
    world.boot(go=handler)
    await world.send("/go")
    await world.kill()
    flows.add("test.gone", {}, "durable")
    world.boot()
    for text in ("Ann", "Bob"):
        await world.send(text)
    assert caplog.text.count("a durable conversation is called 'test.gone', and nothing is") == 1
    await world.restart(go=durable("test.gone")(short))
    await world.send("Cy")

    assert world.said == ["Cy"]


async def test_a_journal_of_a_newer_version_is_left_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A process that is older than the conversation does not touch it."""
    world.boot(go=durable("test.newer", version=2)(short))
    await world.send("/go")
    flows.add("test.newer", {}, "durable")
    await world.restart(go=durable("test.newer", version=1)(short))
    await world.send("Ann")
    assert "'test.newer' is of version 2, and only 1 is here" in caplog.text
    await world.restart(go=durable("test.newer", version=2)(short))
    await world.send("Bob")

    assert world.said == ["Bob"]


async def test_a_damaged_journal_is_told_of_and_the_bot_goes_on(world: World) -> None:
    """Whoever writes gets an error of ours, and others are served."""
    world.boot(go=durable("test.damaged")(short))
    await world.send("/go")
    (stored,) = await world.durables.journals.scan()
    found = await world.durables.journals.load(stored.key)
    assert found is not None
    await world.durables.journals.append(found, ['["wait"', "[]"], {})
    await world.restart()
    await world.send("Ann")
    assert [type(error) for error in world.errors] == [StorageDamaged]
    world.errors.clear()
    await world.send("/go", user_id=7, chat_id=7)
    await world.send("Bob", user_id=7, chat_id=7)

    assert world.said == ["Bob"]


async def test_an_unreachable_storage_is_told_of_and_nothing_is_lost() -> None:
    """The handler's error says what is wrong; when the storage is back, the conversation is where it was."""
    records = SlowRecords(delay=0)
    world = World(records)
    world.boot(go=durable("test.unreachable")(short))
    await world.send("/go")
    records.is_broken = True
    await world.send("Ann")
    assert [type(error) for error in world.errors] == [StorageUnavailable]
    world.errors.clear()
    records.is_broken = False
    await world.send("Bob")
    await world.close()

    assert world.said == ["Bob"]


@pytest.mark.parametrize(
    ("policy", "prompts", "said"),
    [
        ("replace", ["Name?", "Name?"], ["Ann"]),
        ("resume", ["Name?"], ["Ann"]),
        ("reject", ["Name?"], ["Ann"]),
    ],
)
@pytest.mark.parametrize("restart", [False, True])
async def test_beginning_twice_follows_the_policy(
    world: World, policy: str, prompts: list[str], said: list[str], restart: bool
) -> None:
    """Who begins where a conversation is going on replaces it, changes nothing, or is told."""
    world.boot(go=durable("test.twice", on_conflict=policy)(short))
    await world.send("/go")
    if restart:
        await world.restart()
    await world.send("/go")
    await world.send("Ann")

    assert world.prompts == prompts
    assert world.said == said
    assert [type(error) for error in world.errors] == ([AlreadyWaiting] if policy == "reject" else [])


async def test_without_a_storage_it_lasts_as_long_as_the_process() -> None:
    """A bot without a storage can use the same code."""
    world = World(MemoryRecords())
    world.boot(go=durable("test.short")(short))
    await world.send("/go")
    await asyncio.sleep(0)
    await world.send("Ann")
    await world.close()

    assert world.said == ["Ann"]
