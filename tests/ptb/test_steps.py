"""Next steps: run as the framework runs handlers, with everything it gives them."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Update
from telegram.ext import (
    ApplicationHandlerStop,
    CallbackContext,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    DictPersistence,
    ExtBot,
    MessageHandler,
    PrefixHandler,
    TypeHandler,
    filters,
)

from aiostep import WaitTimeout, next_step, register_next_step, unregister_steps
from aiostep_core.errors import BadArgument
from aiostep_core.keys import Key
from aiostep_ptb import ask, wait_for
from tests.ptb.stage import App, Context, Stage, buttons, echo, reply, text_of, until

pytestmark = pytest.mark.anyio


class OwnContext(CallbackContext[ExtBot[None], dict[Any, Any], dict[Any, Any], dict[Any, Any]]):
    """A context class of the author's."""


def two_steps(app: App) -> None:
    """Register a command whose handler and steps ask for a name and an age."""

    async def start(update: Update, context: Context) -> None:
        await reply(update, "name?")
        await next_step(name)

    async def name(update: Update, context: Context) -> None:
        await reply(update, "age?")
        await next_step(age, name=text_of(update))

    async def age(update: Update, context: Context, name: str) -> None:
        await reply(update, f"{name} is {text_of(update)}")

    app.add_handler(CommandHandler("start", start))
    echo(app)


async def test_steps_follow_each_other(stage: Stage) -> None:
    """T16: each next message runs the step that is registered, with its arguments; the one after goes on."""
    app = stage.application()
    two_steps(app)
    alice = stage.world.person("Alice")
    async with stage.run(app):
        for text in ("/start", "Ann", "33", "bye"):
            alice.send(text)
        await alice.expect("^Ann is 33$")
        await alice.expect("^other:bye$")


async def test_a_step_has_what_handlers_have(local: Stage) -> None:
    """A step gets the author's context class, with user data that is kept, and runs in no later group as well."""
    persistence, later = DictPersistence(), list[str]()
    builder = local.builder().persistence(persistence).context_types(ContextTypes(context=OwnContext))
    app, contexts = local.application(builder), list[OwnContext]()

    async def start(update: Update, context: OwnContext) -> None:
        await register_next_step(update, step, ("a",), {"b": "b"})

    async def step(update: Update, context: OwnContext, a: str, b: str) -> None:
        assert (a, b) == ("a", "b")
        assert context.user_data is not None
        context.user_data["name"] = text_of(update)
        contexts.append(context)

    async def note(update: Update, context: OwnContext) -> None:
        later.append(text_of(update))

    app.add_handler(CommandHandler("start", start))
    app.add_handler(MessageHandler(filters.ALL, note), group=1)
    alice = local.world.person("Alice")
    async with local.run(app):
        alice.send("/start")
        alice.send("Ann")
        await until(lambda: contexts)

    assert isinstance(contexts[0], OwnContext)
    assert persistence.user_data == {alice.id: {"name": "Ann"}}
    assert later == ["/start"]


async def test_a_step_that_fails_is_kept(stage: Stage) -> None:
    """What a step raises reaches the error handlers once; the next message runs the step again."""
    app, errors = stage.application(), list[object]()

    async def start(update: Update, context: Context) -> None:
        await next_step(step)

    async def step(update: Update, context: Context) -> None:
        await reply(update, f"half of it is {int(text_of(update)) // 2}")

    async def failed(update: object, context: Context) -> None:
        errors.append(context.error)

    app.add_handler(CommandHandler("start", start))
    app.add_error_handler(failed)
    echo(app)
    alice = stage.world.person("Alice")
    async with stage.run(app):
        for text in ("/start", "many", "8"):
            alice.send(text)
        await alice.expect("^half of it is 4$")
        await alice.expect_nothing()

    assert [type(error) for error in errors] == [ValueError]
    assert not [line for line in alice.seen() if "other" in line]


async def test_a_step_may_ask(stage: Stage) -> None:
    """A step is as good as a handler: it asks, and loses nothing in between."""
    app = stage.application()

    async def start(update: Update, context: Context) -> None:
        await reply(update, "name?")
        await next_step(name)

    async def name(update: Update, context: Context) -> None:
        await reply(update, f"{text_of(update)} is {await ask('age?', int)}")

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice = stage.world.person("Alice")
    async with stage.run(app):
        for text in ("/start", "Ann", "33", "bye"):
            alice.send(text)
        await alice.expect("^Ann is 33$")
        await alice.expect("^other:bye$")


async def test_a_wait_that_ends_in_a_step_is_no_failure(local: Stage) -> None:
    """A step whose question times out ends quietly and is not run again."""
    app, ran = local.application(), list[str]()

    async def start(update: Update, context: Context) -> None:
        await next_step(step)

    async def step(update: Update, context: Context) -> None:
        ran.append(text_of(update))
        try:
            await wait_for(timeout=0.01)
        except WaitTimeout:
            ran.append("timeout")
            raise

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice = local.world.person("Alice")
    async with local.run(app):
        alice.send("/start")
        alice.send("a")
        await until(lambda: "timeout" in ran)
        alice.send("b")
        await alice.expect("^other:b$")

    assert ran == ["a", "timeout"]


