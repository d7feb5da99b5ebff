"""Webhook delivery to a bot made of raw sockets: queues, order, retries, secrets, and answers that are calls."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from aiostep_testing import BotAccount, World
from aiostep_testing.http import HttpMessage, MessageParser, encode_response
from aiostep_testing.webhook import WebhookSender, queue_of, retry_delays
from tests.testing_http.wire import until

pytestmark = pytest.mark.anyio

TOKEN = "42:TEST"


@dataclass
class Delivery:
    """One request that the bot has to answer."""

    update: Any
    headers: Any
    answered: asyncio.Future[tuple[int, bytes]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def text(self) -> str:
        return str(self.update["message"]["text"])

    def answer(self, status: int = 200, body: bytes = b"") -> None:
        self.answered.set_result((status, body))


class HookBot:
    """A bot that answers its deliveries when the test says so."""

    def __init__(self, bot: BotAccount) -> None:
        self.bot = bot
        self.url = ""
        self.open: list[Delivery] = []
        self.arrived: list[Delivery] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = MessageParser()
        while not isinstance(message := parser.next_message(), HttpMessage):
            parser.feed(await reader.read(65536))
        delivery = Delivery(json.loads(message.body), message.headers)
        self.open.append(delivery)
        self.arrived.append(delivery)
        status, body = await delivery.answered
        self.open.remove(delivery)
        writer.write(encode_response(status, {"Content-Type": "application/json"}, body))
        writer.close()

    async def next(self) -> Delivery:
        """Wait for the next delivery that is not answered yet."""
        await until(lambda: [delivery for delivery in self.open if not delivery.answered.done()])
        return next(delivery for delivery in self.open if not delivery.answered.done())

    def texts(self) -> list[str]:
        """List the texts of all messages that arrived, repeated ones too."""
        return [delivery.text for delivery in self.arrived if "message" in delivery.update]


@pytest.fixture
def world() -> World:
    world = World()
    world.bot(TOKEN)
    return world


@pytest.fixture
async def sender(world: World) -> AsyncIterator[WebhookSender]:
    async with WebhookSender(world, first_delay=0.01, timeout=5) as sender:
        yield sender


@pytest.fixture
async def hook(world: World, sender: WebhookSender) -> AsyncIterator[HookBot]:
    hook = HookBot(world.bot(TOKEN))
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0)
    hook.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?a=b"
    await world.call(TOKEN, "setWebhook", {"url": hook.url})
    yield hook
    await world.call(TOKEN, "deleteWebhook", {})
    for delivery in hook.open:
        with contextlib.suppress(asyncio.InvalidStateError):
            delivery.answer()
    await until(lambda: not hook.open)
    server.close()


async def test_one_chat_gets_one_update_at_a_time_in_order(world: World, hook: HookBot) -> None:
    """The next message of a chat is delivered when the one before it was answered."""
    alice = world.person("Alice")
    for text in ("one", "two", "three"):
        alice.send(text)

    seen = []
    for _ in range(3):
        delivery = await hook.next()
        seen.append((delivery.text, len(hook.open)))
        delivery.answer()

    assert seen == [("one", 1), ("two", 1), ("three", 1)]
    await until(lambda: world.bot(TOKEN).updates == [])


async def test_chats_and_clicks_have_queues_of_their_own(world: World, hook: HookBot) -> None:
    """Messages of other chats and button presses pass a chat that is not answered; its own messages do not."""
    alice, bob = world.person("Alice"), world.person("Bob")
    team = world.group("Team", members=[alice, bob])
    markup = json.dumps({"inline_keyboard": [[{"text": "A", "callback_data": "a"}]]})
    await world.call(TOKEN, "sendMessage", {"chat_id": alice.id, "text": "menu", "reply_markup": markup})

    alice.send("stalled")
    alice.send("behind")
    bob.send("beside")
    bob.send("group", to=team)
    alice.send("behind bob", to=team)
    _ = alice.click("A")
    await until(lambda: len(hook.open) == 4)

    assert hook.arrived[3].update["callback_query"]["data"] == "a"
    assert hook.texts() == ["stalled", "beside", "group"]


async def test_a_failed_delivery_is_repeated_until_it_is_taken(
    world: World, hook: HookBot, sender: WebhookSender
) -> None:
    """The same update comes again after any answer but 2xx, and what follows it waits; the error is on record."""
    alice = world.person("Alice")
    alice.send("one")
    alice.send("two")

    for status in (500, 302, 204):
        (await hook.next()).answer(status)
    (await hook.next()).answer()
    await until(lambda: world.bot(TOKEN).updates == [])
    info = (await world.call(TOKEN, "getWebhookInfo", {})).body["result"]

    assert hook.texts() == ["one", "one", "one", "two"]
    assert [attempt.status for attempt in sender.attempts] == [500, 302, 204, 200]
    assert info["last_error_message"] == "Wrong response from the webhook: 302"


async def test_the_delay_between_attempts_doubles_up_to_a_limit() -> None:
    """A bot that is down is tried again after 1, 2, 4 ... seconds, at most a minute."""
    assert list(itertools.islice(retry_delays(1, 60), 8)) == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_a_bot_that_does_not_answer_in_time_has_failed(world: World, hook: HookBot) -> None:
    """A request without an answer is given up after the timeout and comes again."""
    async with WebhookSender(world, timeout=0.05, first_delay=0.01) as impatient:
        world.person("Alice").send("hi")
        await until(lambda: len(impatient.attempts) >= 2)

    assert impatient.attempts[0].error == "no answer within 0.05 s"


async def test_at_most_max_connections_requests_are_open(world: World, hook: HookBot) -> None:
    """With more chats than connections the rest waits for a free one."""
    await world.call(TOKEN, "setWebhook", {"url": hook.url, "max_connections": 2})
    for name in "abcdef":
        world.person(name).send(name)

    most = 0
    for _ in range(6):
        delivery = await hook.next()
        most = max(most, len(hook.open))
        delivery.answer()
    await until(lambda: world.bot(TOKEN).updates == [])

    assert most <= 2
    assert sorted(hook.texts()) == list("abcdef")


async def test_the_secret_and_the_whole_address_reach_the_bot(world: World, hook: HookBot) -> None:
    """The secret token is sent in its header."""
    await world.call(TOKEN, "setWebhook", {"url": hook.url, "secret_token": "s3cret"})

    world.person("Alice").send("hi")

    assert (await hook.next()).headers["x-telegram-bot-api-secret-token"] == "s3cret"


async def test_a_call_in_the_answer_is_executed(world: World, hook: HookBot) -> None:
    """A bot may answer a delivery with the API call it wants made."""
    alice = world.person("Alice")
    alice.send("hi")

    call = {"method": "sendMessage", "chat_id": alice.id, "text": "from the answer"}
    (await hook.next()).answer(200, json.dumps(call).encode())

    await alice.expect("^from the answer$")


@pytest.mark.parametrize("body", [b"ok", b"[]", b'{"method": 5}', b'{"method": "noSuchMethod"}'])
async def test_an_answer_that_is_no_call_is_only_an_answer(world: World, hook: HookBot, body: bytes) -> None:
    """Whatever else a 2xx answer says, the update counts as delivered and the queue goes on."""
    alice = world.person("Alice")
    alice.send("one")
    alice.send("two")

    (await hook.next()).answer(200, body)
    await until(lambda: len(hook.arrived) == 2)

    assert hook.texts() == ["one", "two"]


async def test_what_was_queued_before_comes_once_when_the_webhook_is_set(world: World, hook: HookBot) -> None:
    """Setting a webhook delivers what is pending, and setting it again does not deliver it twice."""
    await world.call(TOKEN, "deleteWebhook", {})
    alice = world.person("Alice")
    alice.send("one")
    alice.send("two")

    await world.call(TOKEN, "setWebhook", {"url": hook.url})
    await world.call(TOKEN, "setWebhook", {"url": hook.url})
    (await hook.next()).answer()
    await until(lambda: len(hook.arrived) == 2)
    (await hook.next()).answer()
    await until(lambda: world.bot(TOKEN).updates == [])

    assert hook.texts() == ["one", "two"]


async def test_an_injected_duplicate_is_delivered_twice(world: World, hook: HookBot) -> None:
    """A duplicate is a delivery of its own with the same update id."""
    world.faults.add("message", duplicate=True)
    world.person("Alice").send("hi")

    (await hook.next()).answer()
    await until(lambda: len(hook.arrived) == 2)
    (await hook.next()).answer()

    assert hook.arrived[0].update == hook.arrived[1].update


async def test_dropped_updates_are_not_delivered(world: World, hook: HookBot) -> None:
    """What drop_pending_updates threw away stays away, even if it was waiting in a queue."""
    alice = world.person("Alice")
    alice.send("one")
    alice.send("two")
    delivery = await hook.next()

    await world.call(TOKEN, "setWebhook", {"url": hook.url, "drop_pending_updates": True})
    delivery.answer()
    alice.send("three")
    await until(lambda: len(hook.arrived) == 2)

    assert hook.texts() == ["one", "three"]


async def test_a_webhook_elsewhere_is_never_called(world: World, sender: WebhookSender) -> None:
    """A URL of another machine fails with a sentence that says what is possible."""
    await world.call(TOKEN, "setWebhook", {"url": "https://example.com/hook"})

    world.person("Alice").send("hi")
    await until(lambda: sender.attempts)

    assert "delivers only to this machine" in sender.attempts[0].error
    await world.call(TOKEN, "deleteWebhook", {})


async def test_a_stopped_sender_leaves_the_updates_queued(world: World) -> None:
    """Updates of a bot that was down are still there when the sender ends."""
    async with WebhookSender(world) as sender:
        await world.call(TOKEN, "setWebhook", {"url": "http://127.0.0.1:9/hook"})
        world.person("Alice").send("hi")
        await until(lambda: sender.attempts)

    assert sender.running() == []
    assert len(world.bot(TOKEN).updates) == 1


@pytest.mark.parametrize(
    ("update", "queue"),
    [
        ({"update_id": 1, "message": {"chat": {"id": 5}, "from": {"id": 7}}}, ("message", 5)),
        ({"update_id": 1, "edited_message": {"chat": {"id": 5}}}, ("message", 5)),
        ({"callback_query": {"from": {"id": 7}}, "update_id": 1}, ("callback_query", 7)),
        ({"update_id": 1, "poll_answer": {"user": {"id": 7}}}, ("poll_answer", 7)),
        ({"update_id": 1, "poll": {"id": "x"}}, ("poll", 0)),
        ({"update_id": 1, "chat_boost": {"chat": {"id": 5}}}, ("chat_boost", 5)),
    ],
)
async def test_the_queue_of_an_update(update: Any, queue: tuple[str, int]) -> None:
    """Messages queue by chat, everything else by kind and user."""
    assert queue_of(update) == queue
