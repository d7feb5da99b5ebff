"""What the handlers of an update have changed is written before the framework goes on, not at some later time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import CommandHandler, ContextTypes, ExtBot, MessageHandler, filters

from aiostep_core.errors import StorageUnavailable
from aiostep_core.storages import MemoryRecords
from aiostep_core.storages.abc import RecordKey
from aiostep_ptb import StepPersistence, wait_for
from tests.ptb.stage import TOKEN, App, Stage, soon, until, waiting
from tests.storages.places import Place, durable, redis_ends
from tests.storages.test_steps_restart import PATIENCE, shop_of

pytestmark = pytest.mark.anyio
__all__ = ["durable", "redis_ends"]

Context = ContextTypes.DEFAULT_TYPE


class Reader:
    """Reads, in this process, what a bot has written in its own."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def data_of(self, user_id: int) -> dict[str, Any]:
        """Return what is written now."""
        persistence = StepPersistence(self._place.url)
        persistence.set_bot(ExtBot(TOKEN))
        try:
            data: dict[str, Any] = (await persistence.get_user_data()).get(user_id, {})
        finally:
            await persistence.flush()
        return data

    async def until(self, user_id: int, **data: Any) -> None:
        """Wait until these are in the data."""
        there: dict[str, Any] = {}
        for _ in range(int(PATIENCE / 0.05)):
            there = await self.data_of(user_id)
            if data.items() <= there.items():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{data} were never written: {there}")


async def test_a_killed_bot_has_written(durable: Place) -> None:
    """After kill -9 there is what handlers had changed before: those that ended, that wait, and whose time was up.

    One test, as starting a bot takes longer than all the rest.
    """
    reader = Reader(durable)
    async with shop_of("ptb_keeping_bot", durable.url) as shop:
        first = await shop.start()
        alice = shop.alice.id
        await shop.says("/count", "Count: 1")
        await shop.says("/count", "Count: 2")
        assert (await reader.data_of(alice))["count"] >= 1  # written before the second was handled
        await reader.until(alice, count=2)
        await shop.says("/late", "Quick!")
        await reader.until(alice, late=True)
        await shop.says("/name", r"Your name\?")
        await shop.says("/order", r"How many\?")
        await reader.until(alice, order="begun")
        await shop.says("7", r"Where to\?")
        await reader.until(alice, order="7")
        await first.kill()

        await shop.start()
        await shop.says("/count", "Count: 3")
        await shop.says("Ann", "Hello, Ann")  # the state of the framework's own conversation


class Disk(MemoryRecords):
    """Memory that can be slow or full.

    Attributes:
        gate: what a write waits for.
        is_full: whether writes fail.
        writes: the fields of each record that was written.
    """

    is_blocking = False

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_full = False
        self.writes: list[tuple[str, Mapping[str, str]]] = []

    async def write(self, key: RecordKey, fields: Mapping[str, str], **options: Any) -> None:
        await self.gate.wait()
        if self.is_full:
            raise StorageUnavailable("disk", "is full")
        await super().write(key, fields, **options)
        self.writes.append((key.kind, fields))


def counter(stage: Stage, disk: Disk, **options: Any) -> App:
    """Build an application that counts in the data of the user."""
    persistence = StepPersistence(disk, update_interval=3600, **options)
    application = stage.application(stage.builder().persistence(persistence))

    async def count(update: Update, context: Context) -> None:
        assert update.message is not None
        assert context.user_data is not None
        context.user_data["n"] = context.user_data.get("n", 0) + 1
        await update.message.reply_text(str(context.user_data["n"]))

    async def nothing(update: Update, context: Context) -> None:
        assert update.message is not None
        await update.message.reply_text("nothing")

    application.add_handler(CommandHandler("nothing", nothing))
    application.add_handler(MessageHandler(filters.ALL, count))
    return application


def counts(disk: Disk) -> list[str]:
    """Return what was written of users."""
    return [str(fields.get('"n"')) for kind, fields in disk.writes if kind == "ptb-user"]


async def test_the_next_update_comes_after_the_write(local: Stage) -> None:
    """Without concurrent_updates nobody is handled while what the one before has changed is not written."""
    disk = Disk()
    application = counter(local, disk)
    alice, bob = local.world.person("Alice"), local.world.person("Bob")
    async with local.run(application):
        disk.gate.clear()
        alice.send("x")
        await soon(alice.expect("^1$"))
        bob.send("x")
        await asyncio.sleep(0.05)
        assert bob.id not in application.user_data
        disk.gate.set()
        await soon(bob.expect("^1$"))
        await until(lambda: counts(disk) == ["1", "1"])


async def test_only_what_has_changed(local: Stage) -> None:
    """An update that changes nothing writes nothing."""
    disk = Disk()
    alice = local.world.person("Alice")
    async with local.run(counter(local, disk)):
        alice.send("x")
        await soon(alice.expect("^1$"))
        await until(lambda: counts(disk))
        before = list(disk.writes)
        alice.send("/nothing")
        await soon(alice.expect("nothing"))

    assert disk.writes == before


