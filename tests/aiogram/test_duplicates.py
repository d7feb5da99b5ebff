"""An update that Telegram delivers again."""

from __future__ import annotations

import pytest
from aiogram.filters import Command
from aiogram.types import Message

from aiostep import ask
from tests.aiogram.bots import echo, three_questions
from tests.aiogram.stage import Stage, until

pytestmark = pytest.mark.anyio


async def test_an_update_delivered_twice_is_one_answer(stage: Stage) -> None:
    """T10: the same update again at once is acknowledged and changes nothing."""
    dp, answers = three_questions(stage)
    alice = stage.world.person("Alice")

    async with stage.run(dp):
        stage.world.faults.add("message", duplicate=True, times=2)
        alice.send("/start")
        await alice.expect("q1")
        alice.send("Ann")
        await alice.expect("q2")
        alice.send("33")
        alice.send("Rome")
        await alice.expect("^done Ann,33,Rome$")
        await alice.expect_nothing()

    assert answers == ["Ann", "33", "Rome"]
    assert alice.seen().count("test_bot: q1?") == 1


async def test_an_old_update_delivered_again_is_no_answer(local: Stage) -> None:
    """T10: a command or an answer that comes again during a later question changes nothing."""
    dp, answers = three_questions(local)
    alice = local.world.person("Alice")

    async with local.run(dp):
        alice.send("/start")
        await alice.expect("q1")
        alice.send("Ann")
        await alice.expect("q2")
        for update in list(local.account.history):
            local.world.redeliver(local.account, update["update_id"])
        alice.send("33")
        alice.send("Rome")
        await alice.expect("^done Ann,33,Rome$")

    assert answers == ["Ann", "33", "Rome"]


async def test_an_update_whose_handler_raised_is_handled_again(local: Stage) -> None:
    """T10: an update that no handler could handle is no duplicate when Telegram delivers it again."""
    dp, tries = local.dispatcher(), []

    @dp.message()
    async def fails_first(message: Message) -> None:
        tries.append(message.text)
        if len(tries) == 1:
            raise LookupError("on purpose")
        await message.answer("handled")

    alice = local.world.person("Alice")
    async with local.run(dp):
        alice.send("pay")
        await until(lambda: local.errors)
        local.world.redeliver(local.account, local.account.history[-1]["update_id"])
        await alice.expect("^handled$")

    assert tries == ["pay", "pay"]
    assert isinstance(local.errors.pop(), LookupError)


async def test_an_older_update_that_comes_late_is_no_answer(local: Stage) -> None:
    """T10: what a person wrote before the command that began a conversation does not answer its questions."""
    dp = local.dispatcher()

    @dp.message(Command("start"))
    async def start(message: Message) -> None:
        await message.answer(f"hello {await ask('name?', str)}")

    echo(dp)
    alice = local.world.person("Alice")
    async with local.run(dp):
        local.account.next_update = 2000
        alice.send("/start")
        await alice.expect("name")
        local.account.next_update = 1999
        alice.send("late")
        await alice.expect("^other:late$")
        local.account.next_update = 2001
        alice.send("Ann")
        await alice.expect("^hello Ann$")
