"""What a durable conversation can do besides asking, each with a restart in the middle."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any

import pytest

from aiostep_core import ask, choose, next_step, unregister_steps, wait_for
from aiostep_core.durable.flows import DurableWarning, durable
from aiostep_core.durable.operations import (
    back,
    checkpoint,
    continue_as_new,
    now,
    patched,
    random,
    rewind,
    run,
    sub,
    uuid,
)
from aiostep_core.errors import NonDeterminismError, NonDurableAwait, WaitCancelled, WaitTimeout
from aiostep_core.keyboards import Keyboard
from aiostep_core.named import step
from tests.core.making import ALICE
from tests.core.virtual_time import settle
from tests.durable.bot import World, say

pytestmark = pytest.mark.anyio

seen: list[Any] = []


@pytest.fixture(autouse=True)
def forget() -> None:
    seen.clear()


@durable("test.chance")
async def chance(update: Any) -> None:
    first = (await random(), await uuid(), await now())
    seen.append(first)
    await ask("Go on?")
    seen.append((await random(), await uuid(), await now()))


async def test_chance_and_time_are_what_they_were(world: World) -> None:
    """A replay gets the same numbers, ids and times; later ones are others."""
    world.boot(chance=chance)
    await world.send("/chance")
    await asyncio.sleep(60)
    await world.restart()
    await world.send("yes")

    assert seen[0] == seen[1]
    assert seen[2][2] > seen[0][2] or seen[2][0] != seen[0][0]
    assert len(seen) == 3


@durable("test.patience")
async def patience(update: Any) -> str:
    try:
        name = await ask("Name?", str, timeout=60)
    except WaitTimeout:
        await say("too late")
        return "late"
    await say(f"hello {name}")
    return name


async def test_a_time_limit_survives_a_restart(world: World) -> None:
    """It is what is left of it, and its error is the conversation's to catch."""
    world.boot(patience=patience)
    await world.send("/patience")
    await asyncio.sleep(40)
    await world.restart()
    assert world.said == []
    await asyncio.sleep(25)
    await world.tend()
    await settle()

    assert world.said == ["too late"]
    await world.tend()
    assert world.said == ["too late"]
    assert world.errors == []


async def test_an_overdue_time_limit_fires_once(world: World) -> None:
    """What should have happened while no process ran happens at the next start."""
    world.boot(patience=patience)
    await world.send("/patience")
    await world.kill()
    await asyncio.sleep(3600)
    world.boot()
    await world.tend()
    await world.restart()

    assert world.said == ["too late"]
    assert world.prompts == ["Name?"]


async def test_an_answer_before_the_limit_ends_it(world: World) -> None:
    """After an answer no time limit fires, in whichever process."""
    world.boot(patience=patience)
    await world.send("/patience")
    await world.restart()
    await world.send("Ann")
    await asyncio.sleep(100)
    await world.restart()

    assert world.said == ["hello Ann"]


@durable("test.farewell")
async def farewell(update: Any) -> None:
    try:
        await ask("Name?")
    except WaitCancelled as error:
        seen.append(error.reason)
        raise
    finally:
        await say("bye")


@pytest.mark.parametrize("restarts", [0, 1])
async def test_cancelling_runs_finally_once(world: World, restarts: int) -> None:
    """The cancel word ends it, and its farewell is said once, also after a restart."""
    world.boot(farewell=farewell)
    await world.send("/farewell")
    for _ in range(restarts):
        await world.restart()
    await world.send("/cancel")
    await world.restart()
    await world.send("hm")

    assert world.said == ["bye"]
    assert seen == ["user"]
    assert world.errors == []


async def test_what_comes_right_behind_a_cancel_word_is_no_answer(world: World) -> None:
    """It goes to ordinary handlers, also if the conversation was not in memory and its end takes a moment."""
    world.boot(farewell=farewell)
    await world.send("/farewell")
    await world.restart()
    for text in ("/cancel", "hm", "and"):
        world.process.arrive(text, chat_id=ALICE, chat_type="private")
    await settle()

    assert (world.said, seen, world.errors) == (["bye"], ["user"], [])
    assert world.process.texts == ["hm", "and"]


async def test_a_restart_runs_no_finally(world: World) -> None:
    """To be taken out of memory is no end: nothing of what ``finally`` would do is done."""
    world.boot(farewell=farewell)
    await world.send("/farewell")
    await world.restart()
    await world.restart()

    assert world.said == []
    assert seen == []


bugs: set[str] = {"there is one"}


@durable("test.buggy")
async def buggy(update: Any) -> None:
    name = await ask("Name?", str)
    await run(seen.append, name)
    if bugs:
        raise KeyError("oops")
    await say(f"done {name}")


