"""aiogram's own Dispatcher and Bot over a world, in process."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.exceptions import TelegramForbiddenError, TelegramNetworkError, TelegramRetryAfter
from aiogram.filters import Command
from aiogram.types import (
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    Message,
    Update,
)

from aiostep_testing import World
from aiostep_testing.transports.aiogram import Feeder, in_process, make_bot

pytestmark = pytest.mark.anyio


@pytest.fixture
def world() -> World:
    return World(strict=True)


@pytest.fixture
def bot(world: World) -> Bot:
    return make_bot(world)


def echo_dispatcher() -> Dispatcher:
    dispatcher = Dispatcher()

    @dispatcher.message(Command("menu"))
    async def menu(message: Message) -> None:
        button = InlineKeyboardButton(text="Save", callback_data="save")
        await message.answer("menu", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]))

    @dispatcher.callback_query(F.data == "save")
    async def save(query: CallbackQuery) -> None:
        await query.answer("saved")
        assert isinstance(query.message, Message)
        await query.message.edit_text("done")

    @dispatcher.message(F.text == "fail")
    async def fail(message: Message) -> None:
        raise LookupError("on purpose")

    @dispatcher.message(F.text == "return")
    async def return_method(message: Message) -> object:
        return message.answer("returned")

    @dispatcher.message(F.text)
    async def echo(message: Message) -> None:
        await message.answer(f"echo:{message.text}")

    return dispatcher


async def test_an_echo_bot_answers(world: World, bot: Bot) -> None:
    """A message goes through the real Dispatcher, and its answer is seen by the person."""
    alice = world.person("Alice")

    async with in_process(world, echo_dispatcher(), bot):
        alice.send("hi")
        await alice.expect("^echo:hi$")

    assert world.violations == []


async def test_a_button_is_answered_and_the_message_edited(world: World, bot: Bot) -> None:
    """A click reaches the callback handler; its toast and its edit come back."""
    alice = world.person("Alice")

    async with in_process(world, echo_dispatcher(), bot):
        alice.send("/menu")
        await alice.expect("menu")
        answer = await alice.click("Save")
        await alice.expect_edit("^done$")

    assert answer["text"] == "saved"
    assert world.violations == []


async def test_kinds_without_handlers_do_not_arrive(world: World, bot: Bot) -> None:
    """As with real polling, a dispatcher without handlers for a kind is not sent it."""
    alice = world.person("Alice")

    async with in_process(world, echo_dispatcher(), bot) as feeder:
        alice.edit(alice.send("hi"), "edited")
        await feeder.settle()

    kinds = [next(k for k in update if k != "update_id") for update in world.bot().history]
    assert kinds == ["message"]


async def test_updates_start_their_tasks_in_arrival_order(world: World, bot: Bot) -> None:
    """Each update has a task of its own, and the tasks begin in the order of the updates."""
    dispatcher, seen = Dispatcher(), list[int]()
    gate = asyncio.Event()

    @dispatcher.update.outer_middleware
    async def note(handler: object, event: object, data: dict[str, object]) -> None:
        seen.append(event.update_id)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        await gate.wait()

    @dispatcher.message()
    async def unused(message: Message) -> None: ...

    alice = world.person("Alice")
    async with in_process(world, dispatcher, bot) as feeder:
        for number in range(20):
            alice.send(str(number))
        await feeder.settle()
        waiting = len(feeder.tasks)
        gate.set()
        await feeder.settle()

        assert feeder.tasks == []
    assert seen == sorted(seen)
    assert len(seen) == waiting == 20


async def test_settle_waits_for_filters_that_run_in_threads(world: World, bot: Bot) -> None:
    """After settle() the answer is there, although aiogram runs F filters in threads."""
    alice = world.person("Alice")

    async with in_process(world, echo_dispatcher(), bot) as feeder:
        for number in range(5):
            alice.send(f"n{number}")
        await feeder.settle()

        # Those threads are also why the answers may come in any order.
        echoes = sorted(line for line in alice.seen() if "echo" in line)
        assert echoes == [f"test_bot: echo:n{n}" for n in range(5)]


async def test_settle_waits_for_slow_threads(world: World, bot: Bot) -> None:
    """A filter that takes its time in a thread is waited for."""
    dispatcher = Dispatcher()

    def slow(message: Message) -> bool:
        time.sleep(0.05)
        return True

    @dispatcher.message(slow)
    async def answer(message: Message) -> None:
        await message.answer("after all")

    alice = world.person("Alice")
    async with in_process(world, dispatcher, bot) as feeder:
        alice.send("hi")
        await feeder.settle()

        assert alice.seen() == ["Alice: hi", "test_bot: after all"]


async def test_handler_errors_are_kept(world: World, bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that raises is logged and found in errors, and the next update is handled."""
    alice = world.person("Alice")

    async with in_process(world, echo_dispatcher(), bot) as feeder:
        alice.send("fail")
        alice.send("after")
        await alice.expect("echo:after")
        await feeder.settle()

    assert [type(error) for error in feeder.errors] == [LookupError]
    assert "on purpose" in caplog.text


async def test_a_returned_method_is_called(world: World, bot: Bot) -> None:
    """A handler may return an API method, as with polling."""
    alice = world.person("Alice")

    async with in_process(world, echo_dispatcher(), bot):
        alice.send("return")
        await alice.expect("returned")


async def test_queued_updates_are_fed_at_start(world: World, bot: Bot) -> None:
    """What people wrote before the bot started is not lost."""
    alice = world.person("Alice")
    alice.send("early")

    async with in_process(world, echo_dispatcher(), bot):
        await alice.expect("echo:early")

    assert world.bot().updates == []