async def test_many_at_once_share_a_write(local: Stage) -> None:
    """With concurrent_updates those that end while something is written are written together."""
    disk = Disk()
    persistence = StepPersistence(disk, update_interval=3600)
    application = local.application(local.builder().persistence(persistence).concurrent_updates(64))
    rounds = list[int]()

    async def keep(update: Update, context: Context) -> None:
        assert context.user_data is not None
        context.user_data["n"] = 1

    application.add_handler(MessageHandler(filters.ALL, keep))
    update_bot_data = persistence.update_bot_data

    async def counted(data: Any) -> None:
        rounds.append(len(counts(disk)))
        await update_bot_data(data)

    persistence.update_bot_data = counted  # type: ignore[method-assign]
    people = [local.world.person(f"P{number}") for number in range(40)]
    async with local.run(application):
        disk.gate.clear()
        for person in people:
            person.send("x")
        await until(lambda: len(application.user_data) == 40)
        disk.gate.set()
        await until(lambda: len(counts(disk)) == 40)
        assert len(rounds) < 10


async def test_what_could_not_be_written_is_written_later(local: Stage) -> None:
    """The framework forgets what has changed when it has asked once; it is written when that is possible again."""
    disk, failed = Disk(), list[Exception | None]()
    application = counter(local, disk)

    async def note(update: object, context: Context) -> None:
        failed.append(context.error)

    application.add_error_handler(note)
    alice, bob = local.world.person("Alice"), local.world.person("Bob")
    async with local.run(application):
        disk.is_full = True
        for number in "12":
            alice.send("x")
            await soon(alice.expect(f"^{number}$"))
        await until(lambda: len(failed) >= 2)
        assert {type(one) for one in failed} == {StorageUnavailable}
        disk.is_full = False
        bob.send("/nothing")
        await soon(bob.expect("nothing"))
        await until(lambda: "2" in counts(disk))


async def test_back_to_what_was_written_before(local: Stage) -> None:
    """A value that could not be written does not come after the one that took its place."""
    disk = Disk()
    one = StepPersistence(disk)
    one.set_bot(ExtBot(TOKEN))
    await one.update_user_data(7, {"n": 1})
    disk.is_full = True
    with pytest.raises(StorageUnavailable):
        await one.update_user_data(7, {"n": 2})
    disk.is_full = False
    await one.update_user_data(7, {"n": 1})
    await one.update_user_data(8, {"n": 8})

    assert await one.get_user_data() == {7: {"n": 1}, 8: {"n": 8}}


async def test_what_is_large_waits(local: Stage) -> None:
    """Data of the bot are written at once while they are small; large ones, and callback data, at the interval."""
    pytest.importorskip("cachetools")  # the framework needs it for arbitrary callback data
    disk = Disk()
    persistence = StepPersistence(disk, update_interval=3600)
    application = local.application(local.builder().persistence(persistence).arbitrary_callback_data(True))

    async def keep(update: Update, context: Context) -> None:
        assert update.message is not None
        context.bot_data["said"] = update.message.text
        button = InlineKeyboardButton("x", callback_data=("any", "data"))
        await update.message.reply_text("kept", reply_markup=InlineKeyboardMarkup([[button]]))

    application.add_handler(MessageHandler(filters.ALL, keep))
    alice = local.world.person("Alice")
    async with local.run(application):
        for text in ("small", "x" * 4000, "small again"):
            if text == "small again":
                application.bot_data["all"] = "y" * 20_000
            alice.send(text)
            await soon(alice.expect("kept"))
        alice.send("not at once")
        await soon(alice.expect("kept"))
        await until(lambda: len(disk.writes) > 4)
        at_once = list(disk.writes)

    said = [fields['"said"'] for kind, fields in at_once if kind == "ptb-bot"]
    assert said == ['"small"', f'"{"x" * 4000}"', '"small again"']
    assert "ptb-callbacks" not in dict(at_once)
    assert [fields['"said"'] for kind, fields in disk.writes if kind == "ptb-bot"][3:] == ['"not at once"']
    assert "ptb-callbacks" in dict(disk.writes)
    assert persistence.store_data.callback_data


async def test_who_does_not_want_it(local: Stage) -> None:
    """write_through=False leaves it to the interval; the end of the application writes all."""
    disk = Disk()
    alice = local.world.person("Alice")
    async with local.run(counter(local, disk, write_through=False)):
        alice.send("x")
        await soon(alice.expect("^1$"))
        alice.send("x")
        await soon(alice.expect("^2$"))
        assert counts(disk) == []

    assert counts(disk) == ["2"]


async def test_the_end_waits_for_the_write(local: Stage) -> None:
    """What a handler changes when the application stops is written, and nothing is after the storage was closed."""
    disk, tasks = Disk(), asyncio.all_tasks()
    persistence = StepPersistence(disk, update_interval=3600)
    application = local.application(local.builder().persistence(persistence))

    async def ask(update: Update, context: Context) -> None:
        assert context.user_data is not None
        try:
            await wait_for()
        finally:
            context.user_data["ended"] = True

    application.add_handler(MessageHandler(filters.ALL, ask))
    alice = local.world.person("Alice")
    async with local.run(application):
        alice.send("x")
        await waiting(local)

    assert any('"ended"' in fields for kind, fields in disk.writes if kind == "ptb-user")
    assert asyncio.all_tasks() == tasks
