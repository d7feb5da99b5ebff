"""An update's own task: how the application goes on while a handler waits, and what else it must not notice."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

import pytest
import telegram.ext
from telegram import Update
from telegram.ext import (
    ApplicationHandlerStop,
    CommandHandler,
    ConversationHandler,
    Defaults,
    DictPersistence,
    MessageHandler,
    TypeHandler,
    filters,
)

from aiostep import WaitCancelled, WouldDeadlock, next_step
from aiostep_core.keys import Key
from aiostep_ptb import ask, wait_for
from tests.ptb.stage import App, Context, Stage, echo, reply, soon, text_of, until, waiting

pytestmark = pytest.mark.anyio

Handler = Callable[[Update, Context], Any]


def message(app: App, number: int, text: str, user: int = 1, **fields: Any) -> Update:
    """Make an update that comes from nowhere, for ``process_update``."""
    entities = [{"type": "bot_command", "offset": 0, "length": len(text)}] if text[0] == "/" else []
    update = {
        "update_id": number,
        "message": {
            "message_id": number,
            "date": 1_700_000_000,
            "chat": {"id": user, "type": "private"},
            "from": {"id": user, "is_bot": False, "first_name": "U"},
            "text": text,
            "entities": entities,
            **fields,
        },
    }
    made = Update.de_json(update, app.bot)
    assert made is not None
    return made


async def test_other_people_are_served_while_somebody_is_asked(stage: Stage) -> None:
    """T40: a handler that waits does not hold up a bot that handles one update at a time."""
    app = stage.application()

    async def start(update: Update, context: Context) -> None:
        await reply(update, f"hello {await ask('name?', str)}")

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("name")
        bob.send("hi")
        await bob.expect("^other:hi$")
        alice.send("Ann")
        await alice.expect("^hello Ann$")


@pytest.mark.parametrize("concurrent", [2, True])
async def test_more_people_wait_than_there_are_slots(stage: Stage, concurrent: int | bool) -> None:
    """T40: with ``concurrent_updates`` those who wait take none of the slots."""
    app, count = stage.application(stage.builder().concurrent_updates(concurrent)), 300 if concurrent is True else 8
    done = list[str]()

    async def start(update: Update, context: Context) -> None:
        done.append(text_of(await wait_for()))

    app.add_handler(CommandHandler("start", start))
    people = [stage.world.person(f"P{number}") for number in range(count)]
    async with stage.run(app):
        for person in people:
            person.send("/start")
        await waiting(stage, count)
        for person in people:
            person.send("yes")
        await until(lambda: len(done) == count)


async def test_one_handler_runs_at_a_time(local: Stage) -> None:
    """T11: between two waits an application without ``concurrent_updates`` is as sequential as ever."""
    app, active, overlaps, done = local.application(), list[str](), list[tuple[str, ...]](), list[int]()

    async def work(name: str) -> None:
        active.append(name)
        if len(active) > 1:
            overlaps.append(tuple(active))
        await asyncio.sleep(0.002)
        active.remove(name)

    async def start(update: Update, context: Context) -> None:
        await work("start")
        for number in range(3):
            await wait_for()
            await work(f"answer {number}")
        done.append(1)

    async def other(update: Update, context: Context) -> None:
        await work("other")

    app.add_handlers([CommandHandler("start", start), MessageHandler(filters.TEXT, other)])
    askers, others = ([local.world.person(f"{kind}{n}") for n in range(5)] for kind in "AB")
    async with local.run(app):
        for person in askers:
            person.send("/start")
        for text in "xyz":
            for person in (*askers, *others):
                person.send(text)
        await until(lambda: len(done) == 5)
        await until(lambda: not active)

    assert overlaps == []


async def test_nobody_else_is_served_while_the_next_question_is_on_its_way(local: Stage) -> None:
    """T11: a handler that has its answer runs until it waits again, and sending the next prompt is not waiting."""
    app = local.application()

    async def start(update: Update, context: Context) -> None:
        await ask("q1")
        await ask("q2")

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice, bob = local.world.person("Alice"), local.world.person("Bob")
    async with local.run(app):
        alice.send("/start")
        await alice.expect("q1")
        await waiting(local)
        local.world.faults.add("sendMessage", delay=0.05, when=lambda params: params["text"] == "q2")
        alice.send("Ann")
        bob.send("hi")
        await bob.expect("^other:hi$")

    assert [call["text"] for call in local.calls("sendMessage")] == ["q1", "q2", "other:hi"]


async def test_a_handler_that_waits_for_two_people_at_once(local: Stage) -> None:
    """T20: while one of two waits of a handler is answered, the application goes on for the sake of the other."""
    app, got = local.application(), list[tuple[str, str]]()
    alice, bob = local.world.person("Alice"), local.world.person("Bob")

    async def start(update: Update, context: Context) -> None:
        a, b = await asyncio.gather(wait_for(alice.id), wait_for(bob.id))
        got.append((text_of(a), text_of(b)))

    app.add_handler(CommandHandler("start", start))
    async with local.run(app):
        alice.send("/start")
        await waiting(local, 2)
        alice.send("A")
        bob.send("B")
        await until(lambda: got)

    assert got == [("A", "B")]


@pytest.mark.parametrize("ordered", [True, False])
async def test_updates_of_one_person_keep_their_order(local: Stage, ordered: bool) -> None:
    """T11: with ``concurrent_updates`` a person's next update is held until the one before is done; others are not."""
    app = local.application(local.builder().concurrent_updates(8), ordered=ordered)
    order, gate = list[str](), asyncio.Event()

    async def other(update: Update, context: Context) -> None:
        if text_of(update) == "slow":
            await gate.wait()
        order.append(text_of(update))

    app.add_handler(MessageHandler(filters.TEXT, other))
    alice, bob = local.world.person("Alice"), local.world.person("Bob")
    async with local.run(app):
        alice.send("slow")
        alice.send("fast")
        bob.send("bob")
        await until(lambda: "bob" in order and (ordered or "fast" in order))
        gate.set()
        await until(lambda: len(order) == 3)

    assert order == (["bob", "slow", "fast"] if ordered else ["fast", "bob", "slow"])