async def test_a_conversation_that_failed_goes_on_after_the_fix(world: World) -> None:
    """Nothing is asked or done again once the code is mended."""
    bugs.add("there is one")
    world.boot(buggy=buggy)
    await world.send("/buggy")
    await world.send("Ann")
    assert [type(error) for error in world.errors] == [KeyError]
    await world.kill()
    bugs.clear()
    await asyncio.sleep(61)
    world.boot()
    await world.tend()

    assert world.said == ["done Ann"]
    assert world.prompts == ["Name?"]
    assert seen == ["Ann"]


async def test_an_effect_that_failed_is_tried_again_after_the_fix(world: World) -> None:
    """An error of an effect that ended the conversation is not what it ends with for ever."""
    bugs.clear()
    world.unsayable = {"done Ann"}
    world.boot(buggy=buggy)
    await world.send("/buggy")
    await world.send("Ann")
    assert len(world.errors) == 1
    world.unsayable = set()
    await asyncio.sleep(61)
    await world.tend()  # it is put off here, which holds up the next process for some minutes only
    await world.restart()
    await asyncio.sleep(301)
    await world.tend()

    assert world.said == ["done Ann"]
    assert seen == ["Ann"]


async def back_and_forth(update: Any) -> None:
    answers = {}
    for question in ("name", "age", "city"):
        answers[question] = await ask(f"{question}?", str)
        if answers[question] == "back":
            back()
    await say(str(list(answers.values())))


back_and_forth = durable("test.back")(back_and_forth)


@pytest.mark.parametrize("every", [1, 2, 100])
async def test_back_asks_the_question_before(world: World, every: int) -> None:
    """Straight-line code goes back by one question, as often as somebody likes."""
    world.boot(back=back_and_forth)
    for number, text in enumerate(["/back", "Ann", "back", "Anna", "33", "back", "34", "Oslo"]):
        if number % every == every - 1:
            await world.restart()
        await world.send(text)

    assert world.said == ["['Anna', '34', 'Oslo']"]
    assert world.prompts == ["name?", "age?", "name?", "age?", "city?", "age?", "city?"]


@durable("test.checkpoint")
async def checked(update: Any) -> None:
    await say("begin")
    start = checkpoint()
    name = await ask("Name?", str)
    await say(f"hm {name}")
    if await ask("Sure?", str) == "no":
        rewind(start)
    await say(f"hello {name}")


async def test_rewind_forgets_what_came_after_the_checkpoint(world: World) -> None:
    """What was said before stays said once, and what came after is done again."""
    world.boot(check=checked)
    for text in ("/check", "Ann", "no", "Bob", "yes"):
        await world.restart()
        await world.send(text)

    assert world.said == ["begin", "hm Ann", "hm Bob", "hello Bob"]


@durable("test.counter")
async def counter(update: Any, total: int = 0) -> None:
    number = await ask("Add?", int)
    if number:
        continue_as_new(total + number)
    await say(f"total {total}")


async def test_an_endless_conversation_begins_anew(world: World) -> None:
    """Its journal stays as long as one round of it."""
    world.boot(count=counter)
    await world.send("/count")
    lengths = []
    for number in range(1, 21):
        if number % 3 == 0:
            await world.restart()
        await world.send("2")
        (stored,) = await world.durables.journals.scan()
        found = await world.durables.journals.load(stored.key)
        assert found is not None
        lengths.append(len(found.entries))
    await world.send("0")

    assert world.said == ["total 40"]
    assert max(lengths) <= 1


async def pick(number: int) -> str:
    answer = await ask(f"Pick {number}?", str)
    await say(f"picked {answer}")
    return answer


@durable("test.parts")
async def parts(update: Any) -> None:
    got = [await sub(pick, number) for number in range(6)]
    await say("".join(got))


async def test_a_part_that_is_over_is_one_entry(world: World) -> None:
    """A replay takes only its result, and goes on in the middle of the part that is not over."""
    world.boot(parts=parts)
    await world.send("/parts")
    for text in "abcdef":
        await world.restart()
        await world.send(text)
        if text == "e":
            (stored,) = await world.durables.journals.scan()
            found = await world.durables.journals.load(stored.key)
            assert found is not None
            assert len(found.entries) == 5

    assert world.said == [*(f"picked {text}" for text in "abcdef"), "abcdef"]


async def old_form(update: Any) -> None:
    name = await ask("Name?", str)
    age = await ask("Age?", int)
    await say(f"{name} {age}")


async def new_form(update: Any) -> None:
    name = await ask("Name?", str)
    mail = await ask("Mail?", str) if patched("mail") else None
    age = await ask("Age?", int)
    await say(f"{name} {mail} {age}")


