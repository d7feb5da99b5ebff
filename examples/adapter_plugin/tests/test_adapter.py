"""What the contract cannot know: Telethon's own filters, its log, its connection and its updates."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiostep_telethon.facts import facts_of
from aiostep_telethon.testing import Server, make_client
from telethon import Button, TelegramClient, events, functions, types

import aiostep
from aiostep import ask, register_next_step, wait_for
from aiostep_core.abc import Address
from aiostep_core.keys import Key
from aiostep_testing import World

GROUP = -1000000000001  # the channel 1


@asynccontextmanager
async def telegram(**options: Any) -> AsyncIterator[tuple[World, TelegramClient]]:
    """Connect a client with aiostep to a world of its own."""
    world = World()
    server = Server(world)
    client = make_client(server, **options)
    engine = aiostep.install(client)
    await client.start(bot_token="42:TEST")
    undo = server.deliver()
    try:
        yield world, client
    finally:
        undo()
        await client.disconnect()
        engine.uninstall()
    assert world.violations == []


async def until(ready: Callable[[], object]) -> None:
    """Let the client run until *ready*."""
    for _ in range(1000):
        if ready():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen")


class Log(logging.Handler):
    """Keeps what is logged as an error, and from everybody else's eyes."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[BaseException | str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info is not None else None
        self.errors.append(error if error is not None else record.getMessage())

    def __enter__(self) -> Log:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)