async def test_a_flood_of_one_person_does_not_take_the_slots(local: Stage) -> None:
    """With two slots, ten messages of one person behind a slow one leave a slot for others; none is lost."""
    app = local.application(local.builder().concurrent_updates(2))
    order, gate = list[str](), asyncio.Event()

    async def other(update: Update, context: Context) -> None:
        if text_of(update) == "0":
            await gate.wait()
        order.append(text_of(update))

    app.add_handler(MessageHandler(filters.TEXT, other))
    alice, bob = local.world.person("Alice"), local.world.person("Bob")
    async with local.run(app):
        for number in range(11):
            alice.send(str(number))
        bob.send("bob")
        await until(lambda: order == ["bob"])
        gate.set()
        await until(lambda: len(order) == 12)

    assert order[1:] == [str(number) for number in range(11)]


async def test_a_custom_update_processor(stage: Stage) -> None:
    """A processor with a lock of its own around each update does not deadlock: a handler that waits lets go of it."""

    if not hasattr(telegram.ext, "BaseUpdateProcessor"):
        pytest.skip("this version has none")

    class OneByOne(telegram.ext.BaseUpdateProcessor):
        def __init__(self) -> None:
            super().__init__(16)
            self._lock = asyncio.Lock()

        async def do_process_update(self, update: object, coroutine: Any) -> None:
            async with self._lock:
                await coroutine

        async def initialize(self) -> None: ...

        async def shutdown(self) -> None: ...

    app = stage.application(stage.builder().concurrent_updates(OneByOne()))

    async def start(update: Update, context: Context) -> None:
        await reply(update, f"hello {await ask('name?', str)}")

    app.add_handler(CommandHandler("start", start))
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await alice.expect("^hello Ann$")