async def test_stop_cancels_what_still_runs(world: World, bot: Bot) -> None:
    """Leaving the block ends handlers that wait, and runs the shutdown handlers."""
    dispatcher, ended = Dispatcher(), list[str]()

    @dispatcher.message()
    async def wait(message: Message) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("handler")

    @dispatcher.shutdown()
    async def shutdown() -> None:
        ended.append("shutdown")

    alice = world.person("Alice")
    feeder = Feeder(world, dispatcher, bot)
    async with feeder:
        alice.send("hi")
        await feeder.settle()

        assert len(feeder.tasks) == 1
    assert ended == ["shutdown", "handler"]
    assert feeder.tasks == []


async def test_each_bot_gets_its_own_updates(world: World, bot: Bot) -> None:
    """Two bots on one dispatcher answer in their own private chats."""
    other = make_bot(world, "43:OTHER")
    account = world.bot("43:OTHER")
    alice = world.person("Alice")
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def who(message: Message, bot: Bot) -> None:
        await message.answer(f"I am {bot.id}")

    async with in_process(world, dispatcher, bot, other):
        alice.send("hi")
        alice.send("hi", to=account)
        await alice.expect("I am 42")
        await alice.expect("I am 43", in_=account)


async def test_faults_become_aiograms_exceptions(world: World, bot: Bot) -> None:
    """429, a block and a cut connection raise what aiogram raises for them."""
    alice = world.person("Alice")
    world.faults.add("sendMessage", status=429, retry_after=7)
    with pytest.raises(TelegramRetryAfter) as too_many:
        await bot.send_message(alice.id, "x")
    world.faults.add("sendMessage", lost=True)
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(alice.id, "y")
    alice.block()
    with pytest.raises(TelegramForbiddenError):
        await bot.send_message(alice.id, "z")

    assert too_many.value.retry_after == 7
    assert alice.seen() == ["test_bot: y"]


async def test_files_go_up_and_down(world: World, bot: Bot) -> None:
    """An uploaded file can be downloaded by its id, and an album keeps its order."""
    alice = world.person("Alice")
    sent = await bot.send_document(alice.id, BufferedInputFile(b"data", "отчёт.txt"))
    assert sent.document is not None
    target = await bot.download(sent.document)
    photos = [InputMediaPhoto(media=BufferedInputFile(bytes([n]), f"{n}.jpg"), caption=str(n)) for n in (1, 2)]
    album = await bot.send_media_group(alice.id, list(photos))

    assert target is not None
    assert target.read() == b"data"
    assert sent.document.file_name == "отчёт.txt"
    assert [m.caption for m in album] == ["1", "2"]
    assert album[0].media_group_id == album[1].media_group_id is not None
    assert world.violations == []


async def test_every_kind_of_update_fits_aiograms_models(world: World, bot: Bot) -> None:
    """What the world emits is valid for the schema and, as a second judge, for aiogram's own models."""
    account = world.bot()
    account.subscribe(world.schema.types["Update"].keys() - {"update_id"})
    alice, bob = world.person("Alice"), world.person("Bob")
    group = world.group("G", members=[alice])
    forum, channel = world.group("F", forum=True), world.channel("C")
    channel.link(group)
    alice.edit(alice.send("/start"), "b")
    for where in (group, forum.topic("T"), channel):
        alice.edit(alice.reply("x", alice.send("@test_bot", to=where)), "y")
    alice.album(2)
    for message in (alice.contact(), alice.location(), alice.document(), group.anonymous(alice).send("boo")):
        alice.react(message, "👍")
    sent = await bot.send_poll(group.id, "q", ["a", "b"], is_anonymous=False)
    assert sent.poll is not None
    alice.vote({"poll": {"id": sent.poll.id}}, 0)
    markup = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="A", callback_data="a")]])
    menu = await bot.send_message(alice.id, "menu", reply_markup=markup)
    alice.click("A")
    await bot.delete_message(alice.id, menu.message_id)
    alice.click("A", on={"chat": {"id": alice.id}, "message_id": menu.message_id})
    alice.query("cats")
    alice.click("A", on=alice.choose({"id": "1", "title": "t", "reply_markup": markup.model_dump(exclude_none=True)}))
    connection = world.business(alice)
    asked = bob.send("hi", to=connection)
    bob.edit(asked, "hi!")
    bob.delete(asked)
    connection.disable()
    bob.ask_to_join(group)
    await bot.approve_chat_join_request(group.id, bob.id)
    bob.leave(group)
    bob.block()
    world.group("old", basic=True).migrate()

    for raw in account.history:
        Update.model_validate(raw, context={"bot": bot})
    kinds = {kind for raw in account.history for kind in raw if kind != "update_id"}
    assert world.violations == []
    assert kinds == {
        "business_connection",
        "business_message",
        "callback_query",
        "channel_post",
        "chat_join_request",
        "chat_member",
        "chosen_inline_result",
        "deleted_business_messages",
        "edited_business_message",
        "edited_channel_post",
        "edited_message",
        "inline_query",
        "message",
        "message_reaction",
        "my_chat_member",
        "poll",
        "poll_answer",
    }


async def test_a_dispatcher_can_meet_one_world_after_the_other() -> None:
    """The update ids of a new world follow those of the last one, also of updates that were queued before."""
    dispatcher, ids = Dispatcher(), list[int]()

    @dispatcher.message()
    async def note(message: Message, event_update: Update) -> None:
        ids.append(event_update.update_id)

    for _ in range(3):
        world = World()
        bot, alice = make_bot(world), world.person("Alice")
        alice.send("early")
        feeder = in_process(world, dispatcher, bot)
        async with feeder:
            alice.send("late")
            await feeder.settle()

    assert len(ids) == 6
    assert ids == sorted(set(ids))