async def test_patched_code_is_for_those_who_come_to_it(world: World) -> None:
    """Who was past the place goes on without it; who was before it, and who begins, goes through it."""
    world.boot(form=durable("test.form")(old_form))
    await world.send("/form", user_id=1, chat_id=1)
    await world.send("Ann", user_id=1, chat_id=1)
    await world.send("/form", user_id=2, chat_id=2)
    await world.restart(form=replaced("test.form", new_form))
    await world.send("/form", user_id=3, chat_id=3)
    for user, texts in ((1, ["33"]), (2, ["Bob", "b@x", "44"]), (3, ["Cy", "c@x", "55"])):
        for text in texts:
            await world.restart()
            await world.send(text, user_id=user, chat_id=user)

    assert world.said == ["Ann None 33", "Bob b@x 44", "Cy c@x 55"]


def replaced(name: str, fn: Any, **options: Any) -> Any:
    """Register other code under a name, as a deploy does."""
    from aiostep_core.durable.flows import flows

    flows.add(name, {}, "durable")
    return durable(name, **options)(fn)


async def other_form(update: Any) -> None:
    mail = await ask("Your e-mail address, please", str)
    await say(mail)


async def test_an_answer_is_never_given_to_another_question(world: World) -> None:
    """Code that asks something else in the same place is told so, and the conversation is kept."""
    world.boot(form=replaced("test.form", old_form))
    await world.send("/form")
    await world.restart(form=replaced("test.form", other_form))
    await world.send("Ann")
    assert [type(error) for error in world.errors] == [NonDeterminismError]
    assert "waiting at 'ask: Name?'" in str(world.errors[0])
    await world.kill()
    await asyncio.sleep(61)
    world.boot(form=replaced("test.form", old_form))
    await world.tend()
    await world.send("Ann")
    await world.send("33")

    assert world.said == ["Ann 33"]


async def misspelt_form(update: Any) -> None:
    name = await ask("What is you name?", str)
    age = await ask("How old aer you?", int)
    await say(f"{name} {age}")


def price() -> int:
    return 100


def stock() -> int:
    return 7


async def price_first(update: Any) -> None:
    first, second = await run(price), await run(stock)
    await ask("Go on?")
    await say(f"price {first}, stock {second}")


async def stock_first(update: Any) -> None:
    second, first = await run(stock), await run(price)
    await ask("Go on?")
    await say(f"price {first}, stock {second}")


async def test_results_are_never_given_to_other_calls(world: World) -> None:
    """Two calls that a deploy has swapped are noticed, and the conversation is kept."""
    world.boot(shop=replaced("test.shop", price_first))
    await world.send("/shop")
    await world.restart(shop=replaced("test.shop", stock_first))
    await world.send("yes")
    (error,) = world.errors

    assert isinstance(error, NonDeterminismError)
    assert "at operation 0 the code does effect 'stock', and the journal says effect 'price'" in str(error)
    assert world.said == []


async def mended_form(update: Any) -> None:
    name = await ask("What is your name?", str)
    age = await ask("How old are you?", int)
    await say(f"{name} is {age}")


async def test_the_wording_of_a_question_may_be_mended(world: World) -> None:
    """A text that is nearly the same is the same question."""
    world.boot(form=replaced("test.form", misspelt_form))
    await world.send("/form")
    await world.restart(form=replaced("test.form", mended_form))
    await world.send("Ann")
    await world.restart()
    await world.send("33")

    assert world.said == ["Ann is 33"]


async def rewritten_form(update: Any) -> None:
    name = await ask("Name?", str)
    mail = await ask("Mail?", str)
    age = await ask("Age?", int)
    await say(f"{name} {mail} {age}")


async def long_form(update: Any) -> None:
    name = await ask("Name?", str)
    await run(seen.append, name, name="save")
    await say(f"thanks {name}")
    await ask("Age?", int)
    await ask("City?", str)


async def rewritten_long_form(update: Any) -> None:
    name = await ask("Name?", str)
    await run(seen.append, name, name="save")
    await say(f"Thank you, {name}!")
    mail = await ask("Mail?", str)
    age = await ask("Age?", int)
    await say(f"{name} {mail} {age}")


async def test_answers_are_carried_into_rewritten_code(world: World) -> None:
    """Only what is not known yet is asked, nothing is saved twice, and what was said is not said again."""
    world.boot(form=replaced("test.form", long_form))
    for text in ("/form", "Ann", "33"):
        await world.send(text)
    await world.restart(form=replaced("test.form", rewritten_long_form, on_change="carry"))
    await world.send("Oslo")
    await world.restart()
    await world.send("a@b")

    assert world.prompts == ["Name?", "Age?", "City?", "Mail?"]
    assert world.said == ["thanks Ann", "Ann a@b 33"]
    assert seen == ["Ann"]
    assert world.errors == []