async def test_an_update_processor_with_threads(local: Stage) -> None:
    """A processor that runs handlers in other threads is refused when one waits: no answer could come there."""
    if not hasattr(telegram.ext, "BaseUpdateProcessor"):
        pytest.skip("this version has none")

    class Threaded(telegram.ext.BaseUpdateProcessor):
        def __init__(self) -> None:
            super().__init__(16)

        async def do_process_update(self, update: object, coroutine: Any) -> None:
            await asyncio.to_thread(asyncio.run, coroutine)

        async def initialize(self) -> None: ...

        async def shutdown(self) -> None: ...

    app = local.application(local.builder().concurrent_updates(Threaded()))
    errors, seen = list[BaseException | None](), list[str]()

    async def start(update: Update, context: Context) -> None:
        await wait_for()

    async def other(update: Update, context: Context) -> None:
        await asyncio.sleep(0)
        seen.append(text_of(update))

    async def failed(update: object, context: Context) -> None:
        errors.append(context.error)

    app.add_handlers([CommandHandler("start", start), MessageHandler(filters.TEXT, other)])
    app.add_error_handler(failed)
    alice = local.world.person("Alice")
    async with local.run(app):
        for text in ("a", "/start", "b"):
            alice.send(text)
            await until(lambda text=text: text in seen or errors)  # type: ignore[misc]
        await until(lambda: len(seen) == 2)

    assert [type(error) for error in errors] == [WouldDeadlock]
    assert str(errors[0]).endswith("have the update processor await the coroutine that it is given, in its own thread")
    assert seen == ["a", "b"]


def test_one_loop_after_the_other(local_app: App) -> None:
    """A function in the cloud has a loop for each request, and may never shut the application down in between."""
    app, seen = local_app, list[str]()

    async def slow(update: Update, context: Context) -> None:
        await asyncio.sleep(0.001)
        seen.append(text_of(update))

    app.add_handler(MessageHandler(filters.TEXT, slow))

    async def serve(*numbers: int) -> None:
        if not numbers[0]:
            await app.initialize()
        for number in numbers:
            await soon(app.process_update(message(app, number, str(number))))

    for numbers in ((0, 1, 2), (3, 4), (5,)):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(serve(*numbers))
        loop.close()  # asyncio.run would also cancel what rests

    assert seen == ["0", "1", "2", "3", "4", "5"]


async def test_process_update_by_hand(local: Stage) -> None:
    """A webhook of one's own calls ``process_update``; it returns when the handler is done or waits."""
    app, got = local.application(), list[str]()

    async def start(update: Update, context: Context) -> None:
        got.append(text_of(await wait_for()))
        got.append(text_of(await wait_for()))

    async def other(update: Update, context: Context) -> None:
        got.append("other " + text_of(update))

    app.add_handlers([CommandHandler("start", start), MessageHandler(filters.TEXT, other)])
    async with app:
        for number, text in enumerate(("/start", "Ann", "33", "bye")):
            await soon(app.process_update(message(app, number, text)))

    assert got == ["Ann", "33", "other bye"]


async def test_a_webhook_request_that_is_interrupted(local: Stage) -> None:
    """Cancelling ``process_update`` cancels the handler, which may tidy up; the update may be delivered again."""
    app, seen = local.application(), list[str]()

    async def slow(update: Update, context: Context) -> None:
        seen.append("begun")
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.02)
            seen.append("tidied")

    app.add_handler(MessageHandler(filters.TEXT, slow))
    async with app:
        for _ in range(2):
            request = asyncio.ensure_future(app.process_update(message(app, 7, "hi")))
            await until(lambda: seen and seen[-1] == "begun")
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await soon(request)
            assert seen[-1] == "tidied"

    assert seen == ["begun", "tidied"] * 2


@pytest.mark.parametrize("concurrent", [False, True])
async def test_a_handler_that_dispatches_an_update(local: Stage, concurrent: bool) -> None:
    """A handler may await ``process_update`` itself, of the same person too, and of one who waits in it."""
    app, got = local.application(local.builder().concurrent_updates(concurrent)), list[str]()

    async def start(update: Update, context: Context) -> None:
        answer = asyncio.ensure_future(wait_for())
        await asyncio.sleep(0)
        await app.process_update(message(app, 101, "Ann"))
        got.append(text_of(await answer))
        await app.process_update(message(app, 102, "/other"))

    async def other(update: Update, context: Context) -> None:
        await asyncio.sleep(0)
        got.append("other")

    app.add_handlers([CommandHandler("start", start), CommandHandler("other", other)])
    async with app:
        await soon(app.process_update(message(app, 100, "/start")))

    assert got == ["Ann", "other"]


