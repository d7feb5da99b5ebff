"""Those who will never answer: blocked, gone, removed, moved, out of reach."""

from __future__ import annotations

import asyncio

import pytest
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.filters import Command
from aiogram.types import Message

from aiostep import (
    wait_for,
)
from tests.aiogram.bots import echo, reporter, waiting
from tests.aiogram.stage import Stage, until

pytestmark = pytest.mark.anyio


async def test_the_user_blocks_the_bot(stage: Stage) -> None:
    """T56: somebody who blocks the bot will not answer; the wait ends with "blocked"."""
    dp, ends = reporter(stage)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage)
        alice.block()
        await until(lambda: len(ends) == 2)

    assert ends == ["blocked", "exit blocked"]


async def test_the_user_leaves_the_group(stage: Stage) -> None:
    """T56: somebody who leaves the group will not answer there; others' conversations go on."""
    dp, ends = reporter(stage)
    alice, bob = stage.world.person("Alice"), stage.world.person("Bob")
    group = stage.world.group("G", members=[alice, bob])
    async with stage.run(dp):
        for person in (alice, bob):
            person.send("/start", to=group)
            await person.expect("name", in_=group)
        await waiting(stage, 2)
        alice.leave(group)
        await until(lambda: len(ends) == 2)
        await waiting(stage, 1)
        bob.send("Bob", to=group)
        await until(lambda: len(ends) == 3)

    assert ends == ["left", "exit left", "exit finished"]


async def test_an_administrator_removes_the_user(stage: Stage) -> None:
    """T56: it is the one who was removed who will not answer, not the administrator who did it."""
    dp, ends = reporter(stage)
    alice, boss = stage.world.person("Alice"), stage.world.person("Boss")
    group = stage.world.group("G", members=[alice, boss])
    async with stage.run(dp):
        alice.send("/start", to=group)
        await alice.expect("name", in_=group)
        await waiting(stage)
        stage.world.deliver(group, group.add({"from": boss.user}, {"left_chat_member": alice.user}))
        await until(lambda: len(ends) == 2)

    assert ends == ["left", "exit left"]


async def test_the_bot_is_removed_from_the_group(stage: Stage) -> None:
    """T56: a bot that was removed gets no answers; all conversations in that group end with "left"."""
    dp, ends = reporter(stage)
    alice, boss = stage.world.person("Alice"), stage.world.person("Boss")
    group = stage.world.group("G", members=[alice, boss])
    async with stage.run(dp):
        alice.send("/start", to=group)
        await alice.expect("name", in_=group)
        alice.send("/start")
        await alice.expect("name")
        await waiting(stage, 2)
        group.remove_bot(stage.account, by=boss)
        await until(lambda: len(ends) == 2)
        await waiting(stage, 1)
        alice.send("Ann")
        await until(lambda: len(ends) == 3)

    assert ends == ["left", "exit left", "exit finished"]


async def test_the_group_becomes_a_supergroup(stage: Stage) -> None:
    """T56: a group that gets a new id ends its conversations with "migrated"."""
    dp, ends = reporter(stage)
    alice = stage.world.person("Alice")
    group = stage.world.group("G", members=[alice], basic=True)
    async with stage.run(dp):
        alice.send("/start", to=group)
        await alice.expect("name", in_=group)
        await waiting(stage)
        group.migrate()
        await until(lambda: len(ends) == 2)

    assert ends == ["migrated", "exit migrated"]


async def test_a_prompt_that_cannot_be_sent(stage: Stage) -> None:
    """T23: a prompt that is refused leaves no wait; a block counts as such, any other error is aiogram's own."""
    dp, ends = reporter(stage)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        stage.world.faults.add("sendMessage", status=403)
        alice.send("/start")
        await until(lambda: len(ends) == 2)
        stage.world.faults.add("sendMessage", status=400)
        alice.send("/start")
        await until(lambda: len(ends) == 4)
        alice.send("hi")
        await alice.expect("^other:hi$")

    assert ends == ["blocked", "exit blocked", "TelegramBadRequest", "exit error"]
    error = stage.errors.pop()
    assert isinstance(error, TelegramBadRequest)
    assert not isinstance(error, TelegramForbiddenError)


async def test_a_cancelled_task_leaves_no_wait(stage: Stage) -> None:
    """T22: a task that is cancelled while it waits leaves nothing; the next message goes to ordinary handlers."""
    dp, tasks = stage.dispatcher(), []

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        tasks.append(asyncio.ensure_future(wait_for()))
        await asyncio.wait(tasks)
        await message.answer("cancelled")

    echo(dp)
    alice = stage.world.person("Alice")
    async with stage.run(dp):
        alice.send("/start")
        await waiting(stage)
        tasks[0].cancel()
        await alice.expect("^cancelled$")
        alice.send("hi")
        await alice.expect("^other:hi$")

    assert tasks[0].cancelled()
