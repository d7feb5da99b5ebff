"""telebot's states in storages of ours, for both kinds of bot; and its own next steps."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date
from enum import Enum
from typing import Any

import pytest
from telebot import TeleBot, asyncio_filters, asyncio_handler_backends, custom_filters, handler_backends
from telebot.types import CallbackQuery, Message

from aiostep import step
from aiostep_core.errors import NotDurable, NotStorable
from aiostep_core.named import steps as named_steps
from aiostep_core.storages.abc import Records
from aiostep_core.storages.records import settle
from aiostep_telebot import AiostepStateStorage, AiostepStepBackend, AsyncAiostepStateStorage
from tests.storages.places import Place, place, redis_ends
from tests.telebot.stage import TOKEN, until
from tests.telebot.stage import Stage as AsyncStage
from tests.telebot.threads import Stage, blocking

pytestmark = pytest.mark.anyio
__all__ = ["place", "redis_ends"]


# Where all versions have them.
threads: Any = handler_backends
loop: Any = asyncio_handler_backends


class Form(threads.StatesGroup):
    name = threads.State()


class AsyncForm(loop.StatesGroup):
    name = loop.State()


class Color(Enum):
    RED = 1


class Storage:
    """Either storage, awaited."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            result = getattr(self.inner, name)(*args, **kwargs)
            return await result if inspect.isawaitable(result) else result

        return call


@pytest.fixture(params=["threads", "loop"])
async def storage(request: pytest.FixtureRequest, place: Place) -> AsyncIterator[Storage]:
    """Give both storages on each place."""
    records = place.records()
    made = Storage((AiostepStateStorage if request.param == "threads" else AsyncAiostepStateStorage)(records))
    yield made
    if request.param == "threads":
        await made.close()
    await records.asynchronous().close()


async def test_states(storage: Storage) -> None:
    """A State and a member of an Enum come back as their names, which telebot compares; others as they were."""
    assert await storage.get_state(1, 2) is None
    for state, name in (
        (Form.name, "Form:name"),
        (AsyncForm.name, "AsyncForm:name"),
        ("plain", "plain"),
        (5, 5),
        (Color.RED, "RED"),
    ):
        assert await storage.set_state(1, 2, state) is True
        assert await storage.get_state(1, 2) == name
    assert await storage.delete_state(1, 2) is True
    assert await storage.delete_state(1, 2) is False
    assert await storage.get_state(1, 2) is None


async def test_data(storage: Storage) -> None:
    """Data are those of a state; each value comes back with its type, and as a copy."""
    with pytest.raises(RuntimeError, match="set_state"):
        await storage.set_data(1, 2, "a", 1)
    assert await storage.get_data(1, 2) == {}
    await storage.set_state(1, 2, "x")
    assert await storage.set_data(1, 2, "when", date(2030, 1, 31)) is True
    assert await storage.set_data(1, 2, 7, [1]) is True
    (await storage.get_data(1, 2))[7].append(2)
    assert await storage.get_data(1, 2) == {"when": date(2030, 1, 31), 7: [1]}
    await storage.set_state(1, 2, "y")
    assert await storage.get_data(1, 2) == {"when": date(2030, 1, 31), 7: [1]}
    assert await storage.save(1, 2, {"only": None}) is True
    assert await storage.get_data(1, 2) == {"only": None}
    assert await storage.reset_data(1, 2) is True
    assert await storage.get_data(1, 2) == {}
    assert await storage.get_state(1, 2) == "y"
    with pytest.raises(NotStorable) as caught:
        await storage.set_data(1, 2, "a", {"b": object()})
    assert caught.value.path == 'data["a"]["b"]'


async def test_nothing_comes_back_from_the_dead(storage: Storage) -> None:
    """Saving and resetting data of a state that was deleted says False and creates nothing."""
    await storage.set_state(1, 2, "x")
    await storage.delete_state(1, 2)

    assert await storage.save(1, 2, {"a": 1}) is False
    assert await storage.reset_data(1, 2) is False
    assert await storage.get_data(1, 2) == {}
    assert await storage.get_state(1, 2) is None


async def test_keys_are_not_mixed_up(storage: Storage) -> None:
    """The parts of a key that are absent are told from those that are there, whatever is in them."""
    keys: list[dict[str, Any]] = [
        {},
        {"message_thread_id": 5},
        {"bot_id": 5},
        {"business_connection_id": "5"},
        {"business_connection_id": "-"},
        {"business_connection_id": "5:5", "bot_id": 5},
        {"business_connection_id": "5", "message_thread_id": 5, "bot_id": 5},
    ]
    for number, key in enumerate(keys):
        await storage.set_state(1, 2, str(number), **key)

    assert [await storage.get_state(1, 2, **key) for key in keys] == [str(number) for number in range(len(keys))]
    # telebot passes some of them by position, in this order.
    assert await storage.get_state(1, 2, "5", 5, 5) == "6"