def run(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Run a test in a loop of its own, for ten seconds at most."""

    def play() -> None:
        asyncio.run(asyncio.wait_for(test(), 10))

    play.__doc__ = test.__doc__
    return play


@run
async def test_an_event_is_a_filter() -> None:
    """``filter=`` takes what Telethon takes; what the pattern found is in the event that comes back."""
    async with telegram() as (world, client):
        group = world.group("Team")

        async def order(event: Any) -> None:
            answer = await wait_for(filter=events.NewMessage(chats=[event.chat_id], pattern=r"(\d+) pizzas"))
            await event.respond(f"{answer.pattern_match[1]} it is")

        client.add_event_handler(order, events.NewMessage(pattern="/order"))
        alice = world.person("Alice")
        group.set_member(alice.user, "member")
        for text in ("/order", "hm", "3 pizzas"):
            alice.send(text, to=group)
        await alice.expect("3 it is", in_=group)


@run
async def test_uninstall_leaves_nothing() -> None:
    """The client has its own methods and log again, and its handlers go on."""
    world = World()
    server = Server(world)
    client = make_client(server)
    before, filters = dict(vars(client)), list(client._log["telethon.client.updates"].filters)
    aiostep.install(client).uninstall()
    assert vars(client) == before
    assert client._log["telethon.client.updates"].filters == filters


@run
async def test_a_click_that_the_handler_answers_is_answered_once() -> None:
    """The handler's own words stop the button; a second answer would be an error."""
    async with telegram() as (world, client):

        async def menu(event: Any) -> None:
            sent = await event.respond("menu", buttons=[[Button.inline("A", "A")]])
            click = await wait_for(kinds="callback_query", scope=aiostep.Scope.BUTTONS(sent))
            await click.answer("thanks")
            await event.respond("done")

        client.add_event_handler(menu, events.NewMessage(pattern="/menu"))
        alice = world.person("Alice")
        alice.send("/menu")
        await alice.expect("menu")
        assert (await alice.click("A"))["text"] == "thanks"
        await alice.expect("done")
        assert [call.method for call in world.calls].count("answerCallbackQuery") == 1


@run
async def test_a_click_that_was_answered_in_another_way() -> None:
    """A raw request leaves no trace in the event; that Telegram then refuses the second answer is no error."""
    async with telegram() as (world, client):

        async def menu(event: Any) -> None:
            sent = await event.respond("menu", buttons=[[Button.inline("A", "A")]])
            click = await wait_for(kinds="callback_query", scope=aiostep.Scope.BUTTONS(sent))
            await client(functions.messages.SetBotCallbackAnswerRequest(click.id, 0))

        client.add_event_handler(menu, events.NewMessage(pattern="/menu"))
        alice, log = world.person("Alice"), Log()
        alice.send("/menu")
        await alice.expect("menu")
        with log:
            await alice.click("A")
            await until(lambda: [call.method for call in world.calls].count("answerCallbackQuery") == 2)
            alice.send("/menu")
            await alice.expect("menu")
        assert log.errors == []


@run
async def test_buttons_of_a_prompt_are_reported() -> None:
    """The core then knows where clicks on them belong."""
    async with telegram() as (world, client):
        alice = world.person("Alice")
        adapter = aiostep.install(client).runtime.adapters[0]
        address = Address(key=Key(42, alice.id, alice.id))
        plain = await adapter.send(address, "plain")
        sent = await adapter.send(address, "buttons", keyboard=[Button.inline("A", "A")])
        assert (plain.has_buttons, sent.has_buttons) == (False, True)
        assert (sent.chat_id, sent.message_id) == (alice.id, sent.message.id)


@run
async def test_the_bots_own_message_is_about_whom_it_was_for() -> None:
    """As a target in a group it is the person whose handler sent it, and not anybody."""
    async with telegram() as (world, client):

        async def start(event: Any) -> None:
            sent = await event.respond("name?")
            await event.respond(f"hello {(await wait_for(sent)).raw_text}")

        client.add_event_handler(start, events.NewMessage(pattern="/start"))
        alice, bob = world.person("Alice"), world.person("Bob")
        group = world.group("Team", members=[alice, bob])
        alice.send("/start", to=group)
        await alice.expect("name?", in_=group)
        bob.send("Bob", to=group)
        alice.send("Ann", to=group)
        await alice.expect("hello Ann", in_=group)


@run
async def test_how_a_conversation_ended_is_told() -> None:
    """``on_exit`` gets what the handler raised, though only Telethon's log has it."""
    async with telegram() as (world, client):
        ends: list[BaseException | None] = []
        aiostep.install(client).on_exit(lambda end: ends.append(end.error))

        async def start(event: Any) -> None:
            raise LookupError(await ask("name?", str))

        client.add_event_handler(start, events.NewMessage(pattern="/start"))
        alice = world.person("Alice")
        alice.send("/start")
        await alice.expect("name?")
        with Log() as log:
            alice.send("Ann")
            await until(lambda: ends)
        assert [type(end) for end in ends] == [type(error) for error in log.errors] == [LookupError]


@run
async def test_disconnecting_ends_what_runs() -> None:
    """Telethon cancels its handlers when it disconnects, and so those that the adapter gave a task."""
    async with telegram(sequential_updates=True) as (world, client):
        done = asyncio.Event()

        async def start(event: Any) -> None:
            await event.respond("here")
            try:
                await asyncio.sleep(60)
            finally:
                done.set()

        client.add_event_handler(start, events.NewMessage(pattern="/start"))
        alice = world.person("Alice")
        alice.send("/start")
        await alice.expect("here")
        await client.disconnect()
        assert done.is_set()


@run
async def test_a_call_is_a_prompt() -> None:
    """``ask`` takes a call of the client that was not awaited."""
    async with telegram() as (world, client):

        async def start(event: Any) -> None:
            name = await ask(client.send_message(event.chat_id, "name?"), str)
            await event.respond(f"hello {name}")

        client.add_event_handler(start, events.NewMessage(pattern="/start"))
        alice = world.person("Alice")
        alice.send("/start")
        await alice.expect("name?")
        alice.send("Ann")
        await alice.expect("hello Ann")


@run
async def test_a_prompt_where_the_bot_may_not_write() -> None:
    """The wait ends with "left" when Telegram says that the bot is in the chat no more."""
    async with telegram() as (world, client):
        ends: list[str] = []

        async def start(event: Any) -> None:
            try:
                await ask("name?", str)
            except aiostep.WaitCancelled as error:
                ends.append(error.reason)
            await event.respond("so be it")

        client.add_event_handler(start, events.NewMessage(pattern="/start"))
        world.faults.add("sendMessage", status=403, description="Forbidden: bot was kicked from the supergroup chat")
        alice = world.person("Alice")
        alice.send("/start")
        await alice.expect("so be it")
        assert ends == ["left"]


@run
async def test_a_step_that_stops_propagation_has_run() -> None:
    """``StopPropagation`` is how a handler of Telethon says that it is done, and no failure."""
    async with telegram() as (world, client):
        heard: list[str] = []

        async def step(event: Any) -> None:
            heard.append(event.raw_text)
            raise events.StopPropagation

        async def start(event: Any) -> None:
            if not heard:
                await register_next_step(None, step)
            await event.respond("go on")

        client.add_event_handler(start, events.NewMessage)
        alice = world.person("Alice")
        alice.send("/start")
        await alice.expect("go on")
        alice.send("one")
        alice.send("two")
        await alice.expect("go on")
        assert heard == ["one"]


@run
async def test_a_client_can_connect_again() -> None:
    """Disconnecting ends the waits with "shutdown"; after the next connect there can be others."""
    async with telegram() as (world, client):
        ends: list[str] = []

        async def start(event: Any) -> None:
            try:
                await event.respond(f"hello {await ask('name?', str)}")
            except aiostep.WaitCancelled as error:
                ends.append(error.reason)

        client.add_event_handler(start, events.NewMessage(pattern="/start"))
        alice = world.person("Alice")
        alice.send("/start")
        await alice.expect("name?")
        await client.disconnect()
        assert ends == ["shutdown"]

        await client.connect()
        alice.send("/start")
        await alice.expect("name?")
        alice.send("Ann")
        await alice.expect("hello Ann")


@run
async def test_a_filter_that_raises_is_logged() -> None:
    """The error is in Telethon's log, like a handler's, and the updates behind it are looked at."""
    async with telegram(sequential_updates=True) as (world, client):

        async def start(event: Any) -> None:
            answer = await wait_for(filter=lambda event: 1 / int(event.raw_text))
            await event.respond(f"got {answer.raw_text}")

        client.add_event_handler(start, events.NewMessage(pattern="/start"))
        alice = world.person("Alice")
        with Log() as log:
            for text in ("/start", "0", "1"):
                alice.send(text)
            await alice.expect("got 1")
        assert [type(error) for error in log.errors] == [ZeroDivisionError]


@run
async def test_a_client_without_updates_cannot_wait() -> None:
    """With ``receive_updates=False`` no answer would come, so the wait raises."""
    async with telegram(receive_updates=False) as (world, _):
        with pytest.raises(aiostep.NotSubscribed, match="receive_updates=True"):
            await ask("name?", str, to=world.person("Alice").id)


@run
async def test_a_plain_function_is_no_step() -> None:
    """Telethon awaits its handlers, so it is refused when it is registered."""
    async with telegram() as (world, _):
        with pytest.raises(aiostep.BadArgument, match="an async function"):
            await register_next_step(world.person("Alice").id, lambda event: None)


@pytest.mark.parametrize("name", [name for name in dir(types) if name.startswith("Update")])
def test_no_update_is_too_strange(name: str) -> None:
    """Every update that Telethon knows has facts, whatever is in it."""
    cls = getattr(types, name)
    if not name.startswith(("UpdateNewMes", "UpdateNewChannelMes", "UpdateEdit", "UpdateShort", "UpdateInline")):
        assert facts_of(cls(*[None] * (len(inspect.signature(cls).parameters))), 42, None).bot_id == 42


def message(**more: Any) -> Any:
    """Make the update of a message in a group."""
    common: dict[str, Any] = {"id": 7, "peer_id": types.PeerChannel(1), "date": None, "message": "hi"}
    return types.UpdateNewChannelMessage(types.Message(**common | more), 1, 1)


def header(replied: int, top: int | None = None, *, forum: bool = False) -> Any:
    return types.MessageReplyHeader(forum_topic=forum, reply_to_msg_id=replied, reply_to_top_id=top)


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        (message(from_id=types.PeerUser(5)), {"user_id": 5, "chat_id": GROUP, "thread_id": None}),
        (message(), {"user_id": GROUP}),  # an anonymous administrator
        (message(from_id=types.PeerChannel(1)), {"user_id": GROUP}),  # the same, as other layers say it
        (message(reply_to=header(3)), {"thread_id": None, "reply_to_id": 3}),
        (message(reply_to=header(3, 2)), {"thread_id": None, "reply_to_id": 3}),  # a reply to a reply
        (message(reply_to=header(3, forum=True)), {"thread_id": 3, "reply_to_id": None}),
        (message(reply_to=header(4, 3, forum=True)), {"thread_id": 3, "reply_to_id": 4}),
        (message(grouped_id=9), {"media_group_id": "9"}),
        (message(message="/help@other"), {"command": "help@other"}),
        (message(message="/help@Me now"), {"command": "help"}),
        (types.UpdateBotStopped(5, None, True, 1), {"gone": "blocked", "leaver_id": 5, "chat_id": 5}),
        (types.UpdateBotStopped(5, None, False, 1), {"gone": None}),
        (types.UpdateChannelParticipant(1, None, 5, 5, 1), {"gone": "left", "leaver_id": 5, "chat_id": GROUP}),
        (types.UpdateChannelParticipant(1, None, 5, 42, 1), {"gone": "left", "leaver_id": None}),
        (
            types.UpdateShortMessage(7, 5, "hi", 1, 1, None),
            {"kind": "message", "chat_id": 5, "user_id": 5, "chat_type": "private", "text": "hi"},
        ),
    ],
)
def test_facts(update: Any, expected: dict[str, Any]) -> None:
    """The rows that are traps."""
    facts = facts_of(update, 42, "me")._asdict()
    assert {name: facts[name] for name in expected} == expected
