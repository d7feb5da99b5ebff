"""``install`` and ``uninstall``: in whatever order, again, on the wrong thing; and what is left of it."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from aiogram import Bot, Dispatcher, F, Router
from aiogram.filters import Command
from aiogram.fsm.storage.memory import SimpleEventIsolation
from aiogram.types import CallbackQuery, Message, MessageReactionUpdated, Update

import aiostep
from aiostep import (
    AlreadyInstalled,
    BadArgument,
    MemorySteps,
    NotSubscribed,
    UnsupportedTarget,
    WaitCancelled,
    ask,
    wait_for,
)
from aiostep_aiogram import SuspendableIsolation, adapter
from tests.aiogram.bots import echo
from tests.aiogram.stage import Stage, buttons, until

pytestmark = pytest.mark.anyio

INSTALLS = [adapter.install, aiostep.install]


def shape(dp: Dispatcher) -> dict[str, Any]:
    """Describe everything in a dispatcher that an installation might change."""
    return {
        "middlewares": {
            name: [list(map(id, observer.outer_middleware)), list(map(id, observer.middleware))]
            for name, observer in dp.observers.items()
        },
        "handlers": {name: list(map(id, observer.handlers)) for name, observer in dp.observers.items()},
        "routers": list(map(id, dp.sub_routers)),
        "isolation": id(dp.fsm.events_isolation),
        "startup": list(map(id, dp.startup.handlers)),
        "shutdown": list(map(id, dp.shutdown.handlers)),
        "updates": sorted(dp.resolve_used_update_types()),
        "data": dict(dp.workflow_data),
    }


def furnished(**options: Any) -> Dispatcher:
    """Make a dispatcher with a bit of everything."""
    dp, router = Dispatcher(events_isolation=SimpleEventIsolation(), **options), Router()

    async def passing(handler: Any, event: Any, data: Any) -> Any:
        return await handler(event, data)

    for manager in (dp.update.outer_middleware, dp.update.middleware, dp.message.outer_middleware, dp.poll.middleware):
        manager.register(passing)
    dp.startup.register(lambda: None)
    dp.shutdown.register(lambda: None)
    dp.include_router(router)
    echo(dp)
    return dp


@pytest.mark.parametrize("install", INSTALLS)
@pytest.mark.parametrize("options", [{}, {"detach": True, "updates": ["poll"], "grace": 1.0}])
async def test_uninstall_undoes_install(install: Any, options: Any) -> None:
    """After ``uninstall`` the dispatcher is exactly as it was, and can be installed on again."""
    dp = furnished()
    before = shape(dp)

    engine = install(dp, **options)
    during = shape(dp)
    engine.uninstall()
    after = shape(dp)
    engine.uninstall()
    again = install(dp, **options)
    second = shape(dp)
    again.uninstall()

    assert before == after == shape(dp)
    assert during != before
    assert second["updates"] == during["updates"]
    assert again is not engine


@pytest.mark.parametrize("install", INSTALLS)
@pytest.mark.parametrize("options", [{}, {"detach": True}, {"updates": ["poll"]}, {"detach": False, "grace": 5.0}])
async def test_install_again_is_the_same_engine(install: Any, options: Any) -> None:
    """Installing twice with the same options, or with none the second time, changes nothing."""
    dp = furnished()
    engine = install(dp, **options)
    before = shape(dp)

    assert install(dp, **options) is engine
    assert install(dp) is engine
    assert install(dp, engine=engine) is engine
    assert shape(dp) == before
    engine.uninstall()


@pytest.mark.parametrize(
    ("again", "sentence"),
    [
        ({"cancel_words": ("/stop",)}, r"is installed with other cancel words than \('/stop',\); call uninstall"),
        ({"storage": MemorySteps()}, "keeps its steps in another storage; call uninstall"),
    ],
)
async def test_another_storage_or_other_words_are_refused(again: dict[str, Any], sentence: str) -> None:
    """What cannot be had any more is refused with a sentence; the same again is the same engine."""
    dp = Dispatcher()
    engine = adapter.install(dp, cancel_words=("/cancel", "Stop"), storage="memory://")

    with pytest.raises(AlreadyInstalled, match=sentence):
        adapter.install(dp, **again)

    assert adapter.install(dp, cancel_words=("stop", "/cancel"), storage="memory://") is engine
    engine.uninstall()


@pytest.mark.parametrize("install", INSTALLS)
async def test_other_options_are_refused(install: Any) -> None:
    """Installing again with other options, or with another engine, is refused and changes nothing."""
    dp, other = furnished(), Dispatcher()
    engine, second = install(dp), install(other)
    before = shape(dp)

    with pytest.raises(AlreadyInstalled, match="is installed with .* not with .*'detach': True"):
        install(dp, detach=True)
    with pytest.raises(AlreadyInstalled, match="has another engine already; call uninstall"):
        install(dp, engine=second)
    assert shape(dp) == before
    engine.uninstall()
    second.uninstall()


@pytest.mark.parametrize("install", INSTALLS)
@pytest.mark.parametrize("target", [Router(), Dispatcher, 7, None, Bot("42:TEST"), "dp"], ids=str)
async def test_anything_else_is_no_dispatcher(install: Any, target: Any) -> None:
    """A router, a class, a number ... is refused in a sentence that names what is known and what to pass."""
    with pytest.raises(UnsupportedTarget, match="no adapter for .*; pass a dispatcher.*aiogram"):
        install(target)


@pytest.mark.parametrize("install", INSTALLS)
@pytest.mark.parametrize(
    "options",
    [
        {"updates": ["mesage"]},
        {"grace": -1},
        {"updates": "error"},
        {"cancel_words": "stop"},
        {"cancel_words": 5},
        {"storage": 7},
        {"engine": 5},
    ],
    ids=str,
)
async def test_bad_options_change_nothing(install: Any, options: Any) -> None:
    """An option that makes no sense is refused, and the dispatcher stays as it was."""
    dp = furnished()
    before = shape(dp)

    with pytest.raises((BadArgument, TypeError)):
        install(dp, **options)
    assert shape(dp) == before


async def test_one_engine_serves_two_dispatchers(stage: Stage) -> None:
    """Two dispatchers share an engine when told so; it is uninstalled from both."""
    dp, other = stage.dispatcher(), furnished()
    before = shape(other)
    assert stage.engine is not None
    assert adapter.install(other, engine=stage.engine) is stage.engine

    stage.engine.uninstall()

    assert shape(other) == before
    with pytest.raises(aiostep.NotInstalled, match="call aiostep.install"):
        await wait_for(5)
    assert dp.sub_routers == []


@pytest.mark.parametrize("when", ["before", "after"])
async def test_install_before_or_after_the_handlers(stage: Stage, when: str) -> None:
    """The one line may come first or last."""
    dp = Dispatcher()
    if when == "before":
        stage.engine = adapter.install(dp)

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer(f"hello {await ask('name?', str)}")

    async def passing(handler: Any, event: Any, data: Any) -> Any:
        return await handler(event, data)

    dp.update.outer_middleware.register(passing)
    if when == "after":
        stage.engine = adapter.install(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await alice.expect("^hello Ann$")
    assert stage.engine is not None
    stage.engine.uninstall()


async def test_a_handler_that_waits_is_told_of_uninstall(stage: Stage) -> None:
    """``uninstall`` ends the waits with "code"; a handler that asks again then is not left to wait for ever."""
    dp, ends = stage.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        for _ in range(2):
            try:
                await ask("name?")
            except WaitCancelled as error:
                ends.append(error.reason)

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        assert stage.engine is not None
        stage.engine.uninstall()
        await until(lambda: len(ends) == 2)
        alice.send("hi")
        await alice.expect("^other:hi$")

    assert ends == ["code", "code"]


async def test_a_dispatcher_is_not_kept_alive() -> None:
    """A dispatcher that nobody needs any more goes, and its engine with it."""
    dp = Dispatcher()
    engine = adapter.install(dp)
    gone = weakref.ref(dp), weakref.ref(engine)
    del dp, engine
    gc.collect()

    assert [one() for one in gone] == [None, None]


async def test_a_bot_without_click_handlers_gets_its_clicks(stage: Stage) -> None:
    """The bot asks Telegram for what its waits need, though no handler of its own does."""
    dp = stage.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer("sure?", reply_markup=buttons("Yes"))
        click: CallbackQuery = await wait_for(kinds="callback_query", filter=F.data == "yes", timeout=5)
        await message.answer(f"clicked {click.data}")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("sure")
        await alice.click("Yes")
        await alice.expect("^clicked yes$")

    if stage.is_http:
        asked = stage.calls("getUpdates")[0]["allowed_updates"]
        assert sorted(asked) == ["callback_query", "message", "my_chat_member"]


async def test_a_wait_for_what_never_comes_is_refused(stage: Stage) -> None:
    """A wait for a kind the bot is not subscribed to raises at once and says what to pass to install()."""
    dp, refused = stage.dispatcher(), []

    @dp.message()
    async def start(message: Message) -> None:
        for kinds in ("message_reaction", {"poll_answer", "message"}):
            with pytest.raises(NotSubscribed) as error:
                await wait_for(kinds=kinds)
            refused.append(str(error.value))

    async with stage.run(dp):
        stage.world.person("Alice").send("hi")
        await until(lambda: len(refused) == 2 or stage.errors)

    assert refused == [
        f"this bot does not receive {kind} updates, so the wait could never end; "
        f"pass updates=['{kind}'] to install(), or register a handler for them"
        for kind in ("message_reaction", "poll_answer")
    ]


async def test_updates_subscribes_to_more(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """``updates=`` subscribes to further kinds; for those that only administrators get, the log says so once."""
    dp = stage.dispatcher(install={"updates": ("message_reaction",)})

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        sent = await message.answer("like this")
        reaction: MessageReactionUpdated = await wait_for(
            kinds="message_reaction", scope=aiostep.Scope.BUTTONS(sent), timeout=5
        )
        await message.answer(f"{len(reaction.new_reaction)} reaction")

    alice = stage.world.person("Alice")
    group = stage.world.group("G", members=[alice])
    async with stage.run(dp):
        for _ in range(2):
            alice.send("/start", to=group)
            sent = await alice.expect("like", in_=group)
            await until(lambda: stage.engine and any(one.waits for one in stage.engine.waits))
            alice.react(sent, "👍")
            await alice.expect("^1 reaction$", in_=group)

    assert [record.message for record in caplog.records if record.name == "aiostep"] == [
        "waiting for message_reaction: Telegram sends it only if the bot is an administrator of the chat"
    ]


async def test_without_states(stage: Stage) -> None:
    """A dispatcher with ``disable_fsm=True`` holds conversations and runs steps just the same."""
    dp, ran = stage.dispatcher(disable_fsm=True), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        name = await ask("name?", str, filter=F.text)

        async def step(message: Message, **data: Any) -> None:
            ran.append("state" in data)
            await message.answer(f"{name} {message.text}")

        await aiostep.next_step(step)
        await message.answer("and?")

    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        alice.send("Ann")
        await alice.expect("and")
        alice.send("Lee")
        await alice.expect("^Ann Lee$")

    assert ran == [False]


def raw(update_id: int, text: str) -> dict[str, Any]:
    """Write an update as Telegram would."""
    user = {"id": 7, "is_bot": False, "first_name": "A"}
    message = {"message_id": update_id, "date": 1, "chat": {"id": 7, "type": "private"}, "from": user, "text": text}
    return {"update_id": update_id, "message": message}


@pytest.mark.parametrize("way", ["feed_update", "feed_raw_update", "unmounted"])
async def test_updates_that_the_author_feeds(local: Stage, way: str) -> None:
    """Updates fed by hand, raw ones and ones that know no bot too, start conversations and answer them."""
    dp, got = local.dispatcher(), []

    @dp.message(F.text == "start")
    async def start(message: Message) -> None:
        answer = await wait_for(timeout=5)
        got.append((answer.text, answer.bot is local.bot))

    async def feed(update: dict[str, Any]) -> Any:
        if way == "feed_raw_update":
            return await dp.feed_raw_update(local.bot, update)
        context = {"bot": local.bot} if way == "feed_update" else None
        return await dp.feed_update(local.bot, Update.model_validate(update, context=context))

    assert local.engine is not None
    local.engine.runtime.start(feed(raw(1, "start")))
    await until(lambda: local.engine and any(one.waits for one in local.engine.waits))
    assert await feed(raw(2, "Ann")) is None
    await until(lambda: got)

    assert got == [("Ann", True)]


async def test_nothing_waiting_changes_nothing(local: Stage) -> None:
    """Promise 10: with nothing waiting a handler gets the very data it would get without aiostep."""
    seen = []
    for install in (False, True):
        dp = Dispatcher(events_isolation=SimpleEventIsolation())
        engine = adapter.install(dp) if install else None

        @dp.message()
        async def handler(message: Message, **data: Any) -> str:
            return ",".join(sorted(data))

        seen.append(await dp.feed_update(local.bot, Update.model_validate(raw(1, "x"), context={"bot": local.bot})))
        if engine is not None:
            assert isinstance(dp.fsm.events_isolation, SuspendableIsolation)
            engine.uninstall()

    assert seen[0] == seen[1]