@pytest.mark.parametrize("defaults", [False, True])
async def test_a_non_blocking_handler_asks(stage: Stage, defaults: bool) -> None:
    """T01: also a handler with ``block=False``, or one that is so by the defaults, loses nothing between questions."""
    builder = stage.builder().defaults(Defaults(block=False)) if defaults else stage.builder()
    app = stage.application(builder)

    async def start(update: Update, context: Context) -> None:
        name = await ask("name?", str)
        await asyncio.sleep(0.05)
        await reply(update, f"{name} is {await ask('age?', int)}")

    app.add_handler(CommandHandler("start", start) if defaults else CommandHandler("start", start, block=False))
    echo(app)
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        alice.send("33")
        await alice.expect("^Ann is 33$")
        await until(lambda: not len(stage.engine.waits))
        alice.send("bye")
        await alice.expect("^other:bye$")


async def test_work_beside_the_handlers_does_not_keep_a_conversation(local: Stage) -> None:
    """A task that a handler starts with ``create_task`` and that goes on does not keep its conversation open."""
    app, gate = local.application(), asyncio.Event()

    async def start(update: Update, context: Context) -> None:
        await ask("name?")
        context.application.create_task(gate.wait())

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice = local.world.person("Alice")
    async with local.run(app):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await until(lambda: not len(local.engine.waits))
        alice.send("bye")
        await alice.expect("^other:bye$")
        gate.set()


async def test_an_error_after_a_wait_reaches_the_error_handlers_once(stage: Stage) -> None:
    """What a handler raises after a wait goes to the error handlers, with its own update and context data."""
    app, errors = stage.application(), list[tuple[str, str, object]]()

    async def start(update: Update, context: Context) -> None:
        context.user_data["mark"] = 7  # type: ignore[index]
        await ask("name?")
        raise LookupError("on purpose")

    async def failed(update: object, context: Context) -> None:
        assert isinstance(update, Update)
        assert context.user_data is not None
        errors.append((text_of(update), repr(context.error), context.user_data["mark"]))

    app.add_handler(CommandHandler("start", start))
    app.add_error_handler(failed)
    echo(app)
    exits = list[tuple[str, object]]()
    stage.engine.on_exit(lambda event: exits.append((event.reason, repr(event.error))))
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await until(lambda: errors)
        alice.send("hi")
        await alice.expect("^other:hi$")

    assert errors == [("/start", "LookupError('on purpose')", 7)]
    assert exits == [("error", "LookupError('on purpose')")]


async def test_a_filter_that_raises(local: Stage) -> None:
    """What a filter of a wait raises goes to the error handlers; the wait goes on."""
    app, errors, got = local.application(), list[object](), list[str]()

    async def start(update: Update, context: Context) -> None:
        got.append(text_of(await wait_for(filter=lambda update: 1 / len(text_of(update).strip("x")))))

    async def failed(update: object, context: Context) -> None:
        errors.append(context.error)

    app.add_handler(CommandHandler("start", start))
    app.add_error_handler(failed)
    alice = local.world.person("Alice")
    async with local.run(app):
        alice.send("/start")
        await waiting(local)
        alice.send("xx")
        await until(lambda: errors)
        alice.send("y")
        await until(lambda: got)

    assert isinstance(errors[0], ZeroDivisionError)
    assert got == ["y"]


async def test_stopping_handlers_and_groups(local: Stage) -> None:
    """``ApplicationHandlerStop`` after a wait still stops the later groups, and without it they still run."""
    app, seen = local.application(), list[str]()

    async def start(update: Update, context: Context) -> None:
        await wait_for()
        seen.append("first group")
        if text_of(update) == "/stop":
            raise ApplicationHandlerStop

    async def later(update: Update, context: Context) -> None:
        seen.append(f"later group {text_of(update)}")

    app.add_handler(CommandHandler(["stop", "go"], start))
    app.add_handler(MessageHandler(filters.ALL, later), group=1)
    alice = local.world.person("Alice")
    async with local.run(app):
        alice.send("/stop")
        alice.send("a")
        alice.send("/go")
        alice.send("b")
        await until(lambda: "later group /go" in seen)

    assert seen == ["first group", "first group", "later group /go"]


