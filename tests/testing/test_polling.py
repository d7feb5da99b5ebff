"""getUpdates and the webhook settings."""

from __future__ import annotations

import asyncio

import pytest

from aiostep_testing import ManualClock, World

from .conftest import Api

pytestmark = pytest.mark.anyio


async def poll(world: World, token: str = "42:TEST", **params: object) -> tuple[int, dict[str, object]]:
    return await asyncio.wait_for(world.call(token, "getUpdates", params), 5)


async def waiting(api: Api) -> None:
    """Let the loop run until a long poll is waiting."""
    while api.bot.poll is None:
        await asyncio.sleep(0)


async def test_an_offset_confirms_what_is_below(world: World, api: Api) -> None:
    """Updates stay queued until a poll with a higher offset."""
    alice = world.person("Alice")
    for text in "abc":
        alice.send(text)
    first = await api("getUpdates")
    again = await api("getUpdates")
    rest = await api("getUpdates", offset=first[1]["update_id"])

    assert first == again
    assert [u["message"]["text"] for u in rest] == ["b", "c"]
    assert [u["message"]["text"] for u in api.bot.updates] == ["b", "c"]


async def test_a_negative_offset_keeps_the_last_updates(world: World, api: Api) -> None:
    """offset=-1 forgets everything but the newest update."""
    alice = world.person("Alice")
    for text in "abc":
        alice.send(text)

    assert [u["message"]["text"] for u in await api("getUpdates", offset=-1)] == ["c"]
    assert len(api.bot.updates) == 1


@pytest.mark.parametrize(("limit", "count"), [(2, 2), (0, 1), (1000, 100)])
async def test_the_limit_is_clamped(world: World, api: Api, limit: int, count: int) -> None:
    """At least one and at most a hundred updates are answered."""
    alice = world.person("Alice")
    for number in range(120):
        alice.send(str(number))

    assert len(await api("getUpdates", limit=limit)) == count


async def test_strings_are_read_as_numbers(world: World, api: Api) -> None:
    """A form or query string carries numbers and lists as text."""
    world.person("Alice").send("a")
    status, body = await poll(world, offset="0", limit="1", timeout="0", allowed_updates='["message"]')

    assert status == 200
    assert len(body["result"]) == 1  # type: ignore[arg-type]
    assert api.bot.allowed == {"message"}


async def test_a_long_poll_ends_with_the_first_update(world: World, api: Api) -> None:
    """A pending poll is answered as soon as somebody writes, with the whole burst."""
    alice = world.person("Alice")
    task = asyncio.create_task(poll(world, timeout=50))
    await waiting(api)
    alice.send("a")
    alice.send("b")
    _, body = await task

    assert [u["message"]["text"] for u in body["result"]] == ["a", "b"]  # type: ignore[attr-defined]


async def test_a_long_poll_ends_after_its_timeout() -> None:
    """Nobody writes: the answer is an empty list, after poll_cap at the latest."""
    world = World(poll_cap=0.01)
    world.bot()

    assert await poll(world, timeout=50) == (200, {"ok": True, "result": []})


async def test_release_polls_answers_at_once(world: World, api: Api) -> None:
    """release_polls() lets a bot that was told to stop leave its long poll."""
    task = asyncio.create_task(poll(world, timeout=50))
    await waiting(api)
    world.release_polls()

    assert await task == (200, {"ok": True, "result": []})


async def test_the_older_poll_is_refused(world: World, api: Api) -> None:
    """A second long poll makes the first one end with 409, and waits itself."""
    older = asyncio.create_task(poll(world, timeout=50))
    await waiting(api)
    first = api.bot.poll
    newer = asyncio.create_task(poll(world, timeout=50))
    status, body = await older
    while api.bot.poll is None or api.bot.poll is first:
        await asyncio.sleep(0)
    world.person("Alice").send("a")

    assert status == 409
    assert body["description"] == (
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    )
    assert (await newer)[0] == 200


