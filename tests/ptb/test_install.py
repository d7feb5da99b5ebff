"""Installing: on an application as it is, once, and without a trace afterwards."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from typing import Any

import pytest
from telegram import Update
from telegram.ext import Application, ApplicationBuilder, CommandHandler, ContextTypes

import aiostep
from aiostep import WouldDeadlock, register_next_step
from aiostep_core.errors import AlreadyInstalled, BadArgument, PluginError, UnsupportedTarget
from aiostep_core.facts import Facts
from aiostep_core.keys import Key
from aiostep_ptb import PTBAdapter, StepApplication, adapter, ask, wait_for
from aiostep_testing import World
from aiostep_testing.transports.ptb import make_application, make_builder
from tests.ptb.stage import App, Context, Stage, echo, reply, text_of, until, waiting
from tests.ptb.test_flows import message, run_bounded

pytestmark = pytest.mark.anyio


class Plain(Application[Any, Any, Any, Any, Any, Any]):
    """An author's subclass as most are: with a ``__dict__``."""

    def __init__(self, **built: Any) -> None:
        super().__init__(**built)
        self.database = "db"


class Slotted(Application[Any, Any, Any, Any, Any, Any]):
    """One that keeps to the framework's slots."""

    __slots__ = ("database",)

    def __init__(self, **built: Any) -> None:
        super().__init__(**built)
        self.database = "db"


class Overriding(Application[Any, Any, Any, Any, Any, Any]):
    """One that overrides what we override."""

    __slots__ = ()
    seen: list[object] = []  # noqa: RUF012

    async def process_update(self, update: object) -> None:
        self.seen.append(update)
        await super().process_update(update)


async def ask_name(app: App) -> str:
    """Let somebody be asked on *app*, and answer."""
    said = list[str]()

    async def start(update: Update, context: Context) -> None:
        said.append(text_of(await wait_for()))

    app.add_handler(CommandHandler("start", start))
    async with app:
        for number, text in enumerate(("/start", "Ann")):
            await app.process_update(message(app, number, text))
    return said[0]


@pytest.mark.parametrize("kind", [Application, Plain, Slotted, Overriding])
async def test_any_class_of_application(local: Stage, kind: type[App]) -> None:
    """Subclasses work as they are and remain what they are; afterwards the class is the author's own again."""
    app = local.builder().application_class(kind).build()
    before = dict(app.handlers), app.context_types
    engine = adapter.install(app)

    assert isinstance(app, kind)
    assert (type(app).__name__, type(app).__module__) == (kind.__name__, kind.__module__)
    assert await ask_name(app) == "Ann"
    await register_next_step(Key(42, 1, 1), lambda update, context: None, filter=lambda update: True)
    async with app:
        await app.process_update(message(app, 5, "step"))
    assert len(app.handlers) == 2

    engine.uninstall()
    app.handlers.pop(0)
    assert type(app) is kind
    assert (app.handlers, app.context_types) == before
    assert getattr(app, "database", "db") == "db"


async def test_what_an_author_overrides_is_still_called(local: Stage) -> None:
    """A subclass that overrides ``process_update`` sees those updates that handlers see."""
    Overriding.seen.clear()
    app = local.application(local.builder().application_class(Overriding))

    assert await ask_name(app) == "Ann"
    assert [text_of(update) for update in Overriding.seen if isinstance(update, Update)] == ["/start"]


async def test_an_application_that_installs_itself(local: Stage) -> None:
    """``application_class(StepApplication)`` needs no ``install``, takes the options, and may be installed again."""
    options: dict[str, object] = {"grace": 1.0, "cancel_words": ("stop",)}
    app = local.builder().application_class(StepApplication, options).build()
    engine = aiostep.install(app)
    local.note(engine)

    assert isinstance(app, StepApplication)
    assert dict(engine.runtime.adapters[0].options) == {"grace": 1.0}
    assert await ask_name(app) == "Ann"
    with pytest.raises(AlreadyInstalled, match="not with {'grace': 2.0}"):
        adapter.install(app, grace=2.0)


async def test_installing_while_the_bot_runs(stage: Stage) -> None:
    """An application that runs already is served from the next update on."""
    app = stage.builder().build()

    async def start(update: Update, context: Context) -> None:
        await reply(update, f"hello {text_of(await wait_for())}")

    app.add_handler(CommandHandler("start", start))
    echo(app)
    alice = stage.world.person("Alice")
    async with stage.run(app):
        alice.send("hi")
        await alice.expect("^other:hi$")
        stage.note(adapter.install(app))
        alice.send("/start")
        await waiting(stage)
        alice.send("Ann")
        await alice.expect("^hello Ann$")