async def test_inside_a_conversation_handler(stage: Stage) -> None:
    """A callback of ``ConversationHandler`` may ask; its state is the one that the callback returns in the end."""
    app = stage.application()

    async def start(update: Update, context: Context) -> int:
        await reply(update, f"hello {await ask('name?', str)}")
        return 1

    async def second(update: Update, context: Context) -> int:
        await reply(update, f"second {text_of(update)}")
        return ConversationHandler.END

    states = {1: [MessageHandler(filters.TEXT, second)]}
    app.add_handler(ConversationHandler([CommandHandler("start", start)], states, []))  # type: ignore[arg-type]
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await alice.expect("^hello Ann$")
        alice.send("B")
        await alice.expect("^second B$")


async def test_stop_ends_the_waits_and_keeps_the_data(local: Stage) -> None:
    """``stop`` tells those who wait, waits for them, and what they wrote before and after is kept."""
    persistence, seen = DictPersistence(), list[str]()
    app = local.application(local.builder().persistence(persistence))

    async def start(update: Update, context: Context) -> None:
        assert context.user_data is not None
        context.user_data["before"] = 1
        try:
            await wait_for()
        except WaitCancelled as error:
            seen.append(error.reason)
            await asyncio.sleep(0.02)
            context.user_data["after"] = 2
            raise

    app.add_handler(CommandHandler("start", start))
    alice = local.world.person("Alice")
    async with local.run(app):
        alice.send("/start")
        await waiting(local)

    assert seen == ["shutdown"]
    assert persistence.user_data == {alice.id: {"before": 1, "after": 2}}


async def test_data_is_kept_while_a_handler_waits(local: Stage) -> None:
    """What a handler wrote before a wait is written by the next run of the persistence, not at the handler's end."""
    persistence = DictPersistence()
    app = local.application(local.builder().persistence(persistence))

    async def start(update: Update, context: Context) -> None:
        assert context.user_data is not None
        context.user_data["before"] = 1
        await wait_for()

    app.add_handler(CommandHandler("start", start))
    alice = local.world.person("Alice")
    async with local.run(app):
        alice.send("/start")
        await waiting(local)
        await until(lambda: app._user_ids_to_be_updated_in_persistence)
        await app.update_persistence()
        assert persistence.user_data == {alice.id: {"before": 1}}


async def test_what_is_changed_between_two_waits_is_kept(local: Stage) -> None:
    """Each time a handler begins to wait, what it has changed is written with the next round of the persistence."""
    persistence = DictPersistence()
    app = local.application(local.builder().persistence(persistence))

    async def start(update: Update, context: Context) -> None:
        assert context.user_data is not None
        for number in range(3):
            context.user_data["last"] = number
            await wait_for()

    app.add_handler(CommandHandler("start", start))
    async with app:
        for number, text in enumerate(("/start", "a", "b")):
            await soon(app.process_update(message(app, number, text)))
            await app.update_persistence()
            assert persistence.user_data == {1: {"last": number}}
        await app.process_update(message(app, 9, "c"))


@pytest.mark.parametrize("how", ["answer", "timeout"])
async def test_data_is_refreshed_before_a_handler_goes_on(local: Stage, how: str) -> None:
    """Another process may have changed the data meanwhile; the handler sees it, as a handler of its own would."""
    calls = list[tuple[str, object]]()

    class Shared(DictPersistence):
        async def refresh_user_data(self, user_id: int, user_data: Any) -> None:
            calls.append(("user", user_id))
            user_data["version"] = len(calls)

        async def refresh_chat_data(self, chat_id: int, chat_data: Any) -> None:
            calls.append(("chat", chat_id))

        async def refresh_bot_data(self, bot_data: Any) -> None:
            calls.append(("bot", None))

    app, seen = local.application(local.builder().persistence(Shared())), list[object]()

    async def start(update: Update, context: Context) -> None:
        assert context.user_data is not None
        before = context.user_data["version"]
        await wait_for(timeout=None if how == "answer" else 0.01, default=None)
        seen.append(context.user_data["version"] - before)

    app.add_handler(CommandHandler("start", start))
    async with app:
        await app.process_update(message(app, 1, "/start"))
        if how == "answer":
            await soon(app.process_update(message(app, 2, "Ann")))
        await until(lambda: seen)

    assert seen == [3]
    assert sorted(calls, key=str) == sorted([("user", 1), ("chat", 1), ("bot", None)] * 2, key=str)