async def test_a_time_to_live(place: Place) -> None:
    """A state and its data go that long after they were last used."""
    storage = AiostepStateStorage(place.records(), ttl=0.5)
    storage.set_state(1, 2, "x")
    storage.set_data(1, 2, "a", 1)
    for _ in range(3):
        await asyncio.sleep(0.3)
        assert storage.get_state(1, 2) == "x"
    await asyncio.sleep(1.1)

    assert storage.get_state(1, 2) is None
    assert storage.get_data(1, 2) == {}


async def test_blocks_that_overlap_lose_nothing(place: Place) -> None:
    """retrieve_data() of two threads at once: each writes what it has changed, also what it has removed."""
    storage = AiostepStateStorage(place.records())
    storage.set_state(1, 2, "x")
    storage.save(1, 2, {"old": 0})
    with storage.get_interactive_data(1, 2) as one:
        one["one"] = 1
        with storage.get_interactive_data(1, 2) as other:
            other["other"] = 2
            del other["old"]
    assert storage.get_data(1, 2) == {"one": 1, "other": 2}

    def add(number: int) -> None:
        with storage.get_interactive_data(1, 2) as data:
            data[f"k{number}"] = number

    running = [threading.Thread(target=add, args=(number,)) for number in range(20)]
    for thread in running:
        thread.start()
    for thread in running:
        await asyncio.to_thread(thread.join, 10)

    assert storage.get_data(1, 2) == {"one": 1, "other": 2, **{f"k{number}": number for number in range(20)}}


async def test_blocks_of_an_async_bot(place: Place) -> None:
    """The same for async with, of two workers."""
    records = [place.records(), place.records()]
    storages = [AsyncAiostepStateStorage(one) for one in records]
    await storages[0].set_state(1, 2, "x")

    async def add(number: int) -> None:
        async with storages[number % 2].get_interactive_data(1, 2) as data:
            data[f"k{number}"] = number

    await asyncio.gather(*(add(number) for number in range(20)))

    assert await storages[0].get_data(1, 2) == {f"k{number}": number for number in range(20)}
    for one in records:
        await one.close()


# In bots.


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """Give a stage for a TeleBot with threads."""
    async with AsyncExitStack() as stack:
        stage = Stage(stack, blocking, threaded=True)
        await stage.open()
        yield stage
    assert stage.errors == []


async def test_a_bot_with_threads_over_a_restart(stage: Stage, tmp_path: Any) -> None:
    """telebot's own state filter finds the state that the bot before had set in a file."""
    url = f"sqlite:///{tmp_path}/bot.db"

    def bot() -> tuple[TeleBot, AiostepStateStorage]:
        storage = AiostepStateStorage(url)
        bot: Any = stage.bot(state_storage=storage)
        bot.add_custom_filter(custom_filters.StateFilter(bot))

        @bot.message_handler(commands=["start"])
        def start(message: Message) -> None:
            assert message.from_user is not None
            bot.set_state(message.from_user.id, Form.name, message.chat.id)
            bot.add_data(message.from_user.id, message.chat.id, began=True)
            bot.send_message(message.chat.id, "Your name?")

        @bot.message_handler(state=Form.name)
        def name(message: Message) -> None:
            assert message.from_user is not None
            with bot.retrieve_data(message.from_user.id, message.chat.id) as data:
                data["name"] = message.text
            with bot.retrieve_data(message.from_user.id, message.chat.id) as data:
                bot.send_message(message.chat.id, f"{data}")
            bot.delete_state(message.from_user.id, message.chat.id)

        return bot, storage

    alice = stage.world.person("Alice")
    for text, answer in (("/start", "Your name"), ("Ann", "{'began': True, 'name': 'Ann'}")):
        made, storage = bot()
        async with stage.run(made):
            alice.send(text)
            await alice.expect(answer)
        storage.close()
        stage.engine.uninstall()


async def test_an_async_bot_over_a_restart(place: Place) -> None:
    """The same for an AsyncTeleBot."""
    async with AsyncExitStack() as stack:
        stage = AsyncStage("in process", stack)
        await stage.open()
        alice, opened = stage.world.person("Alice"), list[Records]()
        for text, answer in (("/start", "Your name"), ("Ann", "{'name': 'Ann'}")):
            records = place.records()
            bot = _async_bot(stage, AsyncAiostepStateStorage(records))
            async with stage.run(bot):
                alice.send(text)
                await alice.expect(answer)
            assert stage.engine is not None
            stage.engine.uninstall()
            opened.append(records)
        assert stage.errors == []
        for one in opened:
            await one.close()


def _async_bot(stage: AsyncStage, storage: AsyncAiostepStateStorage) -> Any:
    bot: Any = stage.bot(state_storage=storage)
    bot.add_custom_filter(asyncio_filters.StateFilter(bot))

    @bot.message_handler(commands=["start"])
    async def start(message: Message) -> None:
        assert message.from_user is not None
        await bot.set_state(message.from_user.id, AsyncForm.name, message.chat.id)
        await bot.send_message(message.chat.id, "Your name?")

    @bot.message_handler(state=AsyncForm.name)
    async def name(message: Message) -> None:
        assert message.from_user is not None
        async with bot.retrieve_data(message.from_user.id, message.chat.id) as data:
            data["name"] = message.text
            await bot.send_message(message.chat.id, f"{data}")

    return bot


