"""python-telegram-bot's persistence in storages of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import pytest
from telegram import Chat, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update, User
from telegram.ext import (
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    ConversationHandler,
    ExtBot,
    MessageHandler,
    PersistenceInput,
    TypeHandler,
    filters,
)

from aiostep_core.errors import NotStorable, StorageDamaged
from aiostep_core.storages.storable import StorableTypes
from aiostep_ptb import StepPersistence
from tests.ptb.stage import TOKEN, App, Stage, until
from tests.storages.places import Place, place, redis_ends

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:If .per_message=False")]
__all__ = ["place", "redis_ends"]

Context = ContextTypes.DEFAULT_TYPE
NAME, AGE = range(2)


@dataclass
class Cart:
    """What a shop's users have as their data."""

    items: list[str] = field(default_factory=list)


def types_of_shop() -> StorableTypes:
    types = StorableTypes()
    types.storable("shop.cart", Cart)
    return types


class Opener:
    """Makes persistences over one place, as processes of their own would."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._records: list[Any] = []

    def __call__(self, **options: Any) -> StepPersistence:
        self._records.append(self._place.records())
        persistence = StepPersistence(self._records[-1], **options)
        persistence.set_bot(ExtBot(TOKEN))
        return persistence

    async def close(self) -> None:
        for records in self._records:
            await records.close()


@pytest.fixture
async def opened(place: Place) -> AsyncIterator[Opener]:
    """Give what opens the place again and again."""
    made = Opener(place)
    yield made
    await made.close()


async def test_data_of_users_chats_and_the_bot(opened: Opener) -> None:
    """What is updated is there for the next process, with its types; what is dropped is not."""
    first = opened()
    assert await first.get_user_data() == {}
    assert await first.get_bot_data() == {}
    when = datetime(2030, 1, 31, tzinfo=timezone.utc)
    await first.update_user_data(1, {"when": when, 7: {(1, 2)}})
    await first.update_user_data(2, {"a": 1})
    await first.update_chat_data(-100, {"b": None})
    await first.update_chat_data(-200, {})
    await first.update_bot_data({"c": [1]})
    await first.update_bot_data({"c": [2]})
    await first.drop_user_data(2)
    await first.drop_chat_data(5)

    second = opened()
    assert await second.get_user_data() == {1: {"when": when, 7: {(1, 2)}}}
    assert await second.get_chat_data() == {-100: {"b": None}, -200: {}}
    assert await second.get_bot_data() == {"c": [2]}


async def test_objects_of_telegram(opened: Opener) -> None:
    """Objects of Telegram's come back as they were, at any depth, with the bot that runs."""
    first = opened()
    user = User(1, "Ann", False, language_code="en")
    message = Message(
        5, datetime.now(timezone.utc).replace(microsecond=0), Chat(1, Chat.PRIVATE), from_user=user, text="x"
    )
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("a", callback_data="b")]])
    await first.update_user_data(1, {"last": message, "deep": [{"who": (user,)}], "keyboard": keyboard})

    second = opened()
    data = (await second.get_user_data())[1]
    assert data["last"].to_dict() == message.to_dict()
    assert type(data["last"]) is Message
    assert data["last"].get_bot() is second.bot
    assert data["deep"] == [{"who": (user,)}]
    assert data["keyboard"] == keyboard


async def test_data_of_types_of_ones_own(opened: Opener) -> None:
    """A registered class as user data is stored whole; one that is not is refused with its path."""
    types = types_of_shop()
    first = opened(types=types)
    await first.update_user_data(1, Cart(["tea"]))
    with pytest.raises(NotStorable) as caught:
        await first.update_user_data(2, {"a": [object()]})

    assert caught.value.path == 'user_data["a"][0]'
    assert await opened(types=types).get_user_data() == {1: Cart(["tea"])}
    with pytest.raises(StorageDamaged, match=r"shop\.cart"):
        await opened().get_user_data()


async def test_conversations(opened: Opener) -> None:
    """States of conversations are kept under their keys, whatever these are made of; None removes one."""
    first = opened()
    await first.update_conversation("one", (1, "a:b"), NAME)
    await first.update_conversation("one", (1, 2, 3), "named")
    await first.update_conversation("one", (5,), AGE)
    await first.update_conversation("one", (5,), None)
    await first.update_conversation("two: other", (1, 2), (1, "x"))

    second = opened()
    assert await second.get_conversations("one") == {(1, "a:b"): NAME, (1, 2, 3): "named"}
    assert await second.get_conversations("two: other") == {(1, 2): (1, "x")}
    assert await second.get_conversations("three") == {}