async def test_a_handler_of_a_lower_group_comes_first(stage: Stage) -> None:
    """A handler in a group before ours may end the update; the step is not run, and is there for the next one."""
    app, banned = stage.application(), {"yes"}

    async def guard(update: Update, context: Context) -> None:
        if banned and text_of(update) == "bad":
            raise ApplicationHandlerStop

    async def start(update: Update, context: Context) -> None:
        await next_step(step)
        await reply(update, "name?")

    async def step(update: Update, context: Context) -> None:
        await reply(update, f"hello {text_of(update)}")

    app.add_handler(TypeHandler(Update, guard), group=-1000)
    app.add_handler(CommandHandler("start", start))
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("name")
        alice.send("bad")
        alice.send("good")
        await alice.expect("^hello good$")


async def test_a_step_may_stop_the_update(local: Stage) -> None:
    """``ApplicationHandlerStop`` in a step is a word of the framework, no failure."""
    app, ran = local.application(), list[str]()

    async def start(update: Update, context: Context) -> None:
        await next_step(step)

    async def step(update: Update, context: Context) -> None:
        ran.append(text_of(update))
        raise ApplicationHandlerStop

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice = local.world.person("Alice")
    async with local.run(app):
        for text in ("/start", "a", "b"):
            alice.send(text)
        await alice.expect("^other:b$")

    assert ran == ["a"]


async def test_a_plain_function_is_a_step_too(local: Stage) -> None:
    """A step need not be a coroutine function."""
    app, ran = local.application(), list[str]()

    async def start(update: Update, context: Context) -> None:
        await next_step(lambda update, context: ran.append(text_of(update)))

    app.add_handler(CommandHandler("start", start))
    alice = local.world.person("Alice")
    async with local.run(app):
        alice.send("/start")
        alice.send("a")
        await until(lambda: ran)


async def test_a_step_s_filter_fills_the_context(local: Stage) -> None:
    """What a filter or handler finds is in ``context.matches`` and ``context.args``, as for a handler."""
    app, got = local.application(), list[Any]()

    async def start(update: Update, context: Context) -> None:
        await next_step(by_filter, filter=filters.Regex(r"(\d+) (\w+)"))

    async def by_filter(update: Update, context: Context) -> None:
        assert context.matches
        got.append(context.matches[0].groups())
        await next_step(by_handler, filter=PrefixHandler("!", "buy", by_filter))

    async def by_handler(update: Update, context: Context) -> None:
        got.append(context.args)

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice = local.world.person("Alice")
    async with local.run(app):
        for text in ("/start", "no", "3 pears", "!sell it", "!buy now 2"):
            alice.send(text)
        await until(lambda: len(got) == 2)

    assert got == [("3", "pears"), ["now", "2"]]


@pytest.mark.parametrize("step", [lambda: None, lambda update: None, lambda update, context, *, must: None])
async def test_a_step_that_could_not_be_called(local: Stage, step: Any) -> None:
    """A function that does not take (update, context) and the arguments is refused when it is registered."""
    app = local.application()
    async with app:
        with pytest.raises(BadArgument, match=r"expected a function of \(update, context\) that takes its arguments"):
            await register_next_step(Key(42, 1, 1), step)


async def test_steps_from_outside(local: Stage) -> None:
    """A step is registered, and dropped again, for a person that nobody talks to."""
    app, ran = local.application(), list[str]()
    alice, bob = local.world.person("Alice"), local.world.person("Bob")
    echo(app)

    async def step(update: Update, context: Context) -> None:
        ran.append(text_of(update))

    async with local.run(app):
        for person in (alice, bob):
            await register_next_step(person.id, step)
        assert await unregister_steps(bob.id) == 1
        bob.send("b")
        await bob.expect("^other:b$")
        alice.send("a")
        await until(lambda: ran)

    assert ran == ["a"]


async def test_a_click_handler_is_a_filter_of_a_wait(stage: Stage) -> None:
    """A handler instance says whether an update is meant, without its callback being called."""
    app = stage.application()

    async def start(update: Update, context: Context) -> None:
        await reply(update, "which?", reply_markup=buttons("Red", "Blue"))
        click = await wait_for(kinds="callback_query", filter=CallbackQueryHandler(other, "^red$"))
        assert click.callback_query is not None
        await reply(update, f"took {click.callback_query.data}")

    async def other(update: Update, context: Context) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer("not this one")

    app.add_handlers([CommandHandler("start", start), CallbackQueryHandler(other)])
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("/start")
        await alice.expect("which")
        await until(lambda: len(stage.engine.waits))
        assert (await alice.click("Blue")).get("text") == "not this one"
        await alice.click("Red")
        await alice.expect("^took red$")


@pytest.mark.parametrize("filter", [7, filters.Regex, "text"])
async def test_what_is_no_filter(local: Stage, filter: Any) -> None:
    """Something that cannot be called, or a class in place of an instance, is refused with what is expected."""
    app = local.application()
    async with app:
        with pytest.raises(BadArgument, match=r"expected a filter such as filters\.TEXT, a handler, or a function"):
            await wait_for(Key(42, 1, 1), filter=filter)


async def test_a_group_of_one_s_own(local: Stage) -> None:
    """``group=`` says where steps run, for bots that use that group themselves."""
    app, order = local.application(group=5), list[str]()

    async def note(update: Update, context: Context) -> None:
        order.append(f"note {text_of(update)}")

    async def start(update: Update, context: Context) -> None:
        await next_step(step)

    async def step(update: Update, context: Context) -> None:
        order.append(f"step {text_of(update)}")

    app.add_handler(TypeHandler(Update, note), group=4)
    app.add_handler(CommandHandler("start", start))
    app.add_handler(MessageHandler(filters.ALL, note), group=5)
    alice = local.world.person("Alice")
    async with local.run(app):
        alice.send("/start")
        alice.send("a")
        await until(lambda: "step a" in order)

    assert order == ["note /start", "note /start", "note a", "step a"]
