"""Injected failures."""

from __future__ import annotations

import asyncio

import pytest

from aiostep_testing import Dropped, FaultPlan, World

from .conftest import Api

pytestmark = pytest.mark.anyio


async def test_a_fault_happens_as_often_as_planned(world: World, api: Api) -> None:
    """Two failures of one method, then it works; other methods are not touched."""
    alice = world.person("Alice")
    world.faults.add("sendMessage", status=429, times=2, retry_after=3)
    await api("sendChatAction", chat_id=alice.id, action="typing")
    replies = [await world.call("42:TEST", "sendMessage", {"chat_id": alice.id, "text": "x"}) for _ in range(3)]

    assert [r.status for r in replies] == [429, 429, 200]
    assert replies[0].body["parameters"] == {"retry_after": 3}
    assert replies[0].body["description"] == "Too Many Requests: retry after 3"
    assert alice.seen() == ["(typing)", "test_bot: x"]


async def test_drop_does_not_execute_and_lost_does(world: World, api: Api) -> None:
    """Both cut the connection; only after lost= the message is there."""
    alice = world.person("Alice")
    world.faults.add("send*", drop=True)
    world.faults.add("sendMessage", lost=True)
    for text in ("dropped", "lost"):
        with pytest.raises(Dropped):
            await api("sendMessage", chat_id=alice.id, text=text)

    assert alice.seen() == ["test_bot: lost"]
    assert [call.status for call in world.calls] == [0, 0]


async def test_delay_holds_the_call_back(world: World, api: Api) -> None:
    """The call is executed after the delay and not before."""
    alice = world.person("Alice")
    world.faults.add("sendMessage", delay=0.02)
    task = asyncio.create_task(api("sendMessage", chat_id=alice.id, text="late"))
    await asyncio.sleep(0)
    before = alice.seen()
    await alice.expect("late")
    await task

    assert before == []


async def test_when_chooses_the_calls(world: World, api: Api) -> None:
    """A predicate sees the decoded parameters."""
    alice, bob = world.person("Alice"), world.person("Bob")
    world.faults.add("sendMessage", status=403, when=lambda params: params["chat_id"] == bob.id)
    await api("sendMessage", chat_id=alice.id, text="x")

    assert (await api.refused("sendMessage", chat_id=bob.id, text="x"))[0] == 403


async def test_an_update_can_be_duplicated_and_redelivered(world: World, api: Api) -> None:
    """The same update_id is queued again, at once or later."""
    alice = world.person("Alice")
    world.faults.add("message", duplicate=True)
    alice.send("twice")
    world.redeliver(api.bot, 1000)
    alice.send("once")

    assert [u["update_id"] for u in await api("getUpdates")] == [1000, 1000, 1000, 1001]
    world.confirm(api.bot, 1000)
    assert [u["update_id"] for u in api.bot.updates] == [1000, 1000, 1001]
    with pytest.raises(LookupError, match="no update 5"):
        world.redeliver(api.bot, 5)


def test_a_fault_that_does_nothing_is_refused() -> None:
    """A plan without an effect is a mistake in the test."""
    with pytest.raises(ValueError, match="does nothing"):
        FaultPlan().add("sendMessage")


async def test_cleared_faults_do_not_happen(world: World, api: Api) -> None:
    """clear() takes back what has not happened yet."""
    world.faults.add(status=500)
    world.faults.clear()

    assert (await api("getMe"))["id"] == 42