async def test_callback_data(opened: Opener) -> None:
    """What arbitrary callback data are restored from comes back as it was."""
    data = ([("uuid", 1.5, {"b1": ("buy", 7)})], {"query": "uuid"})
    first = opened()
    assert await first.get_callback_data() is None
    await first.update_callback_data(data)

    assert await opened().get_callback_data() == data


async def test_two_bots_in_one_place(opened: Opener) -> None:
    """Bots that share a storage do not see each other's data."""
    mine, other = opened(), opened()
    other.set_bot(ExtBot("43:OTHER"))
    await mine.update_user_data(1, {"a": 1})
    await mine.update_conversation("one", (1,), NAME)

    assert await other.get_user_data() == {}
    assert await other.get_conversations("one") == {}


async def test_many_users(opened: Opener) -> None:
    """More users than one page of a scan are all there."""
    first = opened()
    await asyncio.gather(*(first.update_user_data(number, {"n": number}) for number in range(1203)))

    assert await opened().get_user_data() == {number: {"n": number} for number in range(1203)}


# Several workers.


async def test_workers_see_and_keep_what_others_wrote(opened: Opener) -> None:
    """With shared=True a refresh reads what others wrote, and writing loses nothing of it."""
    one, other = opened(shared=True), opened(shared=True)
    mine, theirs = dict[str, Any](), dict[str, Any]()
    await one.refresh_user_data(1, mine)
    await other.refresh_user_data(1, theirs)
    mine["a"], theirs["b"] = 1, 2
    await one.update_user_data(1, dict(mine))
    await other.update_user_data(1, dict(theirs))
    await one.update_user_data(1, dict(mine))  # again, without having read: b must stay
    await one.refresh_user_data(1, mine)
    assert mine == {"a": 1, "b": 2}

    del mine["b"]
    mine["c"] = [3]
    await one.refresh_user_data(1, mine)  # also writes
    await other.refresh_user_data(1, theirs)
    assert mine == theirs == {"a": 1, "c": [3]}

    await one.drop_user_data(1)
    await other.refresh_user_data(1, theirs)
    assert theirs == {}
    assert await opened().get_user_data() == {}


async def test_a_handler_that_runs_is_not_disturbed(opened: Opener) -> None:
    """What a handler changes while a refresh is under way stays."""
    one, other = opened(shared=True), opened(shared=True)
    await other.refresh_user_data(1, theirs := dict[str, Any](a=1, b=1))
    await one.refresh_user_data(1, mine := dict[str, Any]())
    theirs.update(a=2, b=2)
    await other.update_user_data(1, theirs)
    refreshing = asyncio.ensure_future(one.refresh_user_data(1, mine))
    await asyncio.sleep(0)
    mine["a"] = "mine"
    await refreshing

    assert mine["b"] == 2
    assert mine["a"] in ("mine", 2)  # at once, in memory, it was read before
    if mine["a"] == "mine":
        await one.refresh_user_data(1, mine)
        await other.refresh_user_data(1, theirs)
        assert theirs["a"] == "mine"


async def test_objects_are_refreshed_too(opened: Opener) -> None:
    """Data of a class of one's own get the attributes that others wrote."""
    types = types_of_shop()
    one, other = opened(shared=True, types=types), opened(shared=True, types=types)
    await other.update_user_data(1, theirs := Cart(["tea"]))
    mine = (await one.get_user_data())[1]
    theirs.items.append("milk")
    await other.update_user_data(1, theirs)
    await one.refresh_user_data(1, mine)

    assert mine == Cart(["tea", "milk"])


async def test_alone_nothing_is_read_again(opened: Opener) -> None:
    """Without shared=True the application's own data are the truth."""
    one = opened()
    await one.update_user_data(1, {"a": 1})
    await one.refresh_user_data(1, mine := {"a": 2})

    assert mine == {"a": 2}


# In applications.


@pytest.fixture
async def distant() -> AsyncIterator[Stage]:
    """Give a stage over HTTP: the framework restores callback data where it receives updates."""
    async with AsyncExitStack() as stack:
        stage = Stage("http", stack)
        await stage.open()
        yield stage
        assert stage.errors == []