# Its own next steps.

GOT: list[Any] = []


@step("telebot.got")
def got(message: Message, *args: Any, **kwargs: Any) -> None:
    GOT.append((message.text, args, kwargs))


@pytest.fixture(autouse=True)
def forget() -> None:
    """Forget what the steps got."""
    GOT.clear()


class _Handler:
    """What telebot passes to a backend."""

    def __init__(self, callback: Any, *args: Any, **kwargs: Any) -> None:
        self._parts = {"callback": callback, "args": args, "kwargs": kwargs}

    def __getitem__(self, name: str) -> Any:
        return self._parts[name]


_PERSON = {"id": 7, "is_bot": False, "first_name": "Ann"}


def _message(text: str = "x") -> Any:
    message_of: Any = Message.de_json
    return message_of({"message_id": 1, "date": 0, "chat": {"id": 7, "type": "private"}, "from": _PERSON, "text": text})


async def test_handlers_are_kept_and_taken(place: Place) -> None:
    """What one backend registers another one takes, once, in order, with messages and clicks among the arguments."""
    first = AiostepStepBackend(place.records(), "bot")
    second, other = AiostepStepBackend(place.records(), "bot"), AiostepStepBackend(place.records(), "other")
    query = CallbackQuery.de_json(
        {"id": "5", "from": _message().from_user.to_dict(), "chat_instance": "1", "data": "d"}
    )
    first.register_handler(7, _Handler(got, 1, _message("m"), day=date(2030, 1, 31)))
    first.register_handler(7, _Handler(got, query))
    assert other.get_handlers(7) is None
    assert second.get_handlers(8) is None
    handlers = second.get_handlers(7)

    assert handlers is not None
    assert [one["callback"] for one in handlers] == [got, got]
    assert handlers[0]["args"][0] == 1
    assert handlers[0]["args"][1].text == "m"
    assert handlers[0]["kwargs"] == {"day": date(2030, 1, 31)}
    assert handlers[1]["args"][0].data == "d"
    assert first.get_handlers(7) is None
    first.register_handler(7, _Handler(got))
    second.clear_handlers(7)
    assert first.get_handlers(7) is None


async def test_what_cannot_be_kept_is_refused(place: Place) -> None:
    """A callback without a name, or an argument that is nothing to write down, is refused at once."""
    backend = AiostepStepBackend(place.records(), "bot")
    with pytest.raises(NotDurable, match=r'@step\("test_what'):
        backend.register_handler(7, _Handler(test_what_cannot_be_kept_is_refused))
    with pytest.raises(NotStorable):
        backend.register_handler(7, _Handler(got, object()))
    assert backend.get_handlers(7) is None


async def test_a_callback_that_nobody_has(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """A stored callback without a function is kept, and reported once; the others run."""
    backend = AiostepStepBackend(place.records(), "bot")
    backend.register_handler(7, _Handler(got, 1))
    known = named_steps._things.pop("telebot.got")
    with caplog.at_level(logging.WARNING, "aiostep"):
        assert backend.get_handlers(7) is None
        assert backend.get_handlers(7) is None
    named_steps._things["telebot.got"] = known

    assert len([one for one in caplog.messages if "telebot.got" in one]) == 1
    handlers = backend.get_handlers(7)
    assert handlers is not None
    assert handlers[0]["args"] == (1,)


async def test_many_workers_take_each_handler_once(place: Place) -> None:
    """Of threads that look at the same time exactly one gets a handler, and none that was registered is lost."""
    backends = [AiostepStepBackend(place.records(), "bot") for _ in range(4)]
    taken, ends = list[Any](), threading.Event()

    def take(backend: AiostepStepBackend) -> None:
        while not ends.is_set():
            taken.extend(one["args"][0] for one in backend.get_handlers(7) or ())

    running = [threading.Thread(target=take, args=(one,)) for one in backends[1:]]
    for thread in running:
        thread.start()
    for number in range(100):
        backends[0].register_handler(7, _Handler(got, number))
    await until(lambda: len(taken) >= 100)
    ends.set()
    for thread in running:
        await asyncio.to_thread(thread.join, 10)

    assert sorted(taken) == list(range(100))


async def test_telebots_own_code_stays_as_it_is(place: Place) -> None:
    """register_next_step_handler and register_for_reply of a bot survive a new bot over the same place."""

    def bot() -> Any:
        return TeleBot(
            TOKEN,
            threaded=False,
            next_step_backend=AiostepStepBackend(place.records(), "bot: steps"),
            reply_backend=AiostepStepBackend(place.records(), "bot: replies"),
        )

    first = bot()
    first.register_next_step_handler(_message(), got, 1)
    first.register_for_reply(_message(), got, 2)
    second = bot()
    second.load_next_step_handlers()
    second.process_new_messages([_message("Ann")])
    reply = _message("reply")
    reply.reply_to_message = _message()
    second.process_new_messages([reply])
    second.process_new_messages([_message("later")])

    assert GOT == [("Ann", (1,), {}), ("reply", (2,), {})]
    assert settle(place.records().blocking().scan("telebot-handler")) == []