async def test_allowed_updates_persist_and_empty_means_default(world: World, api: Api) -> None:
    """The list holds until another is given; an empty one is Telegram's default set."""
    alice = world.person("Alice")
    group = world.group("G", members=[alice])
    await api("getUpdates", allowed_updates=["message"])
    await api("getUpdates")
    alice.edit(alice.send("a", to=group), "b")
    only_messages = api.kinds()
    await api("getUpdates", allowed_updates=[])
    alice.react(alice.send("c", to=group), "👍")
    alice.leave(group)
    alice.edit(alice.send("d", to=group), "e")

    assert only_messages == ["message"]
    # leaving is a service message; chat_member and message_reaction are not in the default set
    assert api.kinds()[1:] == ["message", "message", "message", "edited_message"]


async def test_update_ids_are_counted_per_bot(world: World, api: Api) -> None:
    """Two bots of one group each count their own updates."""
    other = world.bot("43:OTHER")
    alice = world.person("Alice")
    alice.send("for the first only")
    alice.send("for both", to=world.group("G"))

    assert [u["update_id"] for u in api.bot.history] == [1000, 1001]
    assert [u["update_id"] for u in other.history] == [1000]


async def test_strict_polling_slows_a_poller_without_memory(clock: ManualClock) -> None:
    """The same offset again within half a second gets one update at a time."""
    world = World(clock=clock, strict_polling=True, poll_cap=0.01)
    world.bot()
    alice = world.person("Alice")
    alice.send("a")
    alice.send("b")
    _, first = await poll(world, offset=1000)
    _, second = await poll(world, offset=1000)
    clock.advance(1)
    _, third = await poll(world, offset=1000)

    assert [len(body["result"]) for body in (first, second, third)] == [2, 1, 2]  # type: ignore[arg-type]


async def test_strict_polling_makes_a_short_poll_wait(clock: ManualClock) -> None:
    """The same offset again within three seconds is a long poll, whatever timeout it asks for."""
    world = World(clock=clock, strict_polling=True)
    api = Api(world, world.bot())
    first = await poll(world, offset=0, timeout=0)
    task = asyncio.create_task(poll(world, offset=0, timeout=0))
    while api.bot.poll is None and not task.done():
        await asyncio.sleep(0)
    world.person("Alice").send("a")

    assert first == (200, {"ok": True, "result": []})
    assert len((await task)[1]["result"]) == 1  # type: ignore[arg-type]


async def test_polling_and_a_webhook_exclude_each_other(world: World, api: Api) -> None:
    """While a webhook is set polls are refused, also the one that is waiting."""
    pending = asyncio.create_task(poll(world, timeout=50))
    await waiting(api)
    await api("setWebhook", url="http://127.0.0.1:1/hook", secret_token="s", allowed_updates=["message"])
    status, body = await pending
    refused = await api.refused("getUpdates")
    info = await api("getWebhookInfo")
    await api("deleteWebhook")

    assert (status, body["description"]) == (409, "Conflict: terminated by setWebhook request")
    assert refused == (
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    )
    assert (info["url"], info["pending_update_count"]) == ("http://127.0.0.1:1/hook", 0)
    assert info["allowed_updates"] == ["message"]
    assert await api("getUpdates") == []


async def test_setting_a_webhook_hands_over_what_is_queued(world: World, api: Api) -> None:
    """Updates from before reach the deliveries; confirm() takes them off the queue."""
    world.person("Alice").send("early")
    got: list[int] = []
    remove = world.add_delivery(lambda bot, update: got.append(update["update_id"]))
    await api("setWebhook", url="https://example.org/")
    world.confirm(api.bot, got[0])
    remove()
    world.person("Bob").send("later")

    assert got == [1000]
    assert [u["update_id"] for u in api.bot.updates] == [1001]


async def test_pending_updates_can_be_dropped(world: World, api: Api) -> None:
    """drop_pending_updates empties the queue."""
    world.person("Alice").send("a")
    await api("deleteWebhook", drop_pending_updates="true")

    assert api.bot.updates == []


async def test_a_cancelled_poll_leaves_nothing_behind(world: World, api: Api) -> None:
    """A client that went away does not refuse the next poll."""
    task = asyncio.create_task(poll(world, timeout=50))
    await waiting(api)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert api.bot.poll is None