@pytest.mark.parametrize("concurrent", [False, True])
async def test_stop_lets_queued_answers_through(local: Stage, concurrent: bool) -> None:
    """Answers that are in the queue when the bot stops still reach those who wait."""
    app, got = local.application(local.builder().concurrent_updates(concurrent)), list[str]()

    async def start(update: Update, context: Context) -> None:
        await asyncio.sleep(0.01)
        for _ in "12":
            got.append(text_of(await wait_for()))
            await asyncio.sleep(0.01)

    app.add_handler(CommandHandler("start", start))
    async with app:
        await app.start()
        for number, text in enumerate(("/start", "Ann", "33")):
            app.update_queue.put_nowait(message(app, number, text))
        if concurrent:  # those that are held are not in the queue any more
            await until(app.update_queue.empty)
        await soon(app.stop())

    assert got == ["Ann", "33"]


async def test_stop_does_not_hang_on_what_does_not_block(local: Stage) -> None:
    """A non-blocking handler and a created task that wait are told when the bot stops, or ``stop`` would hang."""
    app, seen = local.application(), list[str]()

    async def wait(name: str, target: object = None) -> None:
        try:
            await wait_for(target)
        finally:
            seen.append(name)

    async def start(update: Update, context: Context) -> None:
        await wait("handler")

    app.add_handler(CommandHandler("start", start, block=False))
    async with app:
        await app.start()
        app.create_task(wait("task", Key(42, 2, 2)))
        app.update_queue.put_nowait(message(app, 1, "/start"))
        await waiting(local, 2)
        await soon(app.stop())

    assert sorted(seen) == ["handler", "task"]
    assert isinstance(local.errors.pop(), WaitCancelled) if local.errors else True


async def test_a_handler_that_does_not_take_leave_is_cancelled(local: Stage) -> None:
    """After the grace a handler that goes on is cancelled, the bot stops, and what it wrote in the end is kept."""
    persistence = DictPersistence()
    app = local.application(local.builder().persistence(persistence), grace=0.05)

    async def start(update: Update, context: Context) -> None:
        assert context.user_data is not None
        try:
            try:
                await wait_for()
            finally:
                await app.update_persistence()
                await asyncio.sleep(60)
        finally:
            context.user_data["last"] = "words"

    app.add_handler(CommandHandler("start", start))
    alice = local.world.person("Alice")
    async with local.run(app):
        alice.send("/start")
        await waiting(local)

    assert persistence.user_data == {alice.id: {"last": "words"}}


async def test_an_application_that_starts_again(local: Stage) -> None:
    """After ``stop`` and ``start`` handlers wait as before."""
    app, got = local.application(), list[str]()

    async def start(update: Update, context: Context) -> None:
        got.append(text_of(await wait_for()))

    app.add_handler(CommandHandler("start", start))
    alice = local.world.person("Alice")
    for _ in range(2):
        async with local.run(app):
            alice.send("/start")
            await waiting(local)
            alice.send("Ann")
            await until(lambda: not len(local.engine.waits))

    assert got == ["Ann", "Ann"]


async def test_an_application_that_is_not_shut_down_in_between(local: Stage) -> None:
    """After ``stop`` nobody may wait; after ``start`` alone everybody may."""
    app = local.application()
    async with app:
        await app.start()
        await app.stop()
        with pytest.raises(WaitCancelled):
            await wait_for(Key(42, 1, 1), 0)
        await app.start()
        assert await wait_for(Key(42, 1, 1), 0, default=None) is None
        await app.stop()


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_a_handler_that_ends_the_program(local_app: App, kind: type[BaseException], late: bool) -> None:
    """``SystemExit`` of a handler leaves ``run_polling`` as it does without us, once, also after a wait."""
    if not late and not hasattr(local_app, "stop_running"):
        pytest.skip("such versions do not stop after that")
    app, seen = local_app, list[str]()

    async def start(update: Update, context: Context) -> None:
        await asyncio.sleep(0)
        if late:
            await wait_for()
        seen.append("exit")
        raise kind

    async def post_stop(app: App) -> None:
        seen.append("stopped")

    async def post_init(app: App) -> None:
        for number, text in enumerate(("/start", "go")):
            app.update_queue.put_nowait(message(app, number, text))

    app.post_init, app.post_stop = post_init, post_stop
    app.add_handler(CommandHandler("start", start))
    run_bounded(app)

    assert seen == ["exit", "stopped"]