def test_a_framework_that_is_too_old(local_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also whoever does not come through the plugin is told which version is needed."""
    monkeypatch.delattr(Application, "mark_data_for_update_persistence")

    with pytest.raises(PluginError, match=r"needs python-telegram-bot>=20\.3, but .* is installed; pip install"):
        PTBAdapter(local_app)


async def test_installing_again_is_harmless(local: Stage) -> None:
    """The second call, of either function, returns the engine of the first and changes nothing."""
    app = local.application()
    before = type(app), dict(app.handlers)

    assert adapter.install(app) is aiostep.install(app) is local.engine
    assert (type(app), app.handlers) == before


async def test_two_engines_do_not_share_an_application(local: Stage) -> None:
    """An application that is served already is refused to another engine; the message says what to do."""
    one, other = local.application(), local.application()
    engine = aiostep.install(other)
    with pytest.raises(AlreadyInstalled, match=r"call uninstall\(\) on that engine first"):
        adapter.install(one, engine=engine)


async def test_after_uninstall_the_bot_is_as_before(local: Stage) -> None:
    """Whoever waits is told, the bot goes on without us, and can be installed on again."""
    app, seen = local.application(), list[str]()

    async def start(update: Update, context: Context) -> None:
        seen.append("start")
        try:
            await wait_for()
        except aiostep.WaitCancelled as error:
            seen.append(error.reason)

    app.add_handler(CommandHandler("start", start))
    async with app:
        await app.process_update(message(app, 1, "/start"))
        local.engine.uninstall()
        await until(lambda: "code" in seen)
        await app.process_update(message(app, 1, "hi"))
        engine = adapter.install(app)
        local.note(engine)
        await app.process_update(message(app, 2, "/start"))
        await waiting(local)

    assert seen == ["start", "code", "start", "shutdown"]


@pytest.mark.parametrize("what", ["bot", "updater", "class"])
def test_what_handles_no_updates(what: str) -> None:
    """A bot, an updater, or the class in place of an object are no targets."""
    app = make_application(World())
    target: Any = {"bot": app.bot, "updater": app.updater, "class": Application}[what]

    for install in (adapter.install, aiostep.install):
        with pytest.raises(UnsupportedTarget):
            install(target)


def test_a_class_that_cannot_be_extended() -> None:
    """A subclass that refuses subclasses is named, with the way out."""

    class Final_(Application[Any, Any, Any, Any, Any, Any]):
        __slots__ = ()

        def __init_subclass__(cls, **options: Any) -> None:
            raise TypeError("it is final")

    app = make_builder(World()).application_class(Final_).build()
    with pytest.raises(UnsupportedTarget, match=r"cannot be extended \(it is final\); name StepApplication"):
        adapter.install(app)


@pytest.mark.parametrize("group", ["first", True, 1.5])
def test_a_group_that_is_none(group: Any) -> None:
    """A group is a whole number, as for the framework."""
    with pytest.raises(BadArgument, match=r"^group is .*; expected a whole number"):
        adapter.install(make_application(World()), group=group)


def test_nothing_keeps_an_application_alive() -> None:
    """An application, installed and uninstalled or not, is freed when its author lets go of it."""
    for uninstall in (False, True):
        app = make_application(World())
        engine, ghost = adapter.install(app), weakref.ref(app)
        if uninstall:
            engine.uninstall()
        del app
        gc.collect()
        assert ghost() is None
        engine.uninstall()


def test_waiting_in_post_init_is_refused(local_app: App) -> None:
    """T41: ``post_init`` is over before updates are asked for, so waiting there says so, with the way out."""
    errors = list[BaseException]()

    async def post_init(app: App) -> None:
        try:
            await ask("hello?", to=Key(42, 1, 1))
        except WouldDeadlock as error:
            errors.append(error)
        asyncio.get_running_loop().call_later(0.05, asyncio.get_running_loop().stop)

    local_app.post_init = post_init
    run_bounded(local_app)

    assert "post_init" in str(errors[0])
    assert "asyncio.create_task" in str(errors[0])


def test_waiting_in_a_task_of_post_init(local_app: App) -> None:
    """A task that ``post_init`` starts may wait for as long as the bot runs."""
    said = list[str]()

    async def greet(app: App) -> None:
        said.append(text_of(await wait_for(Key(42, 1, 1))))
        asyncio.get_running_loop().stop()

    tasks = list[Any]()

    async def post_init(app: App) -> None:
        tasks.append(asyncio.ensure_future(greet(app)))
        app.update_queue.put_nowait(message(app, 1, "hi"))

    local_app.post_init = post_init
    run_bounded(local_app)

    assert said == ["hi"]


class Order:
    """An update of the author's own, as from a shop's webhook."""

    def __init__(self, who: int) -> None:
        self.who = who


@pytest.mark.parametrize(
    "identify",
    [
        lambda order: (order.who, order.who),
        lambda order: Key(42, order.who, order.who),
        lambda order: Facts(bot_id=42, kind="Order", chat_id=order.who, user_id=order.who),
    ],
    ids=["pair", "key", "facts"],
)
async def test_updates_of_the_author_s_own(local: Stage, identify: Any) -> None:
    """``identify`` says whom an update of another type is from: its handler may ask, and it may be waited for."""
    from telegram.ext import TypeHandler

    alice = local.world.person("Alice")
    app, got = local.application(identify=identify), list[object]()

    async def ordered(update: Order, context: Any) -> None:
        got.append(await ask("Paid. Where to?", str))
        got.append(await wait_for(kinds="Order"))

    app.add_handler(TypeHandler(Order, ordered))
    async with local.run(app):
        alice.send("hi")
        first, second = Order(alice.id), Order(alice.id)
        await app.update_queue.put(first)
        await alice.expect("Where to")
        alice.send("Home")
        await until(lambda: got == ["Home"])
        await app.update_queue.put(Order(7))
        await app.update_queue.put(second)
        await until(lambda: len(got) == 2)

    assert got == ["Home", second]


async def test_updates_that_nobody_can_place(local: Stage) -> None:
    """Without ``identify`` a wait in such a handler needs a target, and says so; with one it works."""
    from telegram.ext import TypeHandler

    app, got, errors = local.application(), list[str](), list[str]()

    async def ordered(update: Order, context: Any) -> None:
        try:
            await wait_for()
        except aiostep.NoTarget as error:
            errors.append(str(error))
        got.append(text_of(await wait_for(Key(42, update.who, update.who))))

    app.add_handler(TypeHandler(Order, ordered))
    async with app:
        await app.process_update(Order(5))
        await app.process_update(message(app, 1, "Home", user=5))

    assert errors == ["a Order update names neither user nor chat; pass a target"]
    assert got == ["Home"]


async def test_kinds_that_must_be_asked_for(local: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Waiting for what Telegram sends on request only is warned of, once: only the author knows the request."""
    app = local.application()
    async with app:
        for _ in "12":
            await wait_for(Key(42, 1, 1), 0, kinds="message_reaction", default=None)

    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["waiting for message_reaction"]


async def test_a_context_of_the_author_s_own(local: Stage) -> None:
    """A context class is the author's also where we follow jobs, and their other types are kept."""

    class Own(ContextTypes.DEFAULT_TYPE):
        pass

    types = ContextTypes(context=Own, user_data=list)
    app = local.application(local.builder().context_types(types))

    assert issubclass(app.context_types.context, Own)
    assert (app.context_types.context.__name__, app.context_types.user_data) == ("Own", list)


def test_the_package_is_light() -> None:
    """Importing the front door and the plugin loads no framework by itself."""
    import subprocess

    code = "import sys, aiostep_ptb, aiostep_ptb.plugin; sys.exit('telegram' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


async def test_two_bots_side_by_side(stage: Stage) -> None:
    """T12: two applications with one engine; each bot's question is answered in its own chat."""
    first, second = stage.application(), stage.builder("43:OTHER").build()
    adapter.install(second, engine=stage.engine)
    account = stage.world.bot("43:OTHER")

    async def start(update: Update, context: Context) -> None:
        await reply(update, f"hello {await ask('name?', str)}")

    for app in (first, second):
        app.add_handler(CommandHandler("start", start))
    alice = stage.world.person("Alice")
    async with stage.run(first, second):
        alice.send("/start")
        await alice.expect("name")
        alice.send("/start", to=account)
        await alice.expect("name", in_=account)
        await waiting(stage, 2)
        alice.send("Second", to=account)
        await alice.expect("^hello Second$", in_=account)
        alice.send("First")
        await alice.expect("^hello First$")


def test_the_builder_is_the_framework_s() -> None:
    """What this suite builds with is the framework's own builder."""
    assert isinstance(make_builder(World()), ApplicationBuilder)
