"""What the contract cannot know of durable conversations: Telethon's patterns, messages, errors and types."""

from __future__ import annotations

import asyncio
from typing import Any

from aiostep_telethon.durable import _TYPES, _dump, _fields, _load
from aiostep_telethon.testing import Server, make_client
from telethon import Button, TelegramClient, errors, events

import aiostep
from aiostep import Scope, ask, durable, wait_for
from aiostep_core.storages import MemoryRecords
from aiostep_testing import World

_ran: list[str] = []


async def _refused() -> Any:
    """Fail as a request does that Telegram refuses for a while."""
    _ran.append("refused")
    raise errors.FloodWaitError(None, 5)


async def _found(event: Any) -> Any:
    _ran.append("found")
    return event.message


@durable("telethon.order")
async def order(event: Any) -> None:
    """Do what a replay must not do again, and use all of it behind the restart."""
    what = event.pattern_match[1]
    menu = await event.respond(f"{what}?", buttons=[Button.inline("Yes", b"yes")])
    found = await aiostep.run(_found, event)
    try:
        await aiostep.run(_refused)
    except errors.FloodWaitError as error:
        seconds = error.seconds
        said = str(error)
    try:
        await event.client.edit_message(event.chat_id, 999, "nothing")
    except errors.RPCError as error:
        problem = type(error).__name__
    click = await wait_for(kinds="callback_query", scope=Scope.BUTTONS(menu))
    await click.edit(f"{what}!")
    name = await ask("name?", str)
    await found.respond(f"{what} for {name}, {seconds} {problem} {said}")


async def _start(server: Server, records: MemoryRecords) -> tuple[TelegramClient, Any]:
    client = make_client(server)
    engine = aiostep.install(client, storage=records)
    client.add_event_handler(order, events.NewMessage(pattern=r"/order (\w+)"))
    await client.start(bot_token="42:TEST")
    return client, engine


async def _play() -> None:
    world, records = World(), MemoryRecords()
    server, alice = Server(world), world.person("Alice")

    async def restart() -> None:
        nonlocal client, engine, undo
        undo()
        await client.disconnect()
        engine.uninstall()
        client, engine = await _start(server, records)
        undo = server.deliver()

    client, engine = await _start(server, records)
    undo = server.deliver()
    alice.send("/order pizza")
    await alice.expect("pizza?")
    await restart()
    await alice.click("Yes")
    await alice.expect_edit("pizza!")
    await alice.expect("name?")
    await restart()
    alice.send("Ann")
    await alice.expect(r"pizza for Ann, 5 \w+Error A wait of 5 seconds is required \(caused by NoneType\)")
    undo()
    await client.disconnect()
    engine.uninstall()
    assert _ran == ["found", "refused"]
    calls = [call.method for call in world.calls]
    assert (calls.count("sendMessage"), calls.count("answerCallbackQuery")) == (3, 1)
    assert world.violations == []


def test_what_telethon_gave_is_there_after_a_restart() -> None:
    """The pattern's match, the message that was sent, a message of ``run`` and errors are what they were."""
    _ran.clear()
    asyncio.run(asyncio.wait_for(_play(), 20))


def test_every_type_comes_back() -> None:
    """What Telethon can read of Telegram can be written and read again."""
    for kind in _TYPES.values():
        made = kind(*[None] * len(_fields(kind)))
        assert _load(_dump(made)) == made


def test_values_that_json_does_not_know_come_back() -> None:
    """Bytes and dates are what they were, also where a field is called like them."""
    user = _TYPES["types.UpdateBotStopped"](5, _load({"_": "date", "seconds": 1.0}), True, 1)
    click = _TYPES["types.UpdateBotCallbackQuery"](1, 5, None, 7, 2**60, data=b"\xff\x00")
    assert _load(_dump([user, click])) == [user, click]