async def test_each_update_has_variables_of_its_own(local: Stage) -> None:
    """A ``ContextVar`` that one handler sets is not set for the next update; one of the caller is."""
    app, variable, seen = local.application(), contextvars.ContextVar("variable", default="-"), list[str]()

    async def other(update: Update, context: Context) -> None:
        seen.append(variable.get())
        variable.set(text_of(update))

    app.add_handler(MessageHandler(filters.TEXT, other))
    async with app:
        for number in range(3):
            await app.process_update(message(app, number, str(number)))
            await asyncio.sleep(0)
        variable.set("caller's")
        await app.process_update(message(app, 3, "3"))

    assert seen == ["-", "-", "-", "caller's"]


async def test_the_task_of_a_handler_is_the_same_before_and_after_a_wait(local: Stage) -> None:
    """Time limits around a wait, which are bound to the task, work; and the task is nobody else's."""
    app, tasks = local.application(), list[object]()

    async def start(update: Update, context: Context) -> None:
        tasks.append(asyncio.current_task())
        try:
            await asyncio.wait_for(asyncio.sleep(0), 5)
            await wait_for()
        finally:
            tasks.append(asyncio.current_task())

    async def other(update: Update, context: Context) -> None:
        tasks.append(asyncio.current_task())
        await asyncio.sleep(0)

    app.add_handlers([CommandHandler("start", start), MessageHandler(filters.TEXT, other)])
    async with app:
        for number, (text, user) in enumerate((("/start", 1), ("x", 2), ("Ann", 1), ("y", 2))):
            await soon(app.process_update(message(app, number, text, user)))

    before, x, after, y = tasks
    assert before is after
    assert len({before, x, y, asyncio.current_task()}) == 4


async def test_a_time_limit_of_the_handler_s_own(local: Stage) -> None:
    """``asyncio.wait_for`` around a wait ends it for good; the next message goes to ordinary handlers."""
    app, seen = local.application(), list[str]()

    async def start(update: Update, context: Context) -> None:
        try:
            await asyncio.wait_for(wait_for(), 0.05)
        except asyncio.TimeoutError:
            seen.append("timeout")
        await wait_for(filter=filters.Regex("^go$"))
        seen.append("went")

    async def other(update: Update, context: Context) -> None:
        seen.append(text_of(update))

    app.add_handlers([CommandHandler("start", start), MessageHandler(filters.TEXT, other)])
    alice = local.world.person("Alice")
    async with local.run(app):
        alice.send("/start")
        await until(lambda: seen)
        alice.send("late")
        alice.send("go")
        await until(lambda: "went" in seen)

    assert seen == ["timeout", "late", "went"]


async def test_a_type_handler_for_everything_sees_no_answer_but_everything_else(local: Stage) -> None:
    """An answer is the handler's that waits for it; a catch-all in a low group sees what is not one."""
    app, seen = local.application(), list[str]()

    async def note(update: Update, context: Context) -> None:
        seen.append(text_of(update))

    async def start(update: Update, context: Context) -> None:
        await wait_for()

    app.add_handler(TypeHandler(Update, note), group=-1)
    app.add_handler(CommandHandler("start", start))
    async with app:
        for number, text in enumerate(("/start", "Ann", "bye")):
            await app.process_update(message(app, number, text))

    assert seen == ["/start", "bye"]


async def test_a_step_that_is_registered_at_once(local: Stage) -> None:
    """Under ``Defaults(block=False)`` a next step still sees the message after, as steps are never non-blocking."""
    app, got = local.application(local.builder().defaults(Defaults(block=False))), list[str]()

    async def first(update: Update, context: Context) -> None:
        got.append(text_of(update))
        await next_step(second)

    async def second(update: Update, context: Context) -> None:
        got.append("second " + text_of(update))

    async def start(update: Update, context: Context) -> None:
        await next_step(first)

    app.add_handler(CommandHandler("start", start, block=True))
    async with app:
        for number, text in enumerate(("/start", "a", "b")):
            await app.process_update(message(app, number, text))

    assert got == ["a", "second b"]


def run_bounded(app: App) -> None:
    """Run ``run_polling`` in a loop of its own, which ends in any case."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.call_later(10, loop.stop)
    try:
        app.run_polling(stop_signals=None, poll_interval=0, timeout=1)
    finally:
        asyncio.set_event_loop(None)