async def test_versions_are_side_by_side(world: World) -> None:
    """Who began with a version goes on with it; who begins gets the newest."""
    flow = replaced("test.form", old_form, version=1)
    world.boot(form=flow)
    await world.send("/form", user_id=1, chat_id=1)
    await world.restart(form=durable("test.form", version=2)(rewritten_form))
    await world.send("/form", user_id=2, chat_id=2)
    for user, texts in ((1, ["Ann", "33"]), (2, ["Bob", "b@x", "44"])):
        for text in texts:
            await world.send(text, user_id=user, chat_id=user)

    assert world.said == ["Ann 33", "Bob b@x 44"]


async def sleepy(update: Any) -> None:
    await say("before")
    await asyncio.sleep(1)
    await say("after")


async def test_what_cannot_be_replayed_is_refused_at_its_line(world: World) -> None:
    """The first run already says where, and what to write instead."""
    with pytest.warns(DurableWarning, match=r"asyncio.sleep\(\) is not the same in a replay"):
        world.boot(sleepy=durable("test.sleepy")(sleepy))
    await world.send("/sleepy")

    assert world.said == ["before"]
    (error,) = world.errors
    assert isinstance(error, NonDurableAwait)
    assert f"{__file__}:{sleepy.__code__.co_firstlineno + 2}" in str(error)
    assert "await run(fn, ...)" in str(error)


async def failing_beside(update: Any) -> None:
    await beside(fail())


def beside(coroutine: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
    return asyncio.shield(coroutine)  # as libraries do that share what they wait for


async def fail() -> None:
    raise LookupError


async def test_a_refused_await_is_reported_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """What it would have waited for goes on, and its error is not one that nobody has looked at."""
    world.boot(failing=durable("test.failing.beside")(failing_beside))
    await world.send("/failing")
    assert [type(error) for error in world.errors] == [NonDurableAwait]

    world.errors.clear()  # an error keeps what its frames knew
    gc.collect()
    assert "never retrieved" not in caplog.text


@durable("test.size")
async def size(update: Any) -> None:
    chosen = await choose("Size?", {"S": "Small", "L": "Large"})
    await say(f"size {chosen}")


async def test_a_button_works_after_a_restart(world: World) -> None:
    """The keyboard that was sent before is that of the question that goes on."""
    world.boot(size=size)
    await world.send("/size")
    (keyboard,) = world.process.keyboards
    assert isinstance(keyboard, Keyboard)
    await world.restart()
    await world.send(None, kind="callback_query", callback_data=keyboard.rows[1][0].data, message_id=5001)

    assert world.errors == []
    assert world.said == ["size L"]
    assert world.prompts == ["Size?"]


@durable("test.words")
async def words(update: Any) -> None:
    got = await wait_for()
    await say(got.text)
    odd = await wait_for(filter=lambda update: update.text == "odd")
    await say(odd.text)


async def test_an_update_is_what_it_was(world: World) -> None:
    """What a wait returned is read back as the framework's own object, and others pass."""
    other: list[Any] = []

    async def anything(update: Any) -> None:
        other.append(update.text)

    world.boot(words=words)
    world.handlers["*"] = anything
    for text in ("/words", "one", "even", "odd"):
        await world.restart()
        world.process.on("*")(anything)
        await world.send(text)

    assert world.said == ["one", "odd"]
    assert other == ["even"]


@step("features.later")
async def later(update: Any) -> None:
    await say("later")


@durable("test.stepping")
async def stepping(update: Any) -> None:
    await next_step(later)
    await ask("Name?", str)
    if await ask("Keep it?", str) == "no":
        await unregister_steps()
        seen.append(await ask("Really?", str))


async def ids_of_steps(world: World) -> list[str]:
    steps = await world.engine.runtime.steps.storage.steps(0.0)
    return [one.stored.id for one in steps]


@pytest.mark.parametrize("is_kept", [True, False])
async def test_a_next_step_is_registered_and_dropped_once(world: World, is_kept: bool) -> None:
    """A replay registers no step and drops none: it would be another one by then."""
    world.boot(step=stepping)
    await world.send("/step")
    (first,) = await ids_of_steps(world)
    await world.restart()
    await world.send("Ann")
    assert await ids_of_steps(world) == [first]
    await world.send("yes" if is_kept else "no")
    assert await ids_of_steps(world) == ([first] if is_kept else [])
    if not is_kept:
        await world.restart()
        await world.send("yes")
        assert seen == ["yes"]
    await world.send("hm")

    assert world.said == (["later"] if is_kept else [])
    assert world.errors == []