def shop(stage: Stage, place: Place, records: list[Any], **options: Any) -> App:
    """Build an application that keeps everything."""
    pytest.importorskip("cachetools")  # the framework needs it for arbitrary callback data
    records.append(place.records())
    persistence = StepPersistence(records[-1], **options)
    builder = stage.builder().persistence(persistence).arbitrary_callback_data(True)
    application = builder.build()

    async def start(update: Update, context: Context) -> int:
        assert update.message is not None
        assert context.user_data is not None
        context.user_data["starts"] = context.user_data.get("starts", 0) + 1
        await update.message.reply_text("Your name?")
        return NAME

    async def name(update: Update, context: Context) -> int:
        assert update.message is not None
        assert context.user_data is not None
        context.user_data["message"] = update.message
        button = InlineKeyboardButton("Yes", callback_data=("sure", 7))
        await update.message.reply_text("Sure?", reply_markup=InlineKeyboardMarkup([[button]]))
        return AGE

    async def sure(update: Update, context: Context) -> int:
        assert update.callback_query is not None
        assert context.user_data is not None
        data = context.user_data
        await update.callback_query.answer()
        answer = f"{data['message'].text}, {update.callback_query.data}, {data['starts']}"
        await context.bot.send_message(update.callback_query.from_user.id, answer)
        return ConversationHandler.END

    application.add_handler(
        ConversationHandler(
            entry_points=[CommandHandler("start", start)],
            states={NAME: [MessageHandler(filters.TEXT, name)], AGE: [CallbackQueryHandler(sure)]},
            fallbacks=[],
            name="shop",
            persistent=True,
        )
    )
    return application


async def test_a_conversation_over_restarts(distant: Stage, place: Place) -> None:
    """A persistent ConversationHandler, user data, and a button with arbitrary data survive two restarts."""
    records = list[Any]()
    alice = distant.world.person("Alice")
    async with distant.run(shop(distant, place, records)):
        alice.send("/start")
        await alice.expect("Your name")
    async with distant.run(shop(distant, place, records)):
        alice.send("Ann")
        await alice.expect("Sure")
    async with distant.run(shop(distant, place, records)):
        await alice.click("Yes")
        await alice.expect(r"Ann, \('sure', 7\), 1")
    for one in records:
        await one.close()


async def test_what_is_not_stored_is_not_asked_for(local: Stage, place: Place) -> None:
    """PersistenceInput chooses what is kept."""
    records = list[Any]()
    only = PersistenceInput(user_data=False, chat_data=False, bot_data=True, callback_data=False)
    application = shop(local, place, records, store_data=only)
    alice = local.world.person("Alice")
    async with local.run(application):
        alice.send("/start")
        await alice.expect("Your name")

    assert await StepPersistence(place.records()).get_user_data() == {}
    for one in records:
        await one.close()


async def test_workers_behind_one_webhook(local: Stage, place: Place) -> None:
    """Two applications that get the updates of one person in turn count together."""
    records = list[Any]()

    def worker() -> App:
        records.append(place.records())
        application = local.builder().persistence(StepPersistence(records[-1], shared=True)).build()

        async def count(update: Update, context: Context) -> None:
            assert context.user_data is not None
            context.user_data["n"] = context.user_data.get("n", 0) + 1

        application.add_handler(TypeHandler(Update, count))
        return application

    workers = [worker(), worker()]
    for one in workers:
        await one.initialize()
    user = {"id": 7, "is_bot": False, "first_name": "Ann"}
    for number in range(6):
        application = workers[number % 2]
        message = {"message_id": number, "date": 0, "chat": {"id": 7, "type": "private"}, "from": user, "text": "x"}
        update = Update.de_json({"update_id": number, "message": message}, application.bot)
        await application.process_update(update)
        await application.update_persistence()

    assert workers[1].user_data[7]["n"] == 6
    for one in workers:
        await one.shutdown()
    for each in records:
        await each.close()


async def test_it_writes_every_second(local: Stage, place: Place) -> None:
    """What a handler has changed is stored a second later, not at the end."""
    records = list[Any]()
    application = shop(local, place, records, update_interval=0.05)
    alice = local.world.person("Alice")
    async with local.run(application):
        alice.send("/start")
        await alice.expect("Your name")
        reader = StepPersistence(place.records())
        reader.set_bot(application.bot)
        found = dict[int, Any]()

        async def is_there() -> bool:
            found.update(await reader.get_user_data())
            return bool(found)

        for _ in range(100):
            if await is_there():
                break
            await asyncio.sleep(0.05)
    await until(lambda: found)

    assert found == {alice.id: {"starts": 1}}
    for one in records:
        await one.close()
